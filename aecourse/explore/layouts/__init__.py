"""Several pictures of the same codes: move between them, and see which neighbours each of them keeps."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import packed
from aecourse.page.pictures import as_classes, as_images, packed_images

MOST = 600  # points: 600 images of 28 x 28 take 630 kB of a page


def layouts(
    pictures, codes, images, labels, *, k=10, start=None, names=None, description=None
) -> Figure:
    """A slider between pictures of the same codes. A chosen point shows its image and its true nearest neighbours.

    pictures     {name: [N, 2]} with two to twelve places for each of N codes, at most 600; each is turned, mirrored and
                 scaled to lie like the one before it, which changes nothing about who is near whom.
    codes        [N, D], in which the true neighbours are found, by Euclidean distance.
    images       [N, H, W] float in [0, 1]; [N, 1, H, W] is accepted too. A margin that all leave empty is cut off.
    labels       [N] int, the classes, 0 to 9 at most; the points are drawn as their first letter or digit.
    k            how many neighbours are shown.
    start        the point that is chosen at first; by default the one whose neighbours the first picture loses most.
    names        names of the classes; the digits by default.
    description  the figure in words; by default the share of neighbours that each picture keeps.
    """
    codes = as_array("codes", codes)
    if codes.ndim != 2 or not 4 <= len(codes) <= MOST:
        raise ValueError(
            f"codes: got shape {list(codes.shape)}; accepted is [N, D] with N from 4 to {MOST}"
        )
    labels, names = as_classes(labels, names, len(codes))
    if not isinstance(pictures, dict) or not 2 <= len(pictures) <= 12:
        raise ValueError(
            f"pictures: got {require.described(pictures)}; accepted are two to twelve named pictures"
        )
    places = {
        name: as_array(f"pictures[{name!r}]", picture).astype(float)
        for name, picture in pictures.items()
    }
    for name, picture in places.items():
        if picture.shape != (len(codes), 2) or not np.ptp(picture):
            raise ValueError(
                f"pictures[{name!r}]: got shape {list(picture.shape)}, or all points in one place; "
                f"accepted is [{len(codes)}, 2]"
            )
    images = as_images("images", images)
    if len(images) != len(codes):
        raise ValueError(
            f"images: got shape {list(images.shape)}; accepted is [{len(codes)}, H, W], one for each code"
        )
    if 2 * require.integer("k", k) >= len(codes) or k > 12:
        raise ValueError(
            f"k: got {k} for {len(codes)} points; accepted is at most 12, and less than half their number"
        )
    if start is not None and require.integer("start", start, low=0) >= len(codes):
        raise ValueError(f"start: got {start}; accepted is a point from 0 to {len(codes) - 1}")

    true = neighbours(codes, k)
    aligned = _aligned(list(places.values()))
    kept = [share_kept(true, neighbours(picture, k)) for picture in aligned]
    if start is None:
        first = neighbours(aligned[0], k)
        start = min(range(len(codes)), key=lambda i: share_kept(true[i : i + 1], first[i : i + 1]))
    small = _cropped(images)
    data = {
        "names": list(places),
        "places": [packed(torch.tensor(picture.T, dtype=torch.float32), 16) for picture in aligned],
        "kept": kept,
        "true": true.tolist(),
        "labels": labels.tolist(),
        "classes": names,
        "images": packed_images(small),
        "shape": list(small.shape[1:]),
        "start": start,
    }
    if description is None:
        description = (
            f"{len(codes)} codes as points, drawn in {len(places)} ways; a slider moves them from one picture to the next. A chosen "
            f"point is joined by lines to its {k} nearest codes, whose images are shown, with a frame where the picture has "
            f"them among its {k} nearest too. Share of neighbours kept: "
            + "; ".join(f"{name} {share:.0%}" for name, share in zip(places, kept))
            + "."
        )
    return Figure(
        fragment(
            "layouts",
            data,
            package=__name__,
            title="Interactive figure: pictures of the same codes",
            description=description,
        ),
        description,
    )


def neighbours(points, k: int) -> np.ndarray:
    """The k nearest others of every point, nearest first: [N, D] -> [N, k]."""
    points = torch.as_tensor(np.asarray(points), dtype=torch.float64)
    return (
        torch.cdist(points, points)
        .fill_diagonal_(float("inf"))
        .topk(k, largest=False)
        .indices.numpy()
    )


def share_kept(true, found) -> float:
    """Which share of the true neighbours [N, k] is among those found [N, k]."""
    return float(
        np.mean([len(set(a) & set(b)) for a, b in zip(true.tolist(), found.tolist())])
        / true.shape[1]
    )


def _aligned(pictures: list) -> list:
    """Each picture centred, turned or mirrored onto the one before it, and scaled to reach from -1 to 1."""
    result = []
    for picture in pictures:
        picture = picture - picture.mean(0)
        if result:  # orthogonal Procrustes
            u, _, v = np.linalg.svd(picture.T @ result[-1])
            picture = picture @ u @ v
        result.append(picture / np.abs(picture).max())
    return result


def _cropped(images):
    """Without the rows and columns that are empty in all images, but for one at each edge."""
    used = images.max(0) > 0
    rows, columns = np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))
    return (
        images[:, max(rows[0] - 1, 0) : rows[-1] + 2, max(columns[0] - 1, 0) : columns[-1] + 2]
        if len(rows)
        else images
    )
