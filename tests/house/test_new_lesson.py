"""A new lesson is laid out in a copy of the tree, and the copy's tests pass as it is."""

import json
import re

import copies  # first, since it makes the scripts of house/ known
import lesson
import pytest
from copies import ROOT

from aecourse import contents

PLANNED = [each for each in contents.lessons() if each not in contents.written()][-1:]
SLUGS = [*(each.slug for each in PLANNED), "of_two_kinds"]
HOUSE = ("test_names.py", "test_notebooks.py", "test_reference_pages.py", "test_ledger.py")


@pytest.mark.slow
def test_two_new_lessons_pass_every_test_as_they_are(tmp_path):
    root = copies.copied(tmp_path)
    for each in PLANNED:
        lesson.lay_out(root, each.slug, each.title)
    changed = lesson.lay_out(root, "of_two_kinds", "Two kinds: a title")
    assert all((root / name).is_file() for name in changed)
    now = {each.slug: each for each in contents.read(root / "aecourse" / "lessons.yaml")}
    new = now["of_two_kinds"]
    assert new.title == "Two kinds: a title" and new.number < now["self_quiz"].number
    assert all(now[each.slug].question == each.question for each in PLANNED)
    listed = (root / "_toc.yml").read_text("utf-8")
    assert all(f"- file: notebooks/{now[slug].name}\n" in listed for slug in SLUGS)

    copies.pytest(
        root,
        *(f"tests/house/{name}" for name in HOUSE),
        *(f"tests/lessons/test_{slug}.py" for slug in SLUGS),
        *("-k", "not runs_are_made and not stale"),
    )
    chosen = " or ".join([*SLUGS, "checker_that", "says_its_minutes", "balanced", "deck_holds"])
    copies.pytest(
        root, "tests/quiz/test_cards.py", "tests/quiz/test_quiz.py", "tests/quiz/test_self_quiz.py",
        "tests/check/test_exercises.py", "-k", chosen,
    )  # fmt: skip
    copies.run(
        root, "-m", "aecourse.ledger.run", f"notebooks/{new.name}.ipynb", str(root / "run.json")
    )
    assert json.loads((root / "run.json").read_text("utf-8"))["seconds"] < 30


@pytest.mark.parametrize(
    "slug, title, message",
    [
        ("Two", "Two", "SLUG: got 'Two'; accepted are lower-case words joined by _"),
        ("two", " ", "TITLE: got ' '; accepted is a line of text"),
        ("bottleneck", "The bottleneck", "SLUG: bottleneck has files already: "),
    ],
)
def test_what_cannot_be_laid_out_is_refused(slug, title, message):
    before = (ROOT / "aecourse" / "lessons.yaml").read_text("utf-8")
    with pytest.raises(ValueError, match=re.escape(message)):
        lesson.lay_out(ROOT, slug, title)
    assert (ROOT / "aecourse" / "lessons.yaml").read_text("utf-8") == before


def test_cells_are_read_from_a_layout():
    text = "%% markdown\n# A\n\nb\n%% code hide-cell: Solution\nx = 1\n\ny = 2\n%% code\nz\n"
    first, second, third = json.loads(lesson.cells(text))["cells"]
    assert (first["cell_type"], first["source"]) == ("markdown", ["# A\n", "\n", "b"])
    assert second["source"] == ["x = 1\n", "\n", "y = 2"]
    assert second["metadata"]["tags"] == ["hide-cell"]
    assert second["metadata"]["mystnb"]["code_prompt_show"] == "Solution"
    assert third["metadata"] == {} and third["outputs"] == []
    assert len({first["id"], second["id"], third["id"]}) == 3
