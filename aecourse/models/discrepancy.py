"""The maximum mean discrepancy: how far apart two clouds of points are, judged by a kernel and by nobody who learns."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import require


def _two_clouds(x: Tensor, y: Tensor, kernel, unbiased: bool) -> None:
    for name, points in (("x", x), ("y", y)):
        if not isinstance(points, Tensor) or points.dim() != 2 or not points.is_floating_point():
            raise ValueError(
                f"{name}: got {require.described(points)}; accepted is a floating-point tensor [N, D]"
            )
        if len(points) < 1 + bool(unbiased):
            raise ValueError(
                f"{name}: got {len(points)} points; accepted are at least {1 + bool(unbiased)}"
            )
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"y: got {y.shape[1]} numbers per point; accepted are {x.shape[1]}, as in x"
        )
    if not callable(kernel):
        raise TypeError(
            f"kernel: got {require.described(kernel)}; accepted is a function of squared distances, e.g. rbf(1.0)"
        )


def rbf(width: float):
    """The Gaussian kernel exp(-d^2 / (2 width^2)), as a function of the squared distance d^2."""
    width = require.number("width", width, low=0, above=True)
    return lambda squared: torch.exp(-squared / (2 * width**2))


def inverse_multiquadratic(scale: float):
    """The kernel sum_s C / (C + d^2) with C = s * scale for s = 0.1, 0.2, 0.5, 1, 2, 5, 10, as a function of d^2.

    Its tails are heavy, so that far codes are still pulled. scale: 2 * latent_dim for codes that shall be N(0, I).
    Source: Tolstikhin et al. 2018, section 4, and their code for the seven sizes.
    """
    scale = require.number("scale", scale, low=0, above=True)
    sizes = [s * scale for s in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)]
    return lambda squared: sum(c / (c + squared) for c in sizes)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """|x_i - y_j|^2 of x [N, D], y [M, D] -> [N, M], with a gradient that is finite where points coincide."""
    return (x[:, None] - y[None]).square().sum(2)


@require.checked(_two_clouds)
def mmd(x: Tensor, y: Tensor, kernel, unbiased: bool = True) -> Tensor:
    """The squared maximum mean discrepancy of x [N, D] and y [M, D]: a scalar, 0 on average where both are drawn alike.

    mean k(x, x') + mean k(y, y') - 2 mean k(x, y). kernel: a function of squared distances, such as `rbf(1.0)`.
    unbiased: leave out the pairs of a point with itself, so that the average is right and single values may be
    negative; False keeps them, which is never negative and too large by about 1/N + 1/M.
    Source: Gretton et al. 2012, equations 3 and 5.
    """
    within = [kernel(squared_distances(points, points)) for points in (x, y)]
    between = kernel(squared_distances(x, y)).mean()
    if not unbiased:
        return within[0].mean() + within[1].mean() - 2 * between
    apart = [(k.sum() - k.diagonal().sum()) / (len(k) * (len(k) - 1)) for k in within]
    return apart[0] + apart[1] - 2 * between
