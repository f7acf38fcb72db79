"""From a torch decoder to JSON that a page can run."""
from __future__ import annotations

import torch
from torch import nn

from .figure import base64_of

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
_TRANSPARENT = (nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout)  # no arithmetic, once training is over


def steps_of(module: nn.Module, name: str = "decoder") -> list:
    """A dense network as the list of its steps: a pair (weight [out, in], bias [out]) or an activation's name.

    module: nested `Sequential`s (bare, or the only child of another module) of Linear, ReLU, GELU, Tanh,
            SiLU, Sigmoid, Flatten, Unflatten, Dropout and Identity. name: of the argument, for messages.
    Raises TypeError, naming the layer, for anything else.
    """
    if isinstance(module, nn.Sequential):
        return [step for child in module for step in steps_of(child, name)]
    if isinstance(module, nn.Linear):
        weight = module.weight.detach().float().cpu()
        bias = torch.zeros(len(weight)) if module.bias is None else module.bias.detach().float().cpu()
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
        "Linear, ReLU, GELU, Tanh, SiLU, Sigmoid, Flatten, Unflatten, Dropout and Identity layers")


def forward(steps: list, z: torch.Tensor) -> torch.Tensor:
    """Run steps on codes: [N, in] -> [N, out]."""
    for step in steps:
        z = ACTIVATIONS[step](z) if isinstance(step, str) else nn.functional.linear(z, *step)
    return z


def quantise(weight: torch.Tensor, bits: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Round each row of a matrix to whole multiples of its own scale.

    weight: [rows, columns]. Returns (integers [rows, columns], int8 or int16; scale [rows], float32):
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
    return {"shape": list(weight.shape), "bits": bits, "integers": base64_of(integers.numpy()),
            "scale": base64_of(scale.numpy())}


def export(steps: list, bits: int) -> list:
    """Steps as JSON, for `network` in runtime.js."""
    return [step if isinstance(step, str) else {"weight": packed(step[0], bits), "bias": base64_of(step[1].numpy())}
            for step in steps]
