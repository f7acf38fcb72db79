"""Runs the checkers over notebooks that learners have returned, and writes a table of what is solved.

    python house/grade.py FOLDER        (or: make grade FOLDER)

Looked at is every notebook in FOLDER and below. Each answer runs in a process of its own, in an empty folder, with limits of
time and memory: of a notebook only imports, functions, classes and plain constants, then the call of the checker. That is
strangers' code all the same: it can read your files and use the network. Grade in an account or a container that holds
nothing of value. Written are FOLDER/grades.csv and FOLDER/grades.html: each answer, the share of right answers per exercise,
and what the checkers said most often.
"""

from __future__ import annotations

import ast
import csv
import html
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS, MEMORY = 60, 6 * 2**30
STATES = ("right", "not yet", "not written", "missing", "time limit", "error")
MARK = "aecourse-grade:"

# Runs inside the process: limits first, then the learner's code, then the checker. The result is one line with a mark
# that the learner's code does not know.
RUNNER = """
import json, sys
given = json.load(sys.stdin)
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (given["seconds"], given["seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (given["memory"], given["memory"]))
except (ImportError, ValueError, OSError):
    pass
sys.path.insert(0, given["root"])
import torch
torch.set_num_threads(1)
from aecourse import check
exercise, out, names, failed = check.EXERCISES[given["name"]], sys.stdout, {"__name__": "answer"}, ""
sys.stdout = sys.stderr
for part in given["parts"]:
    try:
        exec(compile(part, "answer", "exec"), names)
    except NotImplementedError:
        pass
    except BaseException as error:
        failed = f"{type(error).__name__}: {error}"
if given["function"] in names:
    answer = exercise(names[given["function"]])
    found = [bool(answer.passed), str(answer.message)]
else:
    found = [False, "the function could not be made: " + failed]
out.write("\\n" + given["mark"] + json.dumps(found) + "\\n")
"""


@dataclass(frozen=True)
class Grade:
    """One exercise of one returned notebook.

    file      the notebook, from the folder on
    exercise  the checker's name, as in check.<name>
    state     one of STATES
    message   what the checker said, or why it could say nothing
    """

    file: str
    exercise: str
    state: str
    message: str


def lessons() -> dict[str, list[str]]:
    """The exercises with a checker that each notebook of the course asks for, by its name."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        names = [name for name, _ in asked(cells_of(path))]
        found[path.stem] = list(dict.fromkeys(names))
    return {name: exercises for name, exercises in found.items() if exercises}


def cells_of(path: Path) -> list[ast.Module]:
    """The code cells of a notebook that are Python; raises ValueError for a file that is no notebook."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no notebook ({type(error).__name__})") from error
    trees = []
    for source in sources:
        lines = [line for line in source.splitlines() if not re.match(r"\s*[%!]", line)]
        try:
            trees.append(ast.parse("\n".join(lines)))
        except SyntaxError:
            trees.append(ast.parse(""))
    return trees


def asked(trees: list[ast.Module]) -> list[tuple[str, str]]:
    """Every call of a checker in these cells, as (exercise, name of the learner's function)."""
    return [
        (node.func.attr, node.args[0].id)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "check"
        and node.args
        and isinstance(node.args[0], ast.Name)
    ]


def parts_of(trees: list[ast.Module], function: str) -> list[str]:
    """What of a notebook is run before its function is checked: imports, definitions, plain constants.

    Of the function itself its last definition that is written counts, so that a stub further down undoes nothing.
    """
    wanted, own = [], []
    for node in (node for tree in trees for node in tree.body):
        text = ast.unparse(node)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == function:
            own.append(text)
        elif isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
            wanted.append(text)
        elif isinstance(node, ast.Assign) and _plain(node.value):
            wanted.append(text)
    written = [text for text in own if "raise NotImplementedError" not in text]
    return wanted + (written or own)[-1:]


def _plain(node: ast.AST) -> bool:
    try:
        ast.literal_eval(node)  # pyright: ignore[reportArgumentType]
    except (ValueError, TypeError, SyntaxError):
        return isinstance(node, ast.Lambda)
    return True


def graded(parts: list[str], name: str, function: str, seconds: int = SECONDS) -> tuple[str, str]:
    """State and message of one answer, from a process that is ended after `seconds`."""
    mark = MARK + os.urandom(8).hex()
    given = {
        "parts": parts,
        "name": name,
        "function": function,
        "seconds": seconds,
        "memory": MEMORY,
        "root": str(ROOT),
        "mark": mark,
    }
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            key: os.environ[key]
            for key in ("PATH", "SYSTEMROOT", "LANG", "TEMP", "TMP")
            if key in os.environ
        }
        try:
            done = subprocess.run(
                [sys.executable, "-c", RUNNER],
                input=json.dumps(given),
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=folder,
                env={**environment, "HOME": folder, "AECOURSE_CACHE": "off", "PYTHONUTF8": "1"},
                timeout=seconds + 20,
            )
        except subprocess.TimeoutExpired:
            return "time limit", f"it ran for more than {seconds} s"
    lines = [line for line in done.stdout.splitlines() if line.startswith(mark)]
    if not lines:
        if done.returncode in (-9, -24, 137, 152):
            return "time limit", f"it ran for more than {seconds} s, or took too much memory"
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return "error", last[:300]
    passed, message = json.loads(lines[-1].removeprefix(mark))
    if passed:
        return "right", message
    return ("not written" if message.startswith("nothing is written here") else "not yet"), message


def grades(folder: Path, say=lambda line: None, seconds: int = SECONDS) -> list[Grade]:
    """The grades of every notebook in `folder` and below, in order of files and exercises.

    Raises ValueError where there is no notebook. A file that is none gets one line with the state "error".
    """
    files = [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    if not files:
        raise ValueError(f"folder: {folder} holds no notebook; wanted are returned .ipynb files")
    expected, found = lessons(), []
    for path in files:
        name = str(path.relative_to(folder))
        say(name)
        try:
            trees = cells_of(path)
        except ValueError as error:
            found.append(Grade(name, "", "error", str(error)))
            continue
        calls = dict(asked(trees))
        lesson = max(
            expected, key=lambda key: (key in str(path), len(calls.keys() & set(expected[key])))
        )
        if lesson not in str(path) and not calls.keys() & set(expected[lesson]):
            found.append(Grade(name, "", "error", "no exercise of the course is in it"))
            continue
        for exercise in expected[lesson]:
            if exercise not in calls:
                found.append(Grade(name, exercise, "missing", "the checker is not called"))
                continue
            parts = parts_of(trees, calls[exercise])
            found.append(Grade(name, exercise, *graded(parts, exercise, calls[exercise], seconds)))
    return found


def summary(found: list[Grade]) -> list[tuple[str, int, int, str]]:
    """Per exercise: its name, right answers, answers in all, and the commonest message to wrong ones."""
    rows = []
    for exercise in dict.fromkeys(grade.exercise for grade in found if grade.exercise):
        of = [grade for grade in found if grade.exercise == exercise]
        wrong = Counter(grade.message for grade in of if grade.state == "not yet")
        common = "; ".join(f"{count} x {message}" for message, count in wrong.most_common(3))
        rows.append((exercise, sum(grade.state == "right" for grade in of), len(of), common))
    return rows


def csv_of(found: list[Grade], path: Path) -> None:
    """Writes the grades as a table; a cell that a spreadsheet would take for a formula begins with a quote."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "exercise", "state", "message"])
        for grade in found:
            cells = (grade.file, grade.exercise, grade.state, grade.message)
            table.writerow(["'" + cell if cell[:1] in "=+-@" else cell for cell in cells])


def html_of(found: list[Grade]) -> str:
    """The grades as a page: exercises first, then a line per answer. What learners wrote is text and nothing else."""

    def table(head, rows) -> str:
        cell = "".join
        return (
            "<table><tr>"
            + cell(f"<th>{html.escape(word)}</th>" for word in head)
            + "</tr>"
            + cell(
                "<tr>" + cell(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>"
                for row in rows
            )
            + "</table>"
        )

    exercises = [
        (name, f"{right} of {of}", f"{right / of:.0%}", common)
        for name, right, of, common in summary(found)
    ]
    answers = [(grade.file, grade.exercise, grade.state, grade.message) for grade in found]
    style = (
        "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem;color-scheme:light dark}"
        "table{border-collapse:collapse;margin-bottom:2rem}"
        "td,th{border:1px solid #8888;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Grades</title><style>{style}</style><h1>Grades</h1><h2>Exercises</h2>"
        + table(("exercise", "right", "share", "said most often"), exercises)
        + "<h2>Answers</h2>"
        + table(("file", "exercise", "state", "what the checker says"), answers)
    )


def main(folder: Path) -> int:
    """Grades a folder and writes both tables. Returns 0, or 2 where there is nothing to grade."""
    if not folder.is_dir():
        print(f"folder: {folder} is no folder", file=sys.stderr)
        return 2
    print(
        "This runs the code of the returned notebooks on this machine, each answer in a process with limits of time\n"
        "and memory. Use an account or a container that holds nothing of value."
    )
    try:
        found = grades(folder, say=lambda line: print(f"   {line}", flush=True))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    csv_of(found, folder / "grades.csv")
    (folder / "grades.html").write_text(html_of(found), "utf-8")
    for name, right, of, _ in summary(found):
        print(f"{name:32} {right:4} of {of}")
    print(f"The tables are {folder / 'grades.csv'} and {folder / 'grades.html'}.")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python house/grade.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
