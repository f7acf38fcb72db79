"""Measures of comparisons over numbers of labels: where a gain ends, and what its spread comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from aecourse import require


@dataclass(frozen=True)
class Crossing:
    """Where a gain ends: after `at` labels, in a 95 % interval from `low` to `high`.

    0 stands for "it never was above zero within the range", infinity for "it still is at the largest number".
    """

    at: float
    low: float
    high: float

    def __str__(self) -> str:
        """In words, with the interval."""

        def said(count: float) -> str:
            named = {0.0: "below this range", math.inf: "beyond this range"}
            return named.get(count, f"{count:.0f}" if count >= 10 else f"{count:.1f}")

        if self.low == self.high:
            return said(self.at)
        return f"{said(self.at)} (95 % interval: {said(self.low)} to {said(self.high)})"


def crossing(counts, gains: Tensor, *, resamples: int = 2000, seed: int = 0) -> Crossing:
    """Where the mean gain falls to zero and stays there: counts [L], rising, gains [L, R] of R repetitions.

    Between two counts the mean is a straight line over the logarithm of the count; a mean of less than 1/10,000 of the
    largest gain is rounding, and counts as zero. The interval is that of a bootstrap:
    repetitions (columns) are drawn anew with replacement, which keeps what belongs to one draw of labels together.

    Raises ValueError for counts that do not rise, gains of another size, and fewer than two repetitions.
    """
    counts = np.asarray(counts, dtype=float)
    table = torch.as_tensor(gains).double().numpy()
    if counts.ndim != 1 or len(counts) < 2 or (np.diff(counts) <= 0).any() or counts[0] <= 0:
        raise ValueError(
            f"counts: got {counts.tolist()}; accepted are two or more that rise from above 0"
        )
    if table.ndim != 2 or table.shape[0] != len(counts) or table.shape[1] < 2:
        raise ValueError(
            f"gains: got shape {list(table.shape)}; accepted is [{len(counts)}, R] with R of at least 2"
        )
    if not np.isfinite(table).all():
        raise ValueError("gains: got nan or infinity; accepted are finite numbers")
    drawn = np.random.default_rng(seed).integers(
        table.shape[1], size=(require.integer("resamples", resamples), table.shape[1])
    )
    least = 1e-4 * np.abs(table).max()
    found = np.sort([_end(counts, table[:, columns].mean(1), least) for columns in drawn])
    low, high = found[int(0.025 * len(found))], found[math.ceil(0.975 * len(found)) - 1]
    return Crossing(_end(counts, table.mean(1), least), float(low), float(high))


def _end(counts: np.ndarray, means: np.ndarray, least: float) -> float:
    """After which count the means are not above zero any more."""
    means = np.where(np.abs(means) < least, 0.0, means)
    above = np.flatnonzero(means > 0)
    if not len(above):
        return 0.0
    last = above[-1]
    if last == len(counts) - 1:
        return math.inf
    share = means[last] / (means[last] - means[last + 1])
    start, end = np.log(counts[last : last + 2])
    return float(np.exp(start + share * (end - start)))


@dataclass(frozen=True)
class Spreads:
    """Standard deviations of a figure: between the rows, between the columns, and of what neither explains."""

    rows: float
    columns: float
    rest: float


def spreads(table: Tensor) -> Spreads:
    """What the spread of a table [R, C] comes from: its rows (seeds, say), its columns (draws of labels), or neither.

    The variance components of a two-way analysis without repetition: those of rows and columns are freed of the rest, and
    0 where the rest explains them. R and C of at least 2.
    """
    table = torch.as_tensor(table).double()
    if table.dim() != 2 or min(table.shape) < 2 or not table.isfinite().all():
        raise ValueError(
            f"table: got {require.described(table)}; accepted are finite numbers [R, C], each at least 2"
        )
    rows, columns = table.mean(1), table.mean(0)
    left = table - rows[:, None] - columns[None] + table.mean()
    rest = (left.square().sum() / ((len(rows) - 1) * (len(columns) - 1))).item()

    def freed(means: Tensor, averaged: int) -> float:
        return math.sqrt(max(0.0, means.var().item() - rest / averaged))

    return Spreads(freed(rows, len(columns)), freed(columns, len(rows)), math.sqrt(rest))
