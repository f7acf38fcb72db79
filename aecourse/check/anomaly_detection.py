"""Exercises of lesson 19."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from aecourse import evaluate
from aecourse.check.core import Mistake, exercise, like

# ---- The precision of alarms -----------------------------------------------------------------------


def precision_of_alarms(rate, recall, false_rate) -> torch.Tensor:
    """The share of alarms that are anomalies, [B]. rate, recall, false_rate [B]: the
    shares of anomalies among all, of anomalies with an alarm, of others with one."""
    true = rate * recall
    return true / (true + (1 - rate) * false_rate)


def _shares(generator: torch.Generator, size: int) -> tuple[Tensor, Tensor, Tensor]:
    u = torch.rand(3, size, generator=generator)
    return 0.01 + 0.3 * u[0], 0.3 + 0.6 * u[1], 0.01 + 0.3 * u[2]


exercise(
    precision_of_alarms,
    cases=lambda generator: [_shares(generator, size) for size in (5, 3)],
    hard=lambda generator: {
        "one case": _shares(generator, 1),
        "one anomaly in ten thousand": tuple(torch.tensor([v]) for v in (1e-4, 0.7, 0.01)),
        "no false alarm": tuple(torch.tensor([v]) for v in (0.01, 0.5, 0.0)),
        "half of all cases are anomalies": tuple(torch.tensor([v]) for v in (0.5, 0.8, 0.2)),
    },
    mistakes=[
        Mistake(
            "no base rate",
            lambda p, r, f: r / (r + f) + 0 * p,
            "the rate of anomalies is missing: both shares are of their own kind, and there are far more normal cases.",
        ),
        Mistake(
            "the rate on one side",
            lambda p, r, f: p * r / (p * r + f),
            "the false alarms come from the normal cases alone: their share is 1 - rate.",
        ),
        Mistake(
            "one minus the false rate",
            lambda p, r, f: 1 - f + 0 * p * r,
            "1 - false_rate is the share of normal cases that stay quiet, not the share of alarms that are right.",
        ),
        Mistake(
            "the recall",
            lambda p, r, f: r + 0 * p * f,
            "that is the recall: of the anomalies, those with an alarm. Wanted: of the alarms, those that are anomalies.",
        ),
        Mistake(
            "share of all cases",
            lambda p, r, f: p * r + 0 * f,
            "that is the share of all cases that are anomalies with an alarm; divide by the share of all cases with an alarm.",
        ),
        Mistake(
            "the false alarms on top",
            lambda p, r, f: (1 - p) * f / (p * r + (1 - p) * f),
            "that is the share of alarms that are false.",
        ),
        Mistake(
            "odds",
            lambda p, r, f: p * r / ((1 - p) * f),
            "that is right alarms divided by false ones; divide by all alarms.",
        ),
        Mistake(
            "the mean",
            lambda *a: precision_of_alarms(*a).mean(),
            "that is one number for the whole batch; keep one per entry.",
        ),
    ],
    also_right={
        "one division less": lambda p, r, f: 1 / (1 + (1 - p) * f / (p * r)),
        "a million cases": lambda p, r, f: (1e6 * p * r) / (1e6 * p * r + (1e6 - 1e6 * p) * f),
    },
    praise="the share of alarms that are right, however rare the anomalies are.",
)


# ---- AUROC by pairs ----------------------------------------------------------------------------------


def auroc(scores, labels) -> torch.Tensor:
    """The share of pairs (anomaly, normal) in which the anomaly scores higher.

    scores [N]; labels [N], 1 for an anomaly, 0 for a normal case. Pairs with
    equal scores count one half. Returns a scalar tensor."""
    high, low = scores[labels == 1], scores[labels == 0]
    return (1 + torch.sign(high[:, None] - low[None])).mean() / 2


def _scored(
    generator: torch.Generator, sizes, levels: int = 0, shift: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Scores of some anomalies and some normal cases, mixed up; whole numbers up to `levels`, where it is not 0."""
    anomalies, normal = sizes
    n = anomalies + normal
    labels = torch.zeros(n, dtype=torch.int64)
    labels[torch.randperm(n, generator=generator)[:anomalies]] = 1
    scores = torch.randn(n, generator=generator) + shift * labels
    if levels:
        scores = (levels * torch.sigmoid(scores)).round()
    return scores, labels


def _by_loop(scores, labels):
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a in scores[labels == 1]
        for b in scores[labels == 0]
    ]
    return scores.new_tensor(sum(pairs) / len(pairs))


def _by_ranks(scores, labels):
    ranks = (scores[:, None] > scores[None]).double() + 0.5 * (
        scores[:, None] == scores[None]
    ).double()
    own = ranks.sum(1)[labels == 1].sum()
    n, m = (labels == 1).sum(), (labels == 0).sum()
    return ((own - n * n / 2) / (n * m)).to(scores.dtype)


def _accuracy_at(scores, labels, middle):
    return ((scores > middle(scores)).long() == labels).to(scores.dtype).mean()


exercise(
    auroc,
    cases=lambda generator: [_scored(generator, (4, 9), levels=4), _scored(generator, (3, 7))],
    hard=lambda generator: {
        "one anomaly": _scored(generator, (1, 6)),
        "more anomalies than normal cases": _scored(generator, (8, 3), levels=3),
        "all scores equal": (torch.ones(6), torch.tensor([0, 1, 0, 1, 1, 0])),
        "anomalies that score lower": _scored(generator, (5, 6), shift=-3.0),
        "large scores that lie close together": (
            torch.tensor([1000.5, 1000.25, 1000.75, 1000.0, -900.5, -900.25, 40.0, 41.0, 42.0]),
            torch.tensor([1, 1, 0, 0, 0, 1, 0, 1, 0]),
        ),
        "150 cases": _scored(generator, (40, 110)),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "ties count nothing",
            lambda s, y: (s[y == 1][:, None] > s[y == 0][None]).to(s.dtype).mean(),
            "pairs with equal scores are counted as lost; each counts one half.",
        ),
        Mistake(
            "ties count whole",
            lambda s, y: (s[y == 1][:, None] >= s[y == 0][None]).to(s.dtype).mean(),
            "pairs with equal scores are counted as won; each counts one half.",
        ),
        Mistake(
            "the other way round",
            lambda s, y: 1 - auroc(s, y),
            "that is the share of pairs in which the normal case scores higher.",
        ),
        Mistake(
            "all pairs",
            lambda s, y: ((s[:, None] > s[None]).to(s.dtype)).mean(),
            "that compares all cases with all; only pairs of an anomaly and a normal case count.",
        ),
        Mistake(
            "the sign's mean",
            lambda s, y: torch.sign(s[y == 1][:, None] - s[y == 0][None]).mean(),
            "that runs from -1 to 1: won pairs minus lost ones. Add 1 and halve it.",
        ),
        Mistake(
            "the sum",
            lambda s, y: ((1 + torch.sign(s[y == 1][:, None] - s[y == 0][None])) / 2).sum(),
            "that is the number of pairs won; divide by the number of pairs.",
        ),
        Mistake(
            "means compared",
            lambda s, y: s[y == 1].mean() - s[y == 0].mean(),
            "that is the difference of the mean scores; AUROC compares pair by pair and knows no unit.",
        ),
        Mistake(
            "through a sigmoid",
            lambda s, y: auroc(torch.sigmoid(s), y),
            "a sigmoid makes large scores equal; compare the scores as they are.",
        ),
        Mistake(
            "accuracy at the median",
            lambda s, y: _accuracy_at(s, y, torch.median),
            "that is the accuracy at one threshold; AUROC needs none.",
        ),
        Mistake(
            "average precision",
            lambda s, y: torch.tensor(evaluate.average_precision(s, y), dtype=s.dtype),
            "that is the average precision, which depends on how rare anomalies are.",
        ),
    ],
    also_right={
        "a loop over pairs": _by_loop,
        "by ranks": _by_ranks,
        "NumPy": lambda s, y: like(
            np.array(
                [
                    (a > b) + 0.5 * (a == b)
                    for a in s.numpy()[y.numpy() == 1]
                    for b in s.numpy()[y.numpy() == 0]
                ]
            ).mean(keepdims=True)[0],
            s,
        ),
        "the package": lambda s, y: torch.tensor(evaluate.auroc(s, y), dtype=s.dtype),
    },
    praise="scikit-learn finds the same area under its ROC curve.",
)


# ---- The cheapest threshold -----------------------------------------------------------------------


def cheapest_threshold(scores, labels, miss, false_alarm) -> torch.Tensor:
    """The score with the least cost as a threshold; if several have it, the highest.

    scores [N]; labels [N], 1 for an anomaly. miss and false_alarm are the prices of
    one anomaly without an alarm and of one alarm without an anomaly. Returns a
    scalar tensor."""
    tried = scores.sort(descending=True).values
    alarm = scores[None] > tried[:, None]
    missed = (~alarm & (labels == 1)).sum(1)
    false = (alarm & (labels == 0)).sum(1)
    return tried[(miss * missed + false_alarm * false).argmin()]


def _chosen(cost, rule=lambda s, t: s > t, descending=True, best=torch.argmin):
    """An answer that tries every score: cost(missed, false, found, miss, false_alarm) -> what is to be least."""

    def answer(scores, labels, miss, false_alarm):
        tried = scores.sort(descending=descending).values
        alarm = rule(scores[None], tried[:, None])
        missed = (~alarm & (labels == 1)).sum(1)
        false = (alarm & (labels == 0)).sum(1)
        found = (alarm & (labels == 1)).sum(1)
        return tried[best(cost(missed, false, found, miss, false_alarm))]

    return answer


def _as_told(missed, false, found, miss, false_alarm):
    return miss * missed + false_alarm * false


def _loop(scores, labels, miss, false_alarm):
    best, least = None, math.inf
    for level in sorted(scores.tolist(), reverse=True):
        pairs = list(zip(scores.tolist(), labels.tolist()))
        cost = sum(miss for s, y in pairs if y and s <= level)
        cost += sum(false_alarm for s, y in pairs if not y and s > level)
        if cost < least:
            best, least = level, cost
    return scores.new_tensor(best)


def _priced(generator, sizes, miss, false_alarm, levels=0, shift=1.5):
    return (*_scored(generator, sizes, levels, shift), miss, false_alarm)


exercise(
    cheapest_threshold,
    cases=lambda generator: [
        _priced(generator, (6, 20), 5.0, 1.0),
        _priced(generator, (8, 17), 2.0, 3.0),
        _priced(generator, (7, 30), 3.0, 1.0, levels=9),
    ],
    hard=lambda generator: {
        "misses cost nearly nothing": _priced(generator, (4, 9), 0.01, 100.0, shift=0.0),
        "false alarms cost nearly nothing": _priced(generator, (4, 9), 100.0, 0.01, shift=-1.0),
        "several thresholds of equal cost": (
            torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            torch.tensor([0, 0, 1, 0, 1, 1]),
            1.0,
            1.0,
        ),
        "equal scores of both kinds": (
            torch.tensor([1.0, 2.0, 2.0, 2.0, 3.0]),
            torch.tensor([0, 0, 1, 1, 1]),
            2.0,
            1.0,
        ),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "the prices swapped",
            _chosen(lambda missed, false, found, m, f: f * missed + m * false),
            "the two prices are swapped: `miss` is paid for anomalies without an alarm.",
        ),
        Mistake(
            "no prices",
            _chosen(lambda missed, false, found, m, f: missed + false),
            "that is the threshold with the fewest errors; errors have different prices.",
        ),
        Mistake(
            "the lowest of several",
            _chosen(_as_told, descending=False),
            "of several thresholds with the least cost, the lowest is returned; the highest gives the fewest alarms.",
        ),
        Mistake(
            "alarm at the threshold",
            _chosen(_as_told, rule=lambda s, t: s >= t),
            "a score equal to the threshold counts as an alarm here; an alarm is a score above it.",
        ),
        Mistake(
            "alarm below",
            _chosen(_as_told, rule=lambda s, t: s < t),
            "alarms are raised for low scores; high scores are the strange ones.",
        ),
        Mistake(
            "the dearest",
            _chosen(_as_told, best=torch.argmax),
            "that is the threshold that costs most.",
        ),
        Mistake(
            "shares",
            _chosen(
                lambda missed, false, found, m, f: (
                    m * missed / (missed + found).clamp_min(1)
                    + f * false / false.max().clamp_min(1)
                )
            ),
            "the errors are turned into shares of their kind first; each single miss and each single false alarm has its price.",
        ),
        Mistake(
            "misses alone",
            _chosen(lambda missed, false, found, m, f: m * missed),
            "false alarms cost nothing here, so that the threshold falls until every anomaly gives an alarm.",
        ),
        Mistake(
            "the cost itself",
            lambda s, y, m, f: _least(s, y, m, f),
            "that is the least cost; the threshold that has it is wanted.",
        ),
        Mistake(
            "an index",
            lambda s, y, m, f: (
                s.sort(descending=True).values == cheapest_threshold(s, y, m, f)
            ).nonzero()[0, 0],
            "that is the place of the threshold among the sorted scores; return the score.",
        ),
    ],
    also_right={"a loop over thresholds": _loop},
    praise="no other of these scores would have cost less on these cases.",
)


def _least(scores, labels, miss, false_alarm):
    level = cheapest_threshold(scores, labels, miss, false_alarm)
    alarm = scores > level
    missed, false = (~alarm & (labels == 1)).sum(), (alarm & (labels == 0)).sum()
    return (miss * missed + false_alarm * false).to(scores.dtype)
