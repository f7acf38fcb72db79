"""The stream of payments: its densities against SciPy, its probabilities against its frauds, its drift, its errors."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from aecourse import evaluate, payments


@pytest.fixture(scope="module")
def stream():
    return payments.stream()


def rows(part, low, high):
    return part[(part.week >= low) & (part.week < high)]


def density(table, x, weights):
    """The mixture's log-density by SciPy, from the table as it is written."""
    total = np.zeros(len(x))
    for kind, weight in zip(table.values(), weights):
        loadings = {
            name: kind.own.get(name, payments.LOADINGS.get(name, (0,) * 4))
            for name in payments.FEATURES
        }
        pull = np.array([loadings[name] for name in payments.FEATURES])
        noise = [kind.hours if name == "hour" else kind.noise for name in payments.FEATURES]
        cov = pull @ pull.T + np.diag(np.square(noise))
        total += weight * multivariate_normal(kind.mean, cov).pdf(x)
    return np.log(total)


def test_it_is_what_it_says(stream):
    assert stream.x.shape == (78_000, 8) and stream.x.dtype == torch.float32
    assert stream.labels.dtype == stream.week.dtype == torch.int64
    assert stream.week.diff().min() == 0 and stream.week.unique().tolist() == list(range(52))
    assert stream.labels.float().mean().item() == pytest.approx(payments.RATE, abs=0.001)
    assert len(payments.FEATURES) == 8 and stream.x.isfinite().all()
    again = payments.stream()
    assert torch.equal(again.x, stream.x) and torch.equal(again.labels, stream.labels)
    assert not torch.equal(payments.stream(2, 50).x, payments.stream(2, 50, seed=1).x)


def test_no_seed_of_a_repetition_moves_it():
    code = "from aecourse import payments; print(payments.stream(3, 40).x.double().sum().item())"
    moved = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "AECOURSE_SEED": "5"},
    ).stdout
    assert float(moved) == payments.stream(3, 40).x.double().sum().item()


def test_densities_are_those_of_the_table(stream):
    part = stream[::5000]
    early = part[part.week < payments.CHANGE]
    found = payments.log_normal(early.x, early.week)
    shares = [kind.share for kind in payments.NORMAL.values()]
    assert sum(shares) == pytest.approx(1)
    expected = density(payments.NORMAL, early.x.double().numpy(), shares)
    assert np.allclose(found, expected)
    late = torch.full((len(part),), 51)
    moved = part.x.double() - torch.tensor(
        [payments.SHIFT.get(name, 0) for name in payments.FEATURES]
    )
    shares = [kind.later for kind in payments.NORMAL.values()]
    assert sum(shares) == pytest.approx(1)
    assert np.allclose(
        payments.log_normal(part.x, late), density(payments.NORMAL, moved.numpy(), shares)
    )
    frauds = [kind.share for kind in payments.FRAUD.values()]
    assert sum(frauds) == pytest.approx(1)
    assert np.allclose(
        payments.log_fraud(part.x), density(payments.FRAUD, part.x.double().numpy(), frauds)
    )


@pytest.mark.parametrize("weeks", [(0, 36), (36, 44), (44, 52)])
def test_of_payments_with_a_chance_that_many_are_fraud(stream, weeks):
    """Calibration: the true probability, averaged over any group, is the group's share of frauds, drift or not."""
    part = rows(stream, *weeks)
    chance = payments.chance(part.x, part.week)
    assert (chance > 0).all() and (chance <= 1).all()
    for low, high in ((0, 0.02), (0.02, 0.3), (0.3, 0.7), (0.7, 1.01)):
        group = (chance >= low) & (chance < high)
        wanted, found = chance[group].mean(), part.labels[group].double().mean()
        error = (chance[group] * (1 - chance[group])).sum().sqrt() / group.sum()
        assert abs(wanted - found) < 4 * error


def test_densities_integrate_to_one(stream):
    """The average of p(x | fraud) / p(x | normal) over normal payments is 1."""
    part = rows(stream, 0, 36)
    part = part[part.labels == 0]
    small = payments.log_fraud(part.x) - payments.log_normal(part.x, part.week)
    back = rows(stream, 0, 36)
    frauds = back[back.labels == 1]
    # by parts, since few normal payments carry the rest: P_normal(ratio < c) = E_fraud[1/ratio; ratio < c]
    ratio = payments.log_fraud(frauds.x) - payments.log_normal(frauds.x, frauds.week)
    share = (small < math.log(20)).double().mean()
    outside = (-ratio[ratio >= math.log(20)]).exp().sum() / len(ratio)
    assert share + outside == pytest.approx(1, abs=0.002)


def test_nothing_orders_payments_better_than_the_true_probability(stream):
    part = rows(stream, 24, 36)
    chance = payments.chance(part.x, part.week)
    best = evaluate.average_precision(chance, part.labels)
    others = [-payments.log_normal(part.x, part.week), payments.log_fraud(part.x), part.x[:, 0]]
    assert all(
        evaluate.average_precision(score, part.labels) < best
        and evaluate.auroc(score, part.labels) < evaluate.auroc(chance, part.labels)
        for score in others
    )


def test_the_drift_brings_the_bus(stream):
    def share_of_small(low, high):
        part = rows(stream, low, high)
        eur = payments.in_units(part.x[part.labels == 0])[:, 0]
        return (eur < 3).double().mean().item()

    assert share_of_small(0, 36) < 0.02
    assert share_of_small(44, 52) - share_of_small(0, 36) == pytest.approx(0.084, abs=0.02)
    assert share_of_small(0, 36) < share_of_small(38, 40) < share_of_small(44, 52)


def test_units_are_those_one_reads():
    x = torch.tensor([[math.log(20), 22.0, math.log(3), 0.0, -1.0, 3.0, 3.0, 3.0]])
    units = payments.in_units(x)
    assert units[0, :4].tolist() == pytest.approx([20, 2, 3, 1])  # 22 hours after 4 a.m. is 2 a.m.


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: payments.stream(0), "weeks: got 0"),
        (lambda: payments.stream(2, 1.5), "per_week: got 1.5"),
        (lambda: payments.stream(2, 10, seed=-1), "seed: got -1"),
        (
            lambda: payments.log_normal(torch.zeros(3, 7), torch.zeros(3, dtype=torch.int64)),
            r"x: got .*\[N, 8\]",
        ),
        (
            lambda: payments.chance(torch.zeros(3, 8), torch.zeros(2, dtype=torch.int64)),
            "week: got .* for 3 payments",
        ),
        (lambda: payments.log_fraud([1.0]), "x: got list"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call()
    assert "\n" not in str(error.value)
