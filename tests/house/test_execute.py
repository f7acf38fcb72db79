"""Notebooks are executed once, kept in the book's cache, and a fault in one does not keep the others from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupyter_cache")
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


def execute(cache: Path, *notebooks: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "book" / "execute.py"), str(cache), *map(str, notebooks)],
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
