"""Exercises of lesson 08."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, exercise

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
