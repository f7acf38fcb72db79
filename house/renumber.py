"""Moves a lesson to another place of the course, and with it every number that changes.

    python house/renumber.py denoising 5        (or: make renumber SLUG=denoising TO=05)

The lesson's entry in `aecourse/lessons.yaml` is moved, so that it becomes number TO. Then each notebook and each ledger whose
number changed gets its new name, and so does every reference in the tree: links, the contents, "lesson 05" and
"lessons 05 and 06" in prose. Files named by slug stay as they are. At the border of two parts the lesson stays in its own.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(ROOT),
    str(Path(__file__).parent),
]  # the course and this folder, installed or not

import names  # noqa: E402
import toc  # noqa: E402

from aecourse import contents  # noqa: E402

ENTRY = re.compile(r"^      - slug: (\w+)\n(?:        .*\n)+", re.M)
PART = re.compile(r"^  - title: (.+)\n    lessons:\n", re.M)


def renumber(root: Path, slug: str, to: int) -> list[str]:
    """Moves a lesson within the tree under a root; the files that changed, by their new names.

    Raises ValueError where there is no such lesson or number, or the lesson would stand before one that it builds on;
    then nothing is changed.
    """
    file = root / "aecourse" / "lessons.yaml"
    before = contents.read(file)
    return apply(root, before, moved(file.read_text("utf-8"), before, slug, to))


def moved(text: str, lessons, slug: str, to: int) -> str:
    """The text of `lessons.yaml` in which a lesson has become number `to`."""
    slugs = [each.slug for each in lessons]
    if slug not in slugs:
        raise ValueError(f"SLUG: got {slug!r}; accepted is one of {', '.join(slugs)}")
    if not 1 <= to <= len(slugs):
        raise ValueError(f"TO: got {to}; accepted is a number from 1 to {len(slugs)}")
    mine = next(each for each in lessons if each.slug == slug)
    others = [each for each in lessons if each is not mine]
    before, after = others[: to - 1], others[to - 1 :]
    entry = next(found for found in ENTRY.finditer(text) if found[1] == slug)
    rest = text[: entry.start()] + text[entry.end() :]
    if after and (not before or mine.part != before[-1].part):
        place = next(found for found in ENTRY.finditer(rest) if found[1] == after[0].slug).start()
    else:
        place = next(found for found in ENTRY.finditer(rest) if found[1] == before[-1].slug).end()
    return rest[:place] + entry[0] + rest[place:]


def apply(root: Path, before, text: str) -> list[str]:
    """Makes `text` the list of lessons under a root, and changes the tree accordingly; the files that changed.

    before  the lessons as they are numbered in the tree until now
    """
    file = root / "aecourse" / "lessons.yaml"
    draft = file.with_name("lessons.yaml.new")
    draft.write_text(text, "utf-8")
    try:
        after = contents.read(draft)
    except contents.ContentsError as fault:
        raise ValueError(str(fault).replace(draft.name, file.name)) from None
    finally:
        draft.unlink()
    file.write_text(text, "utf-8")
    slugs = {each.slug: each.number for each in after}
    numbers = {each.number: slugs[each.slug] for each in before}
    changed = {file}
    for path in list(names.texts(root)):
        if names.rewrite(path, lambda number: numbers.get(number, number), slugs):
            changed.add(path)
        found = names.NAME.match(path.stem)
        if found and found[2] in slugs and slugs[found[2]] != int(found[1]):
            changed.discard(path)
            changed.add(
                path.rename(path.with_name(f"{slugs[found[2]]:02d}_{found[2]}{path.suffix}"))
            )
    toc.update(root)
    if remember(root / "house" / "redirects.yaml", before, slugs):
        changed.add(root / "house" / "redirects.yaml")
    return sorted(path.relative_to(root).as_posix() for path in changed)


def remember(file: Path, before, slugs: dict[str, int]) -> bool:
    """Adds the numbers that lessons had until now to the table of those they had before; whether it changed.

    A lesson that comes back to a number it had before has it no longer to remember; a tree without a table gets none."""
    if not file.is_file():
        return False
    text = file.read_text("utf-8")
    head = "".join(re.findall(r"^#.*\n", text, re.M))
    had = {slug: list(numbers) for slug, numbers in (yaml.safe_load(text) or {}).items()}
    for each in before:
        if slugs.get(each.slug, each.number) != each.number:
            had[each.slug] = [*had.get(each.slug, []), each.number]
    for slug, now in slugs.items():
        had[slug] = sorted({number for number in had.get(slug, []) if number != now})
    lines = "".join(f"{slug}: {numbers}\n" for slug, numbers in sorted(had.items()) if numbers)
    new = head + (lines or "{}\n")
    file.write_text(new, "utf-8")
    return new != text


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("slug", help="the lesson to move, by its slug")
    parser.add_argument("to", type=int, help="the number that it is to have")
    wanted = parser.parse_args()
    try:
        changed = renumber(ROOT, wanted.slug, wanted.to)
    except ValueError as fault:
        print(fault)
        return 2
    print("\n".join(changed) + f"\n{len(changed)} files changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
