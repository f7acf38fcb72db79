"""From one digit to another on several ways at once, decoded in the page."""
from __future__ import annotations

import numpy as np
import torch

from aecourse import _arguments as check
from aecourse import interpolation

from .figure import Figure, as_array, base64_of, fragment
from .network import ACTIVATIONS, export, forward, packed, rounded, steps_of
from .sizes import _eight_bits, _name, _without_channel

MAX_BYTES = 1_000_000        # what the weights of all decoders together may take of a page
TOLERANCE = 1.5 / 255        # the largest change of a pixel on the probes that rounding the weights may make, of the 2 promised
WAYS = {"linear": interpolation.linear, "slerp": interpolation.slerp}


def interpolate(images, methods: dict, *, labels=None, ends=(0, 1), t=0.5, output="sigmoid", description=None) -> Figure:
    """A choice of two images, a place between them, and what several methods draw there.

    images:  [N, H, W] float in [0, 1], the images to go from and to; [N, 1, H, W] is accepted too.
    methods: {name: method} with one to four methods. A method is None for the blend of the pixels, or (decoder, codes,
             way): a dense decoder (`network.steps_of` lists its layers), the codes [N, D] of the images, and "linear" or
             "slerp". A decoder used by several methods travels once.
    labels:  the N names of the images; by default they are counted.
    ends:    which two images are chosen at first. t: the place between them, from 0 to 1.
    output:  how a decoder's numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    description: the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    decoder that a page cannot run, ValueError for what does not fit.
    """
    images = _without_channel(as_array("images", images), 3)
    if images.ndim != 3 or len(images) < 2:
        raise ValueError(f"images: got shape {list(images.shape)}; accepted is [N, H, W] with N of at least 2")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(f"images: got values from {images.min():.3g} to {images.max():.3g}; accepted is [0, 1]")
    labels = list(range(1, len(images) + 1)) if labels is None else list(labels)
    if len(labels) != len(images):
        raise ValueError(f"labels: got {len(labels)}; accepted are {len(images)}, one for each image")
    if not isinstance(methods, dict) or not 1 <= len(methods) <= 4:
        raise ValueError(f"methods: got {check.described(methods)}; accepted are one to four named methods")
    ends = [check.integer(f"ends[{i}]", end, low=0) for i, end in enumerate(ends)]
    if len(ends) != 2 or max(ends) >= len(images):
        raise ValueError(f"ends: got {tuple(ends)}; accepted are two of 0 to {len(images) - 1}")
    t = check.number("t", t, low=0, high=1)
    check.choice("output", output, ["sigmoid", "tanh", "identity"])

    decoders, probes, drawn = [], [], []
    for name, method in methods.items():
        if method is None:
            drawn.append({"name": name})
            continue
        decoder, codes, way = _method(name, method, len(images))
        if not any(decoder is known for known in decoders):
            decoders.append(decoder)
            probes.append([])
        which = next(i for i, known in enumerate(decoders) if known is decoder)
        probes[which].append(_probes(codes, WAYS[way]))
        drawn.append({"name": name, "network": which, "way": way, "codes": [base64_of(code) for code in codes.numpy()]})
    pixels = images.shape[1] * images.shape[2]
    networks = [_exported(decoder, torch.cat(z), pixels, output) for decoder, z in zip(decoders, probes)]
    size = sum(len(layer["weight"]["integers"]) for net in networks for layer in net if not isinstance(layer, str))
    if size > MAX_BYTES:
        raise ValueError(f"methods: got decoders whose weights take {size:,} bytes of the page; accepted are at most {MAX_BYTES:,}: "
                         "train narrower networks for this figure")
    data = {"images": [base64_of(_eight_bits(image)) for image in images], "shape": list(images.shape[1:]),
            "labels": [_name(label) for label in labels], "networks": networks, "methods": drawn,
            "ends": ends, "t": t, "output": output}
    if description is None:
        description = (f"Two of {len(images)} images are chosen and a place t between them. Side by side stand the images that "
                       f"{', '.join(methods)} give there, and below each how fast its image changes along the way, as a curve "
                       "around the mean speed.")
    return Figure(fragment("interpolate", data, title="Interactive figure: from one digit to another",
                           description=description), description)


def _method(name: str, method, count: int):
    """(decoder, codes, way) of a method, checked."""
    if not isinstance(method, (tuple, list)) or len(method) != 3:
        raise ValueError(f"methods[{name!r}]: got {check.described(method)}; accepted is None or (decoder, codes, way)")
    decoder, codes, way = method
    codes = torch.tensor(as_array(f"codes of {name!r}", codes).astype(np.float32))
    if codes.dim() != 2 or len(codes) != count:
        raise ValueError(f"codes of {name!r}: got shape {list(codes.shape)}; accepted is [{count}, D], one for each image")
    return decoder, codes, check.choice(f"way of {name!r}", way, WAYS)


def _probes(codes: torch.Tensor, way) -> torch.Tensor:
    """The codes themselves and places between every two neighbours among them, where rounding the weights must not show."""
    path = way(codes, codes.roll(1, 0), torch.linspace(0, 1, 9))
    return path.flatten(0, 1)


def _exported(decoder, probes: torch.Tensor, pixels: int, output: str) -> list:
    """A decoder as JSON, if a page can run it and it maps codes to images."""
    steps = steps_of(decoder)
    layers = [step for step in steps if not isinstance(step, str)]
    inputs, outputs = (layers[0][0].shape[1], layers[-1][0].shape[0]) if layers else ("nothing", "nothing")
    if (inputs, outputs) != (probes.shape[1], pixels):
        raise ValueError(f"decoder: got a map from {inputs} to {outputs} numbers; accepted is one from {probes.shape[1]} "
                         f"to {pixels}, the pixels of an image")
    if not all(torch.isfinite(part).all() for layer in layers for part in layer):
        raise ValueError("decoder: got weights that are nan or infinite; accepted are finite weights")

    def drawn(steps):
        logits = forward(steps, probes)
        return (torch.tanh(logits) + 1) / 2 if output == "tanh" else ACTIVATIONS[output](logits)
    harm = (drawn(steps) - drawn(rounded(steps, 8))).abs().max().item()
    return export(steps, 8 if harm <= TOLERANCE else 16)
