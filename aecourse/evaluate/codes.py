"""Measures of codes: what points in the latent space keep of the images they stand for."""
from __future__ import annotations

import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from aecourse import _arguments as check
from aecourse.evaluate.measuring import measuring


def codes(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """One point per image: codes, or means of q(z|x). x [N, C, H, W] -> [N, latent_dim] on the CPU."""
    with measuring(model, 0) as device:
        return torch.cat([model.code(part.to(device)).cpu() for part in check.batch("x", x, model.shape).split(batch_size)])


def active_units(model, x: Tensor, threshold: float = 0.01) -> int:
    """How many latents move: the variance over images of E_q[z_j|x] is above `threshold`.

    Source: Burda, Grosse & Salakhutdinov 2016, section 5.2.
    """
    return int((codes(model, x).var(0) > check.number("threshold", threshold, low=0)).sum())


def knn_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 5) -> float:
    """The share of test points whose `k` nearest training points vote for their label; inputs [N, D] or images."""
    k = check.integer("k", k)
    if len(train) != len(train_labels) or len(test) != len(test_labels):
        raise ValueError(f"train_labels, test_labels: got {len(train_labels)} and {len(test_labels)}; "
                         f"accepted are {len(train)} and {len(test)}, one for each point")
    classifier = KNeighborsClassifier(k).fit(train.flatten(1).numpy(), train_labels.numpy())
    return float(classifier.score(test.flatten(1).numpy(), test_labels.numpy()))
