"""How lessons are named in the tree: by slug in the names of files, by number in the names of notebooks and in prose.

`texts` gives the files in which a lesson may be named. `mentions` finds the numbers in a text, for the tests;
`rewritten` changes them, for `renumber`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDERS = (".ci", "aecourse", "benchmarks", "book", "house", "notebooks", "tests")
SUFFIXES = {".py", ".md", ".yaml", ".yml", ".ipynb", ".json", ".js", ".css", ".bib"}

GAP = r"\s+(?:(?:#|//|\*)\s+)?"  # a comment may be broken between the word and the number
NUMBER = r"\d{1,2}(?!\d|\.\d)"
JOINED = rf"(?:,{GAP}(?:and|or){GAP}|,{GAP}|{GAP}(?:and|or|to){GAP})"
PROSE = re.compile(rf"\b[Ll]esson(?:{GAP}{NUMBER}|s{GAP}{NUMBER}(?:{JOINED}{NUMBER})*)")
HEADING = re.compile(r"\A# (\d\d) · ")  # of a notebook's first cell
NAME = re.compile(r"(?<![A-Za-z0-9])(\d\d)_([a-z][a-z0-9]*(?:_[a-z0-9]+)*)")
CALL = re.compile(r'quiz\.(?:check_questions|load)\("(\d\d)"\)')
LINK = re.compile(
    r"\[(\d{1,2})(?=(?:, [^\]]+)?\]\([./a-z]*(\d\d)_)"
)  # [5](notebooks/05_vae_elbo.ipynb), [5, the VAE](notebooks/05_vae_elbo.ipynb)


def texts(root: Path) -> Iterator[Path]:
    """The files under a root in which a lesson may be named, in alphabetical order."""
    yield from sorted(
        path
        for path in root.iterdir()
        if path.is_file() and (path.suffix in SUFFIXES or path.name == "Makefile")
    )
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.suffix in SUFFIXES and "__pycache__" not in path.parts:
                yield path


def pieces(path: Path) -> list[str]:
    """What is written in a file: of a notebook its cells' sources, one each; of any other file its text."""
    if path.suffix != ".ipynb":
        return [path.read_text("utf-8")]
    return ["".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]]


def mentions(text: str) -> list[tuple[str, int]]:
    """The numbers by which prose names lessons: the words, and each number in them."""
    return [
        (" ".join(found[0].split()), int(number))
        for found in PROSE.finditer(text)
        for number in re.findall(r"\d+", found[0])
    ]


def names(text: str, slugs: set[str]) -> list[tuple[int, str]]:
    """The names of notebooks in a text that end in one of these slugs: number and slug."""
    return [(int(number), slug) for number, slug in NAME.findall(text) if slug in slugs]


def rewritten(text: str, new: Callable[[int], int], slugs: dict[str, int]) -> str:
    """A text in which every number of a lesson is the new one.

    new    gives the new number of a lesson for its old one
    slugs  gives the new number for each slug
    """
    padded = re.search(r"[Ll]essons?\s+0\d|\[0\d[,\]]", text) is not None

    def number(match: re.Match) -> str:
        found = match[0]
        width = 2 if found.startswith("0") or padded and len(found) == 2 else 1
        return f"{new(int(found)):0{width}d}"

    def numbers(match: re.Match) -> str:
        return re.sub(r"\d+", number, match[0])

    def label(match: re.Match) -> str:
        start, end = match.start(1) - match.start(), match.end(1) - match.start()
        return f"{match[0][:start]}{new(int(match[1])):02d}{match[0][end:]}"

    def name(match: re.Match) -> str:
        slug = match[2]
        return f"{slugs[slug]:02d}_{slug}" if slug in slugs else match[0]

    text = PROSE.sub(numbers, text)
    text = LINK.sub(numbers, text)
    for pattern in (HEADING, CALL):
        text = pattern.sub(label, text)
    return NAME.sub(name, text)


def rewrite(path: Path, new: Callable[[int], int], slugs: dict[str, int]) -> bool:
    """Rewrites a file by `rewritten`; whether it changed. A notebook's cells keep all else that they hold."""
    before = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        notebook = json.loads(before)
        for cell in notebook["cells"]:
            source = rewritten("".join(cell["source"]), new, slugs)
            cell["source"] = source.splitlines(keepends=True)
        now = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    else:
        now = rewritten(before, new, slugs)
    if now != before:
        path.write_text(now, "utf-8")
    return now != before
