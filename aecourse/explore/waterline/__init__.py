"""The linear VAE under water: which latents stand above beta * sigma^2, and what they still draw."""

from __future__ import annotations

import torch

from aecourse import collapse, require
from aecourse.page.figure import Figure, base64_of, fragment
from aecourse.page.network import packed, quantise
from aecourse.page.pictures import as_images, names_of, packed_images

LIMITS = {"sigma": (0.05, 3.0), "beta": (0.1, 30.0)}  # what the sliders reach


def waterline(
    x, images, *, latents=24, sigma=0.25, beta=1.0, labels=None, description=None
) -> Figure:
    """A linear VAE in closed form: bars of the eigenvalues, water up to beta * sigma^2, and images drawn by what is dry.

    x            [N, H, W] or [N, 1, H, W] float in [0, 1], the data whose principal components the latents are.
    images       [M, H, W] or [M, 1, H, W], 1 to 12 of them, to be drawn.
    latents      how many latents the model has, at most 64.
    sigma, beta  where the sliders stand at first.
    labels       the M class names of the images, for readers who cannot see them.
    description  the figure in words; by default what is known of a few levels.

    24 components of 28 x 28 pixels take 60 kB of a page. Raises ValueError or TypeError for what does not fit.
    """
    x, images = (torch.tensor(as_images(*each)).float() for each in (("x", x), ("images", images)))
    if x.shape[1:] != images.shape[1:] or not 1 <= len(images) <= 12:
        raise ValueError(
            f"images: got shape {list(images.shape)}; accepted is [M, {', '.join(map(str, x.shape[1:]))}] with M from 1 to 12"
        )
    latents = require.integer("latents", latents)
    if latents > 64 or latents >= min(len(x), x[0].numel()):
        raise ValueError(
            f"latents: got {latents}; accepted are at most 64, and fewer than images in x and than pixels"
        )
    start = {
        name: require.number(name, value, low=LIMITS[name][0], high=LIMITS[name][1])
        for name, value in {"sigma": sigma, "beta": beta}.items()
    }
    mean, values, vectors, rest = _components(x, latents)
    integers, scale = quantise(vectors.float(), 16)
    seen = (images.flatten(1).double() - mean) @ (
        integers * scale[:, None]
    ).double().T  # with what the page has
    data = {
        **start,
        "limits": {name: list(ends) for name, ends in LIMITS.items()},
        "shape": list(x.shape[1:]),
        "eigenvalues": values.tolist(),
        "rest": rest,
        "components": packed(vectors.float(), 16),
        "mean": base64_of(mean.float().numpy()),
        "projections": seen.tolist(),
        "images": packed_images(images),
        "labels": None if labels is None else names_of("labels", labels, len(images)),
    }
    description = _describe(values) if description is None else description
    return Figure(
        fragment(
            "waterline",
            data,
            package=__name__,
            title="Interactive figure: a linear VAE, latent by latent",
            description=description,
        ),
        description,
    )


def _components(x: torch.Tensor, latents: int):
    """Mean [D], the largest eigenvalues [k], their directions [k, D] and the sum of the other eigenvalues, in float64."""
    x = x.flatten(1).double()
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, vectors = values.flip(0).clamp_min(0), vectors.flip(1).T
    return mean, values[:latents], vectors[:latents], values[latents:].sum().item()


def _describe(values: torch.Tensor) -> str:
    def told(level: float) -> str:
        nats = collapse.rates(values, level)
        return f"at {level:g}, {int((nats > 0).sum())} of {len(values)} latents are active, with {nats.sum():.1f} nats in all"

    return (
        "A bar for each latent of a linear VAE, as high as the variance of the data along its direction, on a logarithmic scale, and "
        "water up to beta times sigma squared. Half of what stands above the water is the latent's KL in nats; a latent under water is "
        f"silent. Below, digits and what the dry latents draw of them. For the water level: {'; '.join(map(told, (0.01, 0.1, 1.0, 10.0)))}."
    )
