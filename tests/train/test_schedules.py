"""Schedules at the points where their value is known."""

import math

import pytest

from aecourse.train import constant, cosine, cyclical, one_cycle, warmup
from aecourse.train.schedules import schedule


def test_one_cycle_starts_low_peaks_after_the_warm_part_and_ends_near_zero():
    rate = one_cycle(warm=0.25, start=0.04, end=1e-4)
    assert rate(0) == pytest.approx(0.04)
    assert rate(0.125) == pytest.approx((0.04 + 1) / 2)
    assert rate(0.25) == pytest.approx(1)
    assert rate(0.625) == pytest.approx((1 + 1e-4) / 2)
    assert rate(1 - 1e-9) == pytest.approx(1e-4)


@pytest.mark.parametrize("warm", [0, 1])
def test_one_cycle_without_one_of_its_parts(warm):
    rate = one_cycle(warm=warm)
    assert all(0 < rate(t) <= 1 for t in (0, 0.5, 0.999))


def test_cosine_goes_from_one_to_its_end():
    rate = cosine(end=0.1)
    assert [rate(t) for t in (0, 0.5, 1)] == pytest.approx([1, 0.55, 0.1])
    assert rate(1 / 3) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 3)) / 2)


def test_warmup_is_a_straight_line_then_constant():
    weight = warmup(0.2, to=4)
    assert [weight(t) for t in (0, 0.05, 0.1, 0.2, 0.9)] == pytest.approx([0, 1, 2, 4, 4])


def test_cyclical_rises_and_stays_in_every_cycle():
    weight = cyclical(cycles=4, rise=0.5, to=2)
    assert [weight(t) for t in (0, 0.0625, 0.125, 0.2, 0.25, 0.3125, 0.75)] == pytest.approx(
        [0, 1, 2, 2, 0, 1, 0]
    )


def test_a_schedule_is_given_by_name_by_number_or_as_it_is():
    assert schedule("schedule", "cosine")(0.5) == cosine()(0.5)
    assert schedule("schedule", 3)(0.7) == constant(3)(0.2) == 3
    assert schedule("schedule", math.sqrt) is math.sqrt
    with pytest.raises(ValueError, match="schedule: got 'cosin'"):
        schedule("schedule", "cosin")


@pytest.mark.parametrize(
    "make",
    [
        lambda: one_cycle(warm=1.1),
        lambda: warmup(0),
        lambda: cyclical(0),
        lambda: cosine(-1),
        lambda: cyclical(rise=0),
        lambda: constant(math.nan),
    ],
)
def test_impossible_schedules_are_refused(make):
    with pytest.raises(ValueError):
        make()
