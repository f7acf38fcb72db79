"""The self-quiz as a page: HTML whose solutions can be read without a script, and that marks, adds up and keeps with one."""

from __future__ import annotations

import json
from html import escape

from aecourse import contents
from aecourse.page import Figure, asset, fragment

from .bank import rows
from .page import _anchor, _figure, formula_box, formula_shown, markup
from .self_quiz import GROUPS, LEVELS, Item, computed_items

HALF = {1: "All of them: 1 point", 0.5: "Some: ½", 0: "None: 0"}
WHOLE = {1: "It does: 1 point", 0: "It does not: 0"}


class SelfQuiz(Figure):
    """Twenty questions to answer in one go. `questions` holds them as data; as plain text, they are asked without answers."""

    def __init__(self, questions: tuple[Item, ...]):
        self.questions = questions
        title = "Self-quiz"
        data = {
            "groups": GROUPS,
            "levels": [{"from": low, "name": name, "said": said} for low, name, said in LEVELS],
        }
        super().__init__(
            fragment(
                "self_quiz", data, title=title, body=_body(questions), package="aecourse.quiz"
            ),
            "\n\n".join([title, *(f"{i}. {item.prompt}" for i, item in enumerate(questions, 1))]),
        )


def self_quiz() -> SelfQuiz:
    """The self-quiz of the course.

    An answer is marked when it is given and kept in the reader's browser, under `aecourse:self-quiz`. Raises QuizError
    where a stored answer is not what the course's code computes.
    """
    return SelfQuiz(computed_items())


def _body(questions: tuple[Item, ...]) -> str:
    parts = [f"<style>{asset('aecourse.quiz', 'quiz.css')}</style>", '<div class="ae-quiz">']
    for place, item in enumerate(questions, 1):
        if place == 1 or item.group != questions[place - 2].group:
            parts.append(f'<h3 class="ae-group-name">{item.group.capitalize()}</h3>')
        parts.append(_question(item, place, len(questions)))
    return "\n".join([*parts, "</div>"])


def _question(item: Item, place: int, total: int) -> str:
    ask, solve = KINDS[item.kind](item)
    data = formula_box(item, item.id)[1] if item.kind == "formula" else ""
    links = ", and in ".join(
        f'<a class="ae-lesson" data-lesson="{lesson.name}" href="{lesson.name}.html#{_anchor(section)}">'
        f"lesson {lesson.label}, “{escape(section)}”</a>"
        for lesson, section in ((contents.lesson(read.lesson), read.section) for read in item.read)
    )
    return (
        f'<form class="ae-question" data-id="{item.id}" data-kind="{item.kind}" data-group="{item.group}" '
        f'data-tolerance="{item.tolerance!r}"{data} autocomplete="off" novalidate>'
        f'<fieldset><legend><span class="ae-muted">Question {place} of {total} · {item.group}</span>'
        f"<br>{markup(item.prompt)}</legend>{ask}"
        '<p class="ae-buttons"><button type="button" class="ae-button ae-commit">Answer</button> '
        '<button type="button" class="ae-button ae-pass">I do not know</button></p></fieldset>'
        '<div class="ae-feedback" tabindex="-1"></div>'
        f'<details class="ae-answer"><summary>Solution</summary>{solve}'
        f'<p class="ae-section">Answered in {links}.</p></details></form>'
    )


def _row(value, shown: str, right: bool, why: str) -> str:
    """One prepared answer. `value` is what the script compares with."""
    return (
        f'<li data-value="{escape(json.dumps(value))}" data-right="{str(right).lower()}">{shown}<br>'
        f"<strong>{'Right.' if right else 'Not quite.'}</strong> {markup(why)}</li>"
    )


def _marks(legend: str, marks: dict) -> str:
    radios = "".join(
        f'<label class="ae-option"><input type="radio" name="mark" value="{mark}"> <span>{label}</span></label>'
        for mark, label in marks.items()
    )
    return f'<fieldset class="ae-self"><legend>{legend}</legend>{radios}</fieldset>'


def _choice(item: Item) -> tuple[str, str]:
    ask = "".join(
        f'<label class="ae-option"><input type="radio" name="answer" value="{i}"> <span>{markup(option.text)}</span></label>'
        for i, option in enumerate(item.options)
    )
    return (
        ask,
        f"<ul>{''.join(_row(i, markup(o.text), o.correct, o.why) for i, o in enumerate(item.options))}</ul>",
    )


def _typed(item: Item, show, hint: str, after: str = "") -> tuple[str, str]:
    """A number or a shape to type. show: an answer as HTML; after: its unit."""
    rows = _row(item.answer, show(item.answer) + after, True, item.why)
    rows += "".join(
        _row(mistake.answer, show(mistake.answer) + after, False, mistake.why)
        for mistake in item.mistakes
    )
    ask = (
        f'<label class="ae-number">Your answer <input type="text" name="answer" maxlength="200" spellcheck="false" '
        f'autocapitalize="off"{hint}></label>{after}'
    )
    return ask, f"<ul>{rows}</ul>"


def _numeric(item: Item) -> tuple[str, str]:
    return _typed(
        item,
        _figure,
        ' inputmode="decimal" size="9"',
        after=f" {markup(item.unit)}" if item.unit else "",
    )


def _shape(item: Item) -> tuple[str, str]:
    def show(shape):
        return f"<code>[{', '.join(map(str, shape))}]</code>"

    return _typed(item, show, ' size="16"')


def _code(item: Item) -> tuple[str, str]:
    shown = f"<code>{escape(item.accepted[0])}</code>"
    rows = _row(list(item.accepted), shown, True, item.why)
    rows += "".join(
        _row([m.answer], f"<code>{escape(str(m.answer))}</code>", False, m.why)
        for m in item.mistakes
    )
    others = ", ".join(f"<code>{escape(text)}</code>" for text in item.accepted[1:])
    others = (
        f'<details class="ae-words"><summary>Accepted as well, whatever the spaces</summary><p>{others}</p></details>'
        if others
        else ""
    )
    ask = (
        f'<label class="ae-number ae-code">Your code <code>{escape(item.before)}</code> <input type="text" name="answer" '
        'maxlength="200" spellcheck="false" autocapitalize="off"></label>'
    )
    return (
        ask,
        f"<ul>{rows}</ul>{_marks('Try your line in Python: does it do the same?', WHOLE)}{others}",
    )


def _formula(item: Item) -> tuple[str, str]:
    solve = "".join(
        _row(row.answer, formula_shown(row.answer, item), row.right, row.why) for row in rows(item)
    )
    return formula_box(item, item.id)[0], f"<ul>{solve}</ul>"


def _open(item: Item) -> tuple[str, str]:
    points = "".join(f"<li>{markup(point)}</li>" for point in item.points)
    ask = '<label class="ae-text">Your answer<textarea name="answer" rows="4" maxlength="5000"></textarea></label>'
    return ask, (
        f"<p>A full answer holds these points, in whatever words:</p><ul>{points}</ul>"
        + _marks("How many of these points does your answer hold?", HALF)
        + f"<p>{markup(item.why)}</p>"
    )


KINDS = {
    "choice": _choice,
    "numeric": _numeric,
    "shape": _shape,
    "code": _code,
    "formula": _formula,
    "open": _open,
}  # item -> (what asks, what solves)
