"""Questions as a page: HTML that can be read without a script, and answered with one."""

from __future__ import annotations

import json
import re
import unicodedata
from html import escape

from aecourse import contents
from aecourse.page import Figure, fragment

from . import formula
from .bank import MARKUP, Question, known, load, rows

ANSWER = '<button type="button" class="ae-button">Answer</button>'


class Quiz(Figure):
    """Questions to answer on the spot. `questions` holds them as data; as plain text, they are asked without answers.

    lesson     slug of the lesson, by which the reader's browser keeps the answers
    questions  in the order in which they are asked
    title      what screen readers call the figure
    """

    def __init__(
        self, lesson: str, questions: tuple[Question, ...], title: str = "Check questions"
    ):
        self.lesson, self.questions = lesson, questions
        body = "\n".join(
            _question(question, i, len(questions)) for i, question in enumerate(questions, 1)
        )
        super().__init__(
            fragment("quiz", {"lesson": lesson}, title=title, body=body, package="aecourse.quiz"),
            "\n\n".join([title, *(_plain(question, i) for i, question in enumerate(questions, 1))]),
        )


def check_questions(lesson: str) -> Quiz:
    """The check questions of a lesson, by its slug or number, e.g. check_questions("vae_elbo").

    An answer is judged when it is given; the first one counts. It is kept in the reader's browser, under
    `aecourse:quiz:<slug>:<question id>`.
    Raises ValueError for a lesson that has no questions.
    """
    each = contents.lesson(lesson)
    return Quiz(each.slug, load(each.slug), f"Check questions of lesson {each.label}")


def markup(text: str) -> str:
    """`code`, *emphasis* and $mathematics$ as HTML; everything else is shown as it is written."""
    parts, end = [], 0
    for match in MARKUP.finditer(text):
        parts.append(_literal(text[end : match.start()]))
        kind = match.lastgroup or ""
        inner = escape(match[kind])
        parts.append(
            {
                "code": f"<code>{inner}</code>",
                "math": rf'<span class="tex2jax_process">\({inner}\)</span>',
                "emphasis": f"<em>{inner}</em>",
            }[kind]
        )
        end = match.end()
    return "".join(parts) + _literal(text[end:])


def _literal(text: str) -> str:
    return escape(text).replace(r"\$", "$")


def _figure(number: float) -> str:
    return f"{number:{'.0f' if abs(number) >= 1000 else '.4g'}}".replace("-", "\u2212")


def _anchor(heading: str) -> str:
    """The id that the book gives to a heading: docutils' make_id, which drops accents and leading digits."""
    plain = unicodedata.normalize("NFKD", heading.lower()).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", plain))


def _question(question: Question, place: int, total: int) -> str:
    ask, solve, data = KINDS[question.kind](question)
    return (
        f'<form class="ae-question" data-id="{question.id}" data-kind="{question.kind}"{data} autocomplete="off" novalidate>'
        f'<fieldset><legend><span class="ae-muted">Question {place} of {total} · {question.topic}, {question.difficulty}</span>'
        f"<br>{markup(question.prompt)}</legend>{ask}</fieldset>"
        '<div class="ae-feedback" role="status"></div>'
        f'<details class="ae-answer"><summary>Answer and reasons</summary>{solve}'
        f'<p class="ae-section">The lesson answers this under <a href="#{_anchor(question.section)}">'
        f"{escape(question.section)}</a>.</p></details></form>"
    )


def _choice(question: Question) -> tuple[str, str, str]:
    ask = "".join(
        f'<label class="ae-option"><input type="radio" name="answer" value="{i}"> <span>{markup(option.text)}</span></label>'
        for i, option in enumerate(question.options)
    )
    solve = "".join(
        f'<li data-right="{str(option.correct).lower()}">{markup(option.text)}<br>'
        f'<strong>{"Right." if option.correct else "Not quite."}</strong> <span class="ae-why">{markup(option.why)}</span></li>'
        for option in question.options
    )
    return ask + f"<p>{ANSWER}</p>", f"<ul>{solve}</ul>", ""


def _numeric(question: Question) -> tuple[str, str, str]:
    unit = f" {markup(question.unit)}" if question.unit else ""
    ask = (
        '<label class="ae-number">Your answer <input type="text" name="answer" inputmode="decimal" size="9"></label>'
        f"{unit} {ANSWER}"
    )
    rows = [
        f'<li data-value="{question.answer!r}" data-right="true">{_figure(question.answer)}{unit}: <strong>Right.</strong> '
        f'<span class="ae-why">{markup(question.why)}</span></li>'
    ]
    rows += [
        f'<li data-value="{mistake.answer!r}" data-right="false">{_figure(mistake.answer)}: <strong>Not quite.</strong> '
        f'<span class="ae-why">{markup(mistake.why)}</span></li>'
        for mistake in question.mistakes
    ]
    return ask, f"<ul>{''.join(rows)}</ul>", f' data-tolerance="{question.tolerance!r}"'


def formula_box(question, id: str, button: str = "") -> tuple[str, str]:
    """What asks for a formula, and the attribute with what the script needs: a question of a lesson, the self-quiz or a card."""
    ask = (
        '<label class="ae-formula-box">Your formula <input type="text" name="answer" '
        f'maxlength="{formula.LONGEST}" spellcheck="false" autocapitalize="off" autocorrect="off" autocomplete="off" '
        f'aria-describedby="how-{id}"></label><p class="ae-preview"></p>'
        f'<p class="ae-muted" id="how-{id}">{_how_to_write(question)}</p>'
    )
    data = json.dumps(known(question).data, ensure_ascii=False, separators=(",", ":"))
    return ask + (button and f"<p>{button}</p>"), f' data-formula="{escape(data)}"'


def _how_to_write(question) -> str:
    names = [
        f"<code>{name}</code>" + (f" or {sign}" if (sign := formula.shown(name)) != name else "")
        for name in [*question.variables, *question.also]
    ]
    return (
        f"How to write it: {', '.join(names)}; + \u2212 * / ^ ( ), as in <code>2x^2</code> or <code>1/(2x)</code>; "
        "<code>sqrt(x)</code>, <code>exp(x)</code>, and <code>log(x)</code>, the natural one."
    )


def formula_shown(text: str, question) -> str:
    """A formula of a question, typeset."""
    return markup(f"${formula.tex(formula.sound(text, known(question)))}$")


def _formula(question: Question) -> tuple[str, str, str]:
    ask, data = formula_box(question, question.id, ANSWER)
    solve = "".join(
        f'<li data-value="{escape(row.answer)}" data-right="{str(row.right).lower()}">{formula_shown(row.answer, question)}: '
        f'<strong>{"Right." if row.right else "Not quite."}</strong> <span class="ae-why">{markup(row.why)}</span></li>'
        for row in rows(question)
    )
    return ask, f"<ul>{solve}</ul>", data


KINDS = {
    "choice": _choice,
    "numeric": _numeric,
    "formula": _formula,
}  # question -> (what asks it, what solves it, data for the script)


def _plain(question: Question, place: int) -> str:
    options = "".join(
        f"\n   {letter}) {option.text}" for letter, option in zip("abcdefgh", question.options)
    )
    return f"{place}. {question.prompt}{options}"
