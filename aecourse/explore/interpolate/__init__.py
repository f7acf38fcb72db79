"""From one digit to another on several ways at once, decoded in the page."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import interpolation, require
from aecourse.page.figure import Figure, as_array, base64_of, fragment
from aecourse.page.network import SQUASHES, check_room, packed_network
from aecourse.page.pictures import as_images, names_of, packed_images

MAX_BYTES = 1_000_000  # what the weights of all decoders together may take of a page
WAYS = {"linear": interpolation.linear, "slerp": interpolation.slerp}


def interpolate(
    images, methods: dict, *, labels=None, ends=(0, 1), t=0.5, output="sigmoid", description=None
) -> Figure:
    """A choice of two images, a place between them, and what several methods draw there.

    images       [N, H, W] float in [0, 1], the images to go from and to; [N, 1, H, W] is accepted too.
    methods      {name: method} with one to four methods. A method is None for the blend of the pixels, or (decoder, codes,
                 way): a dense decoder (`network.steps_of` lists its layers), the codes [N, D] of the images, and "linear" or
                 "slerp". A decoder used by several methods travels once.
    labels       the N names of the images; by default they are counted.
    ends         which two images are chosen at first.
    t            the place between them, from 0 to 1, at first.
    output       how a decoder's numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    description  the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    decoder that a page cannot run, ValueError for what does not fit.
    """
    images = as_images("images", images, low=2)
    labels = names_of("labels", labels, len(images))
    if not isinstance(methods, dict) or not 1 <= len(methods) <= 4:
        raise ValueError(
            f"methods: got {require.described(methods)}; accepted are one to four named methods"
        )
    ends = [require.integer(f"ends[{i}]", end, low=0) for i, end in enumerate(ends)]
    if len(ends) != 2 or max(ends) >= len(images):
        raise ValueError(f"ends: got {tuple(ends)}; accepted are two of 0 to {len(images) - 1}")
    t = require.number("t", t, low=0, high=1)
    require.choice("output", output, SQUASHES)

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
        drawn.append(
            {
                "name": name,
                "network": which,
                "way": way,
                "codes": [base64_of(code) for code in codes.numpy()],
            }
        )
    pixels = images.shape[1] * images.shape[2]
    networks = [
        packed_network("decoder", decoder, torch.cat(z), pixels, output=output)
        for decoder, z in zip(decoders, probes)
    ]
    check_room("methods", sum(net.nbytes for net in networks), MAX_BYTES)
    data = {
        "images": [packed_images(image) for image in images],
        "shape": list(images.shape[1:]),
        "labels": labels,
        "networks": [net.layers for net in networks],
        "methods": drawn,
        "ends": ends,
        "t": t,
        "output": output,
    }
    if description is None:
        description = (
            f"Two of {len(images)} images are chosen and a place t between them. Side by side stand the images that "
            f"{', '.join(methods)} give there, and below each how fast its image changes along the way, as a curve "
            "around the mean speed."
        )
    return Figure(
        fragment(
            "interpolate",
            data,
            package=__name__,
            title="Interactive figure: from one digit to another",
            description=description,
        ),
        description,
    )


def _method(name: str, method, count: int):
    """(decoder, codes, way) of a method, checked."""
    if not isinstance(method, (tuple, list)) or len(method) != 3:
        raise ValueError(
            f"methods[{name!r}]: got {require.described(method)}; accepted is None or (decoder, codes, way)"
        )
    decoder, codes, way = method
    codes = torch.tensor(as_array(f"codes of {name!r}", codes).astype(np.float32))
    if codes.dim() != 2 or len(codes) != count:
        raise ValueError(
            f"codes of {name!r}: got shape {list(codes.shape)}; accepted is [{count}, D], one for each image"
        )
    return decoder, codes, require.choice(f"way of {name!r}", way, WAYS)


def _probes(codes: torch.Tensor, way) -> torch.Tensor:
    """The codes themselves and places between every two neighbours among them, where rounding the weights must not show."""
    path = way(codes, codes.roll(1, 0), torch.linspace(0, 1, 9))
    return path.flatten(0, 1)
