"""The denoising autoencoder: spoil the image, and ask for the clean one back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import require
from aecourse.models.autoencoder import ERRORS, Autoencoder


class Noise(nn.Module):
    """A way to spoil images: x [B, C, H, W] -> the spoiled x, of the same shape.

    level: how strong it is, or a pair (low, high) from which every image draws its own level. A generator makes
    the draw repeatable; without one, torch's own random state decides.
    """

    def __init__(self, level: float | tuple[float, float], high: float = float("inf")):
        super().__init__()
        ends = level if isinstance(level, (tuple, list)) else (level, level)
        if len(ends) != 2 or ends[0] > ends[1]:
            raise ValueError(f"level: got {level!r}; accepted is a number or a pair (low, high)")
        self.low, self.high = (require.number("level", end, low=0, high=high) for end in ends)

    def levels(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One level per image: [B, 1, 1, 1]."""
        shape = (len(x), *[1] * (x.dim() - 1))
        if self.low == self.high:
            return x.new_full(shape, self.low)
        return self.low + (self.high - self.low) * _uniform(shape, x, generator)

    def extra_repr(self) -> str:
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


class GaussianNoise(Noise):
    """x + sigma * eps with eps ~ N(0, I). The result is not clipped: it may leave [0, 1]."""

    def __init__(self, sigma: float | tuple[float, float] = 0.5):
        super().__init__(sigma)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        eps = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        return x + self.levels(x, generator) * eps


class Masking(Noise):
    """A share of the pixels is set to 0, all channels of a pixel together.

    patch: they go in squares of `patch` x `patch` pixels, from a grid that lies differently on every image.
    """

    def __init__(self, share: float | tuple[float, float] = 0.5, patch: int = 1):
        super().__init__(share, high=1.0)
        self.patch = require.integer("patch", patch)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return x * self.kept(x, generator)

    def kept(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """1 where a pixel is kept and 0 where it is lost: [B, 1, H, W]."""
        height, width = x.shape[2:]
        grid = (len(x), height // self.patch + 2, width // self.patch + 2)
        kept = (_uniform(grid, x, generator) >= self.levels(x, generator)[:, 0]).to(x.dtype)
        shift = (_uniform((len(x), 2), x, generator) * self.patch).long()
        rows = (torch.arange(height, device=x.device) + shift[:, :1]) // self.patch  # [B, H]
        columns = (torch.arange(width, device=x.device) + shift[:, 1:]) // self.patch  # [B, W]
        image = torch.arange(len(x), device=x.device)[:, None, None]
        return kept[image, rows[:, :, None], columns[:, None, :]][:, None]

    def extra_repr(self) -> str:
        return super().extra_repr() + f", patch={self.patch}" * (self.patch > 1)


class SaltAndPepper(Noise):
    """A share of the pixels is replaced by 0 or 1, either with probability 1/2."""

    def __init__(self, share: float | tuple[float, float] = 0.25):
        super().__init__(share, high=1.0)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        hit = _uniform(x.shape, x, generator) < self.levels(x, generator)
        return torch.where(hit, (_uniform(x.shape, x, generator) < 0.5).to(x.dtype), x)


class DenoisingAutoencoder(Autoencoder):
    """spoiled x -> code -> clean x (Vincent et al. 2008).

    noise: how training images are spoiled, e.g. `GaussianNoise(0.5)`, `Masking(0.5)` or `SaltAndPepper(0.25)`. The
    other arguments are those of `Autoencoder`. Noise is drawn anew at every call of `loss`; `reconstruct` adds none:
    give it a spoiled image.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        noise: nn.Module | None = None,
        error: str = "mse",
        output: str = "sigmoid",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, net, error=error, output=output, shape=shape)
        if noise is not None and (not callable(noise) or isinstance(noise, type)):
            raise TypeError(
                f"noise: got {require.described(noise)}; accepted is a module such as GaussianNoise(0.5)"
            )
        self.noise = GaussianNoise() if noise is None else noise

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The error of what is made of the spoiled image, against the clean one."""
        logits = self.decode(self.encode(self.noise(x)))
        if self.error == "bce":
            total = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        else:
            total = ERRORS[self.error](self.pixels(logits), x)
        return {"loss": total / len(x)}


def _uniform(shape, like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.rand(tuple(shape), generator=generator, device=like.device, dtype=like.dtype)
