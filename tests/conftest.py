"""What all tests share: a browser, and the built book."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from aecourse.doctor import browser_path

ROOT = Path(__file__).resolve().parents[1]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


SERVED = "https://host.example/autoencoders"


def pytest_addoption(parser):
    parser.addoption(
        "--served",
        action="store_true",
        help="test the built book as `make publish` leaves it, at an address in a host's folder, instead of its files",
    )


class Served(type(Path())):
    """A file of the published site; its address is the one that it has at the host."""

    root = ""

    def as_uri(self):
        return f"{SERVED}/{self.relative_to(self.root).as_posix()}"


def answered(route):
    """What a host of files answers: the file, or its page 404.html."""
    name = route.request.url.removeprefix(SERVED).partition("?")[0].partition("#")[0]
    file = Path(Served.root + name)
    found = file.is_file()
    route.fulfill(status=200 if found else 404, path=file if found else f"{Served.root}/404.html")


def pytest_collection_modifyitems(items):
    """Tests that open a browser carry the mark "browser"; `make test QUICK=1` leaves them and those marked "slow" out.

    Files that take long come first, so that none of them is left alone at the end, where several processes share the files.
    """
    weight = Counter()
    for item in items:
        if {"browser", "built_book"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
        slow, browser = item.get_closest_marker("slow"), item.get_closest_marker("browser")
        weight[item.path] += 200 if slow else 10 if browser else 1
    items.sort(key=lambda item: -weight[item.path])


@pytest.fixture(scope="session")
def browser():
    """A Chromium without a network of its own. Missing: the test is skipped, or fails with AECOURSE_REQUIRE_BROWSER=1."""

    def missing(why: str):
        message = f"{why}; install chromium with the system's packages, or: python -m playwright install chromium"
        (pytest.fail if os.environ.get("AECOURSE_REQUIRE_BROWSER") == "1" else pytest.skip)(message)

    try:
        from playwright.sync_api import Error, Page, sync_playwright
    except ImportError:
        missing("the package playwright is not installed")

    # Of a hundred pages that Chromium loads again, one or two find what localStorage held a moment before; the next
    # time they find what it holds. No script of a page can know, so every reload of a test is done twice.
    once = Page.reload
    Page.reload = lambda page, **options: (once(page, **options), once(page, **options))[1]
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=browser_path(), args=QUIET)
        except Error as error:
            missing("no browser starts (" + str(error).strip().splitlines()[0] + ")")
        plain = chromium.new_context

        def new_context(**options):
            context = plain(**options)
            context.route(f"{SERVED}/**", answered)  # answers without a network, too
            return context

        chromium.new_context = new_context
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def built_book(request, tmp_path_factory) -> Path:
    """The folder of the built book; with --served the published one, whose files have addresses at a host."""
    html = ROOT / "_build" / "html"
    if not (html / "book" / "index.html").is_file():
        pytest.skip("the book is not built; make book builds it")
    if not request.config.getoption("--served"):
        return html
    sys.path.insert(0, str(ROOT / "house"))
    import publish

    out = tmp_path_factory.mktemp("published")
    publish.publish(html, out, SERVED, publish.table(ROOT / "house" / "redirects.yaml"))
    Served.root = str(out / "site")
    return Served(Served.root)


@pytest.fixture
def new_page(browser):
    """A function that makes a fresh, phone-wide page. At the end: no error was logged, and nothing was requested but what
    the test went to, and files that the page made itself."""
    contexts, faults = [], []

    def requested(request):
        here = request.is_navigation_request() and request.url.startswith("file:")
        if not here and not request.url.startswith("blob:"):
            faults.append(request.url)

    def new(**options):
        context = browser.new_context(**{"viewport": {"width": 390, "height": 900}, **options})
        contexts.append(context)
        context.on(
            "console", lambda said: faults.append(said.text) if said.type == "error" else None
        )
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on("request", requested)
        return context.new_page()

    yield new
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def open_page(new_page):
    """A function that opens a figure in such a page."""

    def open_figure(figure, tmp_path, **options):
        page = new_page(**options)
        page.goto(figure.save(tmp_path / "figure.html").as_uri())
        return page

    return open_figure
