"""The start page's lists, built from `lessons.yaml` and from the lessons' pages."""

import re
from pathlib import Path

import pytest

from aecourse import contents

pytest.importorskip("sphinx")
EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"
FIGURE = (
    '<figure class="aecourse-figure"><svg role="img" aria-label="a drawing" style="width:100%" '
    'viewBox="0 0 4 {0}"><path d="M 0 0"/></svg></figure>'
)
PLANE = '<div class="ae-figure ae-latent-plane" id="one">the plane</div>'


def built(tmp_path, start: str, lesson: str = "") -> str:
    """The start page of a small book with the first lesson only."""
    from sphinx.application import Sphinx

    source = tmp_path / "source"
    for folder in ("book", "notebooks"):
        (source / folder).mkdir(parents=True)
    (source / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(EXTENSIONS)!r})\nextensions = ['aecourse_lessons']\n"
        "root_doc = 'book/index'\nhtml_theme = 'basic'\n",
        "utf-8",
    )
    (source / "book" / "index.rst").write_text(f"Start\n=====\n\n{start}\n", "utf-8")
    raw = "".join(f".. raw:: html\n\n   {piece}\n\n" for piece in lesson.split("|") if piece)
    name = contents.lessons()[0].name
    (source / "notebooks" / f"{name}.rst").write_text(f":orphan:\n\nA\n=\n\n{raw}", "utf-8")
    out = tmp_path / "out"
    Sphinx(source, source, out, tmp_path / "doctrees", "html", status=None, warning=None).build()
    return (out / "book" / "index.html").read_text("utf-8")


def test_the_list_links_written_lessons_and_names_the_others(tmp_path):
    first, second = contents.lessons()[:2]
    page = built(tmp_path, ".. lesson-list::")
    assert f'href="../notebooks/{first.name}.html"' in page
    assert first.question in page and first.about.split()[0] in page
    assert f"({first.read} minutes)" in page
    assert f"{second.name}.html" not in page
    assert f"{second.label}, {second.title}" in re.search(r"Still to come: .*?\.", page)[0]
    parts = list(dict.fromkeys(each.part for each in contents.lessons()))
    assert [page.index(part) for part in parts] == sorted(page.index(part) for part in parts)


def test_a_card_shows_a_figure_of_its_lesson_without_saying_it_twice(tmp_path):
    number = contents.lessons()[0].picture
    figures = "|".join(FIGURE.format(n) for n in range(1, 9))
    page = built(tmp_path, ".. lesson-list::", figures)
    shown = re.search(r'<div class="course-thumbnail"><svg([^>]*)>', page)[1]
    assert f'viewBox="0 0 4 {number}"' in shown and 'aria-hidden="true"' in shown
    assert "a drawing" not in page and "role=" not in shown


def test_an_interactive_figure_is_shown_as_the_lesson_made_it(tmp_path):
    from sphinx.errors import ExtensionError

    slug = contents.lessons()[0].slug
    assert PLANE in built(tmp_path / "a", f".. figure-of:: {slug} latent-plane", PLANE)
    with pytest.raises(ExtensionError, match="no interactive figure latent-plane"):
        built(tmp_path / "b", f".. figure-of:: {slug} latent-plane", FIGURE.format(1))


def test_minutes_are_added_up_and_said_in_words(tmp_path):
    first, second = contents.lessons()[:2]
    page = built(tmp_path, f"It takes :lesson-minutes:`{first.slug} {second.slug}`.")
    assert f"It takes {spoken(first.read + second.read)}." in page
    assert [spoken(time) for time in (30, 58, 60, 61, 64, 118, 135)] == [
        "30 minutes",
        "58 minutes",
        "an hour",
        "an hour",
        "an hour and 5 minutes",
        "2 hours",
        "2 hours and 15 minutes",
    ]


def spoken(time: int) -> str:
    import sys

    sys.path.insert(0, str(EXTENSIONS))
    try:
        from aecourse_lessons import spoken as words
    finally:
        sys.path.remove(str(EXTENSIONS))
    return words(time)
