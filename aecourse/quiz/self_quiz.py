"""The self-quiz: twenty questions over the whole course, answered before the solution is seen.

`self_quiz.yaml` holds the questions. What a question has beside `bank`'s rules:

    group: mathematics              # one of GROUPS
    read:                           # what answers it, to be read again where the answer was missed
      - {lesson: vae_elbo, section: Sum or mean}         # a lesson's slug and one of its headings
    computed: name                  # a function of `computed`; its "answer" must be the stored one, and {x} in a text
                                    # stands for its entry x
    kind: choice | numeric | formula    # as in the lessons; "at" of a formula's `computed` says for which values
    kind: shape                     # answer: [64, 20], with mistakes like a numeric question
    kind: code                      # accepted: expressions, compared up to spaces and quotes; mistakes likewise
    kind: open                      # points: what a full answer holds; the reader compares and marks
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aecourse import contents
from aecourse.page import source

from . import bank, computed, formula
from .bank import (
    Mistake,
    Option,
    QuizError,
    _fields,
    _id,
    _list_of,
    _number,
    _one_of,
    _text,
    _tolerance,
)

GROUPS = ("concepts", "mathematics", "implementation", "advanced")
LEVELS = (  # points from which it is reached, name, what it says; half a point short is short
    (18, "expert", "You could teach this. What is left are details."),
    (15, "proficient", "You can build these models and find your own mistakes."),
    (12, "competent", "The main ideas stand. Some reasons behind them are worth a second reading."),
    (
        9,
        "developing",
        "You know what the parts are. How they hang together comes with the sections on your list.",
    ),
    (0, "start again", "Read the sections on your list with pen and paper, and come back."),
)


@dataclass(frozen=True)
class Reading:
    """A section of a lesson: the slug of the lesson, and a heading in its notebook."""

    lesson: str
    section: str


@dataclass(frozen=True)
class Item:
    """One question. What stands after `why` belongs to some kinds only."""

    id: str
    kind: str
    group: str
    read: tuple[Reading, ...]
    prompt: str
    why: str = ""
    options: tuple[Option, ...] = ()
    answer: Any = math.nan  # a number, a shape, or a formula as text
    tolerance: float = 0.0
    unit: str = ""
    mistakes: tuple[Mistake, ...] = ()
    before: str = ""
    accepted: tuple[str, ...] = ()
    variables: dict[str, tuple[float, float]] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    computed: str = ""


def items(path=None) -> tuple[Item, ...]:
    """The questions as they are stored. Raises QuizError for the first fault found."""
    return bank.read(path or Path(__file__).with_name("self_quiz.yaml"), "quiz", _item)


def computed_items() -> tuple[Item, ...]:
    """The questions with every answer that can be computed computed now.

    Raises QuizError where the stored answer is another one.
    """
    return tuple(_computed(item) if item.computed else item for item in items())


def computation(id: str):
    """The code that answers a question, to be shown on a page. Raises ValueError for a question without one."""
    names = {item.id: item.computed for item in items() if item.computed}
    if id not in names:
        raise ValueError(f"id: got {id!r}; accepted is one of {', '.join(map(repr, names))}")
    return source(getattr(computed, names[id]))


def _computed(item: Item) -> Item:
    found = dict(getattr(computed, item.computed)())
    answer, stored = found.pop("answer"), item.answer
    if item.kind == "formula":
        stored = formula.value(formula.sound(item.answer, bank.known(item)), found.pop("at"))
    agree = (
        answer == stored
        if item.kind == "shape"
        else abs(answer - stored) <= max(1e-5, 1e-5 * abs(answer))
    )
    if not agree:
        raise QuizError(
            f"self_quiz.yaml, question {item.id}: the stored answer is {stored}, the computed one {answer}"
        )
    answer = item.answer if item.kind == "formula" else answer

    def filled(text: str) -> str:
        for name, value in found.items():
            text = text.replace("{%s}" % name, f"{value:.2f}")
        return text

    return replace(item, answer=answer, prompt=filled(item.prompt), why=filled(item.why))


# ---- One question ------------------------------------------------------------------------------------------


def _item(raw) -> Item:
    kind = raw.get("kind") if isinstance(raw, dict) else None
    if kind not in KINDS:
        raise QuizError(f"kind is {kind!r}; accepted is one of {', '.join(KINDS)}")
    item = Item(**_fields(raw, {**COMMON, **KINDS[kind]}, ""))
    if kind == "choice":
        bank._one_is_right(item.options)
    if kind == "formula":
        bank._formulas_are_sound(item)
    if kind == "open" and not 2 <= len(item.points) <= 4:
        raise QuizError(f"it has {len(item.points)} points; accepted are two to four")
    if not item.read:
        raise QuizError("read is empty; accepted is at least one section of a lesson")
    return item


def _lesson(value, where: str) -> str:
    if value not in [each.slug for each in contents.lessons()]:
        raise QuizError(f"{where} is {value!r}; accepted is the slug of a lesson, such as vae_elbo")
    return value


def _function(value, where: str) -> str:
    if not isinstance(value, str) or not callable(getattr(computed, value, None)):
        raise QuizError(f"{where} is {value!r}; accepted is the name of a function in computed.py")
    return value


def _shape(value, where: str) -> tuple[int, ...]:
    if (
        not isinstance(value, list)
        or not value
        or not all(type(size) is int and size > 0 for size in value)
    ):
        raise QuizError(f"{where} is {value!r}; accepted is a list of positive whole numbers")
    return tuple(value)


def _code(value, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or "`" in value or "\n" in value:
        raise QuizError(f"{where} is {value!r}; accepted is one line of code")
    return value.strip()


def _texts(rule):
    def check(value, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            raise QuizError(f"{where} is {value!r}; accepted is a list")
        return tuple(rule(text, f"{where}, number {i}") for i, text in enumerate(value, 1))

    return check


def _mistakes(rule):
    return _list_of(Mistake, {"answer": rule, "why": _text}, "mistake")


KINDS = {
    "choice": bank.KINDS["choice"],
    "numeric": {
        "answer": _number,
        "tolerance": _tolerance,
        "unit?": _text,
        "why": _text,
        "mistakes?": _mistakes(_number),
        "computed?": _function,
    },
    "shape": {
        "answer": _shape,
        "why": _text,
        "mistakes?": _mistakes(_shape),
        "computed?": _function,
    },
    "code": {
        "before?": _code,
        "accepted": _texts(_code),
        "why": _text,
        "mistakes?": _mistakes(_code),
    },
    "formula": {**bank.FORMULA, "why": _text, "computed?": _function},
    "open": {"points": _texts(_text), "why": _text},
}
COMMON = {
    "id": _id,
    "kind": _one_of(*KINDS),
    "group": _one_of(*GROUPS),
    "prompt": _text,
    "read": _list_of(Reading, {"lesson": _lesson, "section": _text}, "reading"),
}
