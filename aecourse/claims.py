"""Claims: a statement of fact, the figure measured for it here and now, and whether it held."""
from __future__ import annotations

import html
import json
import re
from dataclasses import asdict, dataclass

from aecourse import _arguments as check

STYLE = ("border-left:4px solid {colour};padding:.35em .8em;margin:.6em 0;display:flex;flex-wrap:wrap;"
         "gap:.2em 1em;align-items:baseline")


class ClaimFailed(AssertionError):
    """A claim that the text relies on did not hold."""


@dataclass(frozen=True)
class Claim:
    """One measured statement. `figure` is the value with its unit, as it is shown."""
    id: str
    statement: str
    value: float
    unit: str
    holds: bool
    published: str | None = None

    @property
    def figure(self) -> str:
        """The value to three significant digits, with its unit."""
        return f"{number(self.value)} {self.unit}".strip()

    def __repr__(self) -> str:
        published = f" (published: {self.published})" if self.published else ""
        return f"{'held' if self.holds else 'did not hold'}: {self.statement} {self.figure}{published}"

    def _repr_html_(self) -> str:
        record = html.escape(json.dumps({**asdict(self), "figure": self.figure}), quote=True)
        published = f'<span class="aecourse-claim-published">published: {html.escape(self.published)}</span>' if self.published else ""
        return (f'<div class="aecourse-claim {"held" if self.holds else "failed"}" id="claim-{self.id}" data-claim="{record}" '
                f'style="{STYLE.format(colour="#2e9e6b" if self.holds else "#d64550")}">'
                f'<strong class="aecourse-claim-verdict">{"held" if self.holds else "did not hold"}</strong>'
                f'<span class="aecourse-claim-statement" style="flex:1 1 18em">{html.escape(self.statement)}</span>'
                f'<span class="aecourse-claim-figure" style="font-variant-numeric:tabular-nums;font-weight:600">'
                f'{html.escape(self.figure)}</span>{published}</div>')


def claim(id: str, statement: str, value, *, holds, unit: str = "", published: str | None = None,
          required: bool = True) -> Claim:
    """States, shows and tests one claim.

    id: lower-case words joined by hyphens, unique in the course. value: the measured figure. holds: whether the
    statement is true of it. published: the figure of the literature, as text. required: whether the text relies on
    it; then a claim that does not hold raises ClaimFailed, so that executing a notebook tests its truth.
    """
    if not isinstance(id, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id):
        raise ValueError(f"id: got {check.described(id)}; accepted are lower-case words joined by hyphens")
    made = Claim(id, statement, check.number("value", value), unit, bool(holds), published)
    if required and not made.holds:
        raise ClaimFailed(f"{id}: {statement} Measured: {made.figure}.")
    return made


def number(value: float) -> str:
    """Three significant digits, with separators where a number is large."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
