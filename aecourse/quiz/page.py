"""Questions as a page: HTML that can be read without a script, and answered with one."""
from __future__ import annotations

import re
from html import escape

from aecourse.explore.figure import Figure, fragment

from .bank import MARKUP, Question, load


class Quiz(Figure):
    """Questions to answer on the spot. `questions` holds them as data; as plain text, they are asked without answers."""

    def __init__(self, lesson: str, questions: tuple[Question, ...]):
        self.lesson, self.questions = lesson, questions
        body = "\n".join(_question(question, i, len(questions)) for i, question in enumerate(questions, 1))
        title = f"Check questions of lesson {lesson}"
        super().__init__(fragment("quiz", {"lesson": lesson}, title=title, body=body, package="aecourse.quiz"),
                         "\n\n".join([title, *(_plain(question, i) for i, question in enumerate(questions, 1))]))


def check_questions(lesson: str) -> Quiz:
    """The check questions of a lesson, e.g. check_questions("05").

    Each answer is judged at once and kept in the reader's browser, under `aecourse:quiz:<lesson>:<question id>`.
    Raises ValueError for a lesson that has no questions.
    """
    return Quiz(lesson, load(lesson))


def markup(text: str) -> str:
    """`code`, *emphasis* and $mathematics$ as HTML; everything else is shown as it is written."""
    parts, end = [], 0
    for match in MARKUP.finditer(text):
        parts.append(_literal(text[end:match.start()]))
        inner = escape(match[match.lastgroup])
        parts.append({
            "code": f"<code>{inner}</code>",
            "math": rf'<span class="tex2jax_process">\({inner}\)</span>',
            "emphasis": f"<em>{inner}</em>",
        }[match.lastgroup])
        end = match.end()
    return "".join(parts) + _literal(text[end:])


def _literal(text: str) -> str:
    return escape(text).replace(r"\$", "$")


def _figure(number: float) -> str:
    return f"{number:{'.0f' if abs(number) >= 1000 else '.4g'}}".replace("-", "\u2212")


def _anchor(heading: str) -> str:
    """The id that the book gives to a heading."""
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def _question(question: Question, place: int, total: int) -> str:
    ask, solve, data = KINDS[question.kind](question)
    return (
        f'<form class="ae-question" data-id="{question.id}" data-kind="{question.kind}"{data} autocomplete="off" novalidate>'
        f'<fieldset><legend><span class="ae-muted">Question {place} of {total} · {question.topic}, {question.difficulty}</span>'
        f"<br>{markup(question.prompt)}</legend>{ask}</fieldset>"
        '<div class="ae-feedback" role="status"></div>'
        f'<details class="ae-answer"><summary>Answer and reasons</summary>{solve}'
        f'<p class="ae-section">The lesson answers this under <a href="#{_anchor(question.section)}">'
        f"{escape(question.section)}</a>.</p></details></form>")


def _choice(question: Question) -> tuple[str, str, str]:
    ask = "".join(
        f'<label class="ae-option"><input type="radio" name="answer" value="{i}"> <span>{markup(option.text)}</span></label>'
        for i, option in enumerate(question.options))
    solve = "".join(
        f'<li data-right="{str(option.correct).lower()}">{markup(option.text)}<br>'
        f'<strong>{"Right." if option.correct else "Not quite."}</strong> <span class="ae-why">{markup(option.why)}</span></li>'
        for option in question.options)
    return ask, f"<ul>{solve}</ul>", ""


def _numeric(question: Question) -> tuple[str, str, str]:
    unit = f" {markup(question.unit)}" if question.unit else ""
    ask = ('<label class="ae-number">Your answer <input type="text" name="answer" inputmode="decimal" size="9"></label>'
           f'{unit} <button type="submit">Check</button>')
    rows = [f'<li data-value="{question.answer!r}" data-right="true">{_figure(question.answer)}{unit}: <strong>Right.</strong> '
            f'<span class="ae-why">{markup(question.why)}</span></li>']
    rows += [f'<li data-value="{mistake.answer!r}" data-right="false">{_figure(mistake.answer)}: <strong>Not quite.</strong> '
             f'<span class="ae-why">{markup(mistake.why)}</span></li>' for mistake in question.mistakes]
    return ask, f"<ul>{''.join(rows)}</ul>", f' data-tolerance="{question.tolerance!r}"'


KINDS = {"choice": _choice, "numeric": _numeric}  # question -> (what asks it, what solves it, data for the script)


def _plain(question: Question, place: int) -> str:
    options = "".join(f"\n   {letter}) {option.text}" for letter, option in zip("abcdefgh", question.options))
    return f"{place}. {question.prompt}{options}"
