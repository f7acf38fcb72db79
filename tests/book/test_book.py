"""Every page of the built book: complete without a network and without barriers (axe-core), on a large and a small screen, in light and in dark."""

import json
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
MEGABYTES, ALL_MEGABYTES = 2, 40
SCREENS = [("light", (1280, 390)), ("dark", (390, 1280))]
RULES = "{ preload: false, resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }"

PAGES = sorted(
    str(page.relative_to(HTML).as_posix())
    for page in HTML.rglob("*.html")
    if not {"_static", "_sources", "reports"} & set(page.relative_to(HTML).parts)
)
READ = [page for page in PAGES if "/" in page]  # not the redirect, the search page and the index
needs_book = pytest.mark.skipif(not PAGES, reason="the book is not built; make book builds it")


class Page(HTMLParser):
    """The ids of a page, and what it points to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids, self.links, self.images, self.scripts, self.claims = set(), [], [], [], 0
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids.update(
            filter(None, (attributes.get("id"), attributes.get("name") if tag == "a" else None))
        )
        self.claims += "data-claim" in attributes
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag in ("script", "iframe", "source", "video", "audio") and attributes.get("src"):
            self.scripts.append(attributes["src"])
        if (
            tag == "link"
            and attributes.get("href")
            and attributes.get("rel") not in ("canonical", "next", "prev", "index", "search")
        ):
            self.scripts.append(attributes["href"])


@pytest.fixture(scope="module")
def parsed(built_book):
    return {name: Page(built_book / name) for name in PAGES}


# ---------------------------------------------------------------- known from the files alone


def test_there_are_pages(built_book):
    assert (
        "book/index.html" in READ
        and "book/claims.html" in READ
        and "book/bibliography.html" in READ
    )


def test_every_link_leads_somewhere(built_book, parsed):
    dead = []
    for name, page in parsed.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if parts.scheme not in ("http", "https", "mailto"):
                    dead.append(f"{name}: {link} (strange address)")
                continue
            target = (
                (built_book / name).parent / unquote(parts.path)
                if parts.path
                else built_book / name
            )
            if not target.is_file():
                dead.append(f"{name}: {link} (no such file)")
                continue
            if parts.fragment and target.suffix == ".html":
                where = target.resolve().relative_to(built_book.resolve()).as_posix()
                ids = parsed[where].ids if where in parsed else Page(target).ids
                if unquote(parts.fragment) not in ids:
                    dead.append(f"{name}: {link} (no such place on the page)")
    assert not dead, "\n".join(dead)


def test_nothing_is_loaded_from_elsewhere(parsed):
    foreign = [
        f"{name}: {source}"
        for name, page in parsed.items()
        for source in page.scripts + [i.get("src", "") for i in page.images]
        if urlsplit(source).scheme in ("http", "https") or source.startswith("//")
    ]
    assert not foreign, "\n".join(foreign)


def test_every_lesson_makes_a_claim_and_every_claim_is_listed(built_book, parsed):
    lessons = [
        name for name in READ if name.startswith("notebooks/") and "self_quiz" not in name
    ]  # which asks, and claims nothing
    silent = [name for name in lessons if not parsed[name].claims]
    assert lessons and not silent, f"no claim is made in: {', '.join(silent) or 'any lesson'}"
    listed = {urlsplit(link).path for link in parsed["book/claims.html"].links}
    assert all(f"../{name}" in listed for name in lessons)
    text = (built_book / "book/claims.html").read_text("utf-8")
    assert text.count('class="claim-held"') + text.count('class="claim-not-held"') == sum(
        parsed[name].claims for name in lessons
    )


def test_every_lesson_offers_its_notebook_without_outputs(built_book, parsed):
    lessons = [name for name in READ if name.startswith("notebooks/") and "self_quiz" not in name]
    for name in lessons:
        notebook = (built_book / name).with_suffix(".ipynb")
        assert notebook.name in parsed[name].links, name
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells), name


@needs_book
@pytest.mark.parametrize("name", READ)
def test_page_is_light(built_book, parsed, name):
    """The file itself and its own pictures weigh at most two megabytes."""
    own = {
        ((built_book / name).parent / unquote(urlsplit(image["src"]).path)).resolve()
        for image in parsed[name].images
        if image.get("src") and not image["src"].startswith("data:")
    }
    weight = (built_book / name).stat().st_size + sum(
        file.stat().st_size for file in own if file.is_file()
    )
    assert weight <= MEGABYTES * 2**20, f"{weight / 2**20:.2f} MB"


def test_the_whole_book_is_light(built_book):
    """With everything it brings: scripts, fonts, mathematics, pictures, the index of the search."""
    weights = {file: file.stat().st_size for file in built_book.rglob("*") if file.is_file()}
    heaviest = sorted(weights, key=weights.get, reverse=True)[:10]
    assert sum(weights.values()) <= ALL_MEGABYTES * 2**20, "\n".join(
        [
            f"{sum(weights.values()) / 2**20:.1f} MB, of it:",
            *(
                f"{weights[file] / 2**20:.2f} MB {file.relative_to(built_book)}"
                for file in heaviest
            ),
        ]
    )


# ---------------------------------------------------------------- seen in a browser

LOOK = r"""() => {
  const visible = e => { const b = e.getBoundingClientRect(), s = getComputedStyle(e);
                         return b.width > 0 && b.height > 0 && s.visibility !== 'hidden' && s.display !== 'none'; };
  const article = document.querySelector('.bd-article') || document.body;
  document.querySelectorAll('details').forEach(d => { d.open = true; });
  const words = [];
  const walk = document.createTreeWalker(article, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (!parent.closest('pre, code, script, style, textarea, mjx-container, svg')) words.push(walk.currentNode.data);
  }
  return {
    theme: document.documentElement.dataset.theme,
    raw: words.filter(t => /\\\(|\\\[|\$\$|\$[^$\s][^$\n]*\$|\\begin\{/.test(t)).map(t => t.trim().slice(0, 90)),
    tables: words.filter(t => (t.match(/\|/g) || []).length >= 6).map(t => t.trim().slice(0, 90)),
    merror: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.textContent.slice(0, 90)),
    unset: [...article.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).map(e => e.textContent.slice(0, 90)),
    broken: [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => (i.currentSrc || i.src).slice(0, 90)),
    nameless: [...article.querySelectorAll('img')].filter(i => !(i.getAttribute('alt') || '').trim() && i.getAttribute('role') !== 'presentation')
                .map(i => (i.getAttribute('src') || '').slice(0, 60)),
    searches: [...document.querySelectorAll('input[type=search], form[role=search], .search-button-field, form.bd-search')]
                .filter(visible).filter((e, _, all) => !all.some(o => o !== e && o.contains(e))).length,
    wide: document.documentElement.scrollWidth - window.innerWidth,
    culprits: document.documentElement.scrollWidth > window.innerWidth + 1
      ? [...article.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
          .slice(0, 5).map(e => e.tagName.toLowerCase() + '.' + [...e.classList].join('.')) : [],
    widgets: document.querySelectorAll('script[type*="jupyter.widget"], .jupyter-widgets, .widget-output').length
             + words.filter(t => /Loading widget|VBox\(children|HBox\(children|interactive\(children|FloatProgress\(/.test(t)).length,
  };
}"""


# Two frames, so that a change of width has been told to the scripts, and the 150 ms that they wait for quiet: the page's own
# clock keeps the order, also where the machine is busy.
SETTLED = """() => new Promise(done =>
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 250))))"""


def troubles_of(page) -> list[str]:
    """What is wrong with a page as it stands on the screen."""
    page.evaluate(
        "document.querySelectorAll('img[loading=lazy]').forEach(i => { i.loading = 'eager'; })"
    )
    page.wait_for_function(
        "() => document.readyState === 'complete' && [...document.images].every(i => i.complete)"
    )
    page.evaluate(SETTLED)
    seen, troubles = page.evaluate(LOOK), []
    for key, complaint in (
        ("raw", "mathematics left as source"),
        ("tables", "table left as source"),
        ("merror", "mathematics with an error"),
        ("unset", "mathematics not set"),
        ("broken", "picture missing"),
        ("nameless", "picture without a description"),
    ):
        troubles += [f"{complaint}: {found}" for found in seen[key]]
    if seen["searches"] > 1:
        troubles.append(f"{seen['searches']} search fields")
    if seen["wide"] > 1:
        troubles.append(f"scrolls sideways by {seen['wide']} px: {', '.join(seen['culprits'])}")
    if seen["widgets"]:
        troubles.append(f"{seen['widgets']} widgets that need a kernel")
    return troubles


@pytest.fixture(scope="module")
def axe():
    package = pytest.importorskip(
        "axe_playwright_python", reason="pip install axe-playwright-python, which carries axe-core"
    )
    return (resources.files(package) / "axe.min.js").read_text("utf-8")


def barriers_of(page) -> list[str]:
    """What axe-core calls serious or critical."""
    found = page.evaluate(f"axe.run(document, {RULES})")["violations"]
    return [
        f"{fault['impact']}: {fault['id']} ({fault['help']}) at {place['target'][-1]}: {place['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for place in fault["nodes"][:3]
    ]


@needs_book
@pytest.mark.parametrize("theme, widths", SCREENS)
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_and_has_no_barrier(browser, built_book, axe, name, theme, widths):
    """In both themes, on a desk and on a phone: looked at by axe as it was loaded, then opened and turned to the other width."""
    context = browser.new_context(
        viewport={"width": widths[0], "height": 900}, color_scheme=theme, offline=True
    )
    try:
        troubles = []
        page = context.new_page()
        page.on(
            "request",
            lambda r: (
                troubles.append(f"asked for {r.url}")
                if not r.url.startswith(("file:", "data:", "blob:", "https://host.example/"))
                else None
            ),
        )
        page.on("requestfailed", lambda r: troubles.append(f"could not load {r.url}"))
        page.on(
            "console",
            lambda m: troubles.append(f"console: {m.text}") if m.type == "error" else None,
        )
        page.on("pageerror", lambda e: troubles.append(f"script: {e}"))
        page.goto((built_book / name).as_uri(), wait_until="load")
        if name == "index.html":  # a redirect
            page.wait_for_url("**/book/index.html")
        page.wait_for_function(
            "() => !window.MathJax || !MathJax.startup || !MathJax.startup.promise || "
            "MathJax.startup.promise.then(() => true)",
            timeout=30_000,
        )
        shown = page.evaluate("document.documentElement.dataset.theme")
        if shown != theme:
            troubles.append(f"shown in {shown} where the reader prefers {theme}")
        page.evaluate(SETTLED)
        if name in READ:
            page.evaluate(axe)
            troubles += barriers_of(page)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            troubles += [f"{width} px: {trouble}" for trouble in troubles_of(page)]
        assert not troubles, "\n".join(dict.fromkeys(troubles))
    finally:
        context.close()


@needs_book
def test_icons_are_drawn_from_file(browser, built_book):
    """The theme's icon font loads under file:// although its preload links are gone."""
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        page.goto((built_book / "book/index.html").as_uri())
        page.evaluate("document.fonts.ready.then(() => true)")
        assert page.evaluate(
            "[...document.fonts].some(f => /Awesome/.test(f.family) && f.status === 'loaded')"
        )
    finally:
        context.close()


@needs_book
def test_search_finds_a_page_without_a_network(browser, built_book):
    context = browser.new_context(offline=True)
    try:
        errors = []
        page = context.new_page()
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto((built_book / "search.html").as_uri() + "?q=bibliography")
        page.wait_for_selector("#search-results li a", timeout=15_000)
        assert not errors, errors
    finally:
        context.close()


@needs_book
def test_mathematics_is_set_read_out_and_no_stop_of_the_keyboard(browser, built_book):
    """On the page with most formulas: in MathJax's own fonts, with MathML for a screen reader, and a command that has to be loaded first."""
    name = max(READ, key=lambda page: (built_book / page).read_text("utf-8").count('class="math '))
    context = browser.new_context(offline=True)
    try:
        page = context.new_page()
        page.goto((built_book / name).as_uri())
        page.wait_for_function("() => MathJax.startup.promise.then(() => true)", timeout=30_000)
        formulas = page.locator(".bd-article mjx-container")
        assert formulas.count() > 50
        assert (
            page.locator(".bd-article mjx-container > mjx-assistive-mml > math").count()
            == formulas.count()
        )
        assert page.locator("mjx-container[tabindex]").count() == 0
        assert page.evaluate(
            "document.fonts.ready.then(() => [...document.fonts].some(f => /^\"?MJX/.test(f.family) && f.status === 'loaded'))"
        )
        assert page.evaluate(
            "MathJax.tex2chtmlPromise('\\\\cancel{x}').then(node => !node.querySelector('mjx-merror'))"
        )
    finally:
        context.close()
