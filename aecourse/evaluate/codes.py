"""Measures of codes: what points in the latent space keep of the images they stand for."""

from __future__ import annotations

import numpy as np
import torch
from sklearn import manifold
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, gaussian, measuring


def codes(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """One point per image: codes, or means of q(z|x). x [N, C, H, W] -> [N, latent_dim] on the CPU."""
    fitting(model, x, "code(x)", spoiled=True)
    parts = x.split(require.integer("batch_size", batch_size))
    with measuring(model, 0) as device:
        return torch.cat([model.code(part.to(device)).cpu() for part in parts])


def active_units(model, x: Tensor, threshold: float = 0.01) -> int:
    """How many latents move: the variance over images of E_q[z_j|x] is above `threshold`.

    Source: Burda, Grosse & Salakhutdinov 2016, section 5.2.
    """
    if len(fitting(model, x, "code(x)", spoiled=True)) < 2:
        raise ValueError("x: got 1 image; accepted are 2 or more, since a variance is asked for")
    if hasattr(model, "posterior"):
        with measuring(model, 0) as device:
            gaussian(model, x[:1].to(device))  # whose mean is the code
    return int((codes(model, x).var(0) > require.number("threshold", threshold, low=0)).sum())


def knn_accuracy(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 5
) -> float:
    """The share of test points whose `k` nearest training points vote for their label; inputs [N, D] or images."""
    k = require.integer("k", k)
    train, test = _points("train", train), _points("test", test)
    if k > len(train):
        raise ValueError(
            f"k: got {k}; accepted is at most {len(train)}, the number of training points"
        )
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            f"test: got {test.shape[1]} numbers per point; accepted are {train.shape[1]}, as in train"
        )
    if len(train) != len(train_labels) or len(test) != len(test_labels):
        raise ValueError(
            f"train_labels, test_labels: got {len(train_labels)} and {len(test_labels)}; "
            f"accepted are {len(train)} and {len(test)}, one for each point"
        )
    classifier = KNeighborsClassifier(k).fit(train.numpy(), _labels("train_labels", train_labels))
    return float(classifier.score(test.numpy(), _labels("test_labels", test_labels)))


def _points(name: str, value) -> Tensor:
    """`value` [N, ...] as finite floating-point points [N, D] on the processor, that NumPy can take."""
    if not isinstance(value, Tensor) or value.dim() < 2 or not len(value):
        raise ValueError(
            f"{name}: got {require.described(value)}; accepted is a tensor [N, ...] with N of at least 1"
        )
    value = value.detach().flatten(1).cpu()
    value = value if value.dtype in (torch.float32, torch.float64) else value.float()
    if not value.isfinite().all():
        raise ValueError(
            f"{name}: got entries that are nan or infinite; accepted are finite numbers"
        )
    return value


def _labels(name: str, value) -> np.ndarray:
    if not isinstance(value, Tensor) or value.dim() != 1 or value.is_floating_point():
        raise ValueError(
            f"{name}: got {require.described(value)}; accepted is a tensor of classes [N]"
        )
    return value.cpu().numpy()


def neighbour_accuracy(points: Tensor, labels: Tensor, k: int = 5) -> float:
    """The share of points whose `k` nearest others vote for their label; points [N, D] or images [N, ...], N above k.

    Leave-one-out: no point votes for itself. It serves pictures that have no room for new points, as those of t-SNE.
    labels: int64 [N], 0 or more; where votes are equal, the smallest label wins.
    """
    k = require.integer("k", k)
    points = _points("points", points)
    whole = isinstance(labels, Tensor) and labels.dtype == torch.int64
    if not whole or labels.dim() != 1 or not len(labels) or labels.min() < 0:
        raise ValueError(
            f"labels: got {require.described(labels)}; accepted is a tensor of classes [N], int64, 0 or more"
        )
    if points.dim() < 2 or len(points) != len(labels) or len(points) <= k:
        raise ValueError(
            f"points: got {require.described(points)} with {len(labels)} labels and k = {k}; accepted are [N, D] and N "
            "labels, N above k"
        )
    distances = torch.cdist(points.double(), points.double())
    nearest = distances.fill_diagonal_(float("inf")).topk(k, largest=False).indices
    votes = torch.nn.functional.one_hot(labels.cpu()[nearest]).sum(1)
    return (votes.argmax(1) == labels).float().mean().item()


def trustworthiness(points: Tensor, picture: Tensor, k: int = 10) -> float:
    """Are neighbours in the picture neighbours in truth? points [N, ...], picture [N, ...] -> 1 at best, near 1/2 by chance.

    Each of the `k` nearest in the picture costs the number of ranks by which it lies outside the `k` nearest of `points`
    (Venna & Kaski 2001, as scikit-learn computes it). 2 k must be below N.
    """
    return float(manifold.trustworthiness(*_pair(points, picture, k), n_neighbors=k))


def continuity(points: Tensor, picture: Tensor, k: int = 10) -> float:
    """Are neighbours in truth still neighbours in the picture? The same measure with the roles exchanged."""
    far, near = _pair(points, picture, k)
    return float(manifold.trustworthiness(near, far, n_neighbors=k))


def _pair(points: Tensor, picture: Tensor, k: int):
    """Both as arrays [N, D] of finite numbers, with enough points for k neighbours."""
    k = require.integer("k", k)
    if points.dim() < 2 or picture.dim() < 2 or len(points) != len(picture):
        raise ValueError(
            f"picture: got {require.described(picture)} of {require.described(points)}; accepted is one place for each point"
        )
    for name, value in (("points", points), ("picture", picture)):
        if not torch.isfinite(value).all():
            raise ValueError(
                f"{name}: got entries that are nan or infinite; accepted are finite numbers"
            )
    if 2 * k >= len(points):
        raise ValueError(
            f"k: got {k} for {len(points)} points; accepted is less than half their number"
        )
    return points.detach().cpu().double().flatten(
        1
    ).numpy(), picture.detach().cpu().double().flatten(1).numpy()
