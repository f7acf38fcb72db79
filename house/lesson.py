"""Lays out a new lesson: everything that a lesson consists of, as a start that runs and passes the tests.

    python house/lesson.py anomaly_detection "Anomaly detection"     (or: make lesson SLUG=... TITLE="...")

A planned lesson keeps its place in `aecourse/lessons.yaml`, and what is said there. Any other one is put before the last part of
the book; `make renumber` moves it. Written are the notebook, the checker, check questions, cards, a test and the entries in
`lessons.yaml` and `_toc.yml`, from the files in `house/layout`. Nothing that is there already is overwritten.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(ROOT),
    str(Path(__file__).parent),
]  # the course and this folder, installed or not

import renumber  # noqa: E402
import repository  # noqa: E402
import toc  # noqa: E402

from aecourse import contents  # noqa: E402

LAYOUT = Path(__file__).with_name("layout")
ENTRY = """\
      - slug: {slug}
        title: {title}
        question: {question}
        read: 35
        run: 0.5
        prerequisites: [{first}]
"""
HEAD = re.compile(r"%% (markdown|code)(?: ([a-z-]+))?(?:: (.+))?")


def lay_out(root: Path, slug: str, title: str) -> list[str]:
    """Lays out a lesson in the tree under a root; the files that were written or changed.

    Raises ValueError where the slug is malformed, or the lesson has files already; then nothing is changed.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug):
        raise ValueError(f"SLUG: got {slug!r}; accepted are lower-case words joined by _")
    if not title.strip() or "\n" in title:
        raise ValueError(f"TITLE: got {title!r}; accepted is a line of text")
    package, changed = root / "aecourse", []
    taken = [
        *(root / "notebooks").glob(f"[0-9][0-9]_{slug}.ipynb"),
        *(path for path in places(root, slug).values() if path.is_file()),
    ]
    if taken:
        raise ValueError(f"SLUG: {slug} has files already: {', '.join(map(str, taken))}")
    before = contents.read(package / "lessons.yaml")
    text = entered((package / "lessons.yaml").read_text("utf-8"), before, slug, title.strip())
    changed += renumber.apply(root, before, text)
    lesson = next(each for each in contents.read(package / "lessons.yaml") if each.slug == slug)
    words = fillings(lesson, contents.read(package / "lessons.yaml"))
    for name, path in places(root, slug).items():
        path.write_text(filled((LAYOUT / f"{name}.txt").read_text("utf-8"), words), "utf-8")
        changed.append(path.relative_to(root).as_posix())
    changed.append(
        cards(package / "quiz" / "cards" / f"{slug}.yaml", words).relative_to(root).as_posix()
    )
    notebook = root / "notebooks" / f"{lesson.name}.ipynb"
    text = cells(filled((LAYOUT / "notebook.txt").read_text("utf-8"), words))
    notebook.write_text(repository.notebook(text, repository.address(root)), "utf-8")
    changed.append(notebook.relative_to(root).as_posix())
    glossary = root / "book" / "glossary.md"
    glossary.write_text(linked(glossary.read_text("utf-8"), lesson), "utf-8")
    toc.update(root)
    return list(dict.fromkeys([*changed, "book/glossary.md", "_toc.yml"]))


def places(root: Path, slug: str) -> dict[str, Path]:
    """Where the files of a lesson stand that are named by its slug, by the names of their layouts."""
    package = root / "aecourse"
    return {
        "check": package / "check" / f"{slug}.py",
        "questions": package / "quiz" / "lessons" / f"{slug}.yaml",
        "test": root / "tests" / "lessons" / f"test_{slug}.py",
    }


def entered(text: str, lessons, slug: str, title: str) -> str:
    """The text of `lessons.yaml` with this lesson in it, under this title."""
    line = json.dumps(title, ensure_ascii=False) if re.search(r"[^\w\s-]", title) else title
    for entry in renumber.ENTRY.finditer(text):
        if entry[1] == slug:
            named = re.sub(r"(?m)^(        title: ).*$", lambda found: found[1] + line, entry[0])
            return text[: entry.start()] + named + text[entry.end() :]
    question = json.dumps(f"What is {title} for?", ensure_ascii=False)
    new = ENTRY.format(slug=slug, title=line, question=question, first=lessons[0].slug)
    last = list(renumber.PART.finditer(text))[-1].start()
    return text[:last] + new + text[last:]


def fillings(lesson, lessons) -> dict[str, str]:
    """What stands for each <<word>> of a layout."""
    numbers = [each.label for each in lessons if each.slug in lesson.prerequisites]
    named = (
        f"lessons {', '.join(numbers[:-1])} and {numbers[-1]}"
        if numbers[1:]
        else "".join(f"lesson {number}" for number in numbers)
    )
    return {
        "slug": lesson.slug,
        "words": lesson.slug.replace("_", "-"),
        "plain": lesson.slug.replace("_", " "),
        "label": lesson.label,
        "title": lesson.title,
        "question": lesson.question,
        "needs": f"You need {named or 'Python and a first acquaintance with PyTorch'}.",
        "times": lesson.times,
    }


def filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"<<(\w+)>>", lambda found: words[found[1]], text)


def cards(file: Path, words: dict[str, str]) -> Path:
    """Writes a lesson's cards. Those that waited for the lesson get a section to begin with."""
    if file.is_file():
        text = re.sub(
            r"(?m)^(  kind: .+\n)(?!  section:)",
            r"\1  section: The idea\n",
            file.read_text("utf-8"),
        )
    else:
        text = filled((LAYOUT / "cards.txt").read_text("utf-8"), words)
    file.write_text(text, "utf-8")
    return file


def cells(text: str) -> str:
    """A notebook, from cells that each begin with a line such as `%% code hide-input: The code of this figure`."""
    made = []
    for head, source in re.findall(r"^(%% [^\n]+)\n(.*?)(?=^%% |\Z)", text, re.S | re.M):
        found = HEAD.fullmatch(head)
        if found is None:
            raise ValueError(
                f"layout: got {head!r}; accepted is %% markdown, %% code or %% code TAG: PROMPT"
            )
        kind, tag, prompt = found.groups()
        metadata: dict = {"tags": [tag]} if tag else {}
        if tag == "hide-cell":
            metadata["jupyter"] = {"source_hidden": True}
        if prompt:
            hide = "Hide the solution" if tag == "hide-cell" else "Hide the code"
            metadata["mystnb"] = {"code_prompt_show": prompt, "code_prompt_hide": hide}
        source = source.strip("\n")
        name = hashlib.sha256(f"{len(made)} {source}".encode()).hexdigest()[:8]
        cell = {"cell_type": kind, "id": name, "metadata": metadata}
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        made.append({**cell, "source": source.splitlines(keepends=True)})
    notebook = {
        "cells": made,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def linked(text: str, lesson) -> str:
    """The glossary with the words that name this lesson made links to it."""
    link = rf"[\g<0>](../notebooks/{lesson.name}.ipynb)"
    return re.sub(rf"(?<!\[)Lesson\s+{lesson.label}(?=\.)", link, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("slug", help="what its files are named by: lower-case words joined by _")
    parser.add_argument("title", help="the heading of its page")
    wanted = parser.parse_args()
    try:
        changed = lay_out(ROOT, wanted.slug, wanted.title)
    except ValueError as fault:
        print(fault)
        return 2
    print(
        "\n".join(changed)
        + f"\n{len(changed)} files. Replace what they say; the tests pass as it is."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
