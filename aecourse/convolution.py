"""Arithmetic of convolutions: sizes on the way down and back, what a unit can see, who contributes to a pixel.

And one more description of a network beside those of `nets`: `upsampling`, whose decoder enlarges first and convolves
afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from aecourse import nets, require


@dataclass(frozen=True)
class Field:
    """Which part of the image one unit of a layer depends on, the same in height and width.

    size    how many pixels wide it is
    step    how many pixels it moves from one unit to the next
    start   the pixel at which the first unit's field begins; below 0 it begins in the padding
    """

    size: int
    step: int
    start: int

    def pixels(self, unit: int, length: int) -> tuple[int, int]:
        """The pixels [first, last) that `unit` sees along a side of `length` pixels, without the padding."""
        first = self.start + require.integer("unit", unit, low=0) * self.step
        return max(first, 0), min(first + self.size, require.integer("length", length))


SLIDING = (
    nn.Conv2d,
    nn.MaxPool2d,
    nn.AvgPool2d,
)  # layers whose units see a window of the layer below


def receptive_fields(layers) -> list[Field]:
    """The receptive field after each convolution or pooling among `layers`, from the image onwards.

    layers    modules in order, e.g. an `nn.Sequential`; it ends at the first layer that mixes all places, `nn.Linear`

    Raises ValueError for layers whose height and width differ. Source: Araujo, Norris & Sim 2019.
    """
    seen, step, start = 1, 1, 0  # a pixel sees itself
    found = []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            break  # it sees everything
        if isinstance(layer, SLIDING):
            kernel, stride, padding = _window(layer)
            seen += (kernel - 1) * step
            start -= padding * step
            step *= stride
            found.append(Field(seen, step, start))
    return found


def seen_pixels(
    layers, shape: tuple[int, int, int], unit: tuple[int, int], *, seed: int = 0
) -> Tensor:
    """The pixels that one place of the last feature maps depends on, found by gradients: bool [H, W].

    layers    a module from images [B, C, H, W] to feature maps [B, features, h, w]
    shape     (C, H, W) of an image
    unit      (row, column) of the place
    seed      of the random image on which the gradient is taken

    A pixel counts where the gradient of the sum over all features is not exactly 0. A ReLU that is off hides pixels on
    the way, so `layers` should be the convolutions alone.
    """
    shape = require.image_shape("shape", shape)
    with torch.enable_grad():
        generator = torch.Generator().manual_seed(require.integer("seed", seed, low=0))
        x = torch.rand((1, *shape), generator=generator).requires_grad_()
        row, column = unit
        maps = layers(x)
        (slope,) = torch.autograd.grad(maps[0, :, row, column].sum(), x)
    return (slope[0] != 0).any(0)


def contributions(layer, shape: tuple[int, int]) -> Tensor:
    """How many products of weight and input each output pixel of `layer` adds up, per input channel: int64 [H, W].

    layer     an `nn.Conv2d` or `nn.ConvTranspose2d`
    shape     (height, width) of its input

    Where neighbouring pixels add up unequally many, a checkerboard is laid out before any training.
    Source: Odena, Dumoulin & Olah 2016.
    """
    if not isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        raise TypeError(
            f"layer: got {type(layer).__name__}; accepted is a torch.nn.Conv2d or torch.nn.ConvTranspose2d"
        )
    options = {
        name: getattr(layer, name)
        for name in ("stride", "padding", "dilation", "output_padding")
        if name != "output_padding" or isinstance(layer, nn.ConvTranspose2d)
    }
    counting = type(layer)(
        1,
        1,
        layer.kernel_size,  # pyright: ignore[reportArgumentType]
        bias=False,
        **options,
    )
    with torch.no_grad():
        counting.weight.fill_(1)
        return counting(torch.ones(1, 1, *shape))[0, 0].round().long()


@dataclass(frozen=True)
class Upsampling(nets.Conv):
    """`nets.Conv` with another decoder: each step repeats every pixel, then convolves with a stride of 1.

    It has as many weights as its twin with transposed convolutions, each at a place of its own.
    """

    def _up(self, shape: tuple[int, int, int]) -> list[nn.Module]:
        grids, widths, layers = self._grids(shape)[::-1], (*reversed(self.channels), shape[0]), []
        for a, b, size in zip(widths, widths[1:], grids[1:]):
            layers += [
                nn.Upsample(size=size, mode="nearest"),
                nn.Conv2d(a, b, self.kernel, padding=self.kernel // 2),
                *self._after(b),
            ]
        return layers[: len(layers) - len(self._after(1))]


def upsampling(
    channels: tuple[int, ...] = (32, 64),
    kernel: int = 3,
    activation: str = "relu",
    batch_norm: bool = False,
) -> Upsampling:
    """Convolutional encoder, and a decoder that upsamples and convolves; arguments as of `nets.conv`."""
    like = nets.conv(channels, kernel, activation, batch_norm)
    return Upsampling(like.channels, like.kernel, like.activation, like.batch_norm)


def multiplications(model, x: Tensor) -> int:
    """How many products of a weight and a number `model.reconstruct` forms for one image of x [1, C, H, W].

    Only convolutions, transposed convolutions and linear maps are counted.
    """
    total, hooks = 0, []

    def count(layer, inputs, output):
        nonlocal total
        places = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        total += layer.weight.numel() * (
            1 if isinstance(layer, nn.Linear) else places.shape[2] * places.shape[3]
        )

    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            hooks.append(layer.register_forward_hook(count))
    try:
        with torch.no_grad():
            model.reconstruct(x[:1])
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _window(layer) -> tuple[int, int, int]:
    """How many places of the layer below a unit of `layer` spans, its stride and its padding."""
    kernel, stride, padding = (
        _square(name, layer) for name in ("kernel_size", "stride", "padding")
    )
    return (kernel - 1) * _square("dilation", layer, missing=1) + 1, stride, padding


def _square(name: str, layer, missing: int | None = None) -> int:
    """A setting of a layer that is the same in both directions, as an int."""
    value = getattr(layer, name, missing)
    pair = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(set(pair)) > 1 or not isinstance(pair[0], int):
        raise ValueError(
            f"layers: got {type(layer).__name__} with {name} {value}; accepted is one whole number for both directions"
        )
    return pair[0]
