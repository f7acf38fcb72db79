"""Checkers of lesson 07."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse.check.core import Answer, compare


def neighbour_probabilities(function) -> Answer:
    """function(squared, width) -> p(j|i) of t-SNE: squared distances [N, N], one width per point [N] -> rows [N, N] that sum to 1."""
    def logits(squared: Tensor, width: Tensor) -> Tensor:
        return -squared / (2 * width[:, None].square())

    def without_self(logits: Tensor) -> Tensor:
        return logits.masked_fill(torch.eye(len(logits), dtype=torch.bool), -math.inf)

    def reference(squared: Tensor, width: Tensor) -> Tensor:
        return without_self(logits(squared, width)).softmax(1)

    mistakes = {
        "a point is its own neighbour in your result: the diagonal has to be 0 before the rows are normalised.":
            lambda s, w: logits(s, w).softmax(1),
        "the diagonal is removed after normalising, so the rows sum to less than 1.":
            lambda s, w: logits(s, w).softmax(1) * (1 - torch.eye(len(s))),
        "the whole matrix sums to 1; here every row should, since each point hands out its own probabilities.":
            lambda s, w: without_self(logits(s, w)).flatten().softmax(0).view(s.shape),
        "the columns sum to 1 instead of the rows: normalise over j, the second dimension.":
            lambda s, w: without_self(logits(s, w)).softmax(0),
        "the width belongs to the point whose neighbours are counted, the row i, not to the column j.":
            lambda s, w: without_self(-s / (2 * w.square())).softmax(1),
        "the distances arrive squared; they are squared a second time.":
            lambda s, w: without_self(-s.square() / (2 * w[:, None].square())).softmax(1),
        "the width is not squared.": lambda s, w: without_self(-s / (2 * w[:, None])).softmax(1),
        "the factor 2 in the denominator is missing.": lambda s, w: without_self(-s / w[:, None].square()).softmax(1),
        "the sign in the exponent is turned: far points would be the likely neighbours.":
            lambda s, w: without_self(-logits(s, w)).softmax(1),
        "that is the Student kernel of the picture, 1 / (1 + distance squared); among the codes the kernel is Gaussian.":
            lambda s, w: without_self(-torch.log1p(s)).softmax(1),
        "the rows are not divided by their sums.": lambda s, w: without_self(logits(s, w)).exp(),
    }
    generator = torch.Generator().manual_seed(7)
    cases = []
    for n, k in ((5, 3), (2, 1), (7, 4)):
        points = torch.randn(n, k, generator=generator)
        cases.append(((points[:, None] - points).square().sum(2), 0.5 + torch.rand(n, generator=generator)))
    points = torch.randn(4, 2, generator=generator)[[0, 1, 1, 2, 3, 0]]
    squared, wide = (points[:, None] - points).square().sum(2), torch.tensor([2.0, 0.3, 30.0, 1.0, 5.0, 0.5, 0.4])
    hard = {"points that coincide": (squared, 0.5 + torch.rand(6, generator=generator)),
            "widths from 0.3 to 30": (4 * cases[2][0] / cases[2][0].max(), wide)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="each row sums to 1, nobody is his own neighbour, and each point has its own idea of near.")


def index_code_information(function) -> Answer:
    """function(log_q) -> I(n; z) in nats from log_q [N, N], whose entry [n, m] is log q(z_n|x_m) with z_n drawn from q(z|x_n)."""
    def reference(log_q: Tensor) -> Tensor:
        return (log_q.diagonal() - torch.logsumexp(log_q, 1) + math.log(len(log_q))).mean()

    mistakes = {
        "log N is missing: q(z) is the average of the N components, not their sum.": lambda q: reference(q) - math.log(len(q)),
        "log N has the wrong sign: dividing the sum by N subtracts log N from log q(z), which itself is subtracted.":
            lambda q: reference(q) - 2 * math.log(len(q)),
        "the components are added up over the wrong dimension: for the draw z_n, all m are averaged, the columns of row n.":
            lambda q: (q.diagonal() - torch.logsumexp(q, 0) + math.log(len(q))).mean(),
        "the average of the components is taken of their logarithms; it belongs inside the logarithm.":
            lambda q: (q.diagonal() - q.mean(1)).mean(),
        "the sign is turned: log q(z|x_n) minus log q(z), not the reverse.": lambda q: -reference(q),
        "that is one number per image; average them.": lambda q: q.diagonal() - torch.logsumexp(q, 1) + math.log(len(q)),
        "that is the sum over the images; I(n; z) is their average.": lambda q: reference(q) * len(q),
        "that is minus the average of log q(z): where is what the own encoder says, the diagonal?":
            lambda q: (math.log(len(q)) - torch.logsumexp(q, 1)).mean(),
        "the average runs over all pairs; only the diagonal holds a draw under its own q(z|x_n).":
            lambda q: (q - torch.logsumexp(q, 1, keepdim=True) + math.log(len(q))).mean(),
        "exp() underflows where densities are small: use torch.logsumexp.":
            lambda q: (q.diagonal() - q.exp().mean(1).log()).mean(),
    }
    generator = torch.Generator().manual_seed(8)
    cases = [(torch.randn(n, n, generator=generator) * 2 - shift,) for n, shift in ((5, 0.0), (8, 1.0))]
    rows = torch.tensor([-1000.0, 0.0, 1000.0, -90.0])[:, None]
    columns = torch.tensor([-300.0, 900.0, -900.0, 300.0])
    hard = {"log-densities around -200": (torch.randn(3, 3, generator=generator) - 200,),
            "log-densities around 950": (torch.randn(4, 4, generator=generator) + 950,),
            "rows at different levels, from -1000 to 1000": (rows + torch.randn(4, 4, generator=generator),),
            "columns at different levels, from -900 to 900": (columns + torch.randn(4, 4, generator=generator),),
            "one image": (torch.tensor([[-3.0]]),),
            "posteriors that are all alike": (torch.randn(5, 1, generator=generator).expand(5, 5).clone(),)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="zero where all images share one posterior, log N where no two overlap.")
