"""Schedules: functions of progress t in [0, 1) through a training run. Having no state, they need none saved.

A schedule for the learning rate multiplies `lr`; a schedule for a loss weight is the weight itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from aecourse import require

Schedule = Callable[[float], float]


def constant(value: float = 1.0) -> Schedule:
    """The same value throughout."""
    value = require.number("value", value)
    return lambda t: value


def one_cycle(warm: float = 0.25, start: float = 0.04, end: float = 1e-4) -> Schedule:
    """Up from `start` to 1 during the first `warm` of training, then down to `end`, both along half a cosine.

    Source: Smith & Topin 2019, the rate only (momentum is left alone).
    """
    warm = require.number("warm", warm, low=0, high=1)

    def rate(t: float) -> float:
        if t < warm:
            return start + (1 - start) * (1 - math.cos(math.pi * t / warm)) / 2
        return end + (1 - end) * (1 + math.cos(math.pi * (t - warm) / (1 - warm))) / 2

    return rate


def cosine(end: float = 0.0) -> Schedule:
    """Down from 1 to `end` along half a cosine (Loshchilov & Hutter 2017, without restarts)."""
    end = require.number("end", end, low=0)
    return lambda t: end + (1 - end) * (1 + math.cos(math.pi * t)) / 2


def warmup(fraction: float = 0.2, to: float = 1.0) -> Schedule:
    """From 0 to `to` in a straight line over the first `fraction` of training, then constant (Bowman et al. 2016)."""
    fraction, to = (
        require.number("fraction", fraction, low=0, high=1, above=True),
        require.number("to", to),
    )
    return lambda t: to * min(1.0, t / fraction)


def cyclical(cycles: int = 4, rise: float = 0.5, to: float = 1.0) -> Schedule:
    """`cycles` times from 0 to `to` during the first `rise` of each cycle, then constant (Fu et al. 2019)."""
    cycles = require.integer("cycles", cycles)
    rise, to = require.number("rise", rise, low=0, high=1, above=True), require.number("to", to)
    return lambda t: to * min(1.0, (t * cycles) % 1.0 / rise)


def value(name: str, rule: Schedule, t: float) -> float:
    """What `rule` says at progress t, if it is a finite number; raises TypeError or ValueError naming `name`."""
    found = rule(t)
    found = int(found) if isinstance(found, bool) else found
    return require.number(f"{name} at progress {t:g}", found)


SCHEDULES = {"constant": constant, "cosine": cosine, "one_cycle": one_cycle}


def schedule(name: str, value: Any) -> Schedule:
    """A schedule from its name, from a number, or as it is."""
    if callable(value):
        return value  # pyright: ignore[reportReturnType]
    if isinstance(value, str):
        return SCHEDULES[str(require.choice(name, value, SCHEDULES))]()
    return constant(require.number(name, value))
