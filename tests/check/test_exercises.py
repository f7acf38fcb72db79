"""Every exercise: its solution passes, its mistakes are named, and the notebook shows its code."""

import ast
import inspect
import json
import pydoc
import re
from pathlib import Path

import pytest

from aecourse import check
from aecourse.check.core import EXERCISES

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ANSWERS = [
    *(
        (e, "mistakes", m.name, m.function, m.message)
        for e in EXERCISES.values()
        for m in e.mistakes
    ),
    *(
        (e, "also wrong", m.name, m.function, m.message)
        for e in EXERCISES.values()
        for m in e.also_wrong
    ),
]
RIGHT = [(e, style, f) for e in EXERCISES.values() for style, f in e.also_right.items()]


def cells():
    """The code cells that give a checker a function: (exercise, hidden, the function's definition)."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and (
                call := re.search(r"^check\.(\w+)\((\w+)\)", source, re.M)
            ):
                hidden = "hide-cell" in cell["metadata"].get("tags", [])
                tree = ast.parse(source).body
                defined = [d for d in tree if isinstance(d, ast.FunctionDef) and d.name == call[2]]
                yield call[1], hidden, defined[0]


CELLS = list(cells())


def definition(exercise):
    return ast.parse(inspect.getsource(exercise.solution)).body[0]


def stub(function):
    """The code of a function without what it does: annotations and documentation stay."""
    function.body = [function.body[0], ast.parse("raise NotImplementedError").body[0]]
    return ast.unparse(function)


def bare(function):
    """The code of a function without annotations and documentation."""
    function.returns = None
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    if ast.get_docstring(function):
        function.body = function.body[1:]
    return ast.unparse(function)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_solution_passes(exercise):
    answer = exercise(exercise.solution)
    assert answer.passed and exercise.praise == answer.message, answer


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_three_mistakes_at_least_are_named(exercise):
    names = [mistake.name for mistake in exercise.mistakes + exercise.also_wrong]
    assert len(exercise.mistakes) >= 3 and len(names) == len(set(names))


@pytest.mark.parametrize(
    "exercise, kind, name, wrong, message",
    ANSWERS,
    ids=[f"{e.name}-{n}" for e, _, n, _, _ in ANSWERS],
)
def test_every_mistake_is_caught_with_its_message(exercise, kind, name, wrong, message):
    answer = exercise(wrong)
    assert not answer.passed, answer
    assert message == answer.message if kind == "mistakes" else message in answer.message, answer


@pytest.mark.parametrize(
    "exercise, style, right", RIGHT, ids=[f"{e.name}-{style}" for e, style, _ in RIGHT]
)
def test_right_answers_in_other_styles_pass(exercise, style, right):
    answer = exercise(right)
    assert answer.passed, answer


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_unfinished_and_failing_functions_get_an_answer_too(exercise):
    def unwritten(*args):
        raise NotImplementedError

    def broken(*args):
        return undefined_name  # noqa: F821

    assert "nothing is written" in exercise(unwritten).message
    assert "NameError" in exercise(broken).message
    assert "returns nothing" in exercise(lambda *args: None).message
    assert "the checker needs your function itself" in exercise(3).message


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_notebook_shows_this_code(exercise):
    stubs = [stub(f) for name, hidden, f in CELLS if name == exercise.name and not hidden]
    solutions = [bare(f) for name, hidden, f in CELLS if name == exercise.name and hidden]
    assert stubs == [stub(definition(exercise))]
    assert solutions == [bare(definition(exercise))]


def test_every_checker_that_a_notebook_calls_exists():
    assert [name for name, _, _ in CELLS if not hasattr(check, name)] == []


def test_help_says_what_is_asked_for():
    shown = pydoc.render_doc(check.kl_divergence)
    assert "function(mu, log_var): KL(N(mu, exp(log_var)) || N(0, I))" in shown


def test_an_exercise_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(AttributeError, match="no exercise 'kl_diverge'; there are .*kl_divergence"):
        check.kl_diverge  # noqa: B018
