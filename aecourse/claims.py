"""Claims: statements of fact, the figure measured for each here and now, and how often it was found before.

`exact` is for what is true on every machine: algebra, closed forms, counts. `claim` is for what is measured: it depends on
training, on draws or on a chaotic method, so it names the size of the effect that matters and is shown beside the
repetitions in the ledger (`aecourse.ledger`). Neither stops a notebook. Where `AECOURSE_STRICT=1` is set, as the tests do, an exact
claim that fails raises `ClaimFailed`, and so does a measured one whose figure lies far outside everything in the ledger.
"""

from __future__ import annotations

import html
import json
import math
import os
from dataclasses import asdict, dataclass, field

from aecourse import ledger, quick, require

STYLE = (
    "border-left:4px solid {colour};padding:.35em .8em;margin:.6em 0;display:flex;flex-wrap:wrap;"
    "gap:.2em 1em;align-items:center"
)
COLOURS = {True: "#2e9e6b", False: "#d64550"}
NEUTRAL = "#8a8f98"
NOT_JUDGED = "not judged in a quick book"
made: list[Claim] = []  # every claim of this process, in order, for `python -m aecourse.ledger`


class ClaimFailed(AssertionError):
    """Raised under AECOURSE_STRICT: an exact claim does not hold, or a measured figure lies far outside the ledger."""


@dataclass(frozen=True)
class Claim:
    """One statement with its figure.

    value, unit:   the figure measured here
    holds:         whether the statement is true of it
    kind:          "exact" or "measured"
    above, below:  the bounds within which the statement holds, each None where there is no such bound
    published:     the literature's figure for the same quantity, as text
    runs:          the values of the repetitions in the ledger
    stale:         whether some of them were measured with other code
    judged:        whether the figure says anything; not in a quick book (`aecourse.quick`)
    """

    id: str
    statement: str
    value: float
    unit: str
    holds: bool
    kind: str = "measured"
    above: float | None = None
    below: float | None = None
    published: str | None = None
    runs: list[float] = field(default_factory=list)
    stale: bool = False
    judged: bool = field(default_factory=lambda: not quick.on())

    @property
    def figure(self) -> str:
        """The value to three significant digits, with its unit."""
        return f"{number(self.value)} {self.unit}".strip()

    @property
    def held(self) -> int:
        """In how many repetitions of the ledger the statement held."""
        return sum(ledger.within(value, self.above, self.below) for value in self.runs)

    @property
    def verdict(self) -> str:
        """What happened here, in words."""
        if not self.judged:
            return NOT_JUDGED
        if self.kind == "exact":
            return "exact" if self.holds else "fails here"
        return "held" if self.holds else "did not hold here"

    @property
    def colour(self) -> str:
        """Of the claim's border and of the ring in its strip."""
        return COLOURS[self.holds] if self.judged else NEUTRAL

    @property
    def rate(self) -> str:
        """How often the statement held before, in words."""
        if self.kind == "exact":
            return ""
        return f"held in {self.held} of {len(self.runs)} runs" if self.runs else "not yet repeated"

    def __repr__(self) -> str:
        notes = [self.rate] * bool(self.rate) + [f"published: {self.published}"] * bool(
            self.published
        )
        return f"{self.verdict}: {self.statement} {self.figure}" + (
            f" ({'; '.join(notes)})" if notes else ""
        )

    def record(self) -> dict:
        """Everything about it, for the page of claims."""
        return {**asdict(self), "figure": self.figure, "verdict": self.verdict, "held": self.held}

    def _repr_html_(self) -> str:
        record = html.escape(json.dumps(self.record()), quote=True)
        published = (
            f'<span class="aecourse-claim-published">published: {html.escape(self.published)}</span>'
            if self.published
            else ""
        )
        runs = (
            (
                f'<span class="aecourse-claim-runs" style="display:inline-flex;align-items:center;gap:.5em">'
                f"{strip(self)}<span>{self.rate}</span></span>"
            )
            if self.kind == "measured"
            else ""
        )
        look = ("held" if self.holds else "failed") if self.judged else "unjudged"
        return (
            f'<div class="aecourse-claim {look}" id="claim-{self.id}" data-claim="{record}" '
            f'style="{STYLE.format(colour=self.colour)}">'
            f'<strong class="aecourse-claim-verdict">{self.verdict}</strong>'
            f'<span class="aecourse-claim-statement" style="flex:1 1 18em">{html.escape(self.statement)}</span>'
            f'<span class="aecourse-claim-figure" style="font-variant-numeric:tabular-nums;font-weight:600">'
            f"{html.escape(self.figure)}</span>{runs}{published}</div>"
        )


def claim(
    id: str,
    statement: str,
    value,
    *,
    above: float | None = None,
    below: float | None = None,
    unit: str = "",
    published: str | None = None,
) -> Claim:
    """A measured claim: shows its figure, whether it held here, and a strip of all repetitions.

    id         lower-case words joined by hyphens, unique in the course
    statement  what is claimed; "{held}" and "{runs}" in it become the numbers of repetitions, so that a statement that
               often fails can say how often
    value      the measured figure
    above      the statement holds where the figure is larger than this: the smallest effect that matters
    below      ... where it is smaller than this; at least one of the two is needed
    published  the figure of the literature, as text

    A figure that is not finite holds nothing and is shown as it is. Raises ValueError for a malformed id or missing bounds,
    TypeError for a figure that is no number; ClaimFailed only under AECOURSE_STRICT.
    """
    if above is None and below is None:
        raise ValueError(
            "above: got None, and below is None; accepted is a number for at least one of them"
        )
    above, below = (
        None if bound is None else require.number(name, bound)
        for name, bound in (("above", above), ("below", below))
    )
    value, entries = (
        _figure(value),
        ledger.entries(require.hyphened("id", id)) if ledger.default_data() else [],
    )  # other images, other figures
    runs = [entry.value for entry in entries]
    held = sum(ledger.within(run, above, below) for run in runs)
    if not runs:
        statement = statement.replace("{held} of {runs} runs", "some runs")
    for name, count in (("held", held), ("runs", len(runs))):
        statement = statement.replace(f"{{{name}}}", str(count))
    result = Claim(
        id,
        statement,
        value,
        unit,
        ledger.within(value, above, below),
        "measured",
        above,
        below,
        published,
        runs,
        any(entry.stale for entry in entries),
    )
    if strict() and runs and ledger.default_data() and not ledger.plausible(value, runs):
        raise ClaimFailed(
            f"{id}: {statement} Measured: {result.figure}, far outside the {len(runs)} repetitions in the ledger, "
            f"{number(min(runs))} to {number(max(runs))}. Where the code was changed on purpose, run: make replicate"
        )
    made.append(result)
    return result


def exact(
    id: str, statement: str, value, *, holds, unit: str = "", published: str | None = None
) -> Claim:
    """An exact claim, true on every machine up to rounding: `holds` says whether it is true of `value`.

    Arguments as of `claim`. Raises ClaimFailed under AECOURSE_STRICT where it does not hold.
    """
    result = Claim(
        require.hyphened("id", id),
        statement,
        _figure(value),
        unit,
        bool(holds),
        "exact",
        published=published,
    )
    if strict() and not result.holds:
        raise ClaimFailed(f"{id}: {statement} Measured: {result.figure}.")
    made.append(result)
    return result


def _figure(value) -> float:
    """The figure as a float, NaN and infinity included: a measurement may come to that."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"value: got {require.described(value)}; accepted is a number")
    return float(value)


def in_runs(id: str, *, digits: int = 1, unit: str = "nats") -> str:
    """The figures of a claim's repetitions in words: "between -0.5 and 0.6 nats in 8 runs, 0.1 on average".

    id       of the claim
    digits   after the decimal point, a whole number of at least 0
    unit     of the figures, or ""

    "not measured in other runs" where the ledger has none, or where other images are used.
    """
    digits = require.integer("digits", digits, low=0)
    entries = ledger.entries(require.hyphened("id", id)) if ledger.default_data() else []
    runs = [entry.value for entry in entries]
    if not runs:
        return "not measured in other runs"
    low, high, middle = (
        f"{figure:.{digits}f}" for figure in (min(runs), max(runs), sum(runs) / len(runs))
    )
    span = f"between {low} and {high} {unit}".strip()
    return f"{span} in {len(runs)} runs, {middle} on average"


def strict() -> bool:
    """Whether claims that fail raise: `AECOURSE_STRICT`; never in a quick book."""
    return not quick.on() and os.environ.get("AECOURSE_STRICT", "") not in ("", "0", "off")


def number(value: float) -> str:
    """Three significant digits, with separators where a number is large; "nan" and "inf" as they are."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


# --- the strip of repetitions ---------------------------------------------------------------------------------------


def strip(claim: Claim, width: int = 150, height: int = 22) -> str:
    """All repetitions of a measured claim as an SVG: a dot each, the threshold as a line with the side on which the statement
    holds shaded, and the present figure as a ring."""
    bounds = [bound for bound in (claim.above, claim.below) if bound is not None]
    here = [claim.value] * math.isfinite(claim.value)
    low, high = min(claim.runs + here + bounds), max(claim.runs + here + bounds)
    margin = 0.08 * (high - low) or max(abs(high), 1) * 0.1
    low, high = low - margin, high + margin

    def x(value: float) -> float:
        return round((value - low) / (high - low) * width, 1)

    left, right = (
        x(claim.above) if claim.above is not None else 0,
        x(claim.below) if claim.below is not None else width,
    )
    middle = height / 2
    lines = "".join(
        f'<line x1="{x(b)}" x2="{x(b)}" y1="1" y2="{height - 1}" stroke="currentColor" stroke-width="1.4" stroke-dasharray="3 2"/>'
        for b in bounds
    )
    dots = "".join(
        f'<circle cx="{x(run)}" cy="{middle}" r="3" fill="currentColor" fill-opacity="0.45"/>'
        for run in claim.runs
    )
    ring = "".join(
        f'<circle cx="{x(value)}" cy="{middle}" r="5" fill="none" stroke="{claim.colour}" stroke-width="2"/>'
        for value in here
    )
    return (
        f'<svg class="aecourse-claim-strip" role="img" aria-label="{html.escape(described(claim))}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" style="flex:none">'
        f'<rect x="{left}" y="3" width="{max(right - left, 0)}" height="{height - 6}" fill="{COLOURS[True]}" fill-opacity="0.16"/>'
        f'<line x1="0" x2="{width}" y1="{middle}" y2="{middle}" stroke="currentColor" stroke-opacity="0.35"/>'
        f"{lines}{dots}{ring}</svg>"
    )


def described(claim: Claim) -> str:
    """The strip in words, for those who do not see it."""
    bounds = [
        f"{word} {number(bound)}"
        for word, bound in (("above", claim.above), ("below", claim.below))
        if bound is not None
    ]
    seen = (
        f"{len(claim.runs)} repetitions from {number(min(claim.runs))} to {number(max(claim.runs))}"
        if claim.runs
        else "no repetitions yet"
    )
    return f"Here {number(claim.value)}; {seen}; the statement holds {' and '.join(bounds)}."
