"""What is handed out holds no solution; what comes back is run with limits, and the tables tell the truth."""

import csv
import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
grade, handout = importlib.import_module("grade"), importlib.import_module("handout")


def text_of(notebook):
    return "\n\n".join("".join(cell["source"]) for cell in notebook["cells"])


@pytest.fixture(scope="module")
def handed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handout")
    return {path.stem: json.loads(path.read_text("utf-8")) for path in handout.handed_out(folder)}


def test_no_solution_is_handed_out(handed):
    for name, notebook in handed.items():
        text = text_of(notebook)
        assert "# Solution" not in text and "<summary>Solution" not in text, name
        assert "<summary>Discussion" not in text, name
        assert text.count("<details>") == text.count("</details>"), name


def test_exercises_and_hints_are_handed_out(handed):
    for name, exercises in grade.lessons().items():
        text = text_of(handed[name])
        assert all(f"check.{exercise}(" in text for exercise in exercises), name
        assert "<summary>Hint" in text and "raise NotImplementedError" in text, name


def cell(source, kind="code", **metadata):
    return {"cell_type": kind, "metadata": metadata, "source": [source], "outputs": [1]}


def test_only_what_solves_is_left_out():
    before = "Text.\n\n<details>\n<summary>Hint</summary>\n\nh\n\n</details>"
    folded = "\n\n<details>\n<summary>Solution</summary>\n\ns\n\n</details>\n\nMore."
    notebook = {
        "cells": [
            cell(before + folded, "markdown"),
            cell("# Solution\nx = 1", tags=["hide-cell"]),
            cell("# drawn\nx = 2", tags=["hide-cell"]),
        ]
    }
    left = handout.without_solutions(notebook)["cells"]
    assert "".join(left[0]["source"]) == before + "\n\nMore."
    assert len(left) == 2 and "x = 2" in left[1]["source"][0] and left[1]["outputs"] == []
    assert len(notebook["cells"]) == 3  # the original is as it was


NAME = "kl_divergence"
RIGHT = """def kl_divergence(mu, log_var):
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(1)"""
WRONG = RIGHT.replace("0.5 * ", "")
STUB = "def kl_divergence(mu, log_var):\n    raise NotImplementedError"


def lesson_of(exercise):
    return next(name for name, exercises in grade.lessons().items() if exercise in exercises)


def returned(folder, student, *cells, lesson=None):
    path = folder / student / f"{lesson or lesson_of(NAME)}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [cell(source) for source in cells]}), "utf-8")
    return path


def only(found, student):
    return next(g for g in found if g.exercise == NAME and g.file.startswith(student))


@pytest.mark.slow
def test_returned_notebooks_are_graded(tmp_path, monkeypatch):
    call = f"check.{NAME}({NAME})"
    one = {lesson_of(NAME): [NAME]}
    monkeypatch.setattr(grade, "lessons", lambda: one)
    start = "import torch\nfrom aecourse import check\n"
    returned(tmp_path, "ann", start, "x = 1 / 0", RIGHT + "\n\n" + call)
    returned(tmp_path, "bob", start, WRONG, call)
    returned(tmp_path, "cy", start, STUB + "\n\n" + call)
    returned(tmp_path, "dee", start, "print('nothing')")
    returned(tmp_path, "flo", "%matplotlib inline\n" + start, RIGHT, STUB + "\n" + call)
    returned(tmp_path, "gus", start, "import os\nos._exit(0)", RIGHT, call)
    returned(
        tmp_path,
        "hal",
        start,
        RIGHT.replace("return", "os._exit(3)\n    return"),
        "import os",
        call,
    )
    returned(tmp_path, ".hidden", start, RIGHT, call)
    (tmp_path / "notes.ipynb").write_text("no notebook")
    found = grade.grades(tmp_path, seconds=120)
    states = {g.file.split("/")[0]: g.state for g in found}
    assert states == {
        "ann": "right",
        "bob": "not yet",
        "cy": "not written",
        "dee": "missing",
        "flo": "right",
        "gus": "right",  # what stands beside definitions is not run
        "hal": "error",
        "notes.ipynb": "error",
    }
    assert "1/2" in only(found, "bob").message or "factor" in only(found, "bob").message
    assert grade.summary(found)[0][:3] == (NAME, 3, 7)


@pytest.mark.slow
def test_an_answer_that_does_not_end_is_stopped(tmp_path, monkeypatch):
    one = {lesson_of(NAME): [NAME]}
    monkeypatch.setattr(grade, "lessons", lambda: one)
    endless = "def kl_divergence(mu, log_var):\n    while True: pass"
    returned(tmp_path, "eve", "from aecourse import check", endless, f"check.{NAME}({NAME})")
    assert [each.state for each in grade.grades(tmp_path, seconds=8)] == ["time limit"]


def test_an_answer_cannot_write_its_own_grade():
    forged = 'import sys\nsys.__stdout__.write("\\naecourse-grade:[true, \\"x\\"]\\n")'
    state, _ = grade.graded(["import sys", forged, "import torch", WRONG], NAME, NAME, 120)
    assert state == "not yet"


def test_tables_hold_text_and_nothing_else(tmp_path):
    nasty = "<script>alert(1)</script>"
    found = [grade.Grade(nasty, NAME, "not yet", "=1+1"), grade.Grade("b", NAME, "right", "good")]
    page = grade.html_of(found)
    assert "<script>" not in page and "&lt;script&gt;" in page and "50%" in page
    grade.csv_of(found, tmp_path / "g.csv")
    rows = list(csv.reader((tmp_path / "g.csv").open(encoding="utf-8")))
    assert rows[1] == [nasty, NAME, "not yet", "'=1+1"] and len(rows) == 3


def test_nothing_to_grade_is_said(tmp_path, capsys):
    assert grade.main(tmp_path) == 2 and "holds no notebook" in capsys.readouterr().err
    assert grade.main(tmp_path / "none") == 2 and "is no folder" in capsys.readouterr().err
