"""A page of all exercises, made from the notebooks when the book is built.

In a lesson an exercise begins with a line ``**2 · Its title** (10 minutes, medium).`` and ends at the next such line or
heading. It has a checker where a cell of its own, not of its solution, calls ``check.something(...)``. The ``exercises``
directive becomes one table per lesson; each exercise's paragraph gets the id that its row links to. Both hold an empty place
where `progress.js` puts a box to tick; what is ticked goes by slug and title, so that lesson and exercise may change their numbers.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

from aecourse_book import cell, count, reading_order, text_with_math
from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

log = logging.getLogger(__name__)

START = re.compile(r"\*\*(\d+) · ")
LINE = re.compile(r"\*\*(\d+) · (.+?)\*\* \((\d+) minutes, (easy|medium|hard)\)\.")
ENDS = re.compile(START.pattern + r"|#{1,6} ")
HEADS = ("Exercise", "Time", "Difficulty", "Checker")


@dataclass(frozen=True)
class Exercise:
    number: int
    title: str
    minutes: int
    difficulty: str
    checker: bool


def exercises(notebook: Path) -> tuple[list[Exercise], list[str]]:
    """The exercises of a notebook, and the first lines of those whose line does not say what it must."""
    found, faulty, inside = [], [], False
    for each in json.loads(notebook.read_text("utf-8"))["cells"]:
        text = "".join(each["source"])
        if each["cell_type"] == "markdown":
            for line in filter(ENDS.match, text.splitlines()):
                said = LINE.match(line)
                inside = bool(said)
                if said:
                    found.append(
                        Exercise(int(said[1]), said[2], int(said[3]), said[4], checker=False)
                    )
                elif START.match(line):
                    faulty.append(line)
        elif (
            inside
            and "hide-cell" not in each["metadata"].get("tags", [])
            and re.search(r"^check\.\w+\(", text, re.M)
        ):
            found[-1] = Exercise(**{**vars(found[-1]), "checker": True})
    return found, faulty


def notebooks(app) -> list[tuple[str, list[Exercise]]]:
    """The lessons that have exercises, in the order of the book."""
    listed = []
    for docname in reading_order(app.env):
        path = Path(app.env.doc2path(docname))
        if path.suffix != ".ipynb":
            continue
        found, faulty = exercises(path)
        for line in faulty:
            log.warning(
                "exercise: expected **1 · Title** (5 minutes, easy). but found %s",
                line[:60],
                location=docname,
                type="aecourse",
                subtype="exercise",
            )
        if found:
            listed.append((docname, found))
    return listed


class exercises_table(nodes.General, nodes.Element):
    """Stands where the exercises will be."""


class Exercises(SphinxDirective):
    """All exercises of all lessons, in the order of the book."""

    def run(self):
        self.env.metadata[self.env.docname]["aecourse_exercises"] = "yes"
        return [exercises_table()]


def pages(app, env) -> list[str]:
    """The page is written again in every build."""
    return [docname for docname, said in env.metadata.items() if "aecourse_exercises" in said]


def tick(docname: str, name: str) -> nodes.raw:
    """The place for the box of an exercise called "2 · Its title"; empty where no script runs."""
    name = re.sub("[$`]", "", name)
    key = f"{Path(docname).name[3:]}:{nodes.make_id(name.partition(' · ')[2])}"
    return nodes.raw(
        "", f'<span data-exercise="{key}" data-name="{html.escape(name)}"></span>', format="html"
    )


def anchor(app, doctree) -> None:
    """Give every exercise's paragraph the id exercise-1, exercise-2, ..., and a place for its box."""
    docname = app.env.docname
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    for paragraph in list(doctree.findall(nodes.paragraph)):
        said = re.match(r"(\d+) · ", paragraph.astext())
        if said and paragraph.next_node(nodes.strong):
            paragraph["ids"].append(f"exercise-{said[1]}")
            paragraph.insert(0, tick(docname, paragraph.next_node(nodes.strong).astext()))


def table_of(found: list[Exercise], docname: str, link: str) -> nodes.table:
    group = nodes.tgroup(cols=len(HEADS))
    for width in (58, 14, 14, 14):
        group += nodes.colspec(colwidth=width)
    group += nodes.thead("", nodes.row("", *[cell(nodes.Text(head)) for head in HEADS]))
    body = nodes.tbody()
    for each in found:
        name = f"{each.number} · {each.title}"
        title = nodes.reference(
            "", "", *text_with_math(name), refuri=f"{link}#exercise-{each.number}", internal=True
        )
        body += nodes.row(
            "",
            cell(tick(docname, name), title, classes=["claim-statement"]),
            cell(nodes.Text(f"{each.minutes} min")),
            cell(nodes.Text(each.difficulty)),
            cell(
                nodes.Text("checker" if each.checker else "–"),
                classes=[] if each.checker else ["claim-absent"],
            ),
        )
    group += body
    return nodes.table("", group, classes=["claims-table"])  # folds on a phone as the claims do


def hours(minutes: int) -> str:
    return f"{minutes} minutes" if minutes < 90 else f"about {minutes / 60:.0f} hours"


def show(app, doctree, page) -> None:
    places = list(doctree.findall(exercises_table))
    if not places:
        return
    listed = notebooks(app)
    everything = [each for _, found in listed for each in found]
    shown = [
        nodes.paragraph(
            "",
            (
                f"{count(len(everything), 'exercise')} in {count(len(listed), 'lesson')}, {hours(sum(each.minutes for each in everything))} of work; "
                f"{sum(each.checker for each in everything)} have a checker."
            ),
        )
    ]
    for docname, found in listed:
        link = app.builder.get_relative_uri(page, docname)
        title = nodes.reference(
            "",
            "",
            *[child.deepcopy() for child in app.env.titles[docname].children],
            refuri=link,
            internal=True,
        )
        shown.append(
            nodes.section(  # pyright: ignore[reportArgumentType]
                "",
                nodes.title("", "", title),
                table_of(found, docname, link),
                ids=["exercises-" + nodes.make_id(docname)],
                classes=["claims-lesson"],
            )
        )
    for place in places:
        place.replace_self([node.deepcopy() for node in shown])


def setup(app):
    app.add_node(exercises_table)
    app.add_directive("exercises", Exercises)
    app.connect("doctree-read", anchor)
    app.connect("env-updated", pages, priority=900)
    app.connect("doctree-resolved", show)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
