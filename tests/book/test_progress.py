"""What a reader has done is shown beside the lessons, saved, loaded and forgotten; nothing leaves the browser."""

import json

import pytest
from test_book import needs_book

LESSON = "notebooks/01_bottleneck.html"
pytestmark = needs_book


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, accept_downloads=True)
    yield context
    context.close()


def opened(context, built_book, name):
    page = context.new_page()
    page.goto((built_book / name).as_uri())
    return page


def mark_elsewhere(context, built_book):
    page = opened(context, built_book, "notebooks/05_vae_elbo.html")
    link = page.locator(".bd-sidebar-primary a[href*='01_bottleneck']").first
    return (link.locator(".course-progress").get_attribute("aria-label") if link.locator(".course-progress").count() else "")


def test_a_lesson_is_read_when_its_summary_was_seen(context, built_book):
    page = opened(context, built_book, LESSON)
    page.wait_for_timeout(2500)
    assert mark_elsewhere(context, built_book) == ""
    page.bring_to_front()
    page.locator("#what-to-remember h2").scroll_into_view_if_needed()
    page.wait_for_timeout(2600)
    assert "read" in mark_elsewhere(context, built_book)


def test_right_answers_are_counted(context, built_book):
    page = opened(context, built_book, LESSON)
    question = page.locator(".ae-question[data-kind=choice]").first
    right = question.locator("li").evaluate_all("items => items.findIndex(item => item.dataset.right === 'true')")
    options = question.locator("input[type=radio]")
    options.nth((right + 1) % options.count()).check()
    assert mark_elsewhere(context, built_book) == ""
    options.nth(right).check()
    total = page.locator(".ae-question[data-id]").count()
    assert mark_elsewhere(context, built_book) == f"1 of {total} check questions right"


def test_progress_is_saved_loaded_and_forgotten(context, built_book, browser, tmp_path):
    lesson = opened(context, built_book, LESSON)
    lesson.evaluate("localStorage.setItem('aecourse:page:01_bottleneck', JSON.stringify({ seen: '2026-01-01', right: 2, of: 3 }))")
    page = opened(context, built_book, "book/how_to_use.html")
    with page.expect_download() as caught:
        page.get_by_role("button", name="Save to a file").click()
    file = tmp_path / "progress.json"
    caught.value.save_as(file)
    assert json.loads(file.read_text())["aecourse:page:01_bottleneck"]
    page.get_by_role("button", name="Forget everything").click()
    assert "Press again" in page.locator("#course-desk").inner_text()
    page.get_by_role("button", name="Press again").click()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('aecourse:')).length") == 0
    for content, said in (("no json", "holds no progress"), ('{"other": "1"}', "holds no progress"), ("[]", "holds no progress")):
        bad = tmp_path / "bad.json"
        bad.write_text(content)
        page.locator("#course-desk input[type=file]").set_input_files(bad)
        page.locator("#course-desk p", has_text=said).wait_for()
    page.locator("#course-desk input[type=file]").set_input_files(file)
    page.locator("#course-desk p", has_text="Loaded").wait_for()
    assert "2 of 3" in mark_elsewhere(context, built_book)


def test_a_browser_that_keeps_nothing_is_told_so(context, built_book):
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } });")
    page = opened(context, built_book, "book/how_to_use.html")
    assert "keeps nothing" in page.locator("#course-desk").inner_text()
