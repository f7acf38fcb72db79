"""Two clouds of points: could they have been drawn from one distribution? The maximum mean discrepancy and a test on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aecourse import require
from aecourse.models.discrepancy import inverse_multiquadratic, mmd, rbf, squared_distances

__all__ = [
    "TwoSampleTest",
    "inverse_multiquadratic",
    "median_distance",
    "mmd",
    "mmd_of_gaussians",
    "rbf",
    "two_sample_test",
]


def mmd_of_gaussians(mean_x, variance_x: float, mean_y, variance_y: float, width: float) -> float:
    """The exact squared discrepancy of N(mean_x, variance_x I) and N(mean_y, variance_y I) under `rbf(width)`.

    means [D], as sequences or tensors. The average of the kernel over two Gaussian points is a Gaussian integral:
    E k(x, y) = (w^2 / (w^2 + s^2))^(D/2) exp(-|m|^2 / (2 (w^2 + s^2))), with m the difference of the means and s^2 the
    sum of the variances.
    """
    mean_x, mean_y = (torch.as_tensor(m, dtype=torch.float64).flatten() for m in (mean_x, mean_y))
    if len(mean_x) != len(mean_y) or not len(mean_x):
        raise ValueError(
            f"mean_y: got {len(mean_y)} numbers beside {len(mean_x)} of mean_x; accepted are as many, at least 1"
        )
    width = require.number("width", width, low=0, above=True)
    v_x = require.number("variance_x", variance_x, low=0)
    v_y = require.number("variance_y", variance_y, low=0)
    apart = (mean_x - mean_y).square().sum().item()

    def average(total: float, apart: float) -> float:
        wide = width**2 + total
        return (width**2 / wide) ** (len(mean_x) / 2) * math.exp(-apart / (2 * wide))

    return average(2 * v_x, 0) + average(2 * v_y, 0) - 2 * average(v_x + v_y, apart)


def median_distance(points: Tensor) -> float:
    """The median distance between two different points [N, D]: the usual width of the kernel.

    Where more than half of the pairs coincide, those that lie apart are asked; 1 where none does.
    """
    _cloud("points", points)
    distances = torch.nn.functional.pdist(points.detach().double().cpu())
    apart = distances[distances > 0]
    return distances.median().item() or (apart.median().item() if len(apart) else 1.0)


@dataclass(frozen=True)
class TwoSampleTest:
    """What a test found. discrepancy: the squared MMD. p: the share of shuffles, the real split included, that are at
    least as far apart. chance: the discrepancies of the shuffles [permutations]."""

    discrepancy: float
    p: float
    chance: Tensor

    def rejects(self, level: float = 0.05) -> bool:
        """Whether the test calls the two clouds different, with a false alarm in at most `level` of all cases."""
        return self.p <= require.number("level", level, low=0, high=1)


def two_sample_test(
    x: Tensor, y: Tensor, *, kernel=None, permutations: int = 200, seed: int = 0
) -> TwoSampleTest:
    """A permutation test of whether x [N, D] and y [M, D] are drawn from one distribution (Gretton et al. 2012).

    kernel        a function of squared distances; None is `rbf` with the median distance between all points
    permutations  how often the points are shuffled and split again: p is at least 1 / (permutations + 1)
    seed          of the shuffles

    If both clouds come from one distribution, the real split is one of many alike, so p <= 0.05 happens in at most one of
    20 cases. A large p is no proof: with few points, small differences are not seen.
    """
    _cloud("x", x)
    _cloud("y", y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"y: got {y.shape[1]} numbers per point; accepted are {x.shape[1]}, as in x"
        )
    permutations = require.integer("permutations", permutations)
    points = torch.cat([x, y]).detach().double().cpu()
    if kernel is None:
        kernel = rbf(median_distance(points))
    if not callable(kernel):
        raise TypeError(
            f"kernel: got {require.described(kernel)}; accepted is a function of squared distances, or None"
        )
    pairs = torch.as_tensor(kernel(squared_distances(points, points))).fill_diagonal_(0)
    generator = torch.Generator().manual_seed(require.integer("seed", seed, low=0))
    splits = torch.stack(
        [torch.arange(len(points))]
        + [torch.randperm(len(points), generator=generator) for _ in range(permutations)]
    )
    found = _splits_apart(pairs, splits, len(x))
    rounding = 1e-12 * pairs.abs().max()
    p = (found >= found[0] - rounding).double().mean().item()
    return TwoSampleTest(found[0].item(), p, found[1:])


def _splits_apart(pairs: Tensor, splits: Tensor, n: int) -> Tensor:
    """The unbiased squared MMD of each split [S, N + M], whose first `n` places are x: [S]. pairs: kernel, diagonal 0."""
    m = splits.shape[1] - n
    in_x = torch.zeros(splits.shape, dtype=pairs.dtype).scatter_(1, splits[:, :n], 1.0)
    to_x = in_x @ pairs  # [S, N + M], each point's kernel with all of x
    to_y = pairs.sum(0) - to_x
    xx, xy = (to_x * in_x).sum(1), (to_y * in_x).sum(1)
    yy = (to_y * (1 - in_x)).sum(1)
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)


def _cloud(name: str, points) -> None:
    if (
        not isinstance(points, Tensor)
        or points.dim() != 2
        or len(points) < 2
        or not points.is_floating_point()
    ):
        raise ValueError(
            f"{name}: got {require.described(points)}; accepted is a floating-point tensor [N, D] with N of at least 2"
        )
    if not points.isfinite().all():
        raise ValueError(
            f"{name}: got entries that are nan or infinite; accepted are finite numbers"
        )
