"""The question bank: cards to review with, as data, and a strict reader of them.

A file `cards/<topic>.yaml` is a list of cards:

    - id: kl-never-negative           # unique in the bank, lower-case words joined by hyphens; never changed, for the
      lesson: "05"                    # reader's browser and Anki know a card by it
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

The page, the sheet for printing (`cards_page`) and the Anki deck (`anki`) are all made from these files.
"""
from __future__ import annotations

import math
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

from .bank import (DIFFICULTIES, TOPICS, Option, QuizError, _fields, _flag, _id, _list_of, _Loader, _number, _one_of, _text,
                   _tolerance)

LESSONS = {
    "01": "The bottleneck", "02": "Convolutional and deep", "03": "Sparse and contractive", "04": "Learning to denoise",
    "05": "The VAE and the ELBO", "06": "The reparameterization trick", "07": "Latent views",
    "08": "Interpolation", "09": "Conditional VAEs", "10": "Posterior collapse", "11": "beta-VAE",
    "12": "Tighter bounds", "13": "VQ-VAE", "14": "Adversarial autoencoders", "15": "Anomaly detection",
    "16": "Missing data", "17": "Few labels", "18": "A recommender", "19": "The failure museum",
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Card:
    """One card. `options` belong to a choice, `number` to a card that asks for a number; most have neither."""
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


def files() -> list[Path]:
    """The files of the bank, in alphabetical order."""
    folder = resources.files(__package__) / "cards"
    return sorted((file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda file: file.name)


def load(paths=None) -> tuple[Card, ...]:
    """All cards, by lesson and then in the order of the files. Raises QuizError for the first fault found."""
    cards, home = [], {}
    for path in files() if paths is None else map(Path, paths):
        for card in read(path):
            if card.id in home:
                raise QuizError(f"{path.name}, card {card.id}: the id is used in {home[card.id]} already")
            home[card.id] = path.name
            cards.append(card)
    return tuple(sorted(cards, key=lambda card: card.lesson))


def read(path) -> tuple[Card, ...]:
    """The cards in one file. Raises QuizError, naming file and card, for the first fault found."""
    path = Path(path) if isinstance(path, str) else path
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise QuizError(f"{path.name}: not YAML: {error}") from None
    if not isinstance(content, list):
        raise QuizError(f"{path.name}: accepted is a list of cards")
    cards = []
    for place, raw in enumerate(content, 1):
        name = raw.get("id") if isinstance(raw, dict) else None
        try:
            cards.append(_card(raw))
        except QuizError as fault:
            raise QuizError(f"{path.name}, card {name or f'number {place}'}: {fault}") from None
    return tuple(cards)


def blocks(text: str) -> list[tuple[str, str]]:
    """A text as ("paragraph" | "formula" | "code", content), in order; of a formula without its dollar signs."""
    parts, end = [], 0
    for fence in FENCE.finditer(text):
        parts += _paragraphs(text[end:fence.start()]) + [("code", fence[2].rstrip("\n"))]
        end = fence.end()
    return parts + _paragraphs(text[end:])


def _paragraphs(text: str) -> list[tuple[str, str]]:
    found = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    return [("formula", p[1:-1]) if re.fullmatch(r"\$[^$]+\$", p) else ("paragraph", p) for p in found]


def _card(raw) -> Card:
    if not isinstance(raw, dict):
        raise QuizError("accepted is a mapping")
    card = Card(**_fields(raw, SCHEMA, ""))
    right = sum(option.correct for option in card.options)
    if card.options and (len(card.options) < 2 or right != 1):
        raise QuizError(f"{right} of {len(card.options)} options are correct; "
                        "accepted are two or more options with exactly one correct")
    if not math.isnan(card.number) and card.options:
        raise QuizError("it has options and a number; accepted is one of them")
    if math.isnan(card.number) == ("tolerance" in raw):
        raise QuizError("number and tolerance belong together")
    return card


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


SCHEMA = {"id": _id, "lesson": _one_of(*LESSONS), "difficulty": _one_of(*DIFFICULTIES), "kind": _one_of(*TOPICS),
          "section?": _text, "prompt": _rich, "answer": _rich, "number?": _number, "tolerance?": _tolerance, "unit?": _text,
          "options?": _list_of(Option, {"text": _text, "correct": _flag, "why": _text}, "option")}
