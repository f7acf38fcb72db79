"""What every committed notebook must be, whatever it teaches."""

import json
import re
import statistics
from pathlib import Path

import pytest

from aecourse import contents, quiz

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SELF_QUIZ = NOTEBOOKS[0].with_name(
    f"{contents.lesson('self_quiz').name}.ipynb"
)  # it asks about the lessons and is none


def opened(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        cell["text"] = "".join(cell["source"])
    return (
        path,
        cells,
        [c for c in cells if c["cell_type"] == "code"],
        [c for c in cells if c["cell_type"] == "markdown"],
    )


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return opened(request.param)


@pytest.fixture(
    params=[path for path in NOTEBOOKS if path != SELF_QUIZ], ids=lambda path: path.stem
)
def lesson(request):
    return opened(request.param)


def test_there_are_notebooks():
    assert NOTEBOOKS


def test_no_outputs_are_committed(notebook):
    _, _, code, _ = notebook
    for cell in code:
        assert cell["execution_count"] is None
        stored = len(json.dumps(cell["outputs"])) if cell["outputs"] else 0
        assert stored < 500 and (not stored or "NBVAL_CHECK_OUTPUT" in cell["text"])


def test_cells_are_short_and_fit_the_page(notebook):
    _, _, code, _ = notebook
    lengths = [cell["text"].count("\n") + 1 for cell in code]
    assert statistics.median(lengths) <= 6 and max(lengths) <= 25, (
        f"code cells have {statistics.median(lengths):g} lines in the median and at most {max(lengths)}; "
        "accepted are 6 and 25: split the longest"
    )
    for cell in code:
        if "remove-input" not in cell["metadata"].get("tags", []):
            assert max(map(len, cell["text"].splitlines())) <= 86, cell["text"]


def test_lessons_have_their_parts(lesson):
    path, _, code, prose = lesson
    text = "\n".join(cell["text"] for cell in prose)
    every = "\n".join(cell["text"] for cell in code)
    assert re.match(r"# \d\d · .+\n\n\*\*.+\?\*\*\n", prose[0]["text"]), (
        "a title and one question come first"
    )
    for heading in ("## The guess", "## Exercises", "## Check questions", "## What to remember"):
        assert heading in text, heading
    assert "**Common mistakes.**" in text and "**Further reading.**" in text
    assert (
        len(re.findall(r"\b(?:claim|exact)\(", every)) >= 3
        and "quiz.guess(" in every
        and "quiz.reveal(" in every
    )
    assert len(re.findall(r"^\*\*\d · ", text, re.MULTILINE)) >= 3
    assert re.search(r"^check\.\w+\(", every, re.MULTILINE) and "explore." in every
    slug = contents.lesson(path.stem).slug
    assert f'quiz.check_questions("{slug}")' in every and slug in quiz.lessons()


def test_the_self_quiz_asks_and_says_how_its_answers_are_known():
    _, _, code, prose = opened(SELF_QUIZ)
    assert re.match(r"# \d\d · .+\n\n\*\*.+\?\*\*\n", prose[0]["text"]), (
        "a title and one question come first"
    )
    every = [cell["text"] for cell in code]
    assert (
        every.count("quiz.self_quiz()") == 1
        and sum("quiz.computation(" in text for text in every) >= 1
    )
    assert not any(
        re.search(r"\b(?:claim|exact)\(|train\.fit\(|raise NotImplementedError", text)
        for text in every
    ), "it trains and claims nothing of its own"


def test_every_exercise_with_a_stub_has_a_folded_solution(lesson):
    _, _, code, _ = lesson
    stubs = {
        name
        for c in code
        if "raise NotImplementedError" in c["text"]
        for name in re.findall(r"^def (\w+)", c["text"], re.M)
    }
    solved = {
        name
        for c in code
        if "hide-cell" in c["metadata"].get("tags", [])
        for name in re.findall(r"^def (\w+)", c["text"], re.M)
    }
    assert stubs and stubs <= solved


def test_question_sections_are_headings_of_the_lesson(lesson):
    path, _, _, prose = lesson
    headings = {
        line.lstrip("# ")
        for cell in prose
        for line in cell["text"].splitlines()
        if line.startswith("#")
    }
    for question in quiz.load(path.stem):
        assert question.section in headings, question.id


def test_claim_ids_are_unique_in_the_course():
    found = [
        i
        for path in NOTEBOOKS
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
        for i in re.findall(r'\b(?:claim|exact)\(\s*"([^"]+)"', "".join(cell["source"]))
    ]
    assert found and len(found) == len(set(found))


def test_computed_tables_and_formulas_are_read_as_markdown_of_the_book(notebook):
    """Without this note to MyST a page shows the source of a table, or of a formula, that a cell computes."""
    _, _, code, _ = notebook
    for cell in code:
        if re.search(r"\bsay\(", cell["text"]) and re.search(r"---\||\| \||\$|\"\| ", cell["text"]):
            form = cell["metadata"].get("mystnb", {}).get("markdown_format")
            assert form == "myst", cell["text"]


PROMPTS = {
    "hide-input": {
        "How this is measured",
        "The code of this figure",
        "The code of this bench",
        "The two runs (this gives it away)",
        "Six faults (this gives rooms away)",
        "Seven more faults (this gives rooms away)",
    },
    "hide-cell": {"Solution", "The line that finds it", "The masks of a MADE, and their test"},
}


def test_folded_code_says_what_it_is(notebook):
    _, _, code, _ = notebook
    for cell in code:
        for tag in PROMPTS.keys() & set(cell["metadata"].get("tags", [])):
            shown = cell["metadata"].get("mystnb", {}).get("code_prompt_show")
            assert shown in PROMPTS[tag], f"{shown} over {cell['text']}"
