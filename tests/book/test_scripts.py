"""What the book's own scripts and styles promise: where links land, what search finds, how pages print and do without a script."""

import re

import pytest
from test_book import needs_book

pytestmark = needs_book
LESSON, LONG = "notebooks/05_vae_elbo.html", "notebooks/07_latent_views.html"


@pytest.fixture
def opened(browser, built_book):
    contexts = []

    def open_page(name, width=1366, height=768, **options):
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": height}, offline=True, **options
            )
        )
        page = contexts[-1].new_page()
        page.goto(
            (built_book / name.partition("#")[0]).as_uri() + name[len(name.partition("#")[0]) :]
        )
        return page

    yield open_page
    for context in contexts:
        context.close()


def typeset(page):
    page.wait_for_function("() => MathJax.startup.promise.then(() => true)", timeout=30_000)
    page.wait_for_timeout(500)


@pytest.mark.parametrize("width, height", [(1366, 768), (390, 844)])
@pytest.mark.parametrize("name", [LESSON, LONG])
def test_a_link_lands_on_its_heading_below_the_header(opened, name, width, height):
    first = opened(name, width, height)
    ids = first.evaluate("[...document.querySelectorAll('section section')].map(s => s.id)")
    for id in ids[1::4]:
        page = opened(f"{name}#{id}", width, height)
        typeset(page)
        top, header = page.evaluate(
            "id => [document.getElementById(id).querySelector('h2, h3').getBoundingClientRect().top,"
            " document.querySelector('.bd-header-article').getBoundingClientRect().bottom]",
            id,
        )
        room = page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY")
        assert top >= header - 1 and (top < 200 or room < 2), (id, top, header)


@pytest.mark.parametrize(
    "query", ["reparameterization", "reparameterisation", "reparametrization", "Reparametrisation"]
)
def test_search_finds_sections_once_whatever_the_spelling(opened, query):
    page = opened("search.html")
    page.goto(page.url + f"?q={query}")
    links = page.locator("#search-results li a")
    page.wait_for_function(
        "() => /[1-9]/.test(document.querySelector('#search-results p')?.innerText)"
    )
    page.wait_for_timeout(400)
    found = [(link.inner_text(), link.get_attribute("href")) for link in links.all()]
    assert len(set(found)) == len(found) == len({href for _, href in found}) > 1
    assert any("06_reparameterization" in href for _, href in found[:3])
    assert any("#" in href and "\u203a" in text for text, href in found)
    assert all(("#" in href) == ("\u203a" in text) for text, href in found)


def test_without_a_script_claims_have_colour_and_formulas_an_explanation(opened):
    page = opened(LESSON, java_script_enabled=False)
    border = page.locator(".aecourse-claim").first.evaluate(
        "claim => getComputedStyle(claim).borderLeftColor"
    )
    assert border in ("rgb(20, 108, 67)", "rgb(160, 60, 0)")
    said = page.locator(".bd-article").evaluate("a => getComputedStyle(a, '::before').content")
    assert "JavaScript" in said


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_paper_is_white_and_its_ink_dark(opened, theme):
    page = opened(LESSON, color_scheme=theme)
    page.emulate_media(media="print", color_scheme=theme)
    pale = page.evaluate("""() => {
      const light = (color) => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number); return (r + g + b) / 765; };
      return [...document.querySelectorAll('.bd-article :is(p, li, pre, pre span, h2, td)')]
        .filter(e => e.textContent.trim() && e.getClientRects().length && light(getComputedStyle(e).color) > 0.6).map(e => e.outerHTML.slice(0, 80));
    }""")
    assert not pale, pale[:5]
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") in (
        "rgb(255, 255, 255)",
        "rgba(0, 0, 0, 0)",
    )
    assert (
        page.locator(".aecourse-claim").first.evaluate("c => getComputedStyle(c).printColorAdjust")
        == "exact"
    )


def test_the_cheat_sheet_fills_two_sides_with_formulas_as_large_as_words(opened):
    page = opened("book/cheat_sheet.html", 703, 1031)  # A4 without its margins, in CSS pixels
    typeset(page)
    page.emulate_media(media="print")
    small = page.evaluate("""() => [...document.querySelectorAll('#cheat-sheet mjx-container')].filter(e =>
      parseFloat(getComputedStyle(e).fontSize) < parseFloat(getComputedStyle(e.closest('td, p')).fontSize) - 0.1).length""")
    assert small == 0
    assert page.locator("#cheat-sheet").evaluate("sheet => sheet.offsetHeight") > 1.5 * 1031
    pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "bottom", "left", "right"), "12mm"))
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2


def test_nothing_floats_over_figures_and_the_focus_is_seen(opened):
    page = opened(LONG, 390, 844)
    page.evaluate("scrollTo(0, 4000)")
    page.evaluate("scrollTo(0, 3500)")
    assert page.locator("#pst-back-to-top").is_hidden()
    page = opened(LESSON)
    page.locator(".primary-toggle").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        " && parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2"
    )


def test_code_is_hidden_on_a_phone_and_the_choice_is_remembered(opened):
    page = opened(LESSON, 390, 844)
    cell = page.locator("div.cell_input:not(details *)").first.locator("pre")
    assert cell.is_hidden()
    page.get_by_role("button", name="Show code").click()
    assert cell.is_visible()
    sideways = page.evaluate(
        "[...document.querySelectorAll('.highlight > pre')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    )
    assert sideways == 0
    page.reload()
    assert cell.is_visible()
    assert opened(LESSON).locator("div.cell_input:not(details *) pre").first.is_visible()
