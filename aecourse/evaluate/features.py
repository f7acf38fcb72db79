"""Measures of learned features: how much of one lies in few pixels, and how well a Gabor function describes it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aecourse import require
from aecourse.data import standard


def kurtosis(x: Tensor) -> Tensor:
    """The excess kurtosis of each row's numbers: [N, ...] -> [N]. 0 for a Gaussian, large where few numbers carry the row.

    The mean fourth power of the centred numbers over their squared mean square, minus 3. Not a number for a constant row.
    """
    x = _within_range(_rows("x", x))
    x = x - x.mean(1, keepdim=True)
    return x.pow(4).mean(1) / x.square().mean(1).square() - 3


def footprint(x: Tensor) -> Tensor:
    """The share of its pixels that each feature uses: [N, ...] -> [N], from 1/D (one pixel) to 1 (all of them alike).

    The participation ratio of the energies e_i = x_i^2: (sum e)^2 / (D sum e^2). Gaussian noise has 1/3. The sign and
    the size of a feature make no difference. Not a number for a row of zeros.
    """
    energy = _within_range(_rows("x", x)).square()
    return energy.sum(1).square() / (energy.shape[1] * energy.square().sum(1))


@dataclass(frozen=True)
class GaborFit:
    """The Gabor function nearest to each of N features of height H and width W.

    error        [N], the share of the feature's energy (sum of squares) that the fit leaves, 0 to 1
    fitted       [N, H, W], the fits
    row, column  [N], the centre, in pixels from the upper left pixel
    orientation  [N], of the stripes, in degrees from 0 to 180: 0 horizontal, 90 upright
    wavelength   [N], pixels from one bright stripe to the next
    length       [N], pixels: the envelope's standard deviation along the stripes
    width        [N], pixels: the same across the stripes
    """

    error: Tensor
    fitted: Tensor
    row: Tensor
    column: Tensor
    orientation: Tensor
    wavelength: Tensor
    length: Tensor
    width: Tensor

    def edges(self, error: float = 0.3, extent: float = 0.25) -> Tensor:
        """Which features are a narrow oriented stripe or edge: well fitted, and faded across the stripes, bool [N].

        error   the most energy that the fit may leave
        extent  the largest standard deviation of the envelope across the stripes, as a share of the longer side. Without
                this condition a wave across the whole patch would pass
        """
        return (self.error < error) & (self.width < extent * max(self.fitted.shape[1:]))


@torch.no_grad()
@standard()
def gabor_fit(features: Tensor, steps: int = 40, starts: int = 4) -> GaborFit:
    """The Gabor function nearest to each feature, by squared error: features [N, H, W] or [N, 1, H, W] -> GaborFit.

    A Gabor function is a wave under a Gaussian bell. With u across and v along the stripes, measured from the centre,
        exp(-u^2 / (2 width^2) - v^2 / (2 length^2)) (a cos(2 pi u / wavelength) + b sin(2 pi u / wavelength)).
    A grid of some thousand functions is tried on every feature at once, with the best a and b of each; from the best
    `starts` of them, `steps` damped Gauss-Newton steps (Levenberg-Marquardt) refine all eight numbers, all features at
    once. Nothing is random.

    features  at least 4 x 4 pixels, none of them all zero
    Source: Daugman 1985 (the function); Jones & Palmer 1987 (fitted to cells of the visual cortex).
    """
    features = _patches(features)
    n, height, width = features.shape
    scale = features.flatten(1).norm(dim=1, keepdim=True)
    target = features.flatten(1) / scale
    starts = require.integer("starts", starts)
    guess = _best_of_grid(target, height, width, starts)  # [N, starts, 8]
    target = target.repeat_interleave(starts, 0)
    found, left = _refine(
        guess.flatten(0, 1), target, height, width, require.integer("steps", steps)
    )
    left = left.view(n, starts)
    best = left.argmin(1)
    p = found.view(n, starts, 8)[torch.arange(n), best]
    fitted = _gabor(p, height, width) * scale
    angle, frequency, across, along = p[:, 2], p[:, 3], p[:, 4].exp(), p[:, 5].exp()
    # angle is that of the wave's direction, from the columns' axis towards the rows'; the stripes lie across it.
    return GaborFit(
        error=left.gather(1, best[:, None])[:, 0].clamp(0, 1),
        fitted=fitted.view(n, height, width),
        row=p[:, 0],
        column=p[:, 1],
        orientation=torch.rad2deg(math.pi / 2 - angle) % 180,
        wavelength=1 / frequency.abs().clamp_min(1e-6),
        length=along,
        width=across,
    )


def _axes(p: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """u across and v along the stripes at every pixel, [M, H * W] each, for parameters [M, 8]."""
    row = torch.arange(height, dtype=p.dtype).repeat_interleave(width) - p[:, :1]
    column = torch.arange(width, dtype=p.dtype).repeat(height) - p[:, 1:2]
    cos, sin = p[:, 2:3].cos(), p[:, 2:3].sin()
    return cos * column + sin * row, cos * row - sin * column


def _parts(p: Tensor, height: int, width: int):
    """The envelope and the phase at every pixel, with u and v."""
    u, v = _axes(p, height, width)
    across, along = p[:, 4:5].exp(), p[:, 5:6].exp()
    envelope = (-(u / across).square() / 2 - (v / along).square() / 2).exp()
    return envelope, 2 * math.pi * p[:, 3:4] * u, u, v


def _gabor(p: Tensor, height: int, width: int) -> Tensor:
    """The functions of parameters [M, 8] (row, column, angle, frequency, log width, log length, a, b): [M, H * W]."""
    envelope, phase, _, _ = _parts(p, height, width)
    return envelope * (p[:, 6:7] * phase.cos() + p[:, 7:8] * phase.sin())


def _best_of_grid(target: Tensor, height: int, width: int, starts: int) -> Tensor:
    """The `starts` functions of a grid that lie nearest to each target [N, H * W]: parameters [N, starts, 8]."""
    short = min(height, width)
    grid = torch.cartesian_prod(
        torch.arange(0.5, height, max(1.0, height / 6)),
        torch.arange(0.5, width, max(1.0, width / 6)),
        torch.arange(8) * math.pi / 8,
        torch.tensor([0.06, 0.12, 0.2, 0.3, 0.4]),
        torch.tensor([0.1, 0.2]).mul(short).log(),
        torch.tensor([0.1, 0.2]).mul(short).log(),
    )
    envelope, phase, _, _ = _parts(torch.nn.functional.pad(grid, (0, 2)), height, width)
    even, odd = envelope * phase.cos(), envelope * phase.sin()
    ee, oo, eo = even.square().sum(1), odd.square().sum(1), (even * odd).sum(1)
    te, to = target @ even.T, target @ odd.T  # [N, M]
    determinant = (ee * oo - eo.square()).clamp_min(1e-6 * ee * oo)
    a, b = (te * oo - to * eo) / determinant, (to * ee - te * eo) / determinant
    best = (a * te + b * to).topk(starts, dim=1).indices  # the energy that each explains
    return torch.cat([grid[best], torch.stack([a.gather(1, best), b.gather(1, best)], 2)], 2)


def _refine(p: Tensor, target: Tensor, height: int, width: int, steps: int):
    """Levenberg-Marquardt from p [M, 8] for all rows at once: parameters and the energy that is left [M]."""
    damping = torch.full((len(p), 1, 1), 1e-2)
    low, high = math.log(0.4), math.log(2.0 * max(height, width))
    left = (_gabor(p, height, width) - target).square().sum(1)
    for _ in range(steps):
        jacobian = _jacobian(p, height, width)  # [M, H * W, 8]
        residual = target - _gabor(p, height, width)
        square = jacobian.mT @ jacobian
        ridge = damping * torch.diag_embed(square.diagonal(dim1=1, dim2=2) + 1e-6)
        step = torch.linalg.solve(square + ridge, jacobian.mT @ residual[:, :, None])[:, :, 0]
        tried = p + step.nan_to_num(0.0)
        tried[:, 4:6] = tried[:, 4:6].clamp(low, high)
        tried[:, 3] = tried[:, 3].clamp(0.0, 0.5)
        after = (_gabor(tried, height, width) - target).square().sum(1)
        better = after < left
        p, left = torch.where(better[:, None], tried, p), torch.where(better, after, left)
        damping = torch.where(better[:, None, None], damping / 3, damping * 4).clamp(1e-7, 1e7)
    return p, left


def _jacobian(p: Tensor, height: int, width: int) -> Tensor:
    """The derivative of `_gabor` by its eight parameters: [M, H * W, 8]."""
    envelope, phase, u, v = _parts(p, height, width)
    cos, sin = p[:, 2:3].cos(), p[:, 2:3].sin()
    across, along = p[:, 4:5].exp(), p[:, 5:6].exp()
    a, b, omega = p[:, 6:7], p[:, 7:8], 2 * math.pi * p[:, 3:4]
    even, odd = envelope * phase.cos(), envelope * phase.sin()
    value = a * even + b * odd
    slope = b * even - a * odd  # by the phase
    by_u = slope * omega - value * u / across.square()
    by_v = -value * v / along.square()
    return torch.stack(
        [
            -sin * by_u - cos * by_v,
            -cos * by_u + sin * by_v,
            v * by_u - u * by_v,
            slope * 2 * math.pi * u,
            value * (u / across).square(),
            value * (v / along).square(),
            even,
            odd,
        ],
        2,
    )


def _rows(name: str, x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or x.dim() < 2 or not x.is_floating_point() or not len(x):
        raise ValueError(
            f"{name}: got {require.described(x)}; accepted is a floating-point tensor [N, ...] with N of at least 1"
        )
    return x.flatten(1)


def _within_range(x: Tensor) -> Tensor:
    """Rows of very large or small numbers scaled by a power of 2 (which is exact), so that fourth powers are numbers."""
    size = torch.frexp(x.abs().amax(1, keepdim=True)).exponent
    return torch.where(size.abs() > 20, torch.ldexp(x, -size), x)


def _patches(features: Tensor) -> Tensor:
    accepted = "a floating-point tensor [N, H, W] or [N, 1, H, W] of at least 4 x 4 pixels"
    if (
        not isinstance(features, Tensor)
        or not features.is_floating_point()
        or features.dim() not in (3, 4)
        or features.dim() == 4
        and features.shape[1] != 1
        or not len(features)
        or min(features.shape[-2:]) < 4
    ):
        raise ValueError(f"features: got {require.described(features)}; accepted is {accepted}")
    features = features.detach().float().cpu().reshape(-1, *features.shape[-2:])
    if not features.isfinite().all() or (features.flatten(1).norm(dim=1) == 0).any():
        raise ValueError(
            "features: got some that are all zero or not finite; accepted are finite ones that are not all zero"
        )
    return features
