"""The site for a host: its map, what is told to those who share a page, redirects, the page "not found", its policy, the zip."""

import http.server
import sys
import threading
import zipfile
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
import publish  # noqa: E402
import renumber  # noqa: E402

from aecourse import contents  # noqa: E402

SITE = "https://someone.github.io/autoencoders"
FIRST = (
    "It asks whether a narrow layer is enough, and it answers with a figure that was measured here."
)
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8" /><title>{title} &#8212; Autoencoders, Measured</title>
<link rel="stylesheet" href="../_static/style.css" /><script src="../_static/own.js"></script></head>
<body><article class="bd-article"><h1>{title}</h1><p>Short.</p><p>{first}</p>
<div class="ae-figure">{figure}</div>
<script>document.body.dataset.inline = "ran";</script></article></body></html>
"""


@pytest.fixture
def book(tmp_path):
    """A built book of two pages, one with a figure of the course."""
    from aecourse import explore

    root = tmp_path / "html"
    for name in ("_static", "book", "notebooks"):
        (root / name).mkdir(parents=True)
    figure = explore.playground().html
    (root / "index.html").write_text(
        '<html><head><meta charset="utf-8"><title>A</title></head></html>'
    )
    (root / "book" / "index.html").write_text(PAGE.format(title="Start", first=FIRST, figure=""))
    (root / "notebooks" / "04_somewhere.html").write_text(
        PAGE.format(title='"Denoising"', first=FIRST, figure=figure), "utf-8"
    )
    (root / "_static" / "own.js").write_text('document.documentElement.dataset.own = "ran";')
    (root / "_static" / "style.css").write_text("body { background: rgb(1, 2, 3) }")
    (root / "_static" / "course.png").write_bytes(b"")
    return root


def test_the_site_has_what_a_host_needs(book, tmp_path):
    said = publish.publish(book, tmp_path / "out", SITE, {"somewhere": [9, 4], "gone": [3]})
    assert said[0] == "3 pages, 1 redirects"
    site = tmp_path / "out" / "site"
    page = (site / "notebooks" / "04_somewhere.html").read_text("utf-8")
    assert f'property="og:image" content="{SITE}/_static/course.png"' in page
    assert f'rel="canonical" href="{SITE}/notebooks/04_somewhere.html"' in page
    assert f'property="og:description" content="{FIRST}"' in page
    assert 'property="og:title" content="&quot;Denoising&quot; — Autoencoders' in page
    assert page.index("charset") < page.index("Content-Security-Policy") < page.index("<script")
    places = [each.text for each in ElementTree.parse(site / "sitemap.xml").iter() if each.text]
    assert (
        f"{SITE}/notebooks/04_somewhere.html" in places
        and len([p for p in places if p.strip()]) == 2
    )
    assert 'url=04_somewhere.html"' in (site / "notebooks" / "09_somewhere.html").read_text("utf-8")
    assert 'href="/autoencoders/index.html"' in (site / "404.html").read_text("utf-8")
    with zipfile.ZipFile(tmp_path / "out" / "autoencoders.zip") as archive:
        assert {"autoencoders/index.html", "autoencoders/_static/own.js"} <= set(archive.namelist())


def test_without_an_address_nothing_names_one(book, tmp_path):
    said = publish.publish(book, tmp_path / "out")
    assert any("without SITE=" in line for line in said)
    site = tmp_path / "out" / "site"
    assert not (site / "sitemap.xml").exists()
    page = (site / "notebooks" / "04_somewhere.html").read_text("utf-8")
    assert "og:title" in page and "og:image" not in page and "canonical" not in page


@pytest.mark.parametrize("site", ["someone.github.io", "https://a b", 'https://a"onload="'])
def test_what_is_no_address_is_refused(book, tmp_path, site):
    with pytest.raises(ValueError, match="SITE: got"):
        publish.publish(book, tmp_path / "out", site)
    with pytest.raises(ValueError, match="there is no built book"):
        publish.publish(tmp_path, tmp_path / "out")


def test_a_renumbered_lesson_leaves_its_old_address(tmp_path):
    lessons = contents.read(contents.FILE)
    file = tmp_path / "redirects.yaml"
    file.write_text("# Kept.\nsparse: [7]\n", "utf-8")
    first, second = lessons[0], lessons[1]
    slugs = {each.slug: each.number for each in lessons}
    slugs |= {first.slug: second.number, second.slug: first.number}
    assert renumber.remember(file, lessons, slugs)
    assert publish.table(file) == {
        first.slug: [first.number],
        second.slug: [second.number],
        "sparse": [7],
    }
    assert file.read_text("utf-8").startswith("# Kept.\n")
    swapped = [
        type("Lesson", (), {"slug": slug, "number": number}) for slug, number in slugs.items()
    ]
    renumber.remember(file, swapped, {each.slug: each.number for each in lessons})
    table = publish.table(file)  # back at its number, it no longer leads from there
    assert table[first.slug] == [second.number] and table["sparse"] == [7]
    assert not renumber.remember(tmp_path / "none.yaml", lessons, slugs)


def test_the_trees_own_table_names_lessons_that_exist():
    known = {each.slug: each.number for each in contents.read(contents.FILE)}
    for slug, numbers in publish.table(ROOT / "house" / "redirects.yaml").items():
        assert slug in known and known[slug] not in numbers


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """The address of a server whose folder /autoencoders is the site."""
    handler = partial(Silent, directory=str(tmp_path / "host"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/autoencoders"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("how", ["file", "server"])
def test_figures_work_under_the_policy_and_strange_scripts_do_not_run(
    browser, book, tmp_path, served, how
):
    publish.publish(book, tmp_path / "out", "", {"somewhere": [9]})
    site = (tmp_path / "out" / "site").rename(tmp_path / "host-of-files")
    (tmp_path / "host").mkdir()
    site = site.rename(tmp_path / "host" / "autoencoders")
    base = served if how == "server" else site.as_uri()
    page, said = browser.new_page(), []
    page.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{base}/notebooks/09_somewhere.html#place")
    page.wait_for_url("**/04_somewhere.html#place")
    page.wait_for_selector(".ae-figure [data-ready], .ae-figure.ae-playground")
    page.wait_for_function(
        "document.body.dataset.inline === 'ran' && document.documentElement.dataset.own === 'ran'"
    )
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(1, 2, 3)"
    assert page.locator(
        ".ae-playground[data-ready] canvas, .ae-playground[data-ready] button"
    ).count()
    assert not said
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.strange = 1'; document.body.append(s);"
        " const i = document.createElement('img'); i.setAttribute('onerror', 'window.strange = 1'); i.src = 'data:,'; document.body.append(i); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.strange") is None and said
    page.close()
