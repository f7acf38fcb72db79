"""Exercises of lesson 02."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, exercise

# ---- Back to the size one came from ---------------------------------------------------------------


def output_padding(size: int, kernel: int, stride: int, padding: int) -> int:
    """Rows to add, so that a transposed convolution gives back `size`."""
    small = (size + 2 * padding - kernel) // stride + 1
    return size - ((small - 1) * stride - 2 * padding + kernel)


def _by_trying(size, kernel, stride, padding):
    places = range(-padding, size + padding - kernel + 1, stride)
    back = (len(places) - 1) * stride - 2 * padding + kernel
    return next(extra for extra in range(stride) if back + extra == size)


exercise(
    output_padding,
    cases=lambda generator: {
        "28 pixels, kernel 3, stride 2, padding 1": (28, 3, 2, 1),
        "7 pixels, kernel 3, stride 2, padding 1": (7, 3, 2, 1),
        "32 pixels, kernel 5, stride 3, padding 2": (32, 5, 3, 2),
        "28 pixels, kernel 4, stride 2, padding 1": (28, 4, 2, 1),
    },
    hard=lambda generator: {
        "a stride of 1": (17, 3, 1, 1),
        "no padding": (11, 2, 4, 0),
        "a kernel smaller than the stride": (13, 1, 3, 0),
        "more padding than the kernel needs": (9, 3, 4, 2),
        "a kernel as large as the image": (6, 6, 5, 0),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "always one",
            lambda n, k, s, p: 1,
            "it is not always 1: from 4 back to 7 nothing has to be added.",
        ),
        Mistake(
            "stride minus one",
            lambda n, k, s, p: s - 1,
            "stride - 1 is the most that can be missing. How much is missing depends on the size.",
        ),
        Mistake(
            "the small size",
            lambda n, k, s, p: (n + 2 * p - k) // s + 1,
            "that is the size after the convolution. Go back from it with (n - 1) * stride - "
            "2 * padding + kernel, and see how much is missing.",
        ),
        Mistake(
            "the size without it",
            lambda n, k, s, p: (n + 2 * p - k) // s * s - 2 * p + k,
            "that is the size that comes back when nothing is added; asked for is what is missing.",
        ),
        Mistake(
            "the sign",
            lambda n, k, s, p: -((n + 2 * p - k) % s),
            "the sign is wrong: missing is the wanted size minus the one that comes back.",
        ),
        Mistake(
            "padding left out",
            lambda n, k, s, p: (n - k) % s,
            "the padding is left out: the convolution sees size + 2 * padding rows.",
        ),
        Mistake(
            "padding on one side",
            lambda n, k, s, p: (n + p - k) % s,
            "the padding is added on one side only: there are 2 * padding more rows.",
        ),
        Mistake(
            "not rounded down",
            lambda n, k, s, p: 0.0,
            "nothing is ever missing where sizes are not rounded: the convolution gives a whole "
            "number, floor((size + 2 * padding - kernel) / stride) + 1.",
        ),
        Mistake(
            "rounded up",
            lambda n, k, s, p: n - (math.ceil((n + 2 * p - k) / s) * s - 2 * p + k),
            "the convolution rounds down: what does not fill a stride is dropped.",
        ),
    ],
    also_right={
        "the remainder": lambda n, k, s, p: (n + 2 * p - k) % s,
        "by trying": _by_trying,
        "NumPy's integer": lambda n, k, s, p: np.mod(n + 2 * p - k, s),
    },
    also_wrong=[
        Mistake("modulo the size", lambda n, k, s, p: n % s, "should be"),
        Mistake("always right for stride 2", lambda n, k, s, p: (n + 1) % 2, "should be"),
    ],
    praise="1 on the way from 7 to 14 and from 14 to 28, and 0 from 4 to 7.",
)


# ---- How far a unit sees --------------------------------------------------------------------------


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Pixels that a unit of the last layer sees along a side."""
    seen, step = 1, 1
    for kernel, stride in layers:
        seen += (kernel - 1) * step
        step *= stride
    return seen


def _backwards(layers):
    seen = 1
    for kernel, stride in reversed(layers):
        seen = (seen - 1) * stride + kernel
    return seen


def _stepping_first(layers):
    seen, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        seen += (kernel - 1) * step
    return seen


def _by_gradient(layers):
    length = 4 * sum(k for k, _ in layers) * math.prod(s for _, s in layers) + 1
    x = torch.ones(1, 1, length, dtype=torch.float64, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    (slope,) = torch.autograd.grad(y[0, 0, 0], x)
    return int(slope.nonzero().max()) + 1


exercise(
    receptive_field,
    cases=lambda generator: {
        "two layers of kernel 3 and stride 2": ([(3, 2), (3, 2)],),
        "kernels 5 and 3, strides 1 and 2": ([(5, 1), (3, 2)],),
        "three layers, (3, 2), (5, 3), (2, 2)": ([(3, 2), (5, 3), (2, 2)],),
    },
    hard=lambda generator: {
        "no layer at all": ([],),
        "one layer": ([(7, 4)],),
        "strides of 1 only": ([(3, 1)] * 5,),
        "a convolution of one pixel in between": ([(3, 2), (1, 1), (3, 2)],),
        "ten halvings": ([(3, 2)] * 10,),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "the sum of the kernels",
            lambda layers: sum(k for k, _ in layers),
            "kernels do not add up: each layer adds kernel - 1 of its own steps to what one unit "
            "below sees.",
        ),
        Mistake(
            "strides forgotten",
            lambda layers: 1 + sum(k - 1 for k, _ in layers),
            "the strides are left out: behind a stride of 2, neighbours lie 2 pixels apart.",
        ),
        Mistake(
            "the own stride first",
            _stepping_first,
            "a layer's own stride does not widen what it sees, only what the layers after it see: "
            "multiply the step after you have used it.",
        ),
        Mistake(
            "the product of the kernels",
            lambda layers: math.prod(k for k, _ in layers),
            "kernels do not multiply: neighbouring fields overlap.",
        ),
        Mistake(
            "the step",
            lambda layers: math.prod(s for _, s in layers),
            "that is the step from one unit to the next; the field is wider than that.",
        ),
        Mistake(
            "the layers in the wrong order",
            lambda layers: receptive_field(layers[::-1]),
            "the layers are taken in the wrong order: the strides that count are those before a "
            "layer, on the image's side.",
        ),
        Mistake(
            "one too few",
            lambda layers: receptive_field(layers) - 1,
            "one too few: without any layer a unit is a pixel and sees 1.",
        ),
    ],
    also_right={"from the last layer back": _backwards, "by gradient": _by_gradient},
    also_wrong=[Mistake("the area", lambda layers: receptive_field(layers) ** 2, "should be")],
    praise="7 pixels for two layers of kernel 3 and stride 2, as the gradient finds, too.",
)


# ---- A convolution by hand ------------------------------------------------------------------------


def convolve(x: torch.Tensor, weight: torch.Tensor, stride: int) -> torch.Tensor:
    """x [B, C, H, W], weight [O, C, k, k] -> [B, O, h, w]; no padding."""
    patches = x.unfold(2, weight.shape[2], stride).unfold(3, weight.shape[3], stride)
    return torch.einsum("bchwij,ocij->bohw", patches, weight)


def _loops(x, weight, stride):
    k = weight.shape[2]
    h, w = ((size - k) // stride + 1 for size in x.shape[2:])
    out = x.new_zeros(len(x), len(weight), h, w)
    for i in range(h):
        for j in range(w):
            patch = x[:, :, i * stride : i * stride + k, j * stride : j * stride + k]
            out[:, :, i, j] = patch.flatten(1) @ weight.flatten(1).T
    return out


def _shifted_sums(x, weight, stride):
    k = weight.shape[2]
    h, w = (size - k + 1 for size in x.shape[2:])
    total = torch.zeros(())
    for i in range(k):
        for j in range(k):
            total = total + torch.einsum(
                "bchw,oc->bohw", x[:, :, i : i + h, j : j + w], weight[:, :, i, j]
            )
    return total[:, :, ::stride, ::stride]


def _columns(x, weight, stride):
    k = weight.shape[2]
    h, w = ((size - k) // stride + 1 for size in x.shape[2:])
    return (weight.flatten(1) @ F.unfold(x, k, stride=stride)).unflatten(2, (h, w))


def _images_and_filters(generator):
    def of(b, c, o, h, w, k, stride):
        x = torch.randn(b, c, h, w, generator=generator)
        return x, torch.randn(o, c, k, k, generator=generator), stride

    return of


exercise(
    convolve,
    cases=lambda generator: {
        name: _images_and_filters(generator)(*sizes)
        for name, sizes in {
            "two channels in, three out, stride 2": (2, 2, 3, 9, 7, 3, 2),
            "one channel in, two out, stride 1": (3, 1, 2, 6, 8, 2, 1),
        }.items()
    },
    hard=lambda generator: {
        name: _images_and_filters(generator)(*sizes)
        for name, sizes in {
            "a filter as large as the image": (2, 2, 3, 4, 4, 4, 1),
            "a filter of one pixel": (1, 3, 2, 5, 4, 1, 2),
            "a stride larger than the filter": (1, 1, 1, 11, 13, 2, 4),
            "as many channels out as in": (4, 3, 3, 7, 7, 3, 3),
        }.items()
    },
    mistakes=[
        Mistake(
            "the filter turned round",
            lambda x, w, s: F.conv2d(x, w.flip(2, 3), stride=s),
            "the filter is turned round: that is the convolution of mathematics. Networks lay the "
            "filter on the image as it is.",
        ),
        Mistake(
            "rows and columns exchanged",
            lambda x, w, s: F.conv2d(x, w.transpose(2, 3), stride=s),
            "rows and columns of the filter are exchanged.",
        ),
        Mistake(
            "the stride left out",
            lambda x, w, s: F.conv2d(x, w),
            "the stride is left out: move the filter by `stride` pixels, not by one.",
        ),
        Mistake(
            "padded",
            lambda x, w, s: F.conv2d(x, w, stride=s, padding=w.shape[2] // 2),
            "the image is padded: this exercise asks for the places where the whole filter fits.",
        ),
        Mistake(
            "the mean over channels",
            lambda x, w, s: F.conv2d(x, w, stride=s) / x.shape[1],
            "the channels are averaged: they are added up.",
        ),
        Mistake(
            "the mean over the filter",
            lambda x, w, s: F.conv2d(x, w, stride=s) / w[0].numel(),
            "the products are averaged: they are added up.",
        ),
        Mistake(
            "one channel",
            lambda x, w, s: F.conv2d(x[:, :1], w[:, :1], stride=s),
            "only the first channel is used: a filter has a slice for every channel, and the "
            "products of all are added up.",
        ),
        Mistake(
            "strides in rows only",
            lambda x, w, s: F.conv2d(x, w, stride=(s, 1)),
            "the stride is used for rows only; columns move by it, too.",
        ),
    ],
    also_right={
        "PyTorch's own": lambda x, w, s: F.conv2d(x, w, stride=s),
        "place by place, into a buffer": _loops,
        "filter pixel by filter pixel": _shifted_sums,
        "a matrix of patches": _columns,
    },
    also_wrong=[
        Mistake(
            "no gradient to the filter",
            lambda x, w, s: convolve(x, w.detach(), s),
            "no gradient reaches weight",
        ),
        Mistake(
            "half a gradient to the image",
            lambda x, w, s: convolve((x + x.detach()) / 2, w, s),
            "respect to x",
        ),
        Mistake("channels mixed up", lambda x, w, s: convolve(x.flip(1), w, s), "should be"),
        Mistake("images mixed up", lambda x, w, s: convolve(x.flip(0), w, s), "should be"),
    ],
    praise="every filter is laid on every place, and gradients reach image and filter.",
)
