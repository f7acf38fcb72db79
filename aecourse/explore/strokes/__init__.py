"""A wall of features that light up for a drawn digit, with the price of activity as a slider."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from aecourse import require
from aecourse.page.figure import Figure, fragment
from aecourse.page.network import check_room, packed_network
from aecourse.page.pictures import as_images, names_of, packed_images

MAX_BYTES = 1_200_000  # what the weights of all models together may take of a page


def strokes(models, images, *, labels=None, price="price of activity", description=None) -> Figure:
    """A digit to draw, the wall of a sparse code's features, and the digit made of those that light up.

    models       {price: model}, two to six one-layer sparse autoencoders with output="identity" and a code of "l1" or of no
                 penalty, all of one size, from the lowest price to the highest; the keys are shown at the slider.
    images       [N, H, W] float in [0, 1], the images to begin with; [N, 1, H, W] is accepted too.
    labels       their N names; by default they are counted.
    price        what the slider is called.
    description  the figure in words.

    Raises TypeError or ValueError for what does not fit.
    """
    images = as_images("images", images)
    labels = names_of("labels", labels, len(images))
    if not isinstance(models, dict) or not 2 <= len(models) <= 6:
        raise ValueError(
            f"models: got {require.described(models)}; accepted are two to six, named by their price"
        )
    pixels = images.shape[1] * images.shape[2]
    units = {getattr(model, "latent_dim", None) for model in models.values()}
    if len(units) > 1:
        raise ValueError(
            f"models: got codes of {', '.join(sorted(map(str, units)))} numbers; accepted is one size for all"
        )
    inputs = torch.tensor(np.round(images * 255) / 255, dtype=torch.float32).flatten(1)
    generator = torch.Generator().manual_seed(0)
    inputs = torch.cat([inputs, torch.rand(50, pixels, generator=generator).round()])
    data, nbytes = [], 0
    for name, model in models.items():
        encoder, decoder = _halves(f"models[{name!r}]", model)
        here = f"models[{name!r}]"
        inward = packed_network(
            here, encoder, inputs, model.latent_dim, output="identity", tolerance=0.05
        )
        with torch.no_grad():
            codes = encoder(inputs)
        outward = packed_network(here, decoder, codes, pixels, output="identity", tolerance=8 / 255)
        nbytes += inward.nbytes + outward.nbytes
        data.append({"price": str(name), "encoder": inward.layers, "decoder": outward.layers})
    check_room("models", nbytes, MAX_BYTES)
    if description is None:
        description = (
            f"The reader draws a digit or chooses one of {len(images)}. Beside it stands a wall of {units.pop()} features, "
            "each a small grey picture: those that are active for the digit light up, the others stay pale. The digit "
            "made of them, their number and the error are shown. A slider chooses among "
            f"{len(models)} networks by the price that activity had in training: with a higher price fewer features "
            "light up and the digit becomes coarser. The strongest features can be left out one by one."
        )
    return Figure(
        fragment(
            "strokes",
            {
                "models": data,
                "images": [packed_images(image) for image in images],
                "labels": labels,
                "shape": list(images.shape[1:]),
                "price": price,
            },
            package=__name__,
            title="Interactive figure: the features that a drawn digit is made of",
            description=description,
        ),
        description,
    )


def _halves(name: str, model) -> tuple[nn.Sequential, nn.Sequential]:
    """The encoder, with the decoder's bias taken off beforehand, and the decoder, as plain networks."""
    if not getattr(model, "centres", False) or model.penalty not in ("l1", None):
        raise TypeError(
            f"{name}: got {require.described(model)}; accepted is a one-layer SparseAutoencoder with output='identity' "
            "and the penalty 'l1' or None"
        )
    inward = next(m for m in model.encoder.modules() if isinstance(m, nn.Linear))
    outward = next(m for m in model.decoder.modules() if isinstance(m, nn.Linear))
    first = nn.Linear(inward.in_features, inward.out_features)
    with torch.no_grad():
        first.weight.copy_(inward.weight)
        first.bias.copy_(inward.bias - inward.weight @ outward.bias)
    return nn.Sequential(first, nn.ReLU()), nn.Sequential(outward)
