"""Measures of pictures: reconstructions and samples beside real images."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, measuring


def reconstruct(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """Images through code and back, without noise: x [N, C, H, W] -> [N, C, H, W] on the CPU."""
    fitting(model, x, "reconstruct(x)", spoiled=True)
    with measuring(model, 0) as device:
        parts = x.split(require.integer("batch_size", batch_size))
        return torch.cat([model.reconstruct(part.to(device)).cpu() for part in parts])


def squared_error(model, x: Tensor) -> Tensor:
    """Squared reconstruction error summed over pixels: x [N, C, H, W] -> [N] (pixel values squared, not nats)."""
    return (reconstruct(model, x) - x.cpu()).square().flatten(1).sum(1)


def _alike(image: Tensor, x: Tensor) -> None:
    floating = image.is_floating_point() and x.is_floating_point()
    if image.shape != x.shape or image.dim() < 2 or not floating:
        raise ValueError(
            f"image: got {require.described(image)} beside {require.described(x)}; "
            "accepted are two floating-point tensors [N, ...] of one shape"
        )


@require.checked(_alike)
def psnr(image: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each `image` against the clean `x`, both [N, ...] in [0, 1]: dB [N].

    10 log10(1 / mean squared error over the pixels of an image); 10 dB more is a tenth of the error.
    """
    return -10 * torch.log10((image - x).square().flatten(1).mean(1))


def nearest_distance(x: Tensor, among: Tensor) -> Tensor:
    """The Euclidean distance from each image of x [N, ...] to the nearest of `among` [M, ...]: [N]; 0 for a copy."""
    floating = x.is_floating_point() and among.is_floating_point()
    if min(x.dim(), among.dim()) < 2 or x.shape[1:] != among.shape[1:] or not len(among):
        raise ValueError(
            f"among: got {require.described(among)} beside x {list(x.shape)}; "
            "accepted is [M, ...] with M of at least 1"
        )
    if not floating or x.dtype != among.dtype:
        raise ValueError(
            f"among: got {require.described(among)} beside x of {str(x.dtype).removeprefix('torch.')}; "
            "accepted are two floating-point tensors of one dtype"
        )
    x, among = x.flatten(1), among.flatten(1)
    found = []
    for part in x.split(1000):
        distance, place = torch.cdist(part, among).min(1)
        near = distance < 0.1 * part.norm(dim=1)  # cdist multiplies out: a copy would lie apart
        found.append(torch.where(near, (part - among[place]).norm(dim=1), distance))
    return torch.cat(found)


def recognised(classifier, x: Tensor, confidence: float = 0.9) -> tuple[float, float]:
    """(share, spread): how many of x [N, C, H, W] a classifier names with at least `confidence`, and how varied they are.

    spread is the entropy in nats of the classes it names, log(classes) at most and 0 where all are the same. Blurred
    averages of several digits leave a classifier undecided, and copies of one digit have no spread, so that neither
    scores well on both (the idea of the Inception score, Salimans et al. 2016, with its two parts kept apart).
    """
    require.number("confidence", confidence, low=0, high=1)
    fitting(classifier, x, "probabilities(x)", spoiled=True)
    with measuring(classifier, 0) as device:
        sure, named = classifier.probabilities(x.to(device)).cpu().max(1)
    shares = named.bincount().float() / len(named)
    return (sure >= confidence).float().mean().item(), -torch.special.xlogy(
        shares, shares
    ).sum().item()
