"""One slider per latent for several decoders: which number of a code moves what in the picture."""
from __future__ import annotations

import torch

from aecourse import _arguments as check

from .figure import Figure, as_array, fragment
from .network import ACTIVATIONS, export, forward, packed, rounded, steps_of

MAX_BYTES = 1_500_000        # what the weights of all decoders together may take of a page
TOLERANCE = 1.5 / 255        # the largest change of a pixel on the probes that rounding the weights may make


def traversals(models, *, shape=(28, 28), names=None, extent=2.5, steps=7, description=None) -> Figure:
    """Decoders to choose from, each latent a slider with the pictures along its way beneath, ordered by KL.

    models: {name: (decoder, kl, starts)} with one to five entries; `decoder` maps codes [N, k] to height x width logits
            (`network.steps_of` lists the layers it may have), `kl` are the nats [k] that each latent costs on average,
            `starts` the codes [S, k] of the S images that a reader may start from, the same for all models.
    shape:  (height, width) of an image.
    names:  what the S images are called; by default they are counted.
    extent: sliders reach from -extent to extent, in standard deviations of the prior.
    steps:  how many pictures lie under a slider, odd, so that one is in the middle.
    description: the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    decoder that a page cannot run, ValueError for what does not fit.
    """
    if not isinstance(models, dict) or not 1 <= len(models) <= 5:
        raise ValueError(f"models: got {check.described(models)}; accepted are one to five named decoders")
    height, width = check.sizes("shape", shape)[-2:]
    extent = check.number("extent", extent, low=0, above=True)
    if check.integer("steps", steps, low=3) > 15 or steps % 2 == 0:
        raise ValueError(f"steps: got {steps}; accepted is an odd whole number from 3 to 15")
    parts = [_part(name, *entry, height * width, extent) for name, entry in models.items()]
    count = {part["starts"]["shape"][0] for part in parts}
    if len(count) > 1:
        raise ValueError(f"models: got {sorted(count)} starting codes; accepted are the same number for all decoders")
    names = [str(n) for n in (range(1, max(count) + 1) if names is None else names)]
    if len(names) != max(count):
        raise ValueError(f"names: got {len(names)}; accepted are {max(count)}, one for each starting code")
    size = sum(len(layer["weight"]["integers"]) for part in parts for layer in part["layers"] if not isinstance(layer, str))
    if size > MAX_BYTES:
        raise ValueError(f"models: got weights that take {size:,} bytes of the page; accepted are at most {MAX_BYTES:,}: "
                         "train narrower decoders for this figure")
    if description is None:
        told = "; ".join(f"{part['name']}: " + ", ".join(f"{nats:.1f}" for nats in sorted(part["kl"], reverse=True)) for part in parts)
        description = (f"A picture decoded from a code, one slider for every number of the code, and under each slider {steps} pictures along "
                       "its way with the other numbers held. A decoder is chosen by name; sliders are ordered by what their number costs on "
                       f"average. Nats per latent: {told}.")
    data = {"models": parts, "shape": [height, width], "names": names, "extent": extent, "steps": steps}
    return Figure(fragment("traversals", data, title="Interactive figure: one slider per latent", description=description), description)


def _part(name: str, decoder, kl, starts, pixels: int, extent: float) -> dict:
    """One decoder as JSON, if a page can run it and its code and pictures fit."""
    starts = torch.tensor(as_array(f"models[{name!r}]: starts", starts), dtype=torch.float32)
    kl = as_array(f"models[{name!r}]: kl", kl)
    if starts.dim() != 2 or not len(starts) or kl.shape != starts.shape[1:]:
        raise ValueError(f"models[{name!r}]: got starts of shape {list(starts.shape)} and kl of shape {list(kl.shape)}; "
                         "accepted are [S, k] and [k]")
    steps = steps_of(decoder)
    layers = [step for step in steps if not isinstance(step, str)]
    inputs, outputs = (layers[0][0].shape[1], layers[-1][0].shape[0]) if layers else ("nothing", "nothing")
    if (inputs, outputs) != (starts.shape[1], pixels):
        raise ValueError(f"models[{name!r}]: got a decoder from {inputs} to {outputs} numbers; accepted is one from "
                         f"{starts.shape[1]} to {pixels}, the pixels of an image")
    if not all(torch.isfinite(part).all() for layer in layers for part in layer):
        raise ValueError(f"models[{name!r}]: got weights that are nan or infinite; accepted are finite weights")
    generator = torch.Generator().manual_seed(0)
    probes = torch.cat([starts, extent * (2 * torch.rand(400, starts.shape[1], generator=generator) - 1)])
    seen = ACTIVATIONS["sigmoid"](forward(steps, probes))
    harm = (ACTIVATIONS["sigmoid"](forward(rounded(steps, 8), probes)) - seen).abs().max().item()
    return {"name": name, "layers": export(steps, 8 if harm <= TOLERANCE else 16), "kl": kl.tolist(),
            "starts": packed(starts, 16)}
