"""Few labels among many images: which images have one, how labels spread to their neighbours, which to ask for next."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from sklearn.neighbors import NearestNeighbors, kneighbors_graph
from torch import Tensor

from aecourse import require


def _all_labels(name: str, labels) -> Tensor:
    """`labels`, if they are a tensor of classes [N] of which every one is known and two occur."""
    _some_labels(name, labels)
    if labels.min() < 0:
        raise ValueError(
            f"{name}: got {int((labels < 0).sum())} of {len(labels)} that are -1; accepted is a class for each"
        )
    return labels


def _some_labels(name: str, labels) -> Tensor:
    """`labels`, if they are classes [N], 0 or more, or -1 where none is known, and two classes occur at least."""
    accepted = "a tensor [N], int64, of classes from 0, with -1 where none is known"
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64 or labels.dim() != 1:
        raise ValueError(f"{name}: got {require.described(labels)}; accepted is {accepted}")
    if len(labels) and labels.min() < -1:
        raise ValueError(f"{name}: got {int(labels.min())}; accepted is {accepted}")
    found = labels[labels >= 0].unique().tolist()
    if len(found) < 2:
        came = f"labels of the one class {found[0]}" if found else "no labels at all"
        raise ValueError(f"{name}: got {came}; accepted are labels of two classes or more")
    return labels


def _points(name: str, points) -> Tensor:
    if not isinstance(points, Tensor) or points.dim() < 2 or not points.is_floating_point():
        raise ValueError(
            f"{name}: got {require.described(points)}; accepted is a floating-point tensor [N, ...]"
        )
    if not points.isfinite().all():
        raise ValueError(
            f"{name}: got entries that are nan or infinite; accepted are finite numbers"
        )
    return points.detach().cpu().flatten(1)


@require.checked(labels=_all_labels)
def few(labels: Tensor, per_class: int, draw: int = 0) -> Tensor:
    """The rows of `per_class` images of each class, drawn by chance: int64 [classes * per_class], class after class.

    labels  int64 [N], the classes of all that may be drawn
    draw    the seed: each gives another draw

    A larger draw of the same seed holds the smaller ones. Raises ValueError where a class has not so many.
    """
    rarest = int(torch.bincount(labels)[labels.unique()].min())
    if require.integer("per_class", per_class) > rarest:
        raise ValueError(
            f"per_class: got {per_class}; accepted is at most {rarest}, the images of the rarest class"
        )
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(draw))
    return torch.cat([order[labels[order] == c][:per_class] for c in labels.unique()])


@require.checked(labels=_all_labels)
def hide(labels: Tensor, rows: Tensor) -> Tensor:
    """The labels at `rows`, and -1 everywhere else: int64 [N] -> int64 [N]."""
    hidden = torch.full_like(labels, -1)
    hidden[rows] = labels[rows]
    return _some_labels("rows", hidden)


@require.checked(points=_points)
def neighbour_graph(points: Tensor, k: int = 7) -> sparse.csr_matrix:
    """S = D^-1/2 W D^-1/2 of the graph that joins every point to its `k` nearest others: points [N, D] -> sparse [N, N].

    W is 1 where one of two points is among the k nearest of the other, D counts the neighbours of each.
    """
    if require.integer("k", k) >= len(points):
        raise ValueError(f"k: got {k} for {len(points)} points; accepted is less than their number")
    joined = kneighbors_graph(points.numpy(), k)
    joined = joined.maximum(joined.T)
    scale = sparse.diags(1 / np.sqrt(np.asarray(joined.sum(1)).ravel()))
    return (scale @ joined @ scale).tocsr()


def _graph_fits(graph, labels, alpha=0.8, steps=30) -> None:
    if not sparse.issparse(graph) or graph.shape != (len(labels), len(labels)):
        raise ValueError(
            f"graph: got {require.described(getattr(graph, 'shape', graph))}; accepted is a sparse matrix "
            f"[{len(labels)}, {len(labels)}], one row for each label"
        )


@require.checked(
    _graph_fits,
    labels=_some_labels,
    alpha=lambda name, value: require.number(name, value, low=0, high=1),
    steps=require.integer,
)
def spread(graph, labels: Tensor, alpha: float = 0.8, steps: int = 30) -> Tensor:
    """Scores of every class for every point, from the few that have a label: [N, classes].

    graph   sparse [N, N], from `neighbour_graph`
    labels  int64 [N], -1 where none is known
    alpha   how much a point listens to its neighbours, against its own label

    The limit is (1 - alpha) (I - alpha S)^-1 Y. Source: Zhou et al. 2004; scikit-learn's `LabelSpreading` is the same.
    """
    own = F.one_hot(labels.clamp_min(0)).float() * (labels >= 0)[:, None]
    scores = own
    for _ in range(steps):
        heard = torch.from_numpy(graph @ scores.numpy()).float()
        scores = alpha * heard + (1 - alpha) * own
    return scores


@require.checked(points=_points, new=_points)
def read_off(points: Tensor, scores: Tensor, new: Tensor, k: int = 7) -> Tensor:
    """The class of each new point, by the sum of its `k` nearest points' scores: [N, D], [N, classes], [M, D] -> int64 [M].

    -1 where no label has arrived among them.
    """
    if len(scores) != len(points) or require.integer("k", k) > len(points):
        raise ValueError(
            f"scores: got {len(scores)} for {len(points)} points and k = {k}; accepted are scores of each point, and k "
            "of at most their number"
        )
    nearest = NearestNeighbors(n_neighbors=k).fit(points.numpy())
    rows = torch.from_numpy(nearest.kneighbors(new.numpy(), return_distance=False))
    best = scores[rows].sum(1).max(1)
    return torch.where(best.values > 0, best.indices, -1)


def most_useful(distances: Tensor, chosen: list[int]) -> int:
    """The point to ask a label for next: the one that brings all points nearest to a chosen one, summed over points.

    distances  float [N, N]
    chosen     the points that have been asked for; the first choice is the most central point

    A greedy maximum of a submodular function, at least 63 % of the best there is (Nemhauser, Wolsey & Fisher 1978).
    """
    served = distances[:, chosen].amin(1) if chosen else distances.amax(1)
    gain = (served[:, None] - distances).clamp_min(0).sum(0)
    gain[chosen] = -1
    return int(gain.argmax())


@require.checked(points=_points)
def cover(points: Tensor, n: int) -> list[int]:
    """The `n` points to ask labels for, in order, by `most_useful`: points [N, D] -> n rows. No label is looked at."""
    if require.integer("n", n) > len(points):
        raise ValueError(f"n: got {n}; accepted is at most {len(points)}, the number of points")
    distances, chosen = torch.cdist(points, points), []
    for _ in range(n):
        chosen.append(most_useful(distances, chosen))
    return chosen
