"""The question bank, the cheat sheet and the glossary as they stand in the built book."""

import re
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_book import HTML, READ, Page  # noqa: E402

needs_page = pytest.mark.skipif(
    "book/question_bank.html" not in READ, reason="the book is not built; make book builds it"
)


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def opened(page, built_book):
    def open_page(name):
        page.goto((built_book / "book" / f"{name}.html").as_uri())
        page.wait_for_function("() => MathJax.startup.promise.then(() => true)", timeout=30_000)

    return open_page


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


@needs_page
def test_the_cheat_sheet_fits_on_two_sides(page, opened):
    opened("cheat_sheet")
    for size in ("A4", "Letter"):
        assert 1 <= pages_of(page.pdf(format=size)) <= 2


@needs_page
def test_the_question_bank_works_in_the_book(page, opened):
    from aecourse.quiz import cards

    opened("question_bank")
    assert (
        page.locator(".ae-card").count() == len(cards.load())
        and page.get_by_role("button", name="Empty all boxes").is_visible()
    )
    page.get_by_label("Lesson", exact=True).select_option("vae_elbo")
    page.get_by_role("button", name="Ask me ten at random").click()
    assert page.locator(".ae-card:visible").count() == 1
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.locator("mjx-merror").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@needs_page
def test_the_opened_answers_fit_a_phone(page, opened):
    page.set_viewport_size({"width": 390, "height": 800})
    for name in ("question_bank", "question_bank_print"):
        opened(name)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


@needs_page
def test_on_paper_the_questions_come_first(page, opened):
    from aecourse.quiz import cards

    opened("question_bank_print")
    parts = page.locator(".ae-part h2").all_inner_texts()
    numbers = page.locator(".ae-item .ae-place strong").all_inner_texts()
    n = len(cards.load())
    assert parts == ["Questions", "Answers"] and numbers == [str(i) for i in range(1, n + 1)] * 2
    assert pages_of(page.pdf(format="A4")) > 10
    assert any(
        link.endswith("question_bank_print.html")
        for link in Page(HTML / "book" / "question_bank.html").links
    )


@needs_page
def test_the_deck_lies_beside_the_pages():
    pytest.importorskip("genanki")
    (deck,) = [
        link for link in Page(HTML / "book" / "question_bank.html").links if link.endswith(".apkg")
    ]
    with zipfile.ZipFile(HTML / "book" / deck) as archive:
        assert "collection.anki2" in archive.namelist()


@needs_page
def test_lessons_lead_to_the_glossary_and_back():
    glossary = Page(HTML / "book" / "glossary.html")
    for name in [
        name
        for name in READ
        if re.search(r"_(bottleneck|denoising|vae_elbo|reparameterization)\.html$", name)
    ]:
        linked = [
            link.split("#")[1] for link in Page(HTML / name).links if "glossary.html#" in link
        ]
        assert len(linked) >= 3 and set(linked) <= glossary.ids, name
        assert any(link.startswith(f"../{name}") for link in glossary.links), name
