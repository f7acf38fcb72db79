"""The question bank: what a question is, and a reader that accepts nothing less.

A file of questions is YAML:

    lesson: vae_elbo                    # the slug of the lesson, as the file is named
    questions:
      - id: kl-of-one-latent            # unique in the file, lower-case words joined by hyphens
        kind: numeric                   # or choice, formula
        topic: mathematics              # or concept, code, design
        difficulty: medium              # or easy, hard
        section: The closed form of the KL     # the heading of the lesson that answers it
        prompt: What is ... ?           # `code`, *emphasis* and $mathematics$ are understood everywhere
        answer: 0.818                   # numeric: the number, how far off is still right, and why it is this number
        tolerance: 0.005
        unit: nats                      # optional
        why: The mean gives ...
        mistakes:                       # optional: wrong numbers that betray a misconception
          - {answer: 1.636, why: The factor 1/2 is missing.}
      - id: ...
        kind: choice
        options:                        # choice: two or more, exactly one of them correct, each with its reason
          - {text: ..., correct: true, why: ...}
          - {text: ..., correct: false, why: ...}
      - id: ...
        kind: formula                   # a formula to type; `formula` says how it may be written
        variables: {mu: [-2, 2], sigma: [0.3, 3]}      # the names, and the ranges in which answers are compared
        also: {log_var: log(sigma^2)}   # optional: further names, each a formula of the variables
        answer: (mu^2 + sigma^2 - 1 - log(sigma^2)) / 2
        why: ...
        accepted: [...]                 # optional: other ways to write it, which have to be marked right
        mistakes:                       # optional: wrong formulas that betray a misconception
          - {answer: mu^2 + sigma^2 - 1 - log(sigma^2), why: The factor 1/2 is missing.}

A new kind of question is a new entry of `KINDS`, and a way to ask it in `page`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from aecourse import contents

from . import formula, mathematics

TOPICS = ("concept", "mathematics", "code", "design")
DIFFICULTIES = ("easy", "medium", "hard")
FOLDER = Path(__file__).with_name("lessons")
MARKUP = re.compile(r"`(?P<code>[^`]+)`|(?<!\\)\$(?P<math>[^$]+)\$|\*(?P<emphasis>[^\s*][^*]*)\*")


class QuizError(ValueError):
    """A question that cannot be asked; the message names the file and the question."""


@dataclass(frozen=True)
class Option:
    """One answer of a choice question."""

    text: str
    correct: bool
    why: str


@dataclass(frozen=True)
class Mistake:
    """A wrong number or formula that betrays a misconception."""

    answer: Any  # a number, or a formula as text
    why: str


@dataclass(frozen=True)
class Question:
    """One question; `options` belong to a choice, the last three to a formula, what stands between to a number or a formula."""

    id: str
    kind: str
    topic: str
    difficulty: str
    section: str
    prompt: str
    options: tuple[Option, ...] = ()
    answer: Any = math.nan  # a number, or a formula as text
    tolerance: float = 0.0
    unit: str = ""
    why: str = ""
    mistakes: tuple[Mistake, ...] = ()
    variables: dict[str, tuple[float, float]] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()


def lessons() -> list[str]:
    """The lessons that have questions, by their slugs and in order: ["bottleneck", ...].

    Raises QuizError where a file is named by no lesson.
    """
    return by_slug(FOLDER)


def by_slug(folder) -> list[str]:
    """The lessons that have a YAML file in a folder, in order. Raises QuizError where one is named by no lesson."""
    names = [file.name for file in folder.iterdir() if file.name.endswith(".yaml")]
    found = {slug_of(name) for name in names}
    return [each.slug for each in contents.lessons() if each.slug in found]


def slug_of(file: str) -> str:
    """The lesson that a file belongs to, by its name. Raises QuizError where there is no such lesson."""
    slugs = [each.slug for each in contents.lessons()]
    if file.removesuffix(".yaml") not in slugs:
        raise QuizError(
            f"{file}: the name is that of no lesson; accepted is a slug of lessons.yaml"
        )
    return file.removesuffix(".yaml")


def load(lesson: str) -> tuple[Question, ...]:
    """The questions of a lesson, by its slug or number. Raises ValueError where there is no such lesson, or it asks none."""
    slug = contents.lesson(lesson).slug
    if slug not in lessons():
        raise ValueError(
            f"lesson: got {lesson!r}; accepted is one of {', '.join(map(repr, lessons()))}"
        )
    return read(FOLDER / f"{slug}.yaml")


def read(path, key: str = "lesson", make=None) -> tuple:
    """The questions in a YAML file. Raises QuizError, naming file and question, for the first fault found.

    key   what the file is named by, at its top.
    make  what becomes of a raw question; None makes a `Question`.
    """
    path = Path(path) if isinstance(path, str) else path
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise QuizError(f"{path.name}: not YAML: {error}") from None
    if (
        not isinstance(content, dict)
        or set(content) != {key, "questions"}
        or not isinstance(content["questions"], list)
    ):
        raise QuizError(
            f"{path.name}: accepted is a mapping with the keys {key} and questions, a list"
        )
    if content[key] != path.name.removesuffix(".yaml"):
        raise QuizError(f"{path.name}: {key} is {content[key]!r}; accepted is the name of the file")
    questions = []
    for place, raw in enumerate(content["questions"], 1):
        name = raw.get("id") if isinstance(raw, dict) else None
        try:
            questions.append((make or _question)(raw))
            if name in [question.id for question in questions[:-1]]:
                raise QuizError("the id is used twice")
        except QuizError as fault:
            raise QuizError(f"{path.name}, question {name or f'number {place}'}: {fault}") from None
    return tuple(questions)


# ---- One question ------------------------------------------------------------------------------------------


def _question(raw) -> Question:
    if not isinstance(raw, dict):
        raise QuizError("accepted is a mapping")
    kind = raw.get("kind")
    if kind not in KINDS:
        raise QuizError(f"kind is {kind!r}; accepted is one of {', '.join(KINDS)}")
    fields = _fields(raw, {**COMMON, **KINDS[kind]}, "")
    question = Question(**fields)
    if kind == "choice":
        _one_is_right(question.options)
    if kind == "formula":
        _formulas_are_sound(question)
    return question


def _one_is_right(options: tuple[Option, ...]) -> None:
    right = sum(option.correct for option in options)
    if len(options) < 2 or right != 1:
        raise QuizError(
            f"{right} of {len(options)} options are correct; accepted are two or more options with exactly one correct"
        )


def known(question) -> formula.Known:
    """What the formulas of a question may be written with. Raises QuizError for an answer that cannot be compared."""
    try:
        return formula.Known.of(question.variables, question.also, question.answer)
    except ValueError as fault:
        raise QuizError(str(fault)) from None


def rows(question) -> list[formula.Row]:
    """The prepared answers of a question that asks for a formula: the right one first, then the mistakes."""
    wrong = [formula.Row(mistake.answer, False, mistake.why) for mistake in question.mistakes]
    return [formula.Row(question.answer, True, question.why), *wrong]


def mark(lesson: str, id: str, text: str) -> formula.Marked:
    """Marks a formula as the page does: mark("interpolation", "a-share-of-the-way", "r * sqrt(1 - t)").

    Raises ValueError where the lesson has no such question, or it asks for no formula.
    """
    asked = {question.id: question for question in load(lesson) if question.kind == "formula"}
    if id not in asked:
        raise ValueError(f"id: got {id!r}; accepted is one of {', '.join(map(repr, asked))}")
    return formula.mark(text, known(asked[id]), rows(asked[id]))


def _formulas_are_sound(question) -> None:
    """Every formula is understood; those accepted have the answer's values, and no two others have the same."""
    names, found = known(question), []
    for row in rows(question):
        for other in found:
            if _compared(row.answer, other, names):
                raise QuizError(f"{row.answer!r} and {other!r} have the same values")
        found.append(row.answer)
    for text in question.accepted:
        if not _compared(text, question.answer, names):
            raise QuizError(f"accepted is {text!r}, whose values are not those of the answer")


def _compared(one: str, other: str, names: formula.Known) -> bool:
    try:
        return formula.same(one, other, names)
    except ValueError as fault:
        raise QuizError(str(fault)) from None


def _fields(raw, schema: dict, where: str) -> dict:
    """The entries of a mapping, each read by its rule in the schema; a rule's name ends in ? where it may be absent."""
    if not isinstance(raw, dict):
        raise QuizError(f"{where or 'the question'} is {raw!r}; accepted is a mapping")
    known = {name.rstrip("?"): rule for name, rule in schema.items()}
    if unknown := [str(name) for name in raw if name not in known]:
        raise QuizError(
            f"unknown key {', '.join(unknown)}{where and ' in ' + where}; known are {', '.join(known)}"
        )
    if missing := [name for name in schema if name not in raw and not name.endswith("?")]:
        raise QuizError(f"{', '.join(missing)} is missing{where and ' in ' + where}")
    return {
        name: known[name](value, f"{name}{where and ' of ' + where}") for name, value in raw.items()
    }


def _text(value, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise QuizError(f"{where} is {value!r}; accepted is a text")
    rest = MARKUP.sub("", value).replace(r"\$", "")
    for mark, meaning in (("$", "mathematics"), ("`", "code")):
        if mark in rest:
            raise QuizError(f"{where} has an unbalanced {mark} ({meaning}): {value!r}")
    for match in MARKUP.finditer(value):
        if fault := match["math"] and mathematics.fault(match["math"]):
            raise QuizError(f"{where} has bad mathematics, {fault}: {match['math']!r}")
    return value.strip()


def _number(value, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise QuizError(f"{where} is {value!r}; accepted is a finite number")
    return float(value)


def _tolerance(value, where: str) -> float:
    if _number(value, where) < 0:
        raise QuizError(f"{where} is {value!r}; accepted is a number of at least 0")
    return float(value)


def _typed(value, where: str) -> str:
    """A formula; YAML makes a number of one that is a number only."""
    if (
        isinstance(value, bool)
        or not isinstance(value, (str, int, float))
        or not str(value).strip()
    ):
        raise QuizError(f"{where} is {value!r}; accepted is a formula")
    return str(value).strip()


def _typed_list(value, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise QuizError(f"{where} is {value!r}; accepted is a list")
    return tuple(_typed(text, f"{where}, number {i}") for i, text in enumerate(value, 1))


def _named(rule):
    def check(value, where: str) -> dict:
        if not isinstance(value, dict) or not value or not all(isinstance(n, str) for n in value):
            raise QuizError(f"{where} is {value!r}; accepted is a mapping of names")
        return {name: rule(entry, f"{name} of {where}") for name, entry in value.items()}

    return check


def _range(value, where: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise QuizError(f"{where} is {value!r}; accepted are two numbers")
    low, high = (_number(end, where) for end in value)
    if low >= high:
        raise QuizError(f"{where} is {value!r}; accepted are a number and a larger one")
    return low, high


def _flag(value, where: str) -> bool:
    if not isinstance(value, bool):
        raise QuizError(f"{where} is {value!r}; accepted is true or false")
    return value


def _id(value, where: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        raise QuizError(f"{where} is {value!r}; accepted are lower-case words joined by hyphens")
    return value


def _one_of(*accepted):
    def rule(value, where: str) -> str:
        if value not in accepted:
            raise QuizError(f"{where} is {value!r}; accepted is one of {', '.join(accepted)}")
        return value

    return rule


def _list_of(make, schema: dict, each: str):
    def rule(value, where: str) -> tuple:
        if not isinstance(value, list):
            raise QuizError(f"{where} is {value!r}; accepted is a list")
        return tuple(
            make(**_fields(item, schema, f"{each} {i}")) for i, item in enumerate(value, 1)
        )

    return rule


FORMULA = {
    "variables": _named(_range),
    "also?": _named(_typed),
    "answer": _typed,
    "accepted?": _typed_list,
    "mistakes?": _list_of(Mistake, {"answer": _typed, "why": _text}, "mistake"),
}
KINDS = {
    "choice": {
        "options": _list_of(Option, {"text": _text, "correct": _flag, "why": _text}, "option")
    },
    "numeric": {
        "answer": _number,
        "tolerance": _tolerance,
        "why": _text,
        "unit?": _text,
        "mistakes?": _list_of(Mistake, {"answer": _number, "why": _text}, "mistake"),
    },
    "formula": {**FORMULA, "why": _text},
}
COMMON = {
    "id": _id,
    "kind": _one_of(*KINDS),
    "topic": _one_of(*TOPICS),
    "difficulty": _one_of(*DIFFICULTIES),
    "section": _text,
    "prompt": _text,
}


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error, not the loss of the first."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice[0]} is given twice", node.start_mark
            )
        return super().construct_mapping(node, deep)
