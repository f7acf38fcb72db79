"""t-SNE of a few codes, computed in the page: choose the perplexity and the start, and watch the KL divergence fall."""

from __future__ import annotations

import torch

from aecourse import require
from aecourse.page.figure import Figure, as_array, fragment
from aecourse.page.network import packed
from aecourse.page.pictures import as_classes

MOST = 400  # codes: a step takes time as their square, about a millisecond for 400
OFFERED = [2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 65, 80, 100]  # perplexities


def tsne(codes, labels, *, perplexity=30, names=None, description=None) -> Figure:
    """Exact t-SNE in the page: play, pause, another start, a slider for the perplexity, and the KL divergence as it falls.

    codes        [N, D], at most 400; they travel in 16 bits each, so that the page computes with codes within 1/65,000 of
                 the largest number of each code.
    labels       [N] int, the classes, 0 to 9 at most; the points are drawn as their first letter or digit.
    perplexity   at first: one of 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 65, 80 and 100 that is below a third of N.
    names        names of the classes; the digits by default.
    description  the figure in words.

    Source: van der Maaten & Hinton 2008, with early exaggeration 12 and the steps of scikit-learn's exact method.
    """
    codes = as_array("codes", codes)
    if codes.ndim != 2 or not 7 <= len(codes) <= MOST:
        raise ValueError(
            f"codes: got shape {list(codes.shape)}; accepted is [N, D] with N from 7 to {MOST}"
        )
    labels, names = as_classes(labels, names, len(codes))
    offered = [each for each in OFFERED if 3 * each < len(codes)]
    require.choice("perplexity", perplexity, offered)
    data = {
        "codes": packed(torch.tensor(codes, dtype=torch.float32), 16),
        "labels": labels.tolist(),
        "classes": names,
        "offered": offered,
        "start": perplexity,
    }
    if description is None:
        description = (
            f"{len(codes)} codes of {codes.shape[1]} numbers, drawn in the plane as the letters of their classes. They begin at "
            "places by chance; t-SNE is computed in this page and moves them, and the KL divergence from P to Q is drawn as it "
            f"falls. The perplexity can be set from {offered[0]} to {offered[-1]}, the run can be paused and begun from another "
            "start, and the picture of the run before stays beside it."
        )
    return Figure(
        fragment(
            "tsne",
            data,
            package=__name__,
            title="Interactive figure: watch t-SNE at work",
            description=description,
        ),
        description,
    )
