"""The benches of the built lessons: a still in place of the controls, and nothing that wants a kernel."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = [
    path.stem
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if any(
        "explore.bench(" in "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    )
]


def test_there_are_benches():
    assert len(LESSONS) >= 4


def test_what_widgets_leave_in_a_notebook_reaches_no_page():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import aecourse_book as extension

    kept = SimpleNamespace(filename="scrolling.js", attributes={})
    state = SimpleNamespace(
        filename=None,
        attributes={"type": "application/vnd.jupyter.widget-state+json", "body": "{}"},
    )
    context = {"script_files": [kept, state], "css_files": []}
    extension.without_kernels(None, "notebooks/01", "page.html", context, None)
    assert context == {"script_files": [kept], "css_files": []}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_shows_the_still_of_its_bench(built_book, lesson):
    text = (built_book / "notebooks" / f"{lesson}.html").read_text("utf-8")
    benches = re.findall(
        r'<div class="ae-figure ae-bench".*?In a live notebook this bench has controls',
        text,
        re.DOTALL,
    )
    assert len(benches) == 1
    assert (
        re.search(r'<svg role="img" aria-label="[^"]{20,}"', benches[0])
        and benches[0].count("<tr") >= 2
    )
    assert "jupyter.widget" not in text
