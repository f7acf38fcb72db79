"""Images and their names, checked and packed for a page."""

from __future__ import annotations

from typing import Any

import numpy as np

from .figure import as_array, base64_of


def as_images(name: str, value, *, low: int = 1) -> np.ndarray:
    """Images as floats [N, H, W] in [0, 1], without their channel.

    name   of the argument, for messages.
    value  [N, H, W] or [N, 1, H, W], a tensor, an array or nested lists.
    low    how many there must be at least.

    Raises ValueError for another shape and for values outside [0, 1].
    """
    images = without_channel(as_array(name, value), 3)
    if images.ndim != 3 or len(images) < low:
        raise ValueError(
            f"{name}: got shape {list(images.shape)}; accepted is [N, H, W] with N of at least {low}"
        )
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"{name}: got values from {images.min():.3g} to {images.max():.3g}; accepted is [0, 1]"
        )
    return images


def without_channel(images: np.ndarray, ndim: int) -> np.ndarray:
    """[..., 1, H, W] -> [..., H, W], where there is one dimension more than `ndim`."""
    return images.squeeze(-3) if images.ndim == ndim + 1 and images.shape[-3] == 1 else images


def packed_images(images) -> str:
    """Values of any shape, clipped to [0, 1], in 8 bits each. `greys` in runtime.js undoes it."""
    return base64_of(np.round(np.clip(np.asarray(images), 0, 1) * 255).astype(np.uint8))


def names_of(name: str, values, count: int, of: str = "image") -> list[str]:
    """The names of `count` things as text; numbers from 1 where `values` is None."""
    given: Any = range(1, count + 1) if values is None else values
    names = [str(value.item() if hasattr(value, "item") else value) for value in given]
    if len(names) != count:
        raise ValueError(f"{name}: got {len(names)}; accepted are {count}, one for each {of}")
    return names


def as_classes(labels, names, count: int) -> tuple[np.ndarray, list[str]]:
    """The classes of `count` points and the names of all classes: ([count] int, at most 10 names).

    names   None for the ten digits.

    Raises ValueError for labels of another number or kind, and for those that have no name.
    """
    labels = as_array("labels", labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels: got {labels.dtype} of shape {list(labels.shape)}; accepted are {count} whole numbers"
        )
    names = [str(name) for name in (range(10) if names is None else names)]
    if not 1 <= len(names) <= 10 or labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"labels: got {labels.min()} to {labels.max()} and {len(names)} names; accepted are at most 10 classes"
        )
    return labels, names
