"""Exercises of lesson 07."""

from __future__ import annotations

import math

import numpy as np
import torch
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
