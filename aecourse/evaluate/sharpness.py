"""How sharp pictures are, without asking an eye."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import require


def laplacian_energy(x: Tensor) -> Tensor:
    """The squared Laplacian of each image, averaged over its inner pixels: x [N, C, H, W] -> [N].

    The Laplacian compares a pixel with the mean of its four neighbours (times four). It is 0 on flat and on evenly
    sloping ground, largest where black meets white from one pixel to the next; blurring an image lowers it.
    """
    if (
        not isinstance(x, Tensor)
        or x.dim() != 4
        or min(x.shape[2:]) < 3
        or not x.is_floating_point()
    ):
        raise ValueError(
            f"x: got {require.described(x)}; accepted is a floating-point tensor [N, C, H, W] with H and W of at least 3"
        )
    kernel = torch.tensor(
        [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=x.dtype, device=x.device
    )
    return F.conv2d(x.flatten(0, 1)[:, None], kernel[None, None]).square().view(len(x), -1).mean(1)
