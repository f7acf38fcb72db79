"""The question bank: cards to review with, as data, and a strict reader of them.

A file `cards/<slug>.yaml` is the list of cards of one lesson, planned or written:

    - id: kl-never-negative           # unique in the bank, lower-case words joined by hyphens; never changed, for the
                                      # reader's browser and Anki know a card by it
      difficulty: easy                # or medium, hard
      kind: mathematics               # or concept, code, design
      section: The bound, derived twice     # the heading of the lesson that answers it, where the lesson is written
      prompt: Why is ... ?
      answer: |-                      # the whole answer, to be read without the lesson
        Paragraphs are separated by an empty line. `code`, *emphasis* and $mathematics$ are understood.

        $a paragraph that is one formula stands on a line of its own$

        ```python
        so_does = code
        ```
      options:                        # may be absent: two or more, exactly one correct, each with its reason
        - {text: ..., correct: true, why: ...}
        - {text: ..., correct: false, why: ...}
      number: 0.818                   # may be absent: the answer as a number, how far off is still right, and its unit
      tolerance: 0.005
      unit: nats
      formula:                        # may be absent: a formula to type, with the fields that `bank` describes
        variables: {mu: [-2, 2]}
        answer: mu^2 / 2
        mistakes:
          - {answer: mu^2, why: The factor 1/2 is missing.}

The page, the sheet for printing (`cards_page`) and the Anki deck (`anki`) are all made from these files.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from aecourse import contents

from .bank import (
    DIFFICULTIES,
    FORMULA,
    TOPICS,
    Mistake,
    Option,
    QuizError,
    _fields,
    _flag,
    _formulas_are_sound,
    _id,
    _list_of,
    _Loader,
    _number,
    _one_of,
    _text,
    _tolerance,
    by_slug,
    slug_of,
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Asked:
    """The formula that a card asks for. Its reasons stand in the card's answer, so `why` is empty."""

    variables: dict[str, tuple[float, float]]
    answer: str
    also: dict[str, str] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Card:
    """One card. `options` belong to a choice, `number` and `formula` to a card that asks for one; most have none of them.

    `lesson` is the slug of its lesson, by which its file is named.
    """

    id: str
    lesson: str
    difficulty: str
    kind: str
    prompt: str
    answer: str
    section: str = ""
    options: tuple[Option, ...] = ()
    number: float = math.nan
    tolerance: float = 0.0
    unit: str = ""
    formula: Asked | None = None


def files() -> list[Path]:
    """The files of the bank, in the order of their lessons. Raises QuizError where one is named by no lesson."""
    folder = Path(__file__).with_name("cards")
    return [folder / f"{slug}.yaml" for slug in by_slug(folder)]


def load(paths=None) -> tuple[Card, ...]:
    """All cards, by lesson and then in the order of its file. Raises QuizError for the first fault found."""
    cards, home = [], {}
    for path in files() if paths is None else map(Path, paths):
        for card in read(path):
            if card.id in home:
                raise QuizError(
                    f"{path.name}, card {card.id}: the id is used in {home[card.id]} already"
                )
            home[card.id] = path.name
            cards.append(card)
    return tuple(sorted(cards, key=lambda card: contents.lesson(card.lesson).number))


def read(path) -> tuple[Card, ...]:
    """The cards in one file. Raises QuizError, naming file and card, for the first fault found."""
    path = Path(path) if isinstance(path, str) else path
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise QuizError(f"{path.name}: not YAML: {error}") from None
    if not isinstance(content, list):
        raise QuizError(f"{path.name}: accepted is a list of cards")
    lesson, cards = slug_of(path.name), []
    for place, raw in enumerate(content, 1):
        name = raw.get("id") if isinstance(raw, dict) else None
        try:
            cards.append(_card(raw, lesson))
        except QuizError as fault:
            raise QuizError(f"{path.name}, card {name or f'number {place}'}: {fault}") from None
    return tuple(cards)


def blocks(text: str) -> list[tuple[str, str]]:
    """A text as ("paragraph" | "formula" | "code", content), in order; of a formula without its dollar signs."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += _paragraphs(text[end : fence.start()]) + [("code", fence[2].rstrip("\n"))]
        end = fence.end()
    return parts + _paragraphs(text[end:])


def _paragraphs(text: str) -> list[tuple[str, str]]:
    found = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    return [
        ("formula", p[1:-1]) if re.fullmatch(r"\$[^$]+\$", p) else ("paragraph", p) for p in found
    ]


def _card(raw, lesson: str) -> Card:
    if not isinstance(raw, dict):
        raise QuizError("accepted is a mapping")
    card = Card(lesson=lesson, **_fields(raw, SCHEMA, ""))
    right = sum(option.correct for option in card.options)
    if card.options and (len(card.options) < 2 or right != 1):
        raise QuizError(
            f"{right} of {len(card.options)} options are correct; "
            "accepted are two or more options with exactly one correct"
        )
    asked = {"options": card.options, "a number": "number" in raw, "a formula": card.formula}
    if len(several := [name for name, there in asked.items() if there]) > 1:
        raise QuizError(f"it has {' and '.join(several)}; accepted is one of them")
    if math.isnan(card.number) == ("tolerance" in raw):
        raise QuizError("number and tolerance belong together")
    return card


def _asked(value, where: str) -> Asked:
    asked = Asked(**_fields(value, FORMULA, where))
    _formulas_are_sound(asked)
    return asked


def _rich(value, where: str) -> str:
    """A text of several blocks, each of which is sound."""
    text = value if isinstance(value, str) else _text(value, where)
    if "```" in FENCE.sub("", text):
        raise QuizError(f"{where} has an unbalanced ``` (code)")
    if not blocks(text):
        raise QuizError(f"{where} is {value!r}; accepted is a text")
    for kind, content in blocks(text):
        if kind == "paragraph":
            _text(content, where)
        elif kind == "formula":
            _text(f"${content}$", where)
    return text.strip()


SCHEMA = {
    "id": _id,
    "difficulty": _one_of(*DIFFICULTIES),
    "kind": _one_of(*TOPICS),
    "section?": _text,
    "prompt": _rich,
    "answer": _rich,
    "number?": _number,
    "tolerance?": _tolerance,
    "unit?": _text,
    "formula?": _asked,
    "options?": _list_of(Option, {"text": _text, "correct": _flag, "why": _text}, "option"),
}
