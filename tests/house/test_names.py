"""Lessons are named as `lessons.yaml` lists them, everywhere: in names of files, in headings, in links and in prose."""

import json
import re
import sys
from pathlib import Path

import pytest

from aecourse import contents

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))

import names  # noqa: E402
import toc  # noqa: E402

LESSONS = {each.slug: each for each in contents.lessons()}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAUGHT = [each for each in contents.written() if each.slug != "self_quiz"]
PAUSE = " A place to pause comes within the first thirty minutes."
LINKED = re.compile(r"\]\((?:\.\./)?notebooks/([^)#]+)\.ipynb|\]\((\d\d_[a-z0-9_]+)\.ipynb")


def first_cell(lesson) -> str:
    cells = json.loads((ROOT / "notebooks" / f"{lesson.name}.ipynb").read_text("utf-8"))["cells"]
    return "".join(cells[0]["source"])


def test_every_notebook_is_a_lesson_under_its_number():
    assert [path.stem for path in NOTEBOOKS] == [each.name for each in contents.written()]


@pytest.mark.parametrize("lesson", contents.written(), ids=lambda each: each.slug)
def test_a_notebook_begins_with_its_title_and_question(lesson):
    start = f"# {lesson.label} · {lesson.title}\n\n**{lesson.question}**\n"
    assert first_cell(lesson).startswith(start), "the heading and lessons.yaml differ"


@pytest.mark.parametrize("lesson", TAUGHT, ids=lambda each: each.slug)
def test_a_lesson_says_its_times_and_what_it_builds_on(lesson):
    last = first_cell(lesson).strip().splitlines()[-1].removesuffix(PAUSE)
    assert last.endswith(lesson.times), "the times and lessons.yaml differ"
    needed = {contents.lesson(number).slug for _, number in names.mentions(last)}
    assert last.startswith("You need ") and needed == set(lesson.prerequisites), (
        "the lessons that it needs and the prerequisites of lessons.yaml differ"
    )


@pytest.mark.parametrize("lesson", TAUGHT, ids=lambda each: each.slug)
def test_a_long_lesson_has_the_place_to_pause_that_it_announces(lesson):
    text = (ROOT / "notebooks" / f"{lesson.name}.ipynb").read_text("utf-8")
    announced = first_cell(lesson).endswith(PAUSE)
    assert announced == (lesson.read >= 40) == ("**A place to pause.** " in text)


def test_files_of_lessons_are_named_by_their_slugs():
    package = ROOT / "aecourse"
    for folder in ("quiz/lessons", "quiz/cards"):
        there = {path.stem for path in (package / folder).glob("*.yaml")}
        assert there <= set(LESSONS), folder
        assert {each.slug for each in TAUGHT} <= there, folder
    checkers = {path.stem for path in (package / "check").glob("*.py")}
    assert {each.slug for each in TAUGHT} <= checkers
    tested = {path.stem.removeprefix("test_") for path in ROOT.glob("tests/lessons/test_*.py")}
    assert tested <= set(LESSONS)
    for path in (package / "ledger").glob("*.json"):
        kept = json.loads(path.read_text("utf-8"))["lesson"]
        assert path.stem == kept == contents.lesson(path.stem).name


@pytest.mark.parametrize("path", list(names.texts(ROOT)), ids=lambda path: path.name)
def test_lessons_are_named_by_their_numbers(path):
    """Planned lessons may be named in prose, since they have numbers; links lead to notebooks that are there."""
    there = {notebook.stem for notebook in NOTEBOOKS}
    for text in names.pieces(path):
        for words, number in names.mentions(text):
            assert 1 <= number <= len(LESSONS), f"{words!r}: there is no lesson {number}"
        for number, slug in names.names(text, set(LESSONS)):
            assert number == LESSONS[slug].number, f"{number:02d}_{slug}: {LESSONS[slug].name}"
        if path.suffix in (".md", ".ipynb"):
            for linked in LINKED.findall(text):
                assert "".join(linked) in there, (
                    f"a link to {''.join(linked)}, which is no notebook"
                )


def test_a_link_called_by_a_number_leads_to_that_lesson():
    called = re.compile(r"\[(?:[Ll]esson\s+)?(\d{1,2})(?:, [^\]]+)?\]\([./a-z]*(\d\d)_")
    wrong = [
        (path.name, match[0])
        for path in names.texts(ROOT)
        if path.suffix in (".md", ".ipynb")
        for text in names.pieces(path)
        for match in called.finditer(text)
        if int(match[1]) != int(match[2])
    ]
    assert not wrong


def test_the_contents_of_the_book_follow_the_list():
    text = (ROOT / "_toc.yml").read_text("utf-8")
    there = {path.stem for path in NOTEBOOKS}
    assert toc.written_toc(text, contents.lessons(), there) == text, "make contents mends it"


def test_the_start_page_lists_the_lessons_by_itself():
    assert "```{lesson-list}" in (ROOT / "book" / "index.md").read_text("utf-8")


TOC = """root: book/index
parts:
  - caption: Start
    chapters:
      - file: book/how_to_use
  - caption: "Part I: A"
    chapters:
      - file: notebooks/01_one
  - caption: Check yourself
    chapters:
      - file: notebooks/02_gone
      - file: book/exercises
"""


def test_contents_gain_lose_and_order_lessons():
    def lesson(number, slug, part):
        return contents.Lesson(number, slug, slug, "Why?", part, 1, 1.0)

    lessons = [
        lesson(1, "zero", "Part I: A"),
        lesson(2, "one", "Part I: A"),
        lesson(3, "two", "Part II: B"),
        lesson(4, "quiz", "Check yourself"),
    ]
    assert (
        toc.written_toc(TOC, lessons, {"01_zero", "02_one", "03_two"})
        == """root: book/index
parts:
  - caption: Start
    chapters:
      - file: book/how_to_use
  - caption: "Part I: A"
    chapters:
      - file: notebooks/01_zero
      - file: notebooks/02_one
  - caption: "Part II: B"
    chapters:
      - file: notebooks/03_two
  - caption: Check yourself
    chapters:
      - file: book/exercises
"""
    )


# In what follows ~ stands for nothing, so that a renumbering of the course leaves these lines alone.


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("as l~esson 05 says", [5]),
        ("[L~esson\n    07](../notebooks/07_toy.ipynb)", [7]),
        ("l~essons 5, 10, 11 and 12 return", [5, 10, 11, 12]),
        ("l~essons 05, 06, and 07", [5, 6, 7]),
        ("# the codes of l~esson\n    # 05", [5]),
        ("l~esson 13's words; 20 latents", [13]),
        ("l~esson 5, 20 times", [5]),
        ("a l~esson of 45 minutes, 5 l~essons", []),
    ],
)
def test_prose_that_names_lessons_is_found(text, numbers):
    assert [number for _, number in names.mentions(text.replace("~", ""))] == numbers


@pytest.mark.parametrize(
    "old, new",
    [
        ("L~esson 05, l~esson 9.", "L~esson 06, l~esson 10."),
        ("l~essons 05, 09 and 13", "l~essons 06, 10 and 14"),
        ("l~esson 5 and l~esson 9", "l~esson 6 and l~esson 10"),
        ("in l~esson 4, not in l~esson 3", "in l~esson 5, not in l~esson 3"),
        ("[5~](../notebooks/05_toy.ipynb)", "[6~](../notebooks/06_toy.ipynb)"),
        ("[05~](05_toy.ipynb), [09~](05_toy.ipynb)", "[06~](06_toy.ipynb), [10~](06_toy.ipynb)"),
        ("[5](bibliography.md), [a5](05_toy.ipynb)", "[5](bibliography.md), [a5](06_toy.ipynb)"),
        ("[5~, VAE](../notebooks/05_toy.ipynb)", "[6~, VAE](../notebooks/06_toy.ipynb)"),
        ('qu~iz.load("05"), f("05")', 'qu~iz.load("06"), f("05")'),
        ("# 05 · The VAE", "# 06 · The VAE"),
        ("2005_toy 05_other 05_toy2", "2005_toy 05_other 05_toy2"),
    ],
)
def test_numbers_are_rewritten_as_they_are_written(old, new):
    def shifted(number):
        return number + 1 if number >= 4 else number

    old, new = (text.replace("~", "") for text in (old, new))
    assert names.rewritten(old, shifted, {"toy": 6}) == new
