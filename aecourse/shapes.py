"""Pictures of one shape whose five factors are known: shape, scale, rotation, x and y, in the manner of dSprites.

dSprites (Matthey et al. 2017) has 737,280 pictures of 64x64; these are 20,736 of 28x28, drawn afresh. Two choices keep
the factors apart. The three shapes have the same area at the same scale and turn about their centres of mass, so that
none of them is larger or placed elsewhere than another. And rotation stops at 70 degrees: a square turned by 90 degrees
is the same picture, an ellipse turned by 180 too, so that a longer range would give one picture two labels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import require

VALUES = {
    "shape": ("square", "ellipse", "heart"),
    "scale": tuple(range(5, 11)),  # the side, in pixels, of a square of the same area
    "rotation": tuple(range(0, 80, 10)),  # degrees, clockwise
    "x": tuple(i - 5.5 for i in range(12)),  # pixels right of the middle
    "y": tuple(i - 5.5 for i in range(12)),  # pixels below the middle
}
SIZES = tuple(len(values) for values in VALUES.values())


def grid() -> Tensor:
    """The factors of all pictures: int64 [20736, 5], indices into `VALUES`, the last factor changing fastest."""
    return torch.cartesian_prod(*map(torch.arange, SIZES))


def draw(factors: Tensor, size: int = 28, rows: int = 4000) -> Tensor:
    """Pictures [N, 1, size, size] in [0, 1] of the factors, int64 [N, 5]; `rows` of them at a time.

    A pixel is as bright as the shape covers of it, taken from the distance d in pixels between its middle and the
    outline (negative inside): 1/2 - d, clipped to [0, 1]. Nothing is random. Raises ValueError for other factors.
    """
    if (
        not isinstance(factors, Tensor)
        or factors.dim() != 2
        or factors.shape[1] != len(SIZES)
        or factors.is_floating_point()
    ):
        raise ValueError(
            f"factors: got {require.described(factors)}; accepted is an integer tensor [N, {len(SIZES)}]"
        )
    if len(factors) and ((factors < 0) | (factors >= torch.tensor(SIZES))).any():
        raise ValueError(
            f"factors: got indices from {factors.min(0).values.tolist()} to {factors.max(0).values.tolist()}; "
            f"accepted is 0 to {[n - 1 for n in SIZES]}"
        )
    size = require.integer("size", size)
    return torch.cat([_draw(part, size) for part in factors.split(require.integer("rows", rows))])


def _draw(factors: Tensor, size: int) -> Tensor:
    which = factors[:, 0, None, None]
    scale, angle, x, y = (
        torch.tensor(VALUES[name], dtype=torch.float32)[factors[:, i], None, None]
        for i, name in enumerate(VALUES)
        if i
    )
    middles = torch.arange(size) - (size - 1) / 2
    right, down = middles[None, None, :] - x, middles[None, :, None] - y
    cos, sin = torch.cos(torch.deg2rad(angle)), torch.sin(torch.deg2rad(angle))
    u, v = (
        (cos * right + sin * down) / scale,
        (cos * down - sin * right) / scale,
    )  # in the shape's own frame
    distance = torch.empty(u.shape)
    for i, outline in enumerate((_square, _ellipse, _heart)):
        chosen = which.flatten() == i
        distance[chosen] = outline(u[chosen], v[chosen])
    return (0.5 - scale * distance).clamp(0, 1)[:, None]


def _box(u: Tensor, v: Tensor, half: float) -> Tensor:
    """Signed distance to a square of side 2 half: exact."""
    a, b = u.abs() - half, v.abs() - half
    return torch.hypot(a.clamp(min=0), b.clamp(min=0)) + torch.maximum(a, b).clamp(max=0)


def _square(u: Tensor, v: Tensor) -> Tensor:
    return _box(u, v, 0.5)


def _ellipse(u: Tensor, v: Tensor, ratio: float = 1.7) -> Tensor:
    """Of area 1, its long axis along u; the distance is right to first order near the outline."""
    a, b = math.sqrt(ratio / math.pi), math.sqrt(1 / (ratio * math.pi))
    level, slope = torch.hypot(u / a, v / b), torch.hypot(u / a**2, v / b**2)
    return (level - 1) * torch.where(
        slope > 0, level / slope.clamp(min=1e-9), b
    )  # -b at the middle, where slope is 0


def _heart(u: Tensor, v: Tensor) -> Tensor:
    """Of area 1: a square on its corner with half a disc on each of its upper sides."""
    side = 1 / math.sqrt(1 + math.pi / 4)
    v = v - side * _HEART_RISE
    a, b = (
        (u + v) / math.sqrt(2),
        (v - u) / math.sqrt(2),
    )  # along the sides of the square; v points down
    discs = torch.minimum(torch.hypot(a, b + side / 2), torch.hypot(a + side / 2, b)) - side / 2
    return torch.minimum(_box(a, b, side / 2), discs)


# How far the heart's centre of mass lies above that of its square, for a square of side 1: half a disc has area pi/8 and
# its own centre 1/2 + 2/(3 pi) from the square's, along a diagonal direction.
_HEART_RISE = (math.pi / 4) / (1 + math.pi / 4) * (0.5 + 2 / (3 * math.pi)) / math.sqrt(2)
