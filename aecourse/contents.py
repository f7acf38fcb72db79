"""The lessons of the course, in order, as `lessons.yaml` lists them.

    contents.lessons()             # all of them, as a tuple of Lesson
    contents.lesson("vae_elbo")    # one, by its slug, its number ("05", 5) or its notebook's name ("05_vae_elbo")

A slug is a lesson's identity: files are named by it, and it stays when lessons are moved. The number is the place in the list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("lessons.yaml")
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
KEYS = ("slug", "title", "question", "read", "run", "prerequisites")
MORE = ("about", "picture")
COUNT = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class ContentsError(ValueError):
    """A list of lessons that cannot be used; the message names the file and the lesson."""


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    number         its place in the course, from 1
    slug           what its files are named by
    title          as in its notebook's heading
    question       the one question that it answers, with its question mark
    part           the part of the book that it stands in, e.g. "Part I: Compress"
    read, run      minutes to read it, and to run it on two processor cores
    prerequisites  slugs of the lessons that it builds on
    about          what it does about its question, for the start page; empty while nothing is said
    picture        which figure of its page is its thumbnail on the start page, from 1
    """

    number: int
    slug: str
    title: str
    question: str
    part: str
    read: int
    run: float
    prerequisites: tuple[str, ...] = ()
    about: str = ""
    picture: int = 1

    @property
    def label(self) -> str:
        """The number as it is written: "05"."""
        return f"{self.number:02d}"

    @property
    def name(self) -> str:
        """The name of the notebook: "05_vae_elbo"."""
        return f"{self.label}_{self.slug}"

    @property
    def times(self) -> str:
        """The sentence about time that the notebook's first cell ends with."""
        return (
            f"Reading takes about {self.read} minutes, running about {minutes(self.run)} "
            "on two CPU cores."
        )


@lru_cache(maxsize=1)
def lessons() -> tuple[Lesson, ...]:
    """All lessons in order, the planned ones too. Raises ContentsError for the first fault in the file."""
    return read(FILE)


def lesson(name: str | int) -> Lesson:
    """One lesson, by slug, number or notebook's name. Raises ValueError where there is no such lesson."""
    wanted = str(name)
    for each in lessons():
        if wanted in (each.slug, each.label, str(each.number), each.name):
            return each
    known = ", ".join(each.name for each in lessons())
    raise ValueError(
        f"lesson: got {name!r}; accepted is a slug, a number or a name of one of {known}"
    )


def written(folder: Path | None = None) -> tuple[Lesson, ...]:
    """The lessons whose notebooks are there, in order; none where the course is installed without its notebooks.

    folder  where the notebooks are; None: beside the package
    """
    folder = NOTEBOOKS if folder is None else folder
    return tuple(each for each in lessons() if (folder / f"{each.name}.ipynb").is_file())


def minutes(time: float) -> str:
    """A time in minutes, a multiple of a half, in words: "a minute and a half"."""
    whole, half = int(time), time % 1 == 0.5
    if whole < 2:
        return {0.5: "half a minute", 1.0: "a minute", 1.5: "a minute and a half"}[float(time)]
    word = COUNT[whole] if whole < len(COUNT) else str(whole)
    return f"{word} and a half minutes" if half else f"{word} minutes"


def read(path: Path) -> tuple[Lesson, ...]:
    """The lessons in a file. Raises ContentsError, naming file and lesson, for the first fault found."""
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except yaml.YAMLError as error:
        raise ContentsError(f"{path.name}: not YAML: {error}") from None
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or set(content) != {"parts"}:
        raise ContentsError(f"{path.name}: accepted is a mapping with the key parts, a list")
    found: list[Lesson] = []
    for part in parts:
        if (
            not isinstance(part, dict)
            or set(part) != {"title", "lessons"}
            or not isinstance(part["title"], str)
            or not isinstance(part["lessons"], list)
        ):
            raise ContentsError(
                f"{path.name}: a part is {part!r}; accepted is a mapping with the keys title, a text, "
                "and lessons, a list"
            )
        for raw in part["lessons"]:
            try:
                found.append(_lesson(raw, len(found) + 1, part["title"]))
            except ContentsError as fault:
                name = raw.get("slug") if isinstance(raw, dict) else None
                raise ContentsError(
                    f"{path.name}, lesson {name or f'number {len(found) + 1}'}: {fault}"
                ) from None
    slugs = [each.slug for each in found]
    for each in found:
        if slugs.count(each.slug) > 1:
            raise ContentsError(f"{path.name}, lesson {each.slug}: the slug is used twice")
        for slug in each.prerequisites:
            if slug not in slugs[: each.number - 1]:
                raise ContentsError(
                    f"{path.name}, lesson {each.slug}: prerequisites has {slug!r}; accepted are slugs of lessons before it"
                )
    return tuple(found)


def _lesson(raw, number: int, part: str) -> Lesson:
    if not isinstance(raw, dict):
        raise ContentsError(f"it is {raw!r}; accepted is a mapping")
    if missing := [key for key in KEYS if key not in raw]:
        raise ContentsError(f"{', '.join(missing)} is missing")
    if unknown := [str(key) for key in raw if key not in (*KEYS, *MORE)]:
        raise ContentsError(
            f"unknown key {', '.join(unknown)}; known are {', '.join((*KEYS, *MORE))}"
        )
    slug, needs = raw["slug"], raw["prerequisites"]
    if not isinstance(slug, str) or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", slug):
        raise ContentsError(f"slug is {slug!r}; accepted are lower-case words joined by _")
    for key in ("title", "question", "about"):
        if not isinstance(raw.get(key, "-"), str) or not raw.get(key, "-").strip():
            raise ContentsError(f"{key} is {raw[key]!r}; accepted is a text")
    if not raw["question"].endswith("?"):
        raise ContentsError(f"question is {raw['question']!r}; accepted is a text that ends in ?")
    if type(raw["read"]) is not int or raw["read"] < 1:
        raise ContentsError(f"read is {raw['read']!r}; accepted is a whole number of minutes")
    if type(raw.get("picture", 1)) is not int or raw.get("picture", 1) < 1:
        raise ContentsError(f"picture is {raw['picture']!r}; accepted is a whole number from 1")
    if type(raw["run"]) not in (int, float) or raw["run"] < 0.5 or raw["run"] * 2 % 1:
        raise ContentsError(
            f"run is {raw['run']!r}; accepted are minutes, a multiple of a half and at least a half"
        )
    if not isinstance(needs, list) or not all(isinstance(each, str) for each in needs):
        raise ContentsError(f"prerequisites is {needs!r}; accepted is a list of slugs")
    return Lesson(
        number,
        slug,
        raw["title"],
        raw["question"],
        part,
        raw["read"],
        float(raw["run"]),
        tuple(needs),
        raw.get("about", ""),
        raw.get("picture", 1),
    )
