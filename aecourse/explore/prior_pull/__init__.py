"""Codes on their way into a prior: the training of several models as a film, decoded in the page."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import SQUASHES, check_room, packed, packed_network

MAX_BYTES = 1_000_000  # what the weights of all decoders together may take of a page


def prior_pull(
    runs: dict,
    labels,
    *,
    moments,
    shape=(28, 28),
    extent: float = 4.0,
    moment: int = -1,
    output: str = "sigmoid",
    description: str | None = None,
) -> Figure:
    """A film of codes that are pulled to a prior, for a choice of priors; a place of the plane is decoded beside it.

    runs         {name: (decoder, draws, codes)}, one to six: the decoder after training, dense, from 2 numbers to an
                 image; draws [M, 2] of the prior; codes [T, N, 2] of the same N images at T moments of training
    labels       [N], the class of each image, 0 to 9
    moments      T names of the moments, such as the epochs; the first is the start, the last the end of training
    shape        of an image, (H, W)
    extent       the plane is drawn from -extent to extent; codes outside wait at its edge
    moment       the moment that is shown at first; -1 is the last
    output       how the decoder's numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity"
    description  the figure in words

    Raises TypeError for a decoder that a page cannot run, ValueError for what does not fit.
    """
    if not isinstance(runs, dict) or not 1 <= len(runs) <= 6:
        raise ValueError(
            f"runs: got {require.described(runs)}; accepted are one to six named (decoder, draws, codes)"
        )
    moments = [str(name) for name in moments]
    labels = as_array("labels", labels).astype(int)
    if labels.ndim != 1 or not len(labels) or labels.min() < 0 or labels.max() > 9:
        raise ValueError(
            f"labels: got shape {list(labels.shape)}; accepted are classes [N] from 0 to 9"
        )
    height, width = require.sizes("shape", shape, empty=False)
    extent = require.number("extent", extent, low=0, above=True)
    require.choice("output", output, SQUASHES)
    if moment not in range(-1, len(moments)):
        raise ValueError(f"moment: got {moment!r}; accepted is -1 to {len(moments) - 1}")

    films, nbytes = [], 0
    for name, run in runs.items():
        decoder, draws, codes = _run(name, run, len(moments), len(labels))
        probes = torch.cat([draws, codes[-1].clamp(-extent, extent)])
        net = packed_network("decoder", decoder, probes, height * width, output=output)
        nbytes += net.nbytes
        films.append(
            {
                "name": str(name),
                "network": net.layers,
                "draws": packed(draws.T.contiguous(), 8),
                "codes": packed(codes.permute(0, 2, 1).reshape(-1, len(labels)), 16),
            }
        )
    check_room("runs", nbytes, MAX_BYTES)
    data = {
        "films": films,
        "labels": "".join(map(str, labels.tolist())),
        "moments": moments,
        "shape": [height, width],
        "extent": extent,
        "moment": moment % len(moments),
        "output": output,
    }
    if description is None:
        description = (
            f"A plane with the codes of {len(labels)} digits, drawn as digits in the colours of their classes, over grey "
            f"dots: draws of the prior. The priors to choose from are {', '.join(map(str, runs))}. A slider goes through "
            f"training, from {moments[0]} to {moments[-1]}: at the start the codes lie anywhere, at the end they cover "
            "the grey dots. The place under the pointer is decoded beside the plane."
        )
    return Figure(
        fragment(
            "prior_pull",
            data,
            package=__name__,
            title="Interactive figure: codes on their way into a prior",
            description=description,
        ),
        description,
    )


def _run(name, run, moments: int, count: int) -> tuple:
    """(decoder, draws [M, 2], codes [T, N, 2]) of one prior, checked."""
    if not isinstance(run, (tuple, list)) or len(run) != 3:
        raise ValueError(
            f"runs[{name!r}]: got {require.described(run)}; accepted is (decoder, draws, codes)"
        )
    decoder, draws, codes = run
    draws, codes = (
        torch.tensor(as_array(f"{what} of {name!r}", value).astype(np.float32))
        for what, value in (("draws", draws), ("codes", codes))
    )
    if draws.dim() != 2 or draws.shape[1] != 2 or not len(draws):
        raise ValueError(
            f"draws of {name!r}: got shape {list(draws.shape)}; accepted is [M, 2] with M of at least 1"
        )
    if tuple(codes.shape) != (moments, count, 2):
        raise ValueError(
            f"codes of {name!r}: got shape {list(codes.shape)}; accepted is [{moments}, {count}, 2], "
            "one for each moment and label"
        )
    return decoder, draws, codes
