"""Exercises of lesson 21."""

from __future__ import annotations

import torch

from aecourse.check.core import Mistake, exercise

# ---- The bound of an image without a label ---------------------------------------------------------


def unlabelled_bound(bounds, logits) -> torch.Tensor:
    """U(x) = sum_y q(y|x) (L(x, y) - log q(y|x)), nats [B].

    bounds [B, classes]: L(x, y) of every class; logits [B, classes] of q(y|x)."""
    log_q = logits.log_softmax(1)
    return (log_q.exp() * (bounds - log_q)).sum(1)


def _bound_cases(generator, sizes=((5, 3), (2, 7), (4, 6))):
    return [
        (-10 * torch.rand(b, c, generator=generator), 2 * torch.randn(b, c, generator=generator))
        for b, c in sizes
    ]


exercise(
    unlabelled_bound,
    cases=_bound_cases,
    hard=lambda generator: {
        "one image": _bound_cases(generator, ((1, 4),))[0],
        "as many images as classes": _bound_cases(generator, ((3, 3),))[0],
        "a classifier that is all but certain": (
            torch.tensor([[-3.0, -9.0], [-2.0, -1.0]]),
            torch.tensor([[120.0, -120.0], [0.0, 150.0]]),
        ),
    },
    mistakes=[
        Mistake(
            "no entropy",
            lambda bounds, logits: (logits.softmax(1) * bounds).sum(1),
            "the entropy of q(y|x) is missing: minus log q(y|x) is added to the bound of each class.",
        ),
        Mistake(
            "the entropy subtracted",
            lambda bounds, logits: (logits.softmax(1) * (bounds + logits.log_softmax(1))).sum(1),
            "the entropy has the wrong sign: it is minus log q(y|x) that is added to each bound.",
        ),
        Mistake(
            "log q not weighted",
            lambda bounds, logits: (logits.softmax(1) * bounds - logits.log_softmax(1)).sum(1),
            "log q(y|x) is not weighted by q(y|x): the whole bracket is.",
        ),
        Mistake(
            "logits as log q",
            lambda bounds, logits: (logits.softmax(1) * (bounds - logits)).sum(1),
            "logits stand where log q(y|x) belongs: normalise them first, log_softmax(1).",
        ),
        Mistake(
            "the exact evidence",
            lambda bounds, logits: bounds.logsumexp(1) + 0 * logits.sum(1),
            "that is what the best q(y|x) would reach, and it does not depend on the classifier: weigh by the given one.",
        ),
        Mistake(
            "the mean over classes",
            lambda bounds, logits: unlabelled_bound(bounds, logits) / bounds.shape[1],
            "that is divided by the number of classes: the weights q(y|x) sum to 1 already.",
        ),
        Mistake(
            "the loss",
            lambda bounds, logits: -unlabelled_bound(bounds, logits),
            "the sign is wrong: the bound is asked for, not the loss.",
        ),
        Mistake(
            "over the batch",
            lambda bounds, logits: (logits.softmax(0) * (bounds - logits.log_softmax(0))).sum(1),
            "the softmax runs over the images; it belongs over the classes, dimension 1.",
        ),
        Mistake(
            "one number",
            lambda bounds, logits: unlabelled_bound(bounds, logits).mean(),
            "that is one number for the whole batch; keep one per image.",
        ),
    ],
    also_right={
        "torch.distributions": lambda bounds, logits: (
            (logits.softmax(1) * bounds).sum(1)
            + torch.distributions.Categorical(logits=logits).entropy()
        )
    },
    also_wrong=[
        Mistake(
            "the classifier detached",
            lambda bounds, logits: unlabelled_bound(bounds, logits.detach()),
            "no gradient reaches logits",
        ),
        Mistake(
            "q underflows",
            lambda bounds, logits: (logits.softmax(1) * (bounds - logits.softmax(1).log())).sum(1),
            "NaN",
        ),
    ],
    praise="all classes are tried, each weighs as much as the classifier believes in it, and the entropy of the classifier is added.",
)


# ---- Labels that spread ----------------------------------------------------------------------------


def spread_labels(W, Y, alpha: float, steps: int) -> torch.Tensor:
    """Scores [N, classes] after `steps` of F <- alpha S F + (1 - alpha) Y, from Y.

    W [N, N], symmetric, 1 where two points are joined and 0 elsewhere;
    Y [N, classes], a 1 at the label, rows of zeros where none is known."""
    d = W.sum(1)
    S = W / torch.sqrt(d[:, None] * d[None])
    scores = Y
    for _ in range(steps):
        scores = alpha * S @ scores + (1 - alpha) * Y
    return scores


def _graph_case(generator, n: int, classes: int, alpha: float, steps: int):
    W = (torch.rand(n, n, generator=generator) < 0.4).float().triu(1)
    W += torch.diag(torch.ones(n - 1), 1) * (1 - W)  # a path, so that nobody is alone
    Y = torch.zeros(n, classes)
    Y[torch.arange(classes), torch.arange(classes)] = 1
    return W + W.T, Y, alpha, steps


def _spread(W, Y, alpha, steps, *, S=None, start=None, own=None, first=0):
    d = W.sum(1)
    S = W / torch.sqrt(d[:, None] * d[None]) if S is None else S
    scores = Y if start is None else start
    for _ in range(steps - first):
        scores = alpha * S @ scores + (1 - alpha if own is None else own) * Y
    return scores


exercise(
    spread_labels,
    cases=lambda generator: [
        _graph_case(generator, 7, 3, 0.8, 6),
        _graph_case(generator, 9, 4, 0.6, 3),
    ],
    hard=lambda generator: {
        "one step": _graph_case(generator, 6, 2, 0.7, 1),
        "alpha 0: nobody listens": _graph_case(generator, 5, 3, 0.0, 4),
        "many steps": _graph_case(generator, 6, 4, 0.9, 80),
    },
    mistakes=[
        Mistake(
            "the graph not scaled",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, S=W),
            "W is used as it is; each entry has to be divided by the root of d_i d_j.",
        ),
        Mistake(
            "scaled by rows alone",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, S=W / W.sum(1, keepdim=True)),
            "the rows are divided by d_i; asked for is the symmetric scaling, the root of d_i d_j.",
        ),
        Mistake(
            "no root",
            lambda W, Y, alpha, steps: _spread(
                W, Y, alpha, steps, S=W / (W.sum(1)[:, None] * W.sum(1)[None])
            ),
            "the root is missing: divide by the root of d_i d_j.",
        ),
        Mistake(
            "alpha and 1 - alpha exchanged",
            lambda W, Y, alpha, steps: spread_labels(W, Y, 1 - alpha, steps),
            "alpha and 1 - alpha are exchanged: alpha is the weight of the neighbours.",
        ),
        Mistake(
            "labels forgotten",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, own=0.0),
            "the labels fade: in each step (1 - alpha) Y is added.",
        ),
        Mistake(
            "labels added whole",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, own=1.0),
            "Y is added with weight 1; its weight is 1 - alpha.",
        ),
        Mistake(
            "from zero",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, start=torch.zeros_like(Y)),
            "F starts at zeros; it starts at Y.",
        ),
        Mistake(
            "one step too few",
            lambda W, Y, alpha, steps: _spread(W, Y, alpha, steps, first=1),
            "one step is missing.",
        ),
        Mistake(
            "classes named",
            lambda W, Y, alpha, steps: spread_labels(W, Y, alpha, steps).argmax(1),
            "those are classes; scores are asked for, [N, classes].",
        ),
    ],
    also_right={
        "matrices of degrees": lambda W, Y, alpha, steps: _spread(
            W, Y, alpha, steps, S=torch.diag(W.sum(1) ** -0.5) @ W @ torch.diag(W.sum(1) ** -0.5)
        )
    },
    also_wrong=[
        Mistake(
            "the limit",
            lambda W, Y, alpha, steps: (
                (1 - alpha)
                * torch.linalg.solve(
                    torch.eye(len(W)).to(W.dtype)
                    - alpha * W / torch.sqrt(W.sum(1)[:, None] * W.sum(1)[None]),
                    Y,
                )
            ),
            "should be",
        )
    ],
    praise="each point hears its neighbours and keeps its own label.",
    gradient=False,
)


# ---- Which image to ask for ------------------------------------------------------------------------


def gain_of_asking(distances, chosen) -> torch.Tensor:
    """By how much the distances to the nearest labelled point, summed over all
    points, fall if point j is labelled next: [N], one for each j.

    distances [N, N], symmetric; chosen: list of the labelled points, not empty."""
    now = distances[:, chosen].min(1).values
    return (now[:, None] - distances).clamp_min(0).sum(0)


def _distances(generator, n: int, chosen: list[int]):
    points = torch.randn(n, 3, generator=generator)
    return torch.cdist(points, points), chosen


exercise(
    gain_of_asking,
    cases=lambda generator: [_distances(generator, 7, [2, 5]), _distances(generator, 9, [0, 3, 8])],
    hard=lambda generator: {
        "one labelled point": _distances(generator, 5, [4]),
        "all labelled": _distances(generator, 4, [0, 1, 2, 3]),
    },
    mistakes=[
        Mistake(
            "losses counted",
            lambda d, chosen: (d[:, chosen].min(1).values[:, None] - d).sum(0),
            "points that are farther from j than from their nearest labelled one count as a loss; they gain nothing, and lose nothing.",
        ),
        Mistake(
            "the farthest labelled point",
            lambda d, chosen: (d[:, chosen].max(1).values[:, None] - d).clamp_min(0).sum(0),
            "the farthest labelled point is taken; the nearest serves.",
        ),
        Mistake(
            "the mean distance",
            lambda d, chosen: (d[:, chosen].mean(1)[:, None] - d).clamp_min(0).sum(0),
            "the mean distance to the labelled points is taken; the nearest serves.",
        ),
        Mistake(
            "the first labelled point alone",
            lambda d, chosen: (d[:, chosen[0]][:, None] - d).clamp_min(0).sum(0),
            "only the first labelled point is looked at.",
        ),
        Mistake(
            "summed the wrong way",
            lambda d, chosen: (d[:, chosen].min(1).values[:, None] - d).clamp_min(0).sum(1),
            "the sum runs over the candidates; it has to run over the points that are served.",
        ),
        Mistake(
            "the mean over points",
            lambda d, chosen: gain_of_asking(d, chosen) / len(d),
            "that is the mean over points; the sum is asked for.",
        ),
        Mistake(
            "what is left",
            lambda d, chosen: torch.minimum(d[:, chosen].min(1).values[:, None], d).sum(0),
            "that is the sum of the distances that is left; asked for is by how much it falls.",
        ),
        Mistake(
            "how far j itself is",
            lambda d, chosen: d[:, chosen].min(1).values,
            "that is how far j itself is from a labelled point: such a rule asks for outliers. Count what j does for all points.",
        ),
    ],
    also_right={
        "before and after": lambda d, chosen: (
            d[:, chosen].amin(1).sum()
            - torch.stack([d[:, [*chosen, j]].amin(1).sum() for j in range(len(d))])
        )
    },
    also_wrong=[
        Mistake(
            "the best point",
            lambda d, chosen: gain_of_asking(d, chosen).argmax(),
            "the shape should be",
        )
    ],
    praise="each candidate is judged by what it does for all points.",
    gradient=False,
)
