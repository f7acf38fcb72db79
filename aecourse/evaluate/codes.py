"""Measures of codes: what points in the latent space keep of the images they stand for."""
from __future__ import annotations

import torch
from sklearn import manifold
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from aecourse import _arguments as check
from aecourse.evaluate.measuring import fitting, gaussian, measuring


def codes(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """One point per image: codes, or means of q(z|x). x [N, C, H, W] -> [N, latent_dim] on the CPU."""
    fitting(model, x, "code(x)", spoiled=True)
    parts = x.split(check.integer("batch_size", batch_size))
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
            gaussian(model, x[:1].to(device))                        # whose mean is the code
    return int((codes(model, x).var(0) > check.number("threshold", threshold, low=0)).sum())


def knn_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 5) -> float:
    """The share of test points whose `k` nearest training points vote for their label; inputs [N, D] or images."""
    k = check.integer("k", k)
    if len(train) != len(train_labels) or len(test) != len(test_labels):
        raise ValueError(f"train_labels, test_labels: got {len(train_labels)} and {len(test_labels)}; "
                         f"accepted are {len(train)} and {len(test)}, one for each point")
    classifier = KNeighborsClassifier(k).fit(train.flatten(1).numpy(), train_labels.numpy())
    return float(classifier.score(test.flatten(1).numpy(), test_labels.numpy()))


def neighbour_accuracy(points: Tensor, labels: Tensor, k: int = 5) -> float:
    """The share of points whose `k` nearest others vote for their label; points [N, D] or images [N, ...], N above k.

    Leave-one-out: no point votes for itself. It serves pictures that have no room for new points, as those of t-SNE.
    labels: int64 [N], 0 or more; where votes are equal, the smallest label wins.
    """
    k = check.integer("k", k)
    if points.dim() < 2 or len(points) != len(labels) or len(points) <= k:
        raise ValueError(f"points: got {check.described(points)} with {len(labels)} labels and k = {k}; accepted are [N, D] and N "
                         "labels, N above k")
    distances = torch.cdist(points.flatten(1).double(), points.flatten(1).double())
    nearest = distances.fill_diagonal_(float("inf")).topk(k, largest=False).indices
    votes = torch.nn.functional.one_hot(labels[nearest]).sum(1)
    return (votes.argmax(1) == labels).float().mean().item()


def trustworthiness(points: Tensor, picture: Tensor, k: int = 10) -> float:
    """Are neighbours in the picture neighbours in truth? points [N, ...], picture [N, ...] -> 1 at best, near 1/2 by chance.

    Each of the `k` nearest in the picture costs the number of ranks by which it lies outside the `k` nearest of `points`
    (Venna & Kaski 2001, as scikit-learn computes it). 2 k must be below N.
    """
    return float(manifold.trustworthiness(*_pair(points, picture, k), n_neighbors=k))


def continuity(points: Tensor, picture: Tensor, k: int = 10) -> float:
    """Are neighbours in truth still neighbours in the picture? The same measure with the roles exchanged."""
    points, picture = _pair(points, picture, k)
    return float(manifold.trustworthiness(picture, points, n_neighbors=k))


def _pair(points: Tensor, picture: Tensor, k: int):
    """Both as arrays [N, D] of finite numbers, with enough points for k neighbours."""
    k = check.integer("k", k)
    if points.dim() < 2 or picture.dim() < 2 or len(points) != len(picture):
        raise ValueError(f"picture: got {check.described(picture)} of {check.described(points)}; accepted is one place for each point")
    for name, value in (("points", points), ("picture", picture)):
        if not torch.isfinite(value).all():
            raise ValueError(f"{name}: got entries that are nan or infinite; accepted are finite numbers")
    if 2 * k >= len(points):
        raise ValueError(f"k: got {k} for {len(points)} points; accepted is less than half their number")
    return points.detach().cpu().double().flatten(1).numpy(), picture.detach().cpu().double().flatten(1).numpy()
