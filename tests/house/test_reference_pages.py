"""The reference pages as files: they name what is there, link to sections that exist, and are found from the lessons."""

import json
import re
from pathlib import Path

import pytest

from aecourse import contents

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["cheat_sheet", "notation", "glossary", "question_bank", "question_bank_print"]
GLOSSARY = (ROOT / "book" / "glossary.md").read_text("utf-8")
TERMS = re.findall(r"^([A-Za-z][^\n]*)\n    ", GLOSSARY.split("```{glossary}")[1], re.M)
LINK = re.compile(r"\]\(\.\./notebooks/(\w+)\.ipynb(?:#([\w-]+))?\)")


def slug(heading: str) -> str:
    """The address that a heading has in the book and in JupyterLab's own Markdown."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def markdown(notebook: Path) -> str:
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.mark.parametrize("page", PAGES)
def test_the_book_has_the_page(page):
    assert f"- file: book/{page}\n" in (ROOT / "_toc.yml").read_text("utf-8")
    assert (ROOT / "book" / f"{page}.md").read_text("utf-8").startswith("# ")


def test_the_glossary_is_in_order_and_every_term_names_its_lesson():
    assert (
        len(TERMS) >= 50
        and TERMS == sorted(TERMS, key=str.lower)
        and len({term.lower() for term in TERMS}) == len(TERMS)
    )
    entries = re.split(r"\n\n", GLOSSARY.split("```{glossary}\n")[1].split("\n```")[0])
    assert [entry.split("\n")[0] for entry in entries] == TERMS
    assert not [entry for entry in entries if not re.search(r"\[?Lesson\s+\d\d(\]\(|\.)", entry)]


def test_links_from_the_glossary_lead_to_sections():
    dead = []
    for name, section in LINK.findall(GLOSSARY):
        notebook = ROOT / "notebooks" / f"{name}.ipynb"
        if (
            not notebook.is_file()
            or section
            and section not in {slug(h) for h in re.findall(r"^#+ (.+)$", markdown(notebook), re.M)}
        ):
            dead.append(f"{name}#{section}")
    assert not dead, dead


def test_a_lesson_that_is_written_is_linked():
    written = {each.label for each in contents.written()}
    assert not [n for n in re.findall(r"(?<!\[)Lesson\s+(\d\d)\.", GLOSSARY) if n in written]


@pytest.mark.parametrize(
    "notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_lessons_link_to_terms_that_exist(notebook):
    linked = re.findall(r"\(\.\./book/glossary\.md#([\w-]+)\)", markdown(notebook))
    assert set(linked) <= {re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-") for term in TERMS}
    assert len(linked) >= 3 or notebook.stem[3:] not in (
        "bottleneck",
        "denoising",
        "vae_elbo",
        "reparameterization",
    )


def test_the_code_names_of_the_notation_are_in_use():
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "aecourse").rglob("*.py"))
    source += "\n".join(
        "".join(cell["source"])
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_text("utf-8"))["cells"]
    )
    rows = [
        line.split("|")
        for line in (ROOT / "book" / "notation.md").read_text("utf-8").splitlines()
        if line.startswith("| ")
    ][1:]
    names = [
        name
        for row in rows
        for code in re.findall(r"`([^`]+)`", row[2])
        for name in re.findall(r"[A-Za-z_]{2,}", code)
    ]
    awaited = {"rho"}  # lesson 03
    assert len(rows) >= 25 and not [
        name for name in names if name not in awaited and not re.search(rf"\b{name}\b", source)
    ]


def test_the_mathematics_of_the_reference_pages_is_sound():
    from aecourse.quiz import mathematics

    for page in PAGES[:3]:
        text = (ROOT / "book" / f"{page}.md").read_text("utf-8")
        faults = {
            tex: fault
            for tex in re.findall(r"(?<!\\)\$([^$]+)\$", text)
            if (fault := mathematics.fault(tex))
        }
        assert not faults, (page, faults)


def test_the_bibliography_can_be_read_and_every_citation_is_in_it():
    database = pytest.importorskip("pybtex.database")
    entries = database.parse_file(str(ROOT / "book" / "references.bib")).entries
    for key, entry in entries.items():
        assert {"title", "year"} <= set(map(str.lower, entry.fields)) and entry.persons, key
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md")]
    cited = {
        key
        for page in pages
        for key in re.findall(r"bibliography\.md#([a-z0-9-]+)", page.read_text("utf-8"))
    }
    assert len(cited) > 50 and cited <= {key.lower() for key in entries}
