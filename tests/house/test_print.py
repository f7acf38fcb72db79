"""The whole book for paper and for a reader: what stands in it, what is left out, and that nothing is cut off."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "house"))
import print_book  # noqa: E402

PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<link rel="stylesheet" href="../_static/course.css?v=1"></head><body>{banner}
<article class="bd-article"><section id="start"><h1>{title}<a class="headerlink" href="#start">#</a></h1>{body}</section></article>
<script>window.strange = 1</script></body></html>"""
BODY = """
<p id="first">Text &amp; an entity, a <a href="two.html#first">link</a>, a <a href="../_static/deck.apkg">file</a>,
<a href="https://example.org/x">another site</a>, a picture <img src="../_images/a.png" loading="lazy"> and a break<br>.</p>
<div class="cell tag_hide-input"><details class="hide"><summary><p class="collapsed">The code of this figure</p></summary>
<pre>secret_drawing_code()</pre></details></div>
<div class="cell tag_hide-cell"><details class="hide"><summary><p class="collapsed">Solution</p><p class="expanded">Hide</p></summary>
<pre>the_solution()</pre></details></div>
<details><summary>Hint</summary><p>Think of it.</p></details>
<table><tr><td>{wide}</td><td>ENDOFROW</td></tr></table>
<div class="highlight"><pre>{wide} ENDOFLINE</pre></div>
<button>Copy</button><p><input type="radio"> One choice</p>
{figure}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    from PIL import Image

    from aecourse import explore

    root = tmp_path_factory.mktemp("book") / "html"
    for name in ("_static", "_images", "book"):
        (root / name).mkdir(parents=True)
    body = BODY.format(wide="x" * 300, figure=explore.playground().html)
    banner = '<div class="bd-header-announcement__content">Quick build: small</div>'
    one = PAGE.format(title="One", body=body, banner=banner)
    two = PAGE.format(title="Two", body='<p id="first">The end.</p>', banner=banner)
    (root / "book" / "one.html").write_text(one, "utf-8")
    (root / "book" / "two.html").write_text(two, "utf-8")
    (root / "index.html").write_text("")
    (root / "_static" / "course.css").write_text("body { color: black }")
    Image.new("RGB", (40, 20), "red").save(root / "_images" / "a.png")
    return root


NAMES = ["book/one.html", "book/two.html"]


def test_the_epub_is_whole_and_well_formed(browser, book, tmp_path):
    assert print_book.epub(browser, book, tmp_path / "a.epub", NAMES) == []
    with zipfile.ZipFile(tmp_path / "a.epub") as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        files = {name: archive.read(name) for name in archive.namelist()}
    opf = ElementTree.fromstring(files["book/book.opf"])
    space = "{http://www.idpf.org/2007/opf}"
    listed = {item.get("href") for item in opf.iter(f"{space}item")}
    assert listed == {name.removeprefix("book/") for name in files if name.startswith("book/")} - {
        "book.opf"
    }
    assert [each.get("idref") for each in opf.iter(f"{space}itemref")] == ["nav", "c00", "c01"]
    one = files["book/c00.xhtml"].decode("utf-8")
    ElementTree.fromstring(one)
    assert 'href="c01.xhtml#first"' in one and 'href="https://example.org/x"' in one
    assert "deck.apkg" not in one and "images/a.png" in one and "images/c00-0.jpg" in one
    assert "the_solution()" in one and "Think of it." in one and "secret_drawing_code" not in one
    assert "answers to you" in one and "☐ One choice" in re.sub(r"\s+", " ", one)
    assert "<script" not in one and "<button" not in one and "onclick" not in one
    assert "Quick build: small" in one and "One" in files["book/nav.xhtml"].decode("utf-8")


def test_the_pdf_is_whole_and_nothing_is_cut_off(browser, book, tmp_path):
    assert print_book.pdf(browser, book, tmp_path / "a.pdf", NAMES) == []
    raw = (tmp_path / "a.pdf").read_bytes()
    assert raw.startswith(b"%PDF") and [file.name for file in tmp_path.iterdir()] == ["a.pdf"]
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not installed; what stands on the pages is not looked at")
    command = ["pdftotext", "-layout", str(tmp_path / "a.pdf"), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for there in (
        "Contents",
        "the_solution()",
        "Think of it.",
        "ENDOFROW",
        "ENDOFLINE",
        "The end.",
    ):
        assert there in text, there
    assert "secret_drawing_code" not in text and "Quick build: small" in text


def test_the_books_own_pages_are_taken_in_order(tmp_path):
    for name in ("book/index", "notebooks/01_bottleneck", "book/claims", "book/playground"):
        (tmp_path / f"{name}.html").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.html").write_text("")
    assert print_book.pages(tmp_path) == [
        "book/index.html",
        "notebooks/01_bottleneck.html",
        "book/claims.html",
    ]
