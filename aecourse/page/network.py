"""Networks and matrices, checked and packed for a page: from torch to JSON that runtime.js can run."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from .figure import base64_of

TOLERANCE = (
    1.5 / 255
)  # the largest change of a pixel on the probes that rounding the weights may make, of the 2 promised

# What a page can compute. Names are those of `activations` in runtime.js.
ACTIVATIONS = {
    "relu": torch.relu,
    "gelu": nn.functional.gelu,
    "gelu_tanh": lambda h: nn.functional.gelu(h, approximate="tanh"),
    "tanh": torch.tanh,
    "silu": nn.functional.silu,
    "sigmoid": torch.sigmoid,
    "identity": lambda h: h,
}
_NAMES = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.SiLU: "silu", nn.Sigmoid: "sigmoid"}
_TRANSPARENT = (
    nn.Identity,
    nn.Flatten,
    nn.Unflatten,
    nn.Dropout,
)  # no arithmetic, once training is over


def steps_of(module: nn.Module, name: str = "decoder") -> list:
    """A dense network as the list of its steps: a pair (weight [out, in], bias [out]) or an activation's name.

    module  nested `Sequential`s (bare, or the only child of another module) of Linear, ReLU, GELU, Tanh,
            SiLU, Sigmoid, Flatten, Unflatten, Dropout and Identity.
    name    of the argument, for messages.

    Raises TypeError, naming the layer, for anything else.
    """
    if isinstance(module, nn.Sequential):
        return [step for child in module for step in steps_of(child, name)]
    if isinstance(module, nn.Linear):
        weight = module.weight.detach().float().cpu()
        bias = (
            torch.zeros(len(weight)) if module.bias is None else module.bias.detach().float().cpu()
        )
        return [(weight, bias)]
    if isinstance(module, nn.GELU):
        return ["gelu" if module.approximate == "none" else "gelu_tanh"]
    if type(module) in _NAMES:
        return [_NAMES[type(module)]]
    if isinstance(module, _TRANSPARENT):
        return []
    children = list(module.children()) if isinstance(module, nn.Module) else []
    if len(children) == 1:
        return steps_of(children[0], name)
    raise TypeError(
        f"{name}: got {type(module).__name__}, which cannot run in a page; accepted is a torch.nn.Sequential of "
        "Linear, ReLU, GELU, Tanh, SiLU, Sigmoid, Flatten, Unflatten, Dropout and Identity layers"
    )


def forward(steps: list, z: torch.Tensor) -> torch.Tensor:
    """What the steps make of codes z [N, in]: [N, out]."""
    for step in steps:
        z = ACTIVATIONS[step](z) if isinstance(step, str) else nn.functional.linear(z, *step)
    return z


def quantise(weight: torch.Tensor, bits: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix as whole multiples of one scale per row: (integers [rows, columns], scale [rows]), int8 or int16, and float32.

    weight  [rows, columns].
    bits    8 or 16, of each integer.

    integers * scale is within scale / 2 of the weight, and scale is the row's largest magnitude / (2^(bits-1) - 1).
    """
    if bits not in (8, 16):
        raise ValueError(f"bits: got {bits!r}; accepted is 8 or 16")
    scale = weight.abs().amax(dim=1).clamp_min(1e-30) / (2 ** (bits - 1) - 1)
    return torch.round(weight / scale[:, None]).to(torch.int8 if bits == 8 else torch.int16), scale


def rounded(steps: list, bits: int) -> list:
    """The same steps with the weights that a page will see."""

    def dequantise(weight):
        integers, scale = quantise(weight, bits)
        return integers * scale[:, None]

    return [step if isinstance(step, str) else (dequantise(step[0]), step[1]) for step in steps]


def packed(weight: torch.Tensor, bits: int) -> dict:
    """A matrix as JSON: its shape, its integers and its scales in base64. `unpack` in runtime.js undoes it."""
    integers, scale = quantise(weight, bits)
    return {
        "shape": list(weight.shape),
        "bits": bits,
        "integers": base64_of(integers.numpy()),
        "scale": base64_of(scale.numpy()),
    }


def export(steps: list, bits: int) -> list:
    """Steps as JSON, for `network` in runtime.js."""
    return [
        step
        if isinstance(step, str)
        else {"weight": packed(step[0], bits), "bias": base64_of(step[1].numpy())}
        for step in steps
    ]


# How a network's numbers become pixels. Names are those of `squashes` in runtime.js.
SQUASHES = {
    "sigmoid": torch.sigmoid,
    "tanh": lambda logits: (torch.tanh(logits) + 1) / 2,
    "identity": lambda logits: logits,
}


class Packed(NamedTuple):
    """A network as a page gets it."""

    layers: list  # as `export` writes them
    steps: list  # as `steps_of` lists them
    bits: int  # of each weight: 8 or 16
    nbytes: int  # of the page that the weights take: base64 holds 6 bits in each


def packed_network(
    name: str,
    module: nn.Module,
    probes: torch.Tensor,
    outputs: int | tuple[int, ...],
    *,
    output: str = "sigmoid",
    tolerance: float = TOLERANCE,
    bits: int | None = None,
) -> Packed:
    """A dense network for a page, with weights of 8 bits where that does not show and of 16 where it would.

    name       of the argument, for messages.
    module     maps [N, inputs] to [N, outputs]; `steps_of` lists the layers it may have.
    probes     [N, inputs], what the reader may give it: there rounding is measured.
    outputs    how many numbers it must give; several where any of them will do.
    output     how its numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    tolerance  the largest change of a pixel, or of a number with "identity", that 8 bits may make on the probes.
    bits       8 or 16 to have it so without measuring.

    Raises TypeError for a network that a page cannot run, ValueError for one that does not fit.
    """
    steps = steps_of(module, name)
    layers = linear(steps)
    accepted = (outputs,) if isinstance(outputs, int) else outputs
    ends = (layers[0][0].shape[1], layers[-1][0].shape[0]) if layers else ("nothing", "nothing")
    if ends[0] != probes.shape[1] or ends[1] not in accepted:
        raise ValueError(
            f"{name}: got a map from {ends[0]} to {ends[1]} numbers; accepted is one from {probes.shape[1]} to "
            f"{' or '.join(map(str, accepted))}"
        )
    if not all(torch.isfinite(part).all() for layer in layers for part in layer):
        raise ValueError(
            f"{name}: got weights that are nan or infinite; accepted are finite weights"
        )
    if not torch.allclose(
        _said(module, probes[:32]), forward(steps, probes[:32]), atol=1e-3, rtol=1e-3
    ):
        raise TypeError(
            f"{name}: got {type(module).__name__}, whose layers, applied one after the other, give "
            "something else than it does; accepted is the torch.nn.Sequential itself"
        )
    if bits is None:
        squash = SQUASHES[output]
        exact, coarse = (squash(forward(part, probes)) for part in (steps, rounded(steps, 8)))
        bits = 8 if (exact - coarse).abs().max() <= tolerance else 16
    nbytes = sum(weight.numel() for weight, _ in layers) * bits // 6
    return Packed(export(steps, bits), steps, bits, nbytes)


def check_room(name: str, nbytes: int, most: int) -> None:
    """Raises ValueError where weights take more bytes of the page than a figure allows."""
    if nbytes > most:
        raise ValueError(
            f"{name}: got weights that take {nbytes:,} bytes of the page; accepted are at most {most:,}: "
            "train a narrower decoder for this figure"
        )


def linear(steps: list) -> list:
    """The pairs (weight, bias) among the steps."""
    return [step for step in steps if not isinstance(step, str)]


def _said(module: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """What the module itself makes of the inputs, [N, outputs]; its mode is left as it was."""
    training = module.training
    with torch.no_grad():
        said = module.eval()(inputs.to(next(module.parameters()))).flatten(1).float().cpu()
    module.train(training)
    return said
