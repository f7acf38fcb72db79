"""Builders of encoders and decoders. A model is given one and asks it for the two halves it needs.

`mlp` and `conv` return a small frozen description; `encoder(shape, features)` and `decoder(latent_dim, shape)` make
fresh modules from it. Dense or convolutional is therefore an argument of a model, never a second class of model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from aecourse import require

ACTIVATIONS = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


@dataclass(frozen=True)
class MLP:
    """Fully connected layers: encoder pixels -> hidden -> features, decoder its mirror."""

    hidden: tuple[int, ...]
    activation: str

    def encoder(self, shape: tuple[int, ...], features: int) -> nn.Sequential:
        """[B, C, H, W] -> [B, features]."""
        pixels = math.prod(shape)
        return nn.Sequential(nn.Flatten(), *self._layers([pixels, *self.hidden, features]))

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Sequential:
        """[B, latent_dim] -> logits [B, C, H, W]."""
        pixels = math.prod(shape)
        return nn.Sequential(
            *self._layers([latent_dim, *reversed(self.hidden), pixels]),
            nn.Unflatten(1, tuple(shape)),
        )

    def _layers(self, widths: list[int]) -> list[nn.Module]:
        layers: list[nn.Module] = [
            m
            for a, b in zip(widths, widths[1:])
            for m in (nn.Linear(a, b), ACTIVATIONS[self.activation]())
        ]
        return layers[:-1]  # nothing after the last linear map


@dataclass(frozen=True)
class Conv:
    """Strided convolutions, each halving height and width, then one dense layer; decoder its mirror."""

    channels: tuple[int, ...]
    kernel: int
    activation: str
    batch_norm: bool

    def encoder(self, shape: tuple[int, ...], features: int) -> nn.Sequential:
        """[B, C, H, W] -> [B, features]; e.g. 28x28 -> 14x14 -> 7x7 -> features."""
        height, width = self.grid(shape)
        return nn.Sequential(
            *self._down(shape),
            nn.Flatten(),
            nn.Linear(self.channels[-1] * height * width, features),
        )

    def decoder(self, latent_dim: int, shape: tuple[int, ...]) -> nn.Sequential:
        """[B, latent_dim] -> logits [B, C, H, W]; output_padding restores odd and even sizes exactly."""
        (height, width), deepest = self.grid(shape), self.channels[-1]
        return nn.Sequential(
            nn.Linear(latent_dim, deepest * height * width),
            nn.Unflatten(1, (deepest, height, width)),
            *self._up(shape),
        )

    def grid(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of the grid that `grid_encoder` makes of an image."""
        return self._grids(shape)[-1]

    def grid_encoder(self, shape: tuple[int, ...], features: int) -> nn.Sequential:
        """[B, C, H, W] -> one vector per cell of the last grid [B, features, h, w], e.g. 28x28 -> 7x7."""
        return nn.Sequential(*self._down(shape), nn.Conv2d(self.channels[-1], features, 1))

    def grid_decoder(self, features: int, shape: tuple[int, ...]) -> nn.Sequential:
        """[B, features, h, w] -> logits [B, C, H, W]; its first convolution lets neighbouring cells see each other."""
        start = nn.Conv2d(features, self.channels[-1], self.kernel, padding=self.kernel // 2)
        return nn.Sequential(start, *self._after(self.channels[-1]), *self._up(shape))

    def _after(self, channels: int) -> list[nn.Module]:
        norm: list[nn.Module] = [nn.BatchNorm2d(channels)] * self.batch_norm
        return [*norm, ACTIVATIONS[self.activation]()]

    def _down(self, shape: tuple[int, ...]) -> list[nn.Module]:
        shape = require.image_shape("shape", shape)
        return [
            layer
            for a, b in zip((shape[0], *self.channels), self.channels)
            for layer in (
                nn.Conv2d(a, b, self.kernel, stride=2, padding=self.kernel // 2),
                *self._after(b),
            )
        ]

    def _up(self, shape: tuple[int, ...]) -> list[nn.Module]:
        grids, widths, layers = self._grids(shape)[::-1], (*reversed(self.channels), shape[0]), []
        for a, b, (h, w), (up_h, up_w) in zip(widths, widths[1:], grids, grids[1:]):
            extra = (
                up_h - (2 * h - 1),
                up_w - (2 * w - 1),
            )  # a stride of 2 alone gives 2h - 1 rows
            layers += [
                nn.ConvTranspose2d(
                    a, b, self.kernel, stride=2, padding=self.kernel // 2, output_padding=extra
                ),
                *self._after(b),
            ]
        return layers[: len(layers) - len(self._after(1))]

    def _grids(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """Height and width before each convolution and after the last: a stride of 2 rounds up."""
        shape = require.image_shape("shape", shape)
        grids = [(shape[1], shape[2])]
        for _ in self.channels:
            grids.append(((grids[-1][0] + 1) // 2, (grids[-1][1] + 1) // 2))
        return grids


def mlp(hidden: tuple[int, ...] = (512, 256), activation: str = "relu") -> MLP:
    """Dense encoder and decoder with the given hidden widths, encoder's order; `()` gives one linear map each way."""
    return MLP(
        require.sizes("hidden", hidden), require.choice("activation", activation, ACTIVATIONS)
    )


def conv(
    channels: tuple[int, ...] = (32, 64),
    kernel: int = 3,
    activation: str = "relu",
    batch_norm: bool = False,
) -> Conv:
    """Convolutional encoder and decoder; `channels` per halving of the image, `kernel` odd."""
    kernel = require.integer("kernel", kernel)
    if kernel % 2 == 0:
        raise ValueError(
            f"kernel: got {kernel}; accepted is an odd number, so that the padding is symmetric"
        )
    return Conv(
        require.sizes("channels", channels, empty=False),
        kernel,
        require.choice("activation", activation, ACTIVATIONS),
        bool(require.choice("batch_norm", batch_norm, (True, False))),
    )


def given(net, default: MLP | Conv):
    """`net`, or `default` where it is None; raises TypeError for anything that makes no encoder and decoder."""
    if net is not None and not (
        callable(getattr(net, "encoder", None)) and callable(getattr(net, "decoder", None))
    ):
        raise TypeError(
            f"net: got {require.described(net)}; accepted is nets.mlp(...), nets.conv(...), or None"
        )
    return default if net is None else net
