"""The ledger: what every measured claim came to when its lesson was run again, with other seeds and other arithmetic.

One JSON file per lesson lies beside this module. `make replicate` writes them (`python -m aecourse.ledger --help`), `claims` shows
them, and `plausible` is the rule by which the tests judge a present figure.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Entry:
    """One repetition of one claim: the value, the run it comes from (its record in the file), and whether the code of the
    lesson has changed since."""

    value: float
    run: dict
    stale: bool


def entries(id: str) -> list[Entry]:
    """All repetitions of the claim `id`, in order of their runs; an empty list where there are none."""
    return _all().get(id, [])


def within(value: float, above: float | None, below: float | None) -> bool:
    """Whether a figure lies inside the bounds of a claim; a bound of None bounds nothing."""
    return (above is None or value > above) and (below is None or value < below)


def plausible(value: float, runs: list[float]) -> bool:
    """Whether a present figure may come from the same source as the repetitions: it lies outside their range by no more
    than the range itself.

    A range of less than 1 % of the figures is taken for 1 %, and where all are whole numbers, for 1: other processors round
    differently, and counts move in steps.
    """
    low, high = min(runs), max(runs)
    slack = max(high - low, 0.01 * max(abs(low), abs(high)), 1e-6)
    if all(float(run).is_integer() for run in runs):
        slack = max(slack, 1.0)
    return low - slack <= value <= high + slack


def default_data() -> bool:
    """Whether lessons run on the data that the ledger was made with."""
    return os.environ.get("AECOURSE_DATASET", "") in ("", "digits")


def path(lesson: str) -> Path:
    """Where the runs of a lesson are kept."""
    return FOLDER / f"{lesson}.json"


def read(lesson: str) -> list[dict]:
    """The runs of a lesson, e.g. of "05_vae_elbo"; an empty list where it was never repeated."""
    file = path(lesson)
    return json.loads(file.read_text("utf-8"))["runs"] if file.is_file() else []


def write(lesson: str, runs: list[dict]) -> None:
    """Replaces the runs of a lesson, one line each, so that a change is a small one."""
    lines = ",\n".join(
        json.dumps(run, sort_keys=True) for run in sorted(runs, key=lambda run: run["run"])
    )
    temporary = path(lesson).with_suffix(".tmp")
    temporary.write_text(f'{{"lesson": "{lesson}", "runs": [\n{lines}\n]}}\n', "utf-8")
    os.replace(temporary, path(lesson))
    _all.cache_clear()


@lru_cache(maxsize=1)
def _all() -> dict[str, list[Entry]]:
    from aecourse.ledger import code

    found: dict[str, list[Entry]] = {}
    for file in sorted(FOLDER.glob("*.json")):
        for run in read(file.stem):
            stale = code.stale(file.stem, run)
            for id, value in run["values"].items():
                found.setdefault(id, []).append(Entry(value, run, stale))
    return found
