"""Exercises of lesson 07."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.core import Mistake, exercise, like

# ---- The neighbours of t-SNE ---------------------------------------------------------------------


def neighbour_probabilities(squared: torch.Tensor, width: torch.Tensor):
    """squared [N, N] distances, width [N] -> p(j|i) [N, N], each row i sums to 1."""
    logits = -squared / (2 * width[:, None].square())
    return logits.fill_diagonal_(-torch.inf).softmax(dim=1)


def _logits(squared, width):
    return -squared / (2 * width[:, None].square())


def _without_self(logits):
    return logits.masked_fill(torch.eye(len(logits), dtype=torch.bool), -math.inf)


def _neighbours_numpy(squared, width):
    weights = np.exp(-squared.numpy() / (2 * width.numpy()[:, None] ** 2))
    np.fill_diagonal(weights, 0)
    return like(weights / weights.sum(1, keepdims=True), squared)


def _neighbours_summed(squared, width):
    weights = _logits(squared, width).exp() * (1 - torch.eye(len(width)).to(width))
    return weights / weights.sum(dim=1, keepdim=True)


def _distances(points: Tensor) -> Tensor:
    return (points[:, None] - points).square().sum(2)


def _neighbour_cases(generator):
    def some(n, k):
        points = torch.randn(n, k, generator=generator)
        return _distances(points), 0.5 + torch.rand(n, generator=generator)

    return [some(5, 3), some(2, 1), some(7, 4)]


def _neighbour_hard(generator):
    twice = torch.randn(4, 2, generator=generator)[[0, 1, 1, 2, 3, 0]]
    apart = _distances(torch.randn(7, 4, generator=generator))
    return {
        "points that coincide": (_distances(twice), 0.5 + torch.rand(6, generator=generator)),
        "widths from 0.3 to 30": (
            4 * apart / apart.max(),
            torch.tensor([2.0, 0.3, 30.0, 1.0, 5.0, 0.5, 0.4]),
        ),
    }


exercise(
    neighbour_probabilities,
    cases=_neighbour_cases,
    hard=_neighbour_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "own neighbour",
            lambda s, w: _logits(s, w).softmax(1),
            "a point is its own neighbour in your result: the diagonal has to be 0 before the "
            "rows are normalised.",
        ),
        Mistake(
            "diagonal removed last",
            lambda s, w: _logits(s, w).softmax(1) * (1 - torch.eye(len(s))),
            "the diagonal is removed after normalising, so the rows sum to less than 1.",
        ),
        Mistake(
            "whole matrix",
            lambda s, w: _without_self(_logits(s, w)).flatten().softmax(0).view(s.shape),
            "the whole matrix sums to 1; here every row should, since each point hands out its "
            "own probabilities.",
        ),
        Mistake(
            "columns",
            lambda s, w: _without_self(_logits(s, w)).softmax(0),
            "the columns sum to 1 instead of the rows: normalise over j, the second dimension.",
        ),
        Mistake(
            "width of the column",
            lambda s, w: _without_self(-s / (2 * w.square())).softmax(1),
            "the width belongs to the point whose neighbours are counted, the row i, not to the "
            "column j.",
        ),
        Mistake(
            "squared twice",
            lambda s, w: _without_self(-s.square() / (2 * w[:, None].square())).softmax(1),
            "the distances arrive squared; they are squared a second time.",
        ),
        Mistake(
            "width not squared",
            lambda s, w: _without_self(-s / (2 * w[:, None])).softmax(1),
            "the width is not squared.",
        ),
        Mistake(
            "no 2",
            lambda s, w: _without_self(-s / w[:, None].square()).softmax(1),
            "the factor 2 in the denominator is missing.",
        ),
        Mistake(
            "the sign",
            lambda s, w: _without_self(-_logits(s, w)).softmax(1),
            "the sign in the exponent is turned: far points would be the likely neighbours.",
        ),
        Mistake(
            "Student",
            lambda s, w: _without_self(-torch.log1p(s)).softmax(1),
            "that is the Student kernel of the picture, 1 / (1 + distance squared); among the "
            "codes the kernel is Gaussian.",
        ),
        Mistake(
            "not normalised",
            lambda s, w: _without_self(_logits(s, w)).exp(),
            "the rows are not divided by their sums.",
        ),
        Mistake(
            "symmetrised",
            lambda s, w: (neighbour_probabilities(s, w) + neighbour_probabilities(s, w).T) / 2,
            "that is the mean of p(j|i) and p(i|j); here p(j|i) itself is wanted.",
        ),
        Mistake(
            "symmetrised, of the whole",
            lambda s, w: (
                (neighbour_probabilities(s, w) + neighbour_probabilities(s, w).T) / (2 * len(s))
            ),
            "those are the symmetric probabilities of pairs, which come next; here p(j|i) is "
            "wanted, rows that sum to 1.",
        ),
        Mistake(
            "width for its inverse",
            lambda s, w: _without_self(-s * w[:, None].square() / 2).softmax(1),
            "the squared width multiplies the distances; it divides them.",
        ),
        Mistake(
            "the root of the distance",
            lambda s, w: _without_self(-s.sqrt() / (2 * w[:, None].square())).softmax(1),
            "the distances arrive squared, as they are needed; their root is taken.",
        ),
        Mistake(
            "one width for all",
            lambda s, w: _without_self(-s / (2 * w.mean().square())).softmax(1),
            "there is one width for all; every point has its own.",
        ),
        Mistake(
            "transposed",
            lambda s, w: neighbour_probabilities(s, w).T,
            "rows and columns are exchanged: entry [i, j] is p(j|i).",
        ),
        Mistake(
            "logarithms",
            lambda s, w: _without_self(_logits(s, w)).log_softmax(1),
            "those are the logarithms of the probabilities.",
        ),
    ],
    also_right={
        "NumPy": _neighbours_numpy,
        "divided by the sums": _neighbours_summed,
        "masked": lambda s, w: _without_self(_logits(s, w)).softmax(1),
    },
    also_wrong=[
        Mistake(
            "in place", lambda s, w: _logits(s.fill_diagonal_(math.inf), w).softmax(1), "(squared)"
        ),
        Mistake(
            "all distances of 0",
            lambda s, w: _logits(s, w).masked_fill(s == 0, -math.inf).softmax(1),
            "coincide",
        ),
        Mistake("summed", lambda s, w: neighbour_probabilities(s, w).sum(1), "shape"),
    ],
    praise="each row sums to 1, no point is its own neighbour, and each point has its own width.",
)


# ---- What the code knows of the image ------------------------------------------------------------


def index_code_information(log_q: torch.Tensor) -> torch.Tensor:
    """log_q [N, N], log q(z_n|x_m) at [n, m] -> I(n; z) in nats, a scalar."""
    mixture = torch.logsumexp(log_q, dim=1) - math.log(len(log_q))
    return (log_q.diagonal() - mixture).mean()


def _lowered(log_q, by):
    """The direct way, after `by` is subtracted: exp overflows or underflows where `by` is not near the largest."""
    return (log_q.diagonal() - ((log_q - by).exp().mean(1, keepdim=True).log() + by)[:, 0]).mean()


def _information_hard(generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    rows = torch.tensor([-1000.0, 0.0, 1000.0, -90.0])[:, None]
    columns = torch.tensor([-300.0, 900.0, -900.0, 300.0])
    return {
        "log-densities around -200": (normal(3, 3) - 200,),
        "log-densities around 950": (normal(4, 4) + 950,),
        "rows at different levels, from -1000 to 1000": (rows + normal(4, 4),),
        "columns at different levels, from -900 to 900": (columns + normal(4, 4),),
        "one image": (torch.tensor([[-3.0]]),),
        "posteriors that are all alike": (normal(5, 1).expand(5, 5).clone(),),
    }


def _others_only(log_q):
    others = log_q.masked_fill(torch.eye(len(log_q), dtype=torch.bool), -math.inf)
    return (log_q.diagonal() - torch.logsumexp(others, 1) + math.log(max(1, len(log_q) - 1))).mean()


exercise(
    index_code_information,
    cases=lambda generator: [
        (torch.randn(n, n, generator=generator) * 2 - shift,) for n, shift in ((5, 0.0), (8, 1.0))
    ],
    hard=_information_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "no log N",
            lambda q: index_code_information(q) - math.log(len(q)),
            "log N is missing: q(z) is the average of the N components, not their sum.",
        ),
        Mistake(
            "log N subtracted",
            lambda q: index_code_information(q) - 2 * math.log(len(q)),
            "log N has the wrong sign: dividing the sum by N subtracts log N from log q(z), which"
            " itself is subtracted.",
        ),
        Mistake(
            "wrong dimension",
            lambda q: (q.diagonal() - torch.logsumexp(q, 0) + math.log(len(q))).mean(),
            "the components are added up over the wrong dimension: for the draw z_n, all m are "
            "averaged, the columns of row n.",
        ),
        Mistake(
            "mean of logarithms",
            lambda q: (q.diagonal() - q.mean(1)).mean(),
            "the average of the components is taken of their logarithms; it belongs inside the "
            "logarithm.",
        ),
        Mistake(
            "the sign",
            lambda q: -index_code_information(q),
            "the sign is turned: log q(z|x_n) minus log q(z), not the reverse.",
        ),
        Mistake(
            "one per image",
            lambda q: q.diagonal() - torch.logsumexp(q, 1) + math.log(len(q)),
            "that is one number per image; average them.",
        ),
        Mistake(
            "sum over images",
            lambda q: index_code_information(q) * len(q),
            "that is the sum over the images; I(n; z) is their average.",
        ),
        Mistake(
            "no own density",
            lambda q: (math.log(len(q)) - torch.logsumexp(q, 1)).mean(),
            "that is minus the average of log q(z): where is what the own encoder says, the "
            "diagonal?",
        ),
        Mistake(
            "all pairs",
            lambda q: (q - torch.logsumexp(q, 1, keepdim=True) + math.log(len(q))).mean(),
            "the average runs over all pairs; only the diagonal holds a draw under its own "
            "q(z|x_n).",
        ),
        Mistake(
            "exp first",
            lambda q: (q.diagonal() - q.exp().mean(1).log()).mean(),
            "exp() underflows where densities are small: use torch.logsumexp.",
        ),
        Mistake(
            "without the own",
            _others_only,
            "the own component is left out of q(z): the average runs over all images, the own one"
            " included.",
        ),
        Mistake(
            "cross-entropy alone",
            lambda q: math.log(len(q)) - index_code_information(q),
            "that is the cross-entropy of guessing the image, log N minus the information.",
        ),
    ],
    also_right={
        "cross-entropy": lambda q: math.log(len(q)) - F.cross_entropy(q, torch.arange(len(q))),
        "log_softmax": lambda q: q.log_softmax(1).diagonal().mean() + math.log(len(q)),
        "by the largest of each row": lambda q: _lowered(q, q.amax(1, keepdim=True)).squeeze(),
    },
    also_wrong=[
        Mistake(
            "by the largest of all",
            lambda q: _lowered(q, q.max().expand(len(q), 1)),
            "rows at different levels",
        ),
        Mistake(
            "exp in float64",
            lambda q: (q.diagonal() - q.double().exp().mean(1).log()).mean().to(q.dtype),
            "around 950",
        ),
        Mistake("item()", lambda q: index_code_information(q).item(), "tensor is wanted"),
    ],
    praise="zero where all images share one posterior, log N where no two overlap.",
)
