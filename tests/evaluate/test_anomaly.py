"""Measures of detectors: scikit-learn's figures, thresholds that keep their promise and cost least, one clear error each."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics

from aecourse import evaluate, models, nets, train
from aecourse.data import Split


def cases(n=200, share=0.1, levels=0, seed=0):
    g = torch.Generator().manual_seed(seed)
    labels = (torch.rand(n, generator=g) < share).long()
    labels[:2] = torch.tensor([0, 1])
    scores = torch.randn(n, generator=g) + 1.5 * labels
    return (scores * levels).round() if levels else scores, labels


@pytest.mark.parametrize("levels", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_scikit_learn(levels, seed):
    scores, labels = cases(levels=levels, seed=seed)
    assert evaluate.auroc(scores, labels) == metrics.roc_auc_score(labels, scores.double())
    assert evaluate.average_precision(scores, labels) == metrics.average_precision_score(
        labels, scores.double()
    )


def test_figures_from_their_definitions():
    scores, labels = cases(60, 0.3, levels=2)
    high, low = scores[labels == 1], scores[labels == 0]
    pairs = (high[:, None] > low).double() + 0.5 * (high[:, None] == low).double()
    assert evaluate.auroc(scores, labels) == pytest.approx(pairs.mean().item())
    scores, labels = cases(60, 0.3)
    ranked = labels[scores.argsort(descending=True)]
    precision = ranked.cumsum(0) / torch.arange(1, 61)
    assert evaluate.average_precision(scores, labels) == pytest.approx(
        precision[ranked == 1].mean().item()
    )


def test_known_cases():
    labels = torch.tensor([0, 0, 1, 1])
    assert evaluate.auroc(torch.tensor([1.0, 2, 3, 4]), labels) == 1
    assert evaluate.auroc(torch.tensor([4.0, 3, 2, 1]), labels) == 0
    assert evaluate.auroc(torch.ones(4), labels) == 0.5
    assert evaluate.average_precision(torch.ones(4), labels) == 0.5
    assert evaluate.auroc(np.array([1, 2, 3, 4]), labels.bool()) == 1  # NumPy and bools will do


@pytest.mark.parametrize("false_alarms", [0.01, 0.1, 0.37])
@pytest.mark.parametrize("n", [99, 120, 1000])
def test_a_threshold_leaves_the_promised_number_above(n, false_alarms):
    scores = torch.randperm(n).float()
    level = evaluate.alarm_threshold(scores, false_alarms)
    above = int((scores > level).sum())
    assert above + 1 <= (n + 1) * false_alarms + 1e-6 and above + 2 > (n + 1) * false_alarms


def test_a_new_normal_case_gives_an_alarm_as_often_as_promised():
    """Over many draws of 49 scores and a new one, whatever the distribution; a plain quantile promises too much."""
    g = torch.Generator().manual_seed(0)
    draws = torch.randn(40_000, 50, generator=g).exp()
    old, new = draws[:, :49], draws[:, 49]
    levels = torch.tensor([evaluate.alarm_threshold(row, 0.1) for row in old[:4000]])
    rate = (new[:4000] > levels).double().mean().item()
    assert rate == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 4000))
    rate = (new > old.sort(1).values[:, 49 - 5]).double().mean().item()  # the same, by hand
    assert rate == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 40_000))


def test_counts_and_what_follows_from_them():
    scores = torch.tensor([1.0, 2, 3, 4, 5, 6])
    labels = torch.tensor([0, 0, 1, 0, 1, 1])
    found = evaluate.alarms(scores, labels, 3)
    assert found == (2, 1, 1, 2)  # a score equal to the threshold gives no alarm
    assert (found.precision, found.recall, found.false_rate) == pytest.approx((2 / 3, 2 / 3, 1 / 3))
    assert found.cost(miss=50, false_alarm=2) == 52
    nothing = evaluate.alarms(scores, labels, 6)
    assert nothing == (0, 3, 0, 3) and math.isnan(nothing.precision) and nothing.recall == 0
    assert evaluate.alarms(scores, labels, -math.inf) == (3, 0, 3, 0)


@pytest.mark.parametrize("levels", [0, 2])
@pytest.mark.parametrize("miss, false_alarm", [(1, 1), (20, 1), (1, 20), (1e6, 1), (1, 1e6)])
def test_no_other_threshold_is_cheaper(levels, miss, false_alarm):
    for seed in range(4):
        scores, labels = cases(80, 0.2, levels, seed)
        level = evaluate.cheapest_threshold(scores, labels, miss, false_alarm)
        cost = {
            at: evaluate.alarms(scores, labels, at).cost(miss, false_alarm)
            for at in [-math.inf, *scores.double().unique().tolist()]
        }
        assert cost[level] == min(cost.values())
        assert level == max(at for at, value in cost.items() if value == min(cost.values()))


def test_extreme_prices_give_all_or_no_alarms():
    scores, labels = torch.tensor([3.0, 1.0, 2.0]), torch.tensor([0, 1, 0])
    assert evaluate.cheapest_threshold(scores, labels, 100, 1) == -math.inf
    assert evaluate.cheapest_threshold(scores, labels, 1, 100) == 3


def test_the_length_of_a_file_knows_simple_from_complex():
    g = torch.Generator().manual_seed(0)
    flat = torch.full((1, 3, 32, 32), 0.4)
    ramp = torch.linspace(0, 1, 32).expand(1, 3, 32, 32).contiguous()
    noise = torch.rand(1, 3, 32, 32, generator=g)
    sizes = evaluate.compressed_nats(torch.cat([flat, ramp, noise]))
    assert sizes[0] < sizes[1] < sizes[2]
    entropy = 3 * 32 * 32 * math.log(256)  # of noise in 256 levels: no file is much shorter
    assert 0.97 * entropy < sizes[2] < 1.03 * entropy
    assert sizes[0] < 0.02 * entropy
    alone = evaluate.compressed_nats(noise)
    assert alone.shape == (1,) and alone[0] == sizes[2]


def test_an_autoencoder_of_rows_finds_what_leaves_their_line():
    """Rows through the column contract: trained on a line, the error is small along it and large beside it."""
    g = torch.Generator().manual_seed(0)
    t = torch.randn(600, 1, generator=g)
    x = t * torch.tensor([[1.0, -1.0, 0.5]]) + 0.05 * torch.randn(600, 3, generator=g)
    torch.manual_seed(0)
    model = models.Autoencoder(1, nets.mlp(()), output="identity", shape=(3,))
    train.fit(
        model,
        Split(x, labels=torch.zeros(600, dtype=torch.int64), week=torch.arange(600)),
        epochs=40,
        lr=3e-2,
        progress=False,
        cache=False,
    )
    on, beside = torch.tensor([[2.0, -2.0, 1.0]]), torch.tensor([[2.0, 2.0, 1.0]])
    errors = evaluate.squared_error(model.cpu(), torch.cat([on, beside]))
    assert errors[0] < 0.1 and errors[1] > 3


SCORES, LABELS = cases(20)


@pytest.mark.parametrize(
    "measure",
    [
        evaluate.auroc,
        evaluate.average_precision,
        lambda s, y: evaluate.alarms(s, y, 0.0),
        lambda s, y: evaluate.cheapest_threshold(s, y, 1, 1),
    ],
)
@pytest.mark.parametrize(
    "scores, labels, message",
    [
        (
            SCORES,
            torch.zeros(20),
            r"labels: got 0 for all 20; accepted are both classes, 0 \(normal\) and 1 \(anomaly\)",
        ),
        (SCORES, torch.ones(20), "labels: got 1 for all 20"),
        (
            torch.where(SCORES > 1, math.nan, SCORES),
            LABELS,
            "scores: got [1-9]+ scores that are NaN or infinite; accepted are finite numbers",
        ),
        (torch.where(SCORES > 1, math.inf, SCORES), LABELS, "scores: got .* NaN or infinite"),
        (SCORES, LABELS[:5], "labels: got 5 for 20 scores; accepted is one for each"),
        (SCORES, LABELS + 1, "labels: got 1 to 2; accepted are 0"),
        (SCORES[:, None], LABELS, r"scores: got the shape \[20, 1\]"),
        (SCORES[:0], LABELS[:0], r"scores: got the shape \[0\]"),
        ("high", LABELS, "scores: got .*accepted is one number for each case"),
    ],
)
def test_what_is_no_detector_is_refused_in_one_line(measure, scores, labels, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        measure(scores, labels)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: evaluate.alarm_threshold(SCORES, 0.01),
            "false_alarms: got 0.01 with 20 scores; accepted is at least 1 / 21",
        ),
        (lambda: evaluate.alarm_threshold(SCORES, 0.0), "false_alarms: got 0"),
        (lambda: evaluate.alarm_threshold(SCORES, 0.9), "false_alarms: got 0.9"),
        (lambda: evaluate.alarm_threshold(SCORES * math.nan), "scores: got 20 scores that are NaN"),
        (lambda: evaluate.alarms(SCORES, LABELS, math.nan), "threshold: got nan"),
        (lambda: evaluate.alarms(SCORES, LABELS, "high"), "threshold: got 'high'"),
        (lambda: evaluate.cheapest_threshold(SCORES, LABELS, 0, 1), "miss: got 0"),
        (lambda: evaluate.cheapest_threshold(SCORES, LABELS, 1, math.inf), "false_alarm: got inf"),
        (lambda: evaluate.compressed_nats(torch.zeros(3, 4)), r"x: got .*\[N, C, H, W\]"),
        (lambda: evaluate.compressed_nats(torch.full((1, 1, 2, 2), 1.5)), r"x: got pixels in"),
        (lambda: evaluate.compressed_nats(torch.full((1, 1, 2, 2), math.nan)), "x: got pixels"),
    ],
)
def test_arguments_that_cannot_work_are_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call()
    assert "\n" not in str(error.value)
