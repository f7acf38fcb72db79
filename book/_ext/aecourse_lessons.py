"""The start page's lists, made from ``aecourse/lessons.yaml`` and from the pages of the lessons themselves.

``{lesson-list}`` shows each part of the book with a card per lesson: a figure of its page as a thumbnail, its question and its
minutes; it names those that are still to come. Each lesson's page offers its notebook. ``{figure-of} SLUG NAME`` shows an interactive figure that a lesson made, so that
nothing is trained twice. ``{lesson-minutes}`SLUG SLUG``` is the time that reading these lessons takes, in words.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from aecourse_book import text_with_math
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

log = logging.getLogger(__name__)

FIGURE = re.compile(r'<figure class="aecourse-figure".*?(<svg\b.*?</svg>)', re.DOTALL)
TIMES = "Reading takes about"  # as `contents.Lesson.times` begins
SAID = re.compile(r'\s(?:role|aria-label|style|width|height)="[^"]*"')


class borrowed(nodes.General, nodes.Element):
    """Stands where something of another page will be: `page`, its name, and `number`, of the figure whose thumbnail is shown,
    or `figure`, the name of an interactive one."""


class LessonList(SphinxDirective):
    """All lessons, part by part."""

    def run(self):
        from aecourse import contents  # here, so that other books need no course

        self.env.note_dependency(str(contents.FILE))
        lessons = contents.lessons()
        return [
            node
            for part in dict.fromkeys(each.part for each in lessons)
            for node in self.part(part, [each for each in lessons if each.part == part])
        ]

    def part(self, title: str, lessons) -> list[nodes.Node]:
        written = [each for each in lessons if f"notebooks/{each.name}" in self.env.found_docs]
        coming = [f"{each.label}, {each.title}" for each in lessons if each not in written]
        cards = nodes.container("", *map(self.card, written), classes=["course-lessons"])
        awaited = f"Still to come: {'; '.join(coming)}."
        return [
            nodes.rubric("", title),
            *([cards] if written else []),
            *([nodes.paragraph("", awaited)] if coming else []),
        ]

    def card(self, lesson) -> nodes.container:
        page = f"notebooks/{lesson.name}"
        depend(self.env, page)
        uri = self.env.app.builder.get_relative_uri(self.env.docname, page)
        link = nodes.reference("", f"{lesson.label} · {lesson.title}", refuri=uri, internal=True)
        return nodes.container(
            "",
            borrowed(page=page, number=lesson.picture),
            nodes.paragraph("", "", link, classes=["course-lesson-title"]),
            nodes.paragraph(
                "", "", nodes.strong("", "", *text_with_math(lesson.question)), *self.about(lesson)
            ),
            classes=["course-lesson"],
        )

    def about(self, lesson) -> list[nodes.Node]:
        said = f" {lesson.about}" if lesson.about else ""
        return text_with_math(f"{said} ({lesson.read} minutes)")


class FigureOf(SphinxDirective):
    """An interactive figure of a lesson's page: the lesson's slug, and the figure's name, e.g. "latent-plane"."""

    required_arguments = 2

    def run(self):
        from aecourse import contents

        slug, figure = self.arguments
        page = f"notebooks/{contents.lesson(slug).name}"
        depend(self.env, page)
        return [borrowed(page=page, figure=figure)]


class LessonMinutes(SphinxRole):
    """What reading the lessons takes, given by their slugs: "30 minutes", "2 hours and 15 minutes"."""

    def run(self):
        from aecourse import contents

        self.env.note_dependency(str(contents.FILE))
        time = sum(contents.lesson(slug).read for slug in self.text.split())
        return [nodes.Text(spoken(time))], []


def spoken(time: int) -> str:
    """A number of minutes as a reader says it, in steps of five from an hour on: "30 minutes", "2 hours and 15 minutes"."""
    if time < 60:
        return f"{time} minutes"
    hours, left = divmod(5 * round(time / 5), 60)
    words = "an hour" if hours == 1 else f"{hours} hours"
    return f"{words} and {left} minutes" if left else words


def depend(env, page: str) -> None:
    """Has the present page written again when the other one changes."""
    if page in env.found_docs:
        env.note_dependency(str(env.doc2path(page)))


def lend(app, doctree, docname) -> None:
    """Puts in what pages borrow from each other, once all are read."""
    for place in list(doctree.findall(borrowed)):
        page = place["page"]
        found = app.env.get_doctree(page) if page in app.env.found_docs else None
        pieces = [] if found is None else [raw.astext() for raw in found.findall(nodes.raw)]
        html = thumbnail(pieces, place["number"]) if "number" in place else ""
        if "figure" in place:
            opening = f'<div class="ae-figure ae-{place["figure"]}"'
            html = next((piece for piece in pieces if piece.lstrip().startswith(opening)), "")
            if not html:
                raise ExtensionError(
                    f"{docname}: {page} has no interactive figure {place['figure']}"
                )
        elif found is not None and not html and place["number"] > 1:
            log.info("%s: %s has no figure %d", docname, page, place["number"])
        place.replace_self([nodes.raw("", html, format="html")] if html else [])


def thumbnail(pieces: list[str], number: int) -> str:
    """The figure of this number, from 1, in the HTML of a page, without its words: its card says what it is about."""
    figures = [found for piece in pieces if (found := FIGURE.search(piece))]
    if not 1 <= number <= len(figures):
        return ""
    opening, rest = figures[number - 1][1].split(">", 1)
    return (
        f'<div class="course-thumbnail">{SAID.sub("", opening)} aria-hidden="true" focusable="false">'
        f"{rest}</div>"
    )


def offer(app, doctree, docname) -> None:
    """Ends a lesson's first paragraphs, which say what it takes, with a link to the notebook."""
    source = Path(app.env.doc2path(docname))
    if source.suffix != ".ipynb":
        return
    for paragraph in doctree.findall(nodes.paragraph):
        if TIMES in paragraph.astext():
            link = f' <a class="course-notebook" href="{source.name}" download>Download the notebook</a>'
            paragraph += nodes.raw("", link + " to run it yourself.", format="html")
            return


def hand_out(app, fault) -> None:
    """Puts the notebooks beside their pages, as they are kept: without outputs."""
    if fault is None and app.builder.format == "html":
        for docname in app.env.found_docs:
            source = Path(app.env.doc2path(docname))
            if source.suffix == ".ipynb":
                shutil.copyfile(source, Path(app.outdir) / f"{docname}.ipynb")


def setup(app):
    app.add_node(borrowed)
    app.add_directive("lesson-list", LessonList)
    app.add_directive("figure-of", FigureOf)
    app.add_role("lesson-minutes", LessonMinutes())
    app.connect("doctree-resolved", lend)
    app.connect("doctree-resolved", offer)
    app.connect("build-finished", hand_out)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
