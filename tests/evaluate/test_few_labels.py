"""Where a gain ends, and what a spread comes from, on tables whose answers are known."""

import math

import pytest
import torch

from aecourse import evaluate


def test_a_crossing_is_found_on_the_logarithm_of_the_count():
    gains = torch.tensor([[4.0] * 3, [2.0] * 3, [-2.0] * 3])
    found = evaluate.crossing([1, 10, 1000], gains)
    assert found.at == found.low == found.high == pytest.approx(100)  # half-way from 10 to 1000
    assert str(found) == "100" and str(evaluate.crossing([1, 4], gains[1:])) == "2.0"


def test_a_gain_that_never_was_or_never_ends_is_beyond_the_range():
    never = evaluate.crossing([1, 10], torch.full((2, 4), -1.0))
    always = evaluate.crossing([1, 10], torch.full((2, 4), 1.0))
    assert (never.at, always.at) == (0.0, math.inf)
    assert (str(never), str(always)) == ("below this range", "beyond this range")


def test_rounding_is_no_gain():
    gains = torch.tensor([[2.0, 2.0], [0.0, 2e-6], [-1.0, -1.0]])
    assert evaluate.crossing([1, 10, 100], gains).at == pytest.approx(10)


def test_the_last_fall_counts_where_a_gain_comes_back():
    gains = torch.tensor([[1.0] * 2, [-1.0] * 2, [1.0] * 2, [-1.0] * 2])
    assert evaluate.crossing([1, 10, 100, 10_000], gains).at == pytest.approx(1000)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    g, inside = torch.Generator().manual_seed(0), 0
    for _ in range(200):
        gains = torch.tensor([[1.0], [-1.0]]) + 0.5 * torch.randn(2, 20, generator=g)
        found = evaluate.crossing([1, 100], gains, resamples=300)
        inside += found.low <= 10 <= found.high
    assert 175 <= inside <= 200


def test_the_interval_is_said():
    g = torch.Generator().manual_seed(1)
    gains = torch.tensor([[1.0], [-0.1]]) + torch.randn(2, 6, generator=g)
    assert "95 % interval" in str(evaluate.crossing([1, 100], gains))


def test_spreads_of_rows_columns_and_rest_are_told_apart():
    g = torch.Generator().manual_seed(0)
    rows, columns = torch.randn(300, 1, generator=g), 3 * torch.randn(1, 300, generator=g)
    found = evaluate.spreads(5 + rows + columns + 0.5 * torch.randn(300, 300, generator=g))
    assert found.rows == pytest.approx(1, rel=0.12)
    assert found.columns == pytest.approx(3, rel=0.12)
    assert found.rest == pytest.approx(0.5, rel=0.02)
    alone = evaluate.spreads(columns.expand(4, 300))
    assert alone.rows == 0 and alone.rest < 1e-9
    assert alone.columns == pytest.approx(columns.std().item())


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: evaluate.crossing([1], torch.ones(1, 3)), "counts: got"),
        (lambda: evaluate.crossing([10, 1], torch.ones(2, 3)), "counts: got"),
        (lambda: evaluate.crossing([1, 2], torch.ones(3, 3)), r"gains: got shape \[3, 3\]"),
        (lambda: evaluate.crossing([1, 2], torch.ones(2, 1)), r"gains: got shape \[2, 1\]"),
        (lambda: evaluate.crossing([1, 2], torch.ones(2, 3) / 0), "gains: got nan or infinity"),
        (lambda: evaluate.spreads(torch.ones(1, 4)), "table: got"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
