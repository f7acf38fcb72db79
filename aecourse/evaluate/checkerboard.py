"""How much of a picture repeats with the stride of a decoder."""

from __future__ import annotations

from torch import Tensor

from aecourse import require


def _whole_periods(x, stride: int = 2) -> None:
    stride = require.integer("stride", stride, low=2)
    if (
        not isinstance(x, Tensor)
        or x.dim() != 4
        or min(x.shape[2:]) < stride
        or not x.is_floating_point()
    ):
        raise ValueError(
            f"x: got {require.described(x)}; accepted is a floating-point tensor [N, C, H, W] with H and W of at least {stride}"
        )


@require.checked(_whole_periods)
def checkerboard(x: Tensor, stride: int = 2) -> Tensor:
    """The strength of a pattern of period `stride` in each image: x [N, C, H, W] -> [N].

    Pixels are put into stride * stride groups by their row and column modulo `stride`. What is returned is the standard
    deviation of the groups' means (over the groups, root mean square over channels), in the units of a pixel. It is a
    for the checkerboard c + a (-1)^(row + column), and 0 for a flat image. Edges that lie anywhere add little, since
    they meet all groups alike. Rows and columns that do not fill a whole period are left out.
    """
    high, wide = (size - size % stride for size in x.shape[2:])
    cells = x[:, :, :high, :wide].unflatten(3, (-1, stride)).unflatten(2, (-1, stride))
    groups = cells.mean((2, 4)).flatten(2)  # [N, C, stride * stride]
    return groups.var(2, correction=0).mean(1).sqrt()
