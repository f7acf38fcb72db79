"""axe-core over every page of the built book: nothing serious or critical, in both themes, on a desk and on a phone."""

from importlib import resources

import pytest
from test_book import READ, SCREENS, needs_book

RULES = "{ resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }"


@pytest.fixture(scope="module")
def axe():
    package = pytest.importorskip(
        "axe_playwright_python", reason="pip install axe-playwright-python, which carries axe-core"
    )
    return (resources.files(package) / "axe.min.js").read_text("utf-8")


@needs_book
@pytest.mark.parametrize("theme, width", SCREENS)
@pytest.mark.parametrize("name", READ)
def test_page_has_no_serious_barrier(browser, built_book, axe, name, theme, width):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, offline=True
    )
    try:
        page = context.new_page()
        page.goto((built_book / name).as_uri())
        page.wait_for_function(
            "() => !window.MathJax || !MathJax.startup || !MathJax.startup.promise || "
            "MathJax.startup.promise.then(() => true)",
            timeout=30_000,
        )
        page.evaluate(axe)
        found = page.evaluate(f"axe.run(document, {RULES})")["violations"]
        serious = [
            f"{fault['impact']}: {fault['id']} ({fault['help']}) at {place['target'][-1]}: {place['html'][:160]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for place in fault["nodes"][:3]
        ]
        assert not serious, "\n".join(serious)
    finally:
        context.close()
