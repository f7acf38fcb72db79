"""One slider per latent for several decoders: which number of a code moves what in the picture."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import check_room, packed, packed_network
from aecourse.page.pictures import names_of

MAX_BYTES = 1_500_000  # what the weights of all decoders together may take of a page


def traversals(
    models, *, shape=(28, 28), names=None, extent=2.5, steps=7, description=None
) -> Figure:
    """Decoders to choose from, each latent a slider with the pictures along its way beneath, ordered by KL.

    models       {name: (decoder, kl, starts)} with one to five entries; `decoder` maps codes [N, k] to height x width logits
                 (`network.steps_of` lists the layers it may have), `kl` are the nats [k] that each latent costs on average,
                 `starts` the codes [S, k] of the S images that a reader may start from, the same for all models.
    shape        (height, width) of an image.
    names        what the S images are called; by default they are counted.
    extent       sliders reach from -extent to extent, in standard deviations of the prior.
    steps        how many pictures lie under a slider, odd, so that one is in the middle.
    description  the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    decoder that a page cannot run, ValueError for what does not fit.
    """
    if not isinstance(models, dict) or not 1 <= len(models) <= 5:
        raise ValueError(
            f"models: got {require.described(models)}; accepted are one to five named decoders"
        )
    height, width = require.sizes("shape", shape)[-2:]
    extent = require.number("extent", extent, low=0, above=True)
    if require.integer("steps", steps, low=3) > 15 or steps % 2 == 0:
        raise ValueError(f"steps: got {steps}; accepted is an odd whole number from 3 to 15")
    parts = [
        _part(name, decoder, kl, starts, height * width, extent)
        for name, (decoder, kl, starts) in models.items()
    ]
    count = {part["starts"]["shape"][0] for part in parts}
    if len(count) > 1:
        raise ValueError(
            f"models: got {sorted(count)} starting codes; accepted are the same number for all decoders"
        )
    names = names_of("names", names, max(count), "starting code")
    check_room("models", sum(part.pop("nbytes") for part in parts), MAX_BYTES)
    if description is None:
        told = "; ".join(
            f"{part['name']}: "
            + ", ".join(f"{nats:.1f}" for nats in sorted(part["kl"], reverse=True))
            for part in parts
        )
        description = (
            f"A picture decoded from a code, one slider for every number of the code, and under each slider {steps} pictures along "
            "its way with the other numbers held. A decoder is chosen by name; sliders are ordered by what their number costs on "
            f"average. Nats per latent: {told}."
        )
    data = {
        "models": parts,
        "shape": [height, width],
        "names": names,
        "extent": extent,
        "steps": steps,
    }
    return Figure(
        fragment(
            "traversals",
            data,
            package=__name__,
            title="Interactive figure: one slider per latent",
            description=description,
        ),
        description,
    )


def _part(name: str, decoder, kl, starts, pixels: int, extent: float) -> dict:
    """One decoder as JSON, if a page can run it and its code and pictures fit."""
    starts = torch.tensor(as_array(f"models[{name!r}]: starts", starts), dtype=torch.float32)
    kl = as_array(f"models[{name!r}]: kl", kl)
    if starts.dim() != 2 or not len(starts) or kl.shape != starts.shape[1:]:
        raise ValueError(
            f"models[{name!r}]: got starts of shape {list(starts.shape)} and kl of shape {list(kl.shape)}; "
            "accepted are [S, k] and [k]"
        )
    generator = torch.Generator().manual_seed(0)
    probes = torch.cat(
        [starts, extent * (2 * torch.rand(400, starts.shape[1], generator=generator) - 1)]
    )
    net = packed_network(f"models[{name!r}]", decoder, probes, pixels)
    return {
        "name": name,
        "layers": net.layers,
        "nbytes": net.nbytes,
        "kl": kl.tolist(),
        "starts": packed(starts, 16),
    }
