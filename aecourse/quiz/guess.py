"""Guess first, then see: a prediction the reader commits to, and later the measured figure beside it."""

from __future__ import annotations

from html import escape

from aecourse import require
from aecourse.page import Figure, fragment

from .page import markup


def guess(id: str, prompt: str, *, low: float, high: float, unit: str = "") -> Figure:
    """A slider for a prediction, which is kept in the reader's browser until `reveal(id, ...)`.

    id         lower-case words joined by hyphens, unique in the course.
    prompt     the question; `code`, *emphasis* and $mathematics$ are rendered.
    low, high  where the slider begins and ends.
    unit       of the prediction.

    Raises ValueError, naming the argument, for what does not fit.
    """
    id = require.hyphened("id", id)
    low, high = require.number("low", low), require.number("high", high)
    if low >= high:
        raise ValueError(f"high: got {high:g}; accepted is a number above low, {low:g}")
    middle = (low + high) / 2
    body = (
        f'<form class="ae-guess" autocomplete="off" novalidate><label for="guess-{id}">{markup(prompt)}</label>'
        f'<div class="ae-guess-row"><input id="guess-{id}" type="range" min="{low:g}" max="{high:g}" '
        f'step="{(high - low) / 100:g}" value="{middle:g}"><output>{middle:g}</output> <span>{escape(unit)}</span>'
        '<button type="submit" class="ae-button">That is my guess</button></div><p class="ae-note" role="status"></p></form>'
    )
    return Figure(
        fragment(
            "guess",
            {"id": id, "unit": unit},
            title="Your guess",
            body=body,
            package="aecourse.quiz",
        ),
        f"Guess before you read on: {prompt} ({low:g} to {high:g} {unit})".replace("  ", " "),
    )


def reveal(id: str, measured: float, *, unit: str = "", digits: int = 1) -> Figure:
    """The measured answer to `guess(id, ...)`, beside what the reader guessed, if anything.

    id        as it was given to `guess`.
    measured  the answer, a number, in `unit`.
    digits    how many stand behind its decimal point.
    """
    told = f"{require.number('measured', measured):.{require.integer('digits', digits, low=0)}f}"
    body = (
        f'<p class="ae-reveal" role="status"><span class="ae-guessed"></span>Measured: <strong>{told} {escape(unit)}'
        '</strong>. <span class="ae-verdict"></span></p>'
    )
    return Figure(
        fragment(
            "reveal",
            {"id": require.hyphened("id", id), "measured": measured, "unit": unit},
            title="Your guess and the measured figure",
            body=body,
            package="aecourse.quiz",
        ),
        f"Measured: {told} {unit}".strip(),
    )
