"""Erase parts of an image and see several completions at once, drawn by weighted codes in the page."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.models import MIWAE, Gaussian
from aecourse.models.incomplete import seen
from aecourse.page.figure import Figure, fragment
from aecourse.page.network import check_room, packed_network
from aecourse.page.pictures import as_images, names_of, packed_images

MAX_BYTES = 1_300_000  # what the weights may take of a page


def fill_in(
    model,
    images,
    *,
    labels=None,
    shown: int = 6,
    pool: int = 40,
    brush=1.5,
    seed: int = 0,
    description=None,
) -> Figure:
    """An image to erase, and `shown` completions of it beside their mean, as p(x_missing|x_observed) has them.

    model:  a `MIWAE` of dense layers for images of one channel, with `Gaussian` pixels that pass a sigmoid.
    images: [N, H, W] float in [0, 1], to choose from; [N, 1, H, W] is accepted too. labels: their N names.
    pool:   each completion is chosen from so many codes of its own, with their weights as chances; the mean is that of all.
    brush:  the radius of the eraser in pixels. seed: of the draws, a whole number.
    description: the figure in words.

    Weights travel in 16 bits each. Raises TypeError for a model that a page cannot run, ValueError for what does not fit.
    """
    likelihood = getattr(model, "likelihood", None)
    if (
        not isinstance(model, MIWAE)
        or not isinstance(likelihood, Gaussian)
        or not likelihood.squash
    ):
        raise TypeError(
            f"model: got {require.described(type(model).__name__)}; accepted is a MIWAE of dense layers with Gaussian "
            "pixels that pass a sigmoid"
        )
    images = as_images("images", images)
    if tuple(model.shape) != (1, *images.shape[1:]):
        raise ValueError(
            f"images: got {list(images.shape[1:])}; accepted are images of the model's shape {list(model.shape)}"
        )
    labels = names_of("labels", labels, len(images))
    shown, pool = require.integer("shown", shown, low=2), require.integer("pool", pool, low=2)
    brush, seed = (
        require.number("brush", brush, low=0, above=True),
        require.integer("seed", seed, low=0),
    )

    x = torch.tensor(images, dtype=torch.float32)[:, None]
    g = torch.Generator().manual_seed(0)
    masks = torch.rand(x.shape, generator=g) < torch.linspace(0.1, 1.0, len(x))[:, None, None, None]
    z = torch.randn(300, model.latent_dim, generator=g)
    encoder = packed_network(
        "model.encoder",
        model.encoder,
        seen(x, masks).flatten(1),
        2 * model.latent_dim,
        output="identity",
        bits=16,
    )
    decoder = packed_network("model.decoder", model.decoder, z, x[0].numel(), bits=16)
    check_room("model", encoder.nbytes + decoder.nbytes, MAX_BYTES)
    if description is None:
        description = (
            f"One of {len(images)} images, from which the reader erases parts. Missing pixels are shown in blue. Beside it "
            f"stand {shown} completions, drawn from what the model holds possible given the pixels that are left, and "
            "the mean of all that is possible. Where much is left they agree, and where little is left they differ."
        )
    data = {
        "encoder": encoder.layers,
        "decoder": decoder.layers,
        "sigma": float(likelihood.sigma),
        "k": model.latent_dim,
        "images": [packed_images(image) for image in images],
        "shape": list(images.shape[1:]),
        "labels": labels,
        "shown": shown,
        "pool": pool,
        "brush": brush,
        "seed": seed,
    }
    return Figure(
        fragment(
            "fill_in",
            data,
            package=__name__,
            title="Interactive figure: erase, and see what could have stood there",
            description=description,
        ),
        description,
    )
