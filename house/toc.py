"""Writes the lessons of `aecourse/lessons.yaml` into `_toc.yml`, from which Jupyter Book takes the order of its pages.

    python house/toc.py        (or: make contents)

Each part of the book gets its written lessons, in order; other pages, and parts without lessons, stay where they are.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that the script finds the course where it is not installed

from aecourse import contents  # noqa: E402

PART = re.compile(r"^  - caption: (.+)\n    chapters:\n((?:      - file: .+\n)+)", re.M)


def written_toc(text: str, lessons, there: set[str]) -> str:
    """The text of `_toc.yml` with its lessons brought up to date.

    text     what `_toc.yml` says now
    lessons  the lessons in order, as `contents.read` gives them
    there    the names of the notebooks that exist
    """
    head, found = text.split("  - caption: ")[0], {}
    for caption, chapters in PART.findall(text):
        pages = re.findall(r"- file: (.+)", chapters)
        found[caption.strip('"')] = [page for page in pages if not page.startswith("notebooks/")]
    titles = list(dict.fromkeys(lesson.part for lesson in lessons))
    order = list(found)
    for place, title in reversed(list(enumerate(titles))):
        if title not in order:
            after = next((later for later in titles[place + 1 :] if later in order), None)
            order.insert(order.index(after) if after else len(order), title)
    parts = []
    for title in order:
        mine = [f"notebooks/{each.name}" for each in lessons if each.part == title]
        pages = [page for page in mine if page.split("/")[1] in there] + found.get(title, [])
        if pages:
            caption = f'"{title}"' if ":" in title else title
            files = "".join(f"      - file: {page}\n" for page in pages)
            parts.append(f"  - caption: {caption}\n    chapters:\n{files}")
    return head + "".join(parts)


def update(root: Path) -> bool:
    """Brings `_toc.yml` under a root up to date; whether it changed."""
    file, before = root / "_toc.yml", (root / "_toc.yml").read_text("utf-8")
    lessons = contents.read(root / "aecourse" / "lessons.yaml")
    now = written_toc(before, lessons, {path.stem for path in (root / "notebooks").glob("*.ipynb")})
    file.write_text(now, "utf-8")
    return now != before


if __name__ == "__main__":
    print("_toc.yml is brought up to date." if update(ROOT) else "_toc.yml is up to date already.")
