"""Spoil a digit and watch two denoisers repair it, in the page."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import require
from aecourse.page.figure import Figure, fragment
from aecourse.page.network import SQUASHES, check_room, packed_network
from aecourse.page.pictures import as_images, names_of, packed_images

MAX_BYTES = 1_000_000  # what the weights of all models together may take of a page
TOLERANCE = (
    1 / 255
)  # the largest change of a pixel on the probes that rounding the weights may make; half of
# what is promised, since a reader may paint what no probe has thought of
NOISES = {
    "gaussian": ("Gaussian noise", 1.0),
    "masking": ("missing pixels", 0.9),
    "salt_and_pepper": ("salt and pepper", 0.6),
}


def denoise(
    models,
    images,
    *,
    labels=None,
    noises=tuple(NOISES),
    level=0.0,
    seed=0,
    brush=3.0,
    output="sigmoid",
    description=None,
) -> Figure:
    """A digit to erase, draw and throw noise on, and what each denoiser makes of it, as the reader spoils it.

    models       {name: network} with one to three networks that map images [N, H * W] to as many numbers, dense;
                 `network.steps_of` lists the layers they may have. An encoder followed by its decoder is
                 `torch.nn.Sequential(model.encoder, model.decoder)`.
    images       [N, H, W] float in [0, 1], the clean images to choose from; [N, 1, H, W] is accepted too.
    labels       their N names; by default they are counted.
    noises       which kinds the reader may choose: any of "gaussian", "masking", "salt_and_pepper".
    level        how strong the first of these noises is when the figure opens; by default the image is clean then.
    seed         of the noise, a whole number; the same seed gives the same noise in every browser.
    brush        the radius of the eraser in pixels; the pen's is half of it.
    output       how the networks' numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    description  the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    network that a page cannot run, ValueError for what does not fit.
    """
    images = as_images("images", images)
    labels = names_of("labels", labels, len(images))
    if not isinstance(models, dict) or not 1 <= len(models) <= 3:
        raise ValueError(
            f"models: got {require.described(models)}; accepted are one to three named networks"
        )
    if not noises:
        raise ValueError(
            f"noises: got none; accepted are one or more of {', '.join(map(repr, NOISES))}"
        )
    for kind in noises:
        require.choice("noises", kind, NOISES)
    level = require.number("level", level, low=0, high=NOISES[noises[0]][1])
    require.choice("output", output, SQUASHES)
    brush, seed = (
        require.number("brush", brush, low=0, above=True),
        require.integer("seed", seed, low=0),
    )

    rounded_images = np.round(images * 255) / 255
    probes = _probes(torch.tensor(rounded_images, dtype=torch.float32).flatten(1))
    networks = {
        name: packed_network(
            f"models[{name!r}]", net, probes, probes.shape[1], output=output, tolerance=TOLERANCE
        )
        for name, net in models.items()
    }
    check_room("models", sum(net.nbytes for net in networks.values()), MAX_BYTES)
    data = {
        "images": [packed_images(image) for image in images],
        "shape": list(images.shape[1:]),
        "labels": labels,
        "models": [
            {"name": name, "output": output, "layers": net.layers} for name, net in networks.items()
        ],
        "level": level,
        "seed": seed,
        "brush": brush,
        "noises": [
            {"kind": kind, "name": NOISES[kind][0], "high": NOISES[kind][1]} for kind in noises
        ],
    }
    if description is None:
        description = (
            f"One of {len(images)} clean images is spoiled by the reader, who erases parts, draws into it or adds "
            f"{', '.join(NOISES[kind][0] for kind in noises)}. Beside the spoiled image stands what "
            f"{' and '.join(models)} make of it, with the signal-to-noise ratio of each against the clean image."
        )
    return Figure(
        fragment(
            "denoise",
            data,
            package=__name__,
            title="Interactive figure: spoil an image, watch it being repaired",
            description=description,
        ),
        description,
    )


def _probes(x: torch.Tensor) -> torch.Tensor:
    """Clean, noisy, half-erased, inked and random images: where rounding the weights must not show."""
    generator = torch.Generator().manual_seed(0)
    eps = torch.randn(x.shape, generator=generator)
    holes = (torch.rand(x.shape, generator=generator) > 0.5).float()
    half = x.clone()
    half[:, x.shape[1] // 2 :] = 0
    anything = 1.5 * torch.rand(100, x.shape[1], generator=generator) - 0.25
    return torch.cat(
        [x, x + 0.3 * eps, x + eps, x * holes, half, torch.maximum(x, 1 - holes), anything]
    )
