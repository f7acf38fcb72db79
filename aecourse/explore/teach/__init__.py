"""Label a few digits by hand, and see three readers of the same labels become better."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import packed
from aecourse.page.pictures import as_images, packed_images

MOST = 300  # images of each part: twice 300 images of 28 x 28 take 630 kB of a page


def teach(pool, test, *, places, k: int = 7, classes: int = 10, description=None) -> Figure:
    """Images without labels to be labelled one by one; the accuracy on test images rises, for pixels and for codes.

    pool:    (images, codes, labels) that the reader may label: [N, H, W] or [N, 1, H, W] in [0, 1], [N, D], [N] int;
             the true labels serve the button that answers for the reader.
    test:    the same of the images on which accuracy is measured.
    places:  [N, 2], where the images of the pool stand in the picture.
    k:       neighbours of the graph on which labels spread, as in `labelling.neighbour_graph`.
    classes: how many there are, 2 to 10.
    description: the figure in words.

    All is computed in the page: the nearest labelled image in pixels, the nearest in codes, and labels spread over the
    graph of the pool's codes. Raises ValueError for what does not fit.
    """
    classes = require.integer("classes", classes, low=2)
    parts = {name: _part(name, part, classes) for name, part in (("pool", pool), ("test", test))}
    n, places = len(parts["pool"]["labels"]), as_array("places", places).astype(float)
    if classes > 10:
        raise ValueError(f"classes: got {classes}; accepted are 2 to 10")
    if places.shape != (n, 2) or not np.isfinite(places).all() or not np.ptp(places):
        raise ValueError(
            f"places: got shape {list(places.shape)}, or all in one place; accepted is [{n}, 2]"
        )
    if parts["pool"]["shape"] != parts["test"]["shape"]:
        raise ValueError(
            f"test: got shape {parts['test']['shape']}; accepted is {parts['pool']['shape']}, as in pool"
        )
    if require.integer("k", k) >= n:
        raise ValueError(f"k: got {k}; accepted is less than {n}, the size of the pool")
    places = places - (places.max(0) + places.min(0)) / 2
    places = places / np.abs(places).max()
    if description is None:
        description = (
            f"{n} digits without labels as grey dots, placed by their codes. The reader labels one after the other, chosen by a "
            "click, by chance or by a rule that asks for the digit most others lie near. After each label the share of "
            f"{len(parts['test']['labels'])} test digits that are read rightly is drawn for three readers: the nearest labelled "
            "digit in pixels, the nearest in codes, and labels spread from code to code."
        )
    data = {
        **parts,
        "places": packed(torch.tensor(places.T, dtype=torch.float32), 16),
        "k": k,
        "classes": classes,
    }
    return Figure(
        fragment(
            "teach",
            data,
            package=__name__,
            title="Interactive figure: label a few digits yourself",
            description=description,
        ),
        description,
    )


def _part(name: str, part, classes: int) -> dict:
    """Images, codes and labels of one part, checked and packed."""
    if not isinstance(part, (tuple, list)) or len(part) != 3:
        raise ValueError(
            f"{name}: got {require.described(type(part).__name__)}; accepted is (images, codes, labels)"
        )
    images, codes, labels = (
        as_images(name, part[0]),
        as_array(name, part[1]),
        as_array(name, part[2]),
    )
    if len(images) > MOST or len(images) < 2:
        raise ValueError(f"{name}: got {len(images)} images; accepted are 2 to {MOST}")
    if codes.ndim != 2 or len(codes) != len(images) or labels.shape != (len(images),):
        raise ValueError(
            f"{name}: got codes {list(codes.shape)} and labels {list(labels.shape)}; accepted are one of each for the "
            f"{len(images)} images"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{name}: got labels from {labels.min()} to {labels.max()}; accepted is 0 to {classes - 1}"
        )
    return {
        "images": packed_images(images),
        "codes": packed(torch.tensor(codes, dtype=torch.float32), 16),
        "labels": labels.tolist(),
        "shape": list(images.shape[1:]),
    }
