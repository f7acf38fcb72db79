"""What a recipe is: an experiment with its rows, each of which may have a published figure beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Measured:
    """One figure, with the standard error that its own test cases give it, and whatever else is worth keeping.

    more: numbers, texts and lists of them, as JSON has them
    """

    figure: float
    standard_error: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def mean(values: Tensor, **more) -> Measured:
    """The mean of one figure per test case, values [N], and its standard error."""
    values = values.detach().double()
    error = values.std().item() / math.sqrt(len(values)) if len(values) > 1 else None
    return Measured(values.mean().item(), error, more)


@dataclass(frozen=True)
class Row:
    """One figure of an experiment.

    name       of the row
    part       rows of one part are computed together; by default the row is a part of its own
    setting    network, schedule, how many epochs, how many samples: what another needs to do the same
    published  the figure of the literature, a pair (lowest, highest) of several, or None where none is known to be true
    source     where it was published, in words
    key        the paper in book/references.bib, or an address
    exact      whether "published" follows from algebra
    explained  why the figures differ, if they do; "" where nobody knows
    """

    name: str
    setting: str
    part: str = ""
    published: float | tuple[float, float] | None = None
    source: str = ""
    key: str = ""
    exact: bool = False
    explained: str = ""

    @property
    def computed_in(self) -> str:
        """The part that computes this row."""
        return self.part or self.name


@dataclass(frozen=True)
class Recipe:
    """An experiment.

    name          of the command line
    title         of its table
    about         one or two sentences for the page: what is measured, and what to look at
    measure       the quantity, with its unit
    lower         whether lower is better; None where neither is
    binarisation  what the pixels are: "grey", "dynamic" (drawn anew at every visit), "static" (drawn once), or "" for none
    chosen        what was chosen on held-out training images, and between which candidates
    rows          the figures
    run           run(lab, part) -> row name -> Measured
    minutes       about how long all parts take on one core, for the order of `all`
    seeds         how many repetitions are wanted
    data          "mnist", or "" where none is loaded
    needs         a function that says in a line what is missing here, or "" where nothing is
    """

    name: str
    title: str
    about: str
    measure: str
    rows: tuple[Row, ...]
    run: Callable[[Any, str], dict[str, Measured]]
    lower: bool | None = True
    binarisation: str = ""
    chosen: str = "nothing"
    minutes: float = 1.0
    seeds: int = 1
    data: str = "mnist"
    needs: Callable[[], str] = lambda: ""

    @property
    def parts(self) -> list[str]:
        """The parts, in the order of the rows."""
        return list(dict.fromkeys(row.computed_in for row in self.rows))

    def settings(self, part: str) -> dict[str, str]:
        """What the rows of a part declare: row name -> setting."""
        return {row.name: row.setting for row in self.rows if row.computed_in == part}


def standard_error(values: list[float]) -> float | None:
    """The standard deviation between repetitions, over the root of their number; None for one."""
    if len(values) < 2:
        return None
    return torch.tensor(values, dtype=torch.float64).std().item() / math.sqrt(len(values))
