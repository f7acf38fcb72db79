"""The question bank as a page to review with, and as a sheet to print: HTML that can be read without a script."""

from __future__ import annotations

import math
from html import escape
from itertools import groupby

from aecourse import contents
from aecourse.page import Figure, asset, fragment

from .bank import DIFFICULTIES, TOPICS, rows
from .cards import Card, blocks, load
from .page import _anchor, _figure, formula_box, formula_shown, markup

LETTERS = "abcdefgh"


class Deck(Figure):
    """The cards to review with. `cards` holds them as data; as plain text, they are asked without answers."""

    def __init__(self, cards: tuple[Card, ...], links: dict[str, str] | None = None):
        self.cards = cards
        style = f"<style>{asset('aecourse.quiz', 'quiz.css')}</style>"
        body = (
            style
            + _controls(cards)
            + "\n".join(
                f'<section class="ae-lesson" data-lesson="{lesson}"><h3>{_lesson(lesson)}</h3>'
                + "\n".join(_card(card, links or {}) for card in group)
                + "</section>"
                for lesson, group in groupby(cards, key=lambda card: card.lesson)
            )
        )
        super().__init__(
            fragment("cards", {}, title="Question bank", body=body, package="aecourse.quiz"),
            "\n\n".join(f"{i}. {card.prompt}" for i, card in enumerate(cards, 1)),
        )


def question_bank(links: dict[str, str] | None = None) -> Deck:
    """All cards of the bank, to filter, to be asked and to be kept in boxes by the reader's browser.

    links  the address of each lesson that can be linked to, e.g. {"vae_elbo": "../notebooks/05_vae_elbo.html"}.
    """
    return Deck(load(), links)


def sheet(cards: tuple[Card, ...]) -> str:
    """The bank for paper, as HTML: all questions first, then all answers under the same numbers."""
    numbered = list(enumerate(cards, 1))

    def part(title: str, content) -> str:
        return (
            f'<section class="ae-part"><h2>{title}</h2>'
            + "".join(
                f"<h3>{_lesson(lesson)}</h3>"
                + "".join(
                    f'<div class="ae-item"><p class="ae-place"><strong>{i}</strong> '
                    f"<span>{card.kind}, {card.difficulty}</span></p>{content(card)}</div>"
                    for i, card in group
                )
                for lesson, group in groupby(numbered, key=lambda pair: pair[1].lesson)
            )
            + "</section>"
        )

    questions = part("Questions", lambda card: html(card.prompt) + _listed(card))
    return f'<div class="ae-sheet">{questions}{part("Answers", solution)}</div>'


def html(text: str) -> str:
    """Paragraphs, formulas and code as HTML."""
    form = {
        "paragraph": lambda t: f"<p>{markup(t)}</p>",
        "formula": lambda t: rf'<div class="ae-formula tex2jax_process">\[{escape(t)}\]</div>',
        "code": lambda t: f'<pre tabindex="0"><code>{escape(t)}</code></pre>',
    }
    return "".join(form[kind](content) for kind, content in blocks(text))


def solution(card: Card) -> str:
    """The answer of a card as HTML: the number, the formula or the choices first, then the text, then wrong formulas."""
    parts = [html(card.answer)]
    if card.options:
        parts.insert(
            0,
            '<ol type="a" class="ae-reasons">'
            + "".join(
                f'<li data-right="{str(option.correct).lower()}">{markup(option.text)} '
                f"<strong>{'Right.' if option.correct else 'Not quite.'}</strong> {markup(option.why)}</li>"
                for option in card.options
            )
            + "</ol>",
        )
    if not math.isnan(card.number):
        parts.insert(0, f"<p><strong>{told(card)}</strong></p>")
    if card.formula:
        right, *wrong = rows(card.formula)
        parts.insert(
            0,
            f'<p data-value="{escape(right.answer)}" data-right="true">{formula_shown(right.answer, card.formula)}</p>',
        )
        parts += ["<p>Common slips:</p>"] * bool(wrong) + [
            '<ul class="ae-slips">'
            + "".join(
                f'<li data-value="{escape(row.answer)}" data-right="false">{formula_shown(row.answer, card.formula)}: '
                f'<span class="ae-why">{markup(row.why)}</span></li>'
                for row in wrong
            )
            + "</ul>"
        ] * bool(wrong)
    return "".join(parts)


def told(card: Card) -> str:
    """The number a card asks for, with its unit."""
    number = f"{int(card.number):,}" if card.number == int(card.number) else _figure(card.number)
    return number + (f" {escape(card.unit)}" if card.unit else "")


def _lesson(lesson: str) -> str:
    """A lesson's heading, by its slug: "Lesson 05 · The VAE and the ELBO"."""
    found = contents.lesson(lesson)
    return f"Lesson {found.label} · {escape(found.title)}"


def _listed(card: Card) -> str:
    return (
        '<ol type="a">' + "".join(f"<li>{markup(o.text)}</li>" for o in card.options) + "</ol>"
        if card.options
        else ""
    )


def _card(card: Card, links: dict[str, str]) -> str:
    numeric = (
        ""
        if math.isnan(card.number)
        else f' data-number="{card.number!r}" data-tolerance="{card.tolerance!r}"'
    )
    if card.formula:
        numeric = formula_box(card.formula, card.id)[1]
    return (
        f'<article class="ae-card" id="card-{card.id}" data-id="{card.id}" data-lesson="{card.lesson}" '
        f'data-difficulty="{card.difficulty}" data-kind="{card.kind}"{numeric} aria-labelledby="ask-{card.id}" tabindex="-1">'
        f'<p class="ae-muted ae-place"><span>{card.kind}, {card.difficulty}</span><span class="ae-box"></span></p>'
        f'<div class="ae-prompt" id="ask-{card.id}">{html(card.prompt)}</div>{_commit(card)}'
        f'<details class="ae-answer"><summary>Answer</summary><div class="ae-solution">{solution(card)}'
        f"{_source(card, links)}</div></details></article>"
    )


def _commit(card: Card) -> str:
    """What the reader answers with before the answer is opened, where the card has a choice, a number or a formula."""
    check = '<button type="button" class="ae-button ae-check">Check</button>'
    if card.options:
        return (
            '<fieldset class="ae-options"><legend class="ae-spoken">Your choice</legend>'
            + "".join(
                f'<label class="ae-option"><input type="radio" name="{card.id}" value="{i}"> <span>{letter}) {markup(option.text)}</span>'
                "</label>"
                for i, (letter, option) in enumerate(zip(LETTERS, card.options))
            )
            + f"</fieldset><p>{check}</p>"
        )
    if card.formula:
        return formula_box(card.formula, card.id, check)[0]
    if not math.isnan(card.number):
        return (
            f'<p class="ae-number"><label>Your answer <input type="text" inputmode="decimal" size="9" autocomplete="off"></label>'
            f" {escape(card.unit)} {check}</p>"
        )
    return ""


def _source(card: Card, links: dict[str, str]) -> str:
    lesson = contents.lesson(card.lesson)
    where = f"Lesson {lesson.label}"
    if card.lesson not in links:
        return f'<p class="ae-muted">{where}, {escape(lesson.title)}.</p>'
    under = f", under <em>{escape(card.section)}</em>" if card.section else ""
    anchor = f"#{_anchor(card.section)}" if card.section else ""
    return (
        f'<p class="ae-muted"><a href="{escape(links[card.lesson])}{anchor}">{where}{under}</a></p>'
    )


def _controls(cards: tuple[Card, ...]) -> str:
    def choose(name: str, label: str, entries: dict[str, str]) -> str:
        options = "".join(
            f'<option value="{value}">{escape(text)}</option>'
            for value, text in {"": "all", **entries}.items()
        )
        return (
            f'<span class="ae-choose"><label for="cards-{name}">{label}</label> '
            f'<select id="cards-{name}" name="{name}" autocomplete="off">{options}</select></span>'
        )

    asked = {card.lesson for card in cards}
    there = [lesson for lesson in contents.lessons() if lesson.slug in asked]
    return (
        '<div class="ae-bar" hidden><div class="ae-group">'
        + choose("lesson", "Lesson", {each.slug: f"{each.label} · {each.title}" for each in there})
        + choose("difficulty", "Difficulty", {d: d for d in DIFFICULTIES})
        + choose("kind", "Kind", {t: t for t in TOPICS})
        + '</div><div class="ae-group"><button type="button" class="ae-button ae-main ae-ten">Ask me ten at random</button>'
        '<button type="button" class="ae-button ae-due">Ask what is due</button>'
        '<button type="button" class="ae-button ae-stop" hidden>Stop and show all cards</button></div>'
        '<p class="ae-status" role="status"></p></div>\n'
    )
