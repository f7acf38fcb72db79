"""What survives a code of 2, 8 or 32 numbers: a slider over code sizes."""
from __future__ import annotations

import numpy as np

from aecourse import _arguments as check

from .figure import Figure, as_array, base64_of, fragment


def code_size(originals, reconstructions, *, sizes, errors, labels=None, unit="squared error per image",
              description=None) -> Figure:
    """A slider over code sizes: the originals, what each model makes of them, and error against code size.

    originals:       [N, H, W] float in [0, 1]; [N, 1, H, W] is accepted too.
    reconstructions: {model: [S, N, H, W]} float, likewise; drawn clipped to [0, 1]. One to four models.
    sizes:           S code sizes, ascending.
    errors:          {model: S errors} of the same models over a whole test set, in `unit`.
    labels:          the N class names of the originals, for readers who cannot see them.
    description:     the figure in words; by default the errors are listed.

    Pixels travel in 8 bits: 10 images, 8 sizes and 2 models of 28 x 28 take 180 kB of a page.
    Raises ValueError or TypeError, naming the argument, for what does not fit.
    """
    originals = _without_channel(as_array("originals", originals), 3)
    if originals.ndim != 3 or not len(originals):
        raise ValueError(f"originals: got shape {list(originals.shape)}; accepted is [N, H, W] with N of at least 1")
    if originals.min() < 0 or originals.max() > 1:
        raise ValueError(f"originals: got values from {originals.min():.3g} to {originals.max():.3g}; accepted is [0, 1]")
    sizes = list(check.sizes("sizes", sizes))
    if len(sizes) < 2 or sizes != sorted(set(sizes)):
        raise ValueError(f"sizes: got {sizes}; accepted are two or more whole numbers, ascending")
    if not 1 <= len(reconstructions) <= 4:
        raise ValueError(f"reconstructions: got {len(reconstructions)} models; accepted are one to four")
    if set(errors) != set(reconstructions):
        raise ValueError(f"errors: got {', '.join(errors)}; accepted are the models of reconstructions, "
                         f"{', '.join(reconstructions)}")
    models = []
    for name, images in reconstructions.items():
        images = _without_channel(as_array(f"reconstructions[{name!r}]", images), 4)
        if images.shape != (len(sizes), *originals.shape):
            raise ValueError(f"reconstructions[{name!r}]: got shape {list(images.shape)}; accepted is "
                             f"[S, N, H, W] = {[len(sizes), *originals.shape]}")
        error = as_array(f"errors[{name!r}]", errors[name])
        if error.shape != (len(sizes),) or error.min() < 0:
            raise ValueError(f"errors[{name!r}]: got {check.described(errors[name])}; accepted are {len(sizes)} "
                             "numbers of at least 0, one for each size")
        models.append({"name": name, "images": base64_of(_eight_bits(images)), "errors": error.tolist()})
    if labels is not None and len(labels) != len(originals):
        raise ValueError(f"labels: got {len(labels)}; accepted are {len(originals)}, one for each original")

    data = {"originals": base64_of(_eight_bits(originals)), "shape": list(originals.shape), "sizes": sizes,
            "models": models, "unit": unit, "labels": None if labels is None else [_name(label) for label in labels]}
    description = _describe(sizes, models, unit) if description is None else description
    return Figure(fragment("code_size", data, title="Interactive figure: reconstructions against code size",
                           description=description), description)


def _without_channel(images, ndim):
    """[..., 1, H, W] -> [..., H, W], where there is one dimension more than `ndim`."""
    return images.squeeze(-3) if images.ndim == ndim + 1 and images.shape[-3] == 1 else images


def _eight_bits(images):
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _name(label) -> str:
    return str(label.item() if hasattr(label, "item") else label)


def _describe(sizes, models, unit) -> str:
    rows = (f"{size} number{'s' * (size != 1)}: " + ", ".join(f"{model['name']} {model['errors'][i]:.3g}" for model in models)
            for i, size in enumerate(sizes))
    return ("Images and what each model makes of them when they pass through a code of the chosen size, with the "
            f"curve of error against code size. In {unit}, for a code of {'; '.join(rows)}.")
