"""A generated stream of card payments with known fraud: it needs no network, and the best possible detector is known.

A payment is eight numbers (`FEATURES`). Normal payments are a mixture of kinds (groceries, lunch, fuel, ...), frauds a mixture of
tricks. Every part is Gaussian with four common causes, x = mean + loadings u + noise: how wealthy the customer is, how large the
purchase, how far away, how busy the day. All densities are therefore exact, and so is the probability that a payment is fraud.
From week `CHANGE` on normal payments drift: prices rise, and a new kind appears, small payments in the bus.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal

from aecourse import require, seeds
from aecourse.data import Split, standard

FEATURES = {  # name: what it is
    "amount": "ln EUR",
    "hour": "hours after 4 a.m.",
    "home": "ln km from the customer's home",
    "step": "ln km from the last payment",
    "gap": "ln hours since the last payment",
    "usual": "ln EUR, usual for this customer",
    "merchant": "ln EUR, usual at this merchant",
    "spent": "ln EUR spent in the last day",
}
RATE = 0.01  # the share of payments that is fraud
CHANGE = 36  # the first week of the drift, which is complete 8 weeks later
SHIFT = {"amount": 0.1, "usual": 0.05, "merchant": 0.1, "spent": 0.1}  # of every normal payment
LOADINGS = {  # how strongly wealth, size, distance and pace move a feature, where a kind says nothing else
    "amount": (0.35, 0.55, 0.0, 0.0),
    "home": (0.0, 0.0, 0.8, 0.0),
    "step": (0.0, 0.0, 0.7, -0.2),
    "gap": (0.0, 0.0, 0.1, -0.8),
    "usual": (0.45, 0.0, 0.0, 0.0),
    "merchant": (0.25, 0.35, 0.0, 0.0),
    "spent": (0.3, 0.2, 0.0, 0.7),
}


class Kind(NamedTuple):
    """A kind of payment: its share before and after the drift, the means of the features, the width of the hour, the
    noise of the other features, and loadings of its own."""

    share: float
    later: float
    mean: tuple[float, ...]
    hours: float
    noise: float
    own: dict[str, tuple[float, ...]] = {}


# fmt: off
NORMAL = {  #                      amount hour  home  step   gap usual merch spent
    "groceries": Kind(0.36, 0.33, (3.5, 13.5,  0.7,  0.7,  2.6,  3.3,  3.4,  3.3), 2.5, 0.2),
    "lunch":     Kind(0.22, 0.20, (2.6,  8.8,  1.8,  0.0,  1.4,  3.3,  2.6,  2.9), 1.2, 0.2, {"amount": (0.2, 0.3, 0, 0)}),
    "fuel":      Kind(0.08, 0.07, (4.0, 12.0,  2.5,  2.3,  2.4,  3.4,  4.0,  3.8), 3.0, 0.2, {"merchant": (0, 0.1, 0, 0)}),
    "online":    Kind(0.23, 0.20, (3.6, 16.5, -2.0,  1.0,  2.2,  3.4,  3.6,  3.5), 2.2, 0.2,
                      {"amount": (0.3, 0.9, 0, 0), "home": (0, 0, 0.1, 0), "merchant": (0.2, 0.8, 0, 0)}),
    "cash":      Kind(0.07, 0.06, (4.3, 11.0,  0.9,  0.8,  2.2,  3.3,  4.4,  3.6), 2.8, 0.2, {"merchant": (0, 0, 0, 0)}),
    "travel":    Kind(0.03, 0.03, (4.4, 11.0,  6.0,  3.4,  1.4,  3.5,  4.3,  4.9), 3.0, 0.3,
                      {"home": (0, 0, 1.0, 0), "step": (0, 0, 1.3, -0.4)}),
    "large":     Kind(0.01, 0.01, (6.4, 11.0,  2.8,  2.8,  2.4,  3.6,  6.3,  3.6), 2.0, 0.3),
    "bus":       Kind(0.00, 0.10, (0.8,  5.0,  1.2,  1.0, -0.4,  3.3,  0.8,  2.9), 1.5, 0.2,
                      {"amount": (0, 0.2, 0, 0), "merchant": (0, 0.1, 0, 0)}),
}
FRAUD = {
    "testing":   Kind(0.20, 0.20, (0.7, 20.5, -1.0,  1.2, -0.6,  3.4,  1.4,  3.4), 2.2, 0.5, {"amount": (0, 0.4, 0, 0)}),
    "shopping":  Kind(0.30, 0.30, (5.2, 12.0,  2.6,  2.6,  0.2,  3.2,  5.0,  5.0), 2.5, 0.4),
    "abroad":    Kind(0.25, 0.25, (4.0, 13.0,  6.6,  6.5,  1.0,  3.4,  4.0,  3.7), 3.0, 0.4),
    "copied":    Kind(0.25, 0.25, (4.0, 13.5,  0.9,  1.2,  1.7,  3.3,  3.7,  3.8), 2.5, 0.3),
}
# fmt: on


@require.checked(weeks=require.integer, per_week=require.integer)
@standard()
def stream(weeks: int = 52, per_week: int = 1500, *, seed: int = 0) -> Split:
    """`weeks` times `per_week` payments in the order of time; for one seed the same at every call.

    x        float32 [N, 8], what `FEATURES` says
    labels   int64 [N], 1 for fraud, 0 for a normal payment
    week     int64 [N], from 0
    """
    with seeds.fixed():
        generator = torch.Generator().manual_seed(require.integer("seed", seed, low=0))
        n = weeks * per_week
        u = torch.rand(2, n, generator=generator, dtype=torch.float64)
        noise = torch.randn(n, len(FEATURES), generator=generator, dtype=torch.float64)
    week, fraud = torch.arange(weeks).repeat_interleave(per_week), u[0] < RATE
    x = torch.empty_like(noise)
    for table, chosen in ((NORMAL, ~fraud), (FRAUD, fraud)):
        edges = _shares(table, week).cumsum(1)[:, :-1]
        kind = (u[1, :, None] >= edges).sum(1)
        parts = _gaussians(table)
        for i, (mean, root) in enumerate(zip(parts.loc, parts.scale_tril)):
            rows = chosen & (kind == i)
            x[rows] = mean + noise[rows] @ root.T
    x[~fraud] += _shift(week[~fraud])
    return Split(x.float(), fraud.long(), week=week)


def chance(x: Tensor, week: Tensor) -> Tensor:
    """The true probability that a payment is fraud, by Bayes' rule: x [N, 8] in the weeks [N] -> [N], float64.

    No detector that sees these numbers orders payments better: it is the ideal of every detector with labels.
    """
    odds = math.log(RATE / (1 - RATE)) + log_fraud(x) - log_normal(x, week)
    return torch.sigmoid(odds)


def log_normal(x: Tensor, week: Tensor) -> Tensor:
    """The true log-density of normal payments in their week: x [N, 8], week [N] -> nats [N], float64.

    Minus this is the ideal score of a detector that has seen normal payments only.
    """
    x, week = _fitting(x, week)
    return _log_mixture(NORMAL, x - _shift(week), week)


def log_fraud(x: Tensor) -> Tensor:
    """The true log-density of frauds, which do not drift: x [N, 8] -> nats [N], float64."""
    x, week = _fitting(x, torch.zeros(len(x), dtype=torch.int64))
    return _log_mixture(FRAUD, x, week)


def in_units(x: Tensor) -> Tensor:
    """Payments as one reads them: EUR, the hour of the day, km, hours; x [N, 8] -> [N, 8]."""
    clock = (x[:, 1] + 4) % 24
    return torch.cat([x[:, :1].exp(), clock[:, None], x[:, 2:].exp()], 1)


def _gaussians(table: dict[str, Kind]) -> MultivariateNormal:
    """The Gaussian of each kind, in float64."""
    means, covariances = [], []
    for kind in table.values():
        loadings = {**dict.fromkeys(FEATURES, (0.0,) * 4), **LOADINGS, **kind.own}
        pull = torch.tensor([loadings[name] for name in FEATURES], dtype=torch.float64)
        width = torch.full((len(FEATURES),), kind.noise, dtype=torch.float64)
        width[1] = kind.hours
        means.append(kind.mean)
        covariances.append(pull @ pull.T + torch.diag(width.square()))
    return MultivariateNormal(
        torch.tensor(means, dtype=torch.float64), torch.stack(covariances), validate_args=False
    )


def _drift(week: Tensor) -> Tensor:
    """How much of the drift has happened in each week, 0 to 1: [N, 1]."""
    return ((week.double() - CHANGE + 1) / 8).clamp(0, 1)[:, None]


def _shift(week: Tensor) -> Tensor:
    """What the drift has added to the features of normal payments: [N, 8]."""
    whole = [SHIFT.get(name, 0.0) for name in FEATURES]
    return _drift(week) * torch.tensor(whole, dtype=torch.float64)


def _shares(table: dict[str, Kind], week: Tensor) -> Tensor:
    """The share of each kind in each week: [N, kinds], rows that sum to 1."""
    before, after = (
        torch.tensor([getattr(kind, name) for kind in table.values()], dtype=torch.float64)
        for name in ("share", "later")
    )
    return torch.lerp(before, after, _drift(week))


def _log_mixture(table: dict[str, Kind], x: Tensor, week: Tensor) -> Tensor:
    each = _gaussians(table).log_prob(x[:, None])
    return torch.logsumexp(_shares(table, week).log() + each, 1)


def _fitting(x: Tensor, week: Tensor) -> tuple[Tensor, Tensor]:
    require.batch("x", x, (len(FEATURES),))
    if not isinstance(week, Tensor) or week.shape != (len(x),):
        raise ValueError(
            f"week: got {require.described(week)} for {len(x)} payments; accepted is one each"
        )
    return x.double(), week
