"""The question bank as an Anki deck: `make anki`, or `python -m aecourse.quiz.anki deck.apkg`.

Anki knows a note by an identifier that is made from the card's id alone, and a deck and a kind of note by fixed numbers.
Importing a later version therefore updates the text of every card and keeps what Anki knows about the learner.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aecourse import contents

from .cards import Card, load
from .cards_page import html, solution
from .page import markup

DECK, KIND = 1_763_650_001, 1_763_650_002  # never to be changed
STYLE = """
.card { font-family: sans-serif; font-size: 18px; line-height: 1.5; text-align: left; max-width: 40em; margin: 0 auto; padding: 0 .5em; }
.place { font-size: 13px; opacity: .7; }
pre { font-size: 14px; overflow-x: auto; padding: .5em; background: rgba(127, 127, 127, .12); }
"""


def notes(cards: tuple[Card, ...]) -> list:
    """One genanki note per card; tagged with lesson, difficulty and kind."""
    genanki = _genanki()
    front = '<p class="place">{{Place}}</p>{{Question}}'
    kind = genanki.Model(
        KIND,
        "Autoencoders, Measured",
        fields=[{"name": name} for name in ("Id", "Question", "Answer", "Place")],
        templates=[{"name": "Card", "qfmt": front, "afmt": front + '<hr id="answer">{{Answer}}'}],
        css=STYLE,
    )
    return [
        genanki.Note(
            kind,
            [card.id, _question(card), solution(card), _place(card)],
            guid=genanki.guid_for("aecourse", card.id),
            tags=[f"lesson-{card.lesson}", card.difficulty, card.kind],
        )
        for card in cards
    ]


def write(path: str | Path, cards: tuple[Card, ...] | None = None) -> Path:
    """Writes the deck of all cards, or of these, to an .apkg file and returns its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    deck = _genanki().Deck(DECK, "Autoencoders, Measured")
    for note in notes(load() if cards is None else cards):
        deck.add_note(note)
    _genanki().Package(deck).write_to_file(str(path))
    return path


def _place(card: Card) -> str:
    lesson = contents.lesson(card.lesson)
    return f"Lesson {lesson.label} · {lesson.title}"


def _question(card: Card) -> str:
    options = "".join(f"<li>{markup(option.text)}</li>" for option in card.options)
    return html(card.prompt) + (f'<ol type="a">{options}</ol>' if options else "")


def _genanki():
    try:
        import genanki
    except ImportError:
        raise ImportError(
            "an Anki deck is written with the package genanki: pip install genanki"
        ) from None
    return genanki


if __name__ == "__main__":
    written = write(sys.argv[1] if len(sys.argv) > 1 else "autoencoders.apkg")
    print(f"{len(load())} cards in {written}")
