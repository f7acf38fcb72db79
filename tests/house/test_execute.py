"""Notebooks are executed once, kept in the book's cache, and a fault in one does not keep the others from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupyter_cache")
pytest.importorskip("nbval")
ROOT = Path(__file__).resolve().parents[2]


def notebook(path: Path, source: str) -> Path:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": ["hide-input"]},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }
    kernel = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    path.write_text(
        json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


def execute(cache: Path, *arguments) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "book" / "execute.py"), str(cache), *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_each_notebook_is_executed_once_and_a_failed_one_again(tmp_path):
    good, bad = (
        notebook(tmp_path / "01_good.ipynb", "print(6 * 7)"),
        notebook(tmp_path / "02_bad.ipynb", "1 / 0"),
    )
    status, said = execute(tmp_path / "cache", good, bad)
    assert (
        status == 1
        and "01_good: executed in" in said
        and "02_bad: failed" in said
        and "ZeroDivisionError" in said
    )
    status, said = execute(tmp_path / "cache", good)
    assert (
        status == 0
        and "01_good: unchanged, taken from the cache" in said
        and "executing" not in said
    )
    notebook(good, "print(6 * 8)")
    status, said = execute(tmp_path / "cache", good)
    assert status == 0 and "01_good: executed in" in said


def execute_by_tests(folder: Path, *notebooks: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "executed_by_tests", "-p", "no:xdist"]
    keep = ["--keep-executed", str(folder), "--nbval-lax", "--nbval-current-env"]
    subprocess.run(
        [*command, *keep, *map(str, notebooks)],
        cwd=notebooks[0].parent,
        env={**os.environ, "PYTHONPATH": str(ROOT / "book")},
        capture_output=True,
    )


RICH = """import sys
from IPython.display import HTML, display
print("one")
print("aside", file=sys.stderr)
print("two")
display(HTML("<b>bold</b>"))
line = display(HTML("begun"), display_id=True)
display(HTML("between"))
line.update(HTML("ended"))
6 * 7"""


@pytest.mark.slow
def test_what_the_tests_executed_is_not_executed_again(tmp_path):
    rich = notebook(tmp_path / "01_rich.ipynb", RICH)
    bad = notebook(tmp_path / "02_bad.ipynb", "1 / 0")
    cleared = notebook(
        tmp_path / "03_cleared.ipynb",
        "from IPython.display import clear_output\nprint(1)\nclear_output()\nprint(2)",
    )
    execute_by_tests(tmp_path / "kept", rich, bad, cleared)
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["01_rich.ipynb"]
    status, said = execute(tmp_path / "a", "--executed", tmp_path / "kept", rich, cleared)
    assert status == 0 and "01_rich: unchanged, executed by the tests" in said
    assert "03_cleared: executed in" in said
    execute(tmp_path / "b", rich)
    theirs = nbformat.read(next((tmp_path / "b").rglob("base.ipynb")), 4).cells[0].outputs
    ours = nbformat.read(tmp_path / "kept" / "01_rich.ipynb", 4).cells[0].outputs
    assert len(theirs) == 6 and any("ended" in str(output) for output in ours)
    assert sorted(map(str, ours)) == sorted(map(str, theirs))


@pytest.mark.slow
def test_what_the_tests_executed_before_a_change_is_executed_again(tmp_path):
    path = notebook(tmp_path / "01_rich.ipynb", "1 + 1")
    execute_by_tests(tmp_path / "kept", path)
    notebook(path, "1 + 2")
    status, said = execute(tmp_path / "cache", "--executed", tmp_path / "kept", path)
    assert status == 0 and "01_rich: executed in" in said
