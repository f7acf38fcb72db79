"""What all tests share: a browser, and the built book."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]


@pytest.fixture(scope="session")
def browser():
    """A Chromium without a network of its own. Missing: the test is skipped, or fails with AECOURSE_REQUIRE_BROWSER=1."""
    def missing(why: str):
        message = f"{why}; install chromium with the system's packages, or: python -m playwright install chromium"
        (pytest.fail if os.environ.get("AECOURSE_REQUIRE_BROWSER") == "1" else pytest.skip)(message)

    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        missing("the package playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=found, args=QUIET)
        except Error as error:
            missing("no browser starts (" + str(error).strip().splitlines()[0] + ")")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def built_book() -> Path:
    html = ROOT / "_build" / "html"
    if not (html / "book" / "index.html").is_file():
        pytest.skip("the book is not built; make book builds it")
    return html


@pytest.fixture
def open_page(browser):
    """A function that opens a figure in a fresh, phone-wide page. At the end: no error was logged and nothing was requested."""
    contexts, faults = [], []

    def open_figure(figure, tmp_path, **options):
        context = browser.new_context(**{"viewport": {"width": 390, "height": 900}, **options})
        contexts.append(context)
        page, path = context.new_page(), figure.save(tmp_path / "figure.html")
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if request.url != path.as_uri() else None)
        page.goto(path.as_uri())
        return page

    yield open_figure
    for context in contexts:
        context.close()
    assert not faults
