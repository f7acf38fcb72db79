"""A lesson is moved in a copy of the tree, and nothing in the copy is broken."""

import json
import shutil
from pathlib import Path

import copies  # first, since it makes the scripts of house/ known
import names
import pytest
import renumber
import yaml
from copies import ROOT

from aecourse import contents
from aecourse.ledger import code

NAMES = ("test_names.py", "test_notebooks.py", "test_reference_pages.py", "test_ledger.py")
SAME = """
import json
from aecourse.ledger import code
for lesson, digest in json.load(open("digests.json")).items():
    assert code.digest(lesson) == digest, lesson
"""


@pytest.mark.slow
def test_a_moved_lesson_leaves_nothing_broken(tmp_path):
    root = copies.copied(tmp_path)
    before = {each.slug: each for each in contents.written()}
    slug, to = "denoising", contents.lesson("vae_elbo").number
    changed = renumber.renumber(root, slug, to)
    lessons = {each.slug: each for each in contents.read(root / "aecourse" / "lessons.yaml")}
    assert lessons[slug].number == to and lessons["vae_elbo"].number == to - 1
    there = {path.stem for path in (root / "notebooks").glob("*.ipynb")}
    assert there == {lessons[slug].name for slug in before}
    assert f"notebooks/{lessons[slug].name}.ipynb" in changed

    for each in before.values():  # the runs on record stay those of the lesson, value for value
        old, new = (
            folder / "aecourse" / "ledger" / f"{name}.json"
            for folder, name in ((ROOT, each.name), (root, lessons[each.slug].name))
        )
        if old.is_file():
            kept = json.loads(new.read_text("utf-8"))
            assert kept == {**json.loads(old.read_text("utf-8")), "lesson": new.stem}
    digests = {lessons[each.slug].name: code.digest(each.name) for each in before.values()}
    (root / "digests.json").write_text(json.dumps(digests), "utf-8")
    copies.run(root, "-c", SAME)  # and stay valid, since no line that computes has changed

    copies.pytest(
        root, *(f"tests/house/{name}" for name in NAMES), "-k", "not runs_are_made and not stale"
    )

    table = yaml.safe_load((root / "house" / "redirects.yaml").read_text("utf-8"))
    assert table["denoising"] == [before["denoising"].number] and "vae_elbo" in table

    # And back again: every file is as it was, but for the part, since at a border a lesson stays where it is.
    renumber.renumber(root, slug, to - 1)
    for path in names.texts(ROOT):
        if path.name not in ("_toc.yml", "lessons.yaml", "redirects.yaml"):
            assert (root / path.relative_to(ROOT)).read_text("utf-8") == path.read_text("utf-8"), (
                path
            )


@pytest.mark.parametrize(
    "slug, to, message",
    [
        ("nothing", 1, "SLUG: got 'nothing'; accepted is one of bottleneck"),
        ("denoising", 0, "TO: got 0; accepted is a number from 1 to"),
        ("denoising", 99, "TO: got 99"),
        ("denoising", 1, "lesson denoising: prerequisites has 'bottleneck'"),
    ],
)
def test_what_cannot_be_moved_is_refused_and_nothing_changes(tmp_path, slug, to, message):
    (tmp_path / "aecourse").mkdir()
    file = Path(shutil.copy(contents.FILE, tmp_path / "aecourse"))
    with pytest.raises(ValueError, match=message):
        renumber.renumber(tmp_path, slug, to)
    assert file.read_text("utf-8") == contents.FILE.read_text("utf-8")
    assert list((tmp_path / "aecourse").iterdir()) == [file]


def test_at_the_border_of_two_parts_a_lesson_stays_in_its_own():
    text, lessons = contents.FILE.read_text("utf-8"), contents.lessons()
    last = [each for each in lessons if each.part == lessons[0].part][-1]
    first = lessons[last.number]  # the first of the next part
    for slug, to in ((last.slug, last.number), (first.slug, first.number)):
        assert renumber.moved(text, lessons, slug, to) == text
    crossed = renumber.moved(text, lessons, last.slug, first.number)
    assert (
        crossed.index(first.part)
        < crossed.index(f"slug: {first.slug}")
        < crossed.index(f"slug: {last.slug}")
    )
