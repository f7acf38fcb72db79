"""The file of results: one entry for each part and seed of a recipe, written in one stroke, and what the entries add up to."""

from __future__ import annotations

import json
import math
import os
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aecourse.reproduce.recipe import Recipe, Row, standard_error

ROOT = Path(__file__).resolve().parents[2]


def default() -> Path:
    """benchmarks/results.json of the course's folder; results.json here, where the package was installed without it."""
    folder = ROOT / "benchmarks"
    return (folder if folder.is_dir() else Path()) / "results.json"


def read(file: Path) -> list[dict]:
    """The entries of a file, none where there is no file. Raises ValueError for a file that is no such thing."""
    if not file.is_file():
        return []
    try:
        entries = json.loads(file.read_text("utf-8"))["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file}: got no file of results; accepted is one that this command wrote"
        ) from error
    return entries


def identity(entry: dict) -> tuple:
    """What an entry is the result of."""
    return entry["recipe"], entry["part"], entry["seed"]


def write(file: Path, entry: dict) -> None:
    """Adds an entry, in the place of an older one of the same part and seed. The file is whole at every moment."""
    entries = [each for each in read(file) if identity(each) != identity(entry)] + [entry]
    entries.sort(key=identity)
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{os.getpid()}.part")
    beside.write_text(json.dumps({"entries": entries}, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, file)


def of(entries: list[dict], recipe: Recipe, part: str, seed: int) -> dict | None:
    """The entry of a part and a seed, if it was made with the settings that the recipe has now."""
    for entry in entries:
        if (
            identity(entry) == (recipe.name, part, seed)
            and entry["settings"] == recipe.settings(part)
            and entry["binarisation"] == recipe.binarisation
        ):
            return entry
    return None


@dataclass(frozen=True)
class Summary:
    """A row and what was measured of it, over all seeds.

    figure    the mean over seeds
    spread    its standard error: between seeds where there are several (with the test images' own, if that is larger),
              from the test images otherwise; None where there is neither
    """

    row: Row
    entries: tuple[dict, ...]
    figure: float
    spread: float | None

    @property
    def seeds(self) -> int:
        """How many repetitions there are."""
        return len(self.entries)

    def total(self, what: str) -> float:
        """The mean over seeds of the part's "seconds", "cpu_seconds" or "training_seconds"."""
        return statistics.mean(entry[what] for entry in self.entries)

    def more(self, what: str) -> list[Any]:
        """What each repetition kept under this name."""
        kept = (entry["rows"][self.row.name]["more"] for entry in self.entries)
        return [each[what] for each in kept if what in each]

    @property
    def difference(self) -> float | None:
        """Measured minus published; for a range of published figures the distance from it, 0 within it."""
        if self.row.published is None:
            return None
        low, high = _ends(self.row.published)
        return min(0.0, self.figure - low) + max(0.0, self.figure - high)

    def agrees(self) -> bool | None:
        """Whether the difference is at most two standard errors of the figure here; None where nothing is published."""
        if self.difference is None:
            return None
        return abs(self.difference) <= 2 * (self.spread or 0.0) + _rounding(self.row.published)


def summaries(entries: list[dict], recipe: Recipe) -> list[Summary]:
    """The rows of a recipe of which there are results made with its present settings."""
    found = []
    for row in recipe.rows:
        made = [
            entry
            for entry in entries
            if of([entry], recipe, row.computed_in, entry["seed"]) and row.name in entry["rows"]
        ]
        if not made:
            continue
        figures = [entry["rows"][row.name]["figure"] for entry in made]
        own = [entry["rows"][row.name]["standard_error"] for entry in made]
        parts = [standard_error(figures), *own]
        spread = max((each for each in parts if each is not None), default=None)
        found.append(Summary(row, tuple(made), statistics.mean(figures), spread))
    return found


def _ends(published) -> tuple[float, float]:
    return published if isinstance(published, tuple) else (published, published)


def _rounding(published) -> float:
    """Half a unit of the last digit that was printed."""
    if published is None:
        return 0.0
    digits = max(
        (len(text.partition(".")[2]) for text in (f"{end:.6g}" for end in _ends(published))),
        default=0,
    )
    return 0.5 * math.pow(10, -digits)
