"""The whole book in one file: for paper (PDF) or for a reader of books (EPUB).

    python house/print_book.py BOOK FILE.pdf|FILE.epub     (or: make pdf, make epub)

BOOK is the built book, `_build/html`. Each of its pages is opened in Chromium, which sets its mathematics and draws its figures.
A figure that answers to the reader becomes a picture with a line that says so; folded solutions and hints stand open; the folded
code that draws and measures is left out. What would be wider than the page is made smaller until it fits.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
import sys
import uuid
import xml.etree.ElementTree as ElementTree
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aecourse import doctor  # noqa: E402

TITLE = "Autoencoders, Measured"
AUTHOR = "The Autoencoders, Measured authors"
WIDTH = 680  # pixels of a line: A4 between margins of 15 mm
PATIENCE = 300_000  # milliseconds for a page to open
LEFT_OUT = ("book/playground", "book/question_bank")  # which only work in a browser
TAGS = re.compile(r"<[^>]+>")
NOTE = (
    "This is the book without what only a browser can do: figures that answer to the reader are pictures here, the playground is "
    "left out, and so is the folded code that draws and measures. Hints and solutions stand open below their exercises."
)
PAPER = """
@page { size: A4; }
html, body { background: white; margin: 0; }
body { width: %dpx; }
article.bd-article { break-before: page; padding: 0 !important; max-width: none !important; }
article.bd-article, .bd-article p, .bd-article li { font-size: 10pt; line-height: 1.4; }
.bd-article pre, .bd-article pre * { font-size: 8pt !important; line-height: 1.35; white-space: pre-wrap !important; overflow-wrap: anywhere; }
.bd-article img, .bd-article svg { max-width: 100%%; height: auto; }
.bd-article .pst-scrollable-table-container, .bd-article .output, .bd-article div.math, .bd-article .highlight { overflow: visible !important; }
.bd-article table { display: table !important; width: auto; max-width: none; }
.bd-article section#cheat-sheet > h1 { display: block !important; }
.print-front { break-after: page; padding-top: 40mm; text-align: center; }
.print-contents { break-after: page; }
.print-contents ol { list-style: none; padding-left: 0; }
"""
BOTH = """
.print-open { border-left: 2px solid #999; padding-left: 0.8em; margin: 0.6em 0; }
.print-title { font-weight: bold; margin: 0 0 0.3em; }
.print-still { margin: 1em 0; text-align: center; break-inside: avoid; }
.print-still figcaption { font-size: 0.85em; color: #444 !important; }
.print-words { font-size: 0.85em; color: #444; text-align: left; }
.print-quick { font-weight: bold; border: 2px solid #b00; padding: 0.5em; }
"""
READER = """
body { line-height: 1.45; }
pre { white-space: pre-wrap; font-size: 0.8em; background: #f4f4f4; padding: 0.5em; overflow-wrap: anywhere; }
img, svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 0.85em; }
td, th { border-bottom: 1px solid #bbb; padding: 0.2em 0.5em; text-align: left; vertical-align: top; }
.aecourse-claim { border-left: 3px solid #2e9e6b; padding: 0.3em 0.8em; margin: 0.6em 0; }
.aecourse-claim.failed { border-left-color: #d64550; }
.aecourse-claim.unjudged { border-left-color: #8a8f98; }
.aecourse-claim > * { margin-right: 0.8em; }
"""
ALONE = (  # what would hide a part of a figure in its picture
    ".bd-header, .bd-header-article, .bd-header-announcement, #pst-skip-link, .bd-sidebar-primary, .bd-sidebar-secondary, "
    "#pst-back-to-top { display: none !important }"
)
# What is wider than the line is made smaller; what still stands out on the right is told.
FIT = """(width) => {
  const out = [];
  for (const again of [false, true])
    for (const each of document.querySelectorAll("article table, article mjx-container, article pre, article svg, article .aecourse-claim, article figure, article img")) {
      const { left, width: wide } = each.getBoundingClientRect(), zoom = Number(each.style.zoom) || 1;
      const share = (width - left) / Math.max(wide, (each.scrollWidth || 0) * zoom);
      if (share >= 1) continue;
      if (share < 0.5 && !again && each.matches("table, pre, .aecourse-claim")) {
        each.style.maxWidth = "100%";
        for (const part of each.matches("table") ? each.querySelectorAll("td, th") : [each])
          if (/\\S{30}/.test(part.textContent)) part.style.overflowWrap = "anywhere";
      } else each.style.zoom = Math.max(0.3, zoom * share * 0.98);
    }
  for (const each of document.querySelectorAll("article *")) {
    const box = each.getBoundingClientRect();
    if (box.width && box.right > width + 2 && !each.closest("mjx-container, svg, [hidden]"))
      out.push(`${each.closest("article").id} ${each.tagName} ${each.className}: ${Math.round(box.right)}`);
  }
  return out;
}"""
READY = """async () => {
  if (window.MathJax?.startup?.promise) await MathJax.startup.promise;
  await document.fonts.ready;
}"""


def pages(book: Path) -> list[str]:
    """The pages of the book in order, as addresses within it."""
    listed = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    files = [listed["root"]] + [
        chapter["file"] for part in listed["parts"] for chapter in part["chapters"]
    ]
    return [
        f"{file}.html"
        for file in files
        if file not in LEFT_OUT and (book / f"{file}.html").is_file()
    ]


def chapters(browser, book: Path, folder: Path, whole: bool, names: list[str]) -> list[dict]:
    """What stands on each page, without scripts: key, title, html, images, mathematics. Pictures come to lie in `folder`.

    whole  whether the pages are to stand in one file (PDF) or each in its own (EPUB)
    """
    keys = {name: f"c{number:02d}" for number, name in enumerate(names)}
    script = (Path(__file__).parent / "print_book.js").read_text("utf-8").rstrip().rstrip(";")
    page = browser.new_page(
        viewport={"width": WIDTH + 40, "height": 1000},
        device_scale_factor=1.5,
        color_scheme="light",
    )
    page.set_default_timeout(PATIENCE)
    found = []
    for name in names:
        page.goto((book / name).as_uri())
        page.evaluate(READY)
        page.add_style_tag(content=ALONE)
        pictures = {}
        drawing = page.locator(".ae-figure:has(canvas), .ae-figure:has(svg)")
        for number in range(drawing.count()):
            figure = drawing.nth(number)
            if figure.evaluate(
                "f => !!f.parentElement.closest('.ae-figure') || f.matches(':has(.ae-quiz)')"
            ):
                continue
            figure.evaluate(
                "(f, n) => { f.dataset.still = n; f.querySelector('.ae-words')?.setAttribute('hidden', '') }",
                str(number),
            )
            file = folder / f"{keys[name]}-{number}.jpg"
            try:
                figure.screenshot(
                    path=file, type="jpeg", quality=80, timeout=60_000, animations="disabled"
                )
            except Exception as error:  # a figure of no size; its words stay
                print(
                    f"{name}: figure {number} could not be pictured: {str(error).splitlines()[0]}"
                )
                continue
            finally:
                figure.evaluate("f => f.querySelector('.ae-words')?.removeAttribute('hidden')")
            pictures[str(number)] = file.as_uri()
        asked = {
            "own": keys[name],
            "chapters": keys,
            "pictures": pictures,
            "web": urlsplit(book.as_uri()).path + "/",
            "whole": whole,
        }
        chapter = page.evaluate(script, asked)
        found.append({**chapter, "key": keys[name], "name": name})
        print(f"{name}: {len(pictures)} figures pictured", flush=True)
    page.close()
    return found


def sheets(book: Path, name: str) -> str:
    """The style sheets of a page, as links that work from anywhere."""
    text = (book / name).read_text("utf-8")
    links = re.findall(r'<link[^>]+href="([^"?]+\.css)[^"]*"', text)
    files = dict.fromkeys(((book / name).parent / link).resolve() for link in links)
    return "\n".join(f'<link rel="stylesheet" href="{file.as_uri()}">' for file in files)


def anchored(text: str, base: Path) -> str:
    """HTML whose pictures are named from the folder of their page, with whole addresses."""

    def whole(found: re.Match) -> str:
        return f"{found[1]}{(base / unquote(found[2])).resolve().as_uri()}{found[3]}"

    return re.sub(r'(<img[^>]* src=")(?!\w+:)([^"]+)(")', whole, text)


def quick_note(book: Path, name: str) -> str:
    """The line at the head of a quick book, for its printed form, too."""
    text = (book / name).read_text("utf-8")
    found = re.search(r'class="bd-header-announcement__content">(.*?)</div>', text, re.S)
    return f'<p class="print-quick">{found[1].strip()}</p>' if found else ""


def pdf(browser, book: Path, file: Path, names: list[str]) -> list[str]:
    """Writes the PDF; what stands out on the right of a page."""
    folder = file.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    found = chapters(browser, book, folder, True, names)
    mathematics = "\n".join(
        dict.fromkeys(rule for each in found for rule in each["mathematics"].split("\n"))
    )
    fonts = (book / "_static" / "mathjax").as_uri()
    mathematics = re.sub(r'url\("[^"]*?/output/', f'url("{fonts}/output/', mathematics)
    contents = "".join(
        f'<li><a href="#{each["key"]}">{html.escape(each["title"].rstrip("#"))}</a></li>'
        for each in found
    )
    body = "\n".join(anchored(each["html"], (book / each["name"]).parent) for each in found)
    note = quick_note(book, names[0])
    text = (
        f'<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8"><title>{TITLE}</title>'
        f"{sheets(book, names[-1])}<style>{mathematics}{PAPER % WIDTH}{BOTH}</style></head><body>"
        f'<div class="print-front"><h1>{TITLE}</h1><p>{AUTHOR}</p><p>{datetime.now():%d %B %Y}</p>{note}<p>{NOTE}</p></div>'
        f'<nav class="print-contents"><h2>Contents</h2><ol>{contents}</ol></nav>{body}</body></html>'
    )
    source = file.with_suffix(".html")
    source.write_text(text, "utf-8")
    page = browser.new_page(viewport={"width": WIDTH, "height": 1000}, color_scheme="light")
    page.emulate_media(media="print")
    page.set_default_timeout(PATIENCE)
    page.goto(source.as_uri())
    page.evaluate("() => document.fonts.ready")
    wide = page.evaluate(FIT, WIDTH)
    foot = '<div style="font-size:8px;width:100%;text-align:center"><span class="pageNumber"></span></div>'
    page.pdf(
        path=file,
        format="A4",
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=foot,
        margin=dict(top="15mm", bottom="15mm", left="15mm", right="15mm"),
        tagged=True,
        outline=True,
    )
    page.close()
    source.unlink()
    for picture in folder.iterdir():
        picture.unlink()
    folder.rmdir()
    return wide


def epub(browser, book: Path, file: Path, names: list[str]) -> list[str]:
    """Writes the EPUB (version 3); the chapters that are not well-formed."""
    folder = file.parent / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    found = chapters(browser, book, folder, False, names)
    note, faults, images, items = quick_note(book, names[0]), [], {}, []
    content: dict[str, str | bytes] = {}

    def kept(address: str, base: Path) -> str:
        """The name in the archive of a picture of a page."""
        if address.startswith("data:"):
            kind, data = re.fullmatch(r"data:image/([\w+]+);base64,(.*)", address, re.S).groups()  # pyright: ignore[reportOptionalMemberAccess]
            raw = base64.b64decode(data)
            name = f"{uuid.uuid5(uuid.NAMESPACE_URL, data)}.{kind.split('+')[0].replace('jpeg', 'jpg')}"
        else:
            place = (
                Path(unquote(urlsplit(address).path))
                if address.startswith("file:")
                else base / unquote(address)
            )
            raw, name = place.resolve().read_bytes(), place.name
        images[name] = raw
        return f"images/{name}"

    for each in found:
        base = (book / each["name"]).parent
        text = each["html"].replace('xmlns="http://www.w3.org/1999/xhtml"', "", 1)
        for address in dict.fromkeys(each["images"]):
            text = text.replace(f'src="{html.escape(address)}"', f'src="{kept(address, base)}"')
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
            '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en"><head>'
            f"<title>{html.escape(each['title'])}</title>"
            f'<link rel="stylesheet" type="text/css" href="style.css"/></head><body>{note}{text}</body></html>'
        )
        try:
            ElementTree.fromstring(text)
        except ElementTree.ParseError as fault:
            faults.append(f"{each['name']}: {fault}")
        content[f"{each['key']}.xhtml"] = text
        kinds = " ".join(
            kind for kind, tag in (("mathml", "<math"), ("svg", "<svg")) if tag in text
        )
        items.append((each["key"], f"{each['key']}.xhtml", "application/xhtml+xml", kinds))
    rows = "".join(
        f'<li><a href="{each["key"]}.xhtml">{html.escape(each["title"].rstrip("#"))}</a></li>'
        for each in found
    )
    content["nav.xhtml"] = (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{TITLE}</title></head><body><h1>{TITLE}</h1>{note}<p>{NOTE}</p>'
        f'<nav epub:type="toc"><h2>Contents</h2><ol>{rows}</ol></nav></body></html>'
    )
    content["style.css"] = READER + BOTH
    items += [
        ("nav", "nav.xhtml", "application/xhtml+xml", "nav"),
        ("style", "style.css", "text/css", ""),
    ]
    kinds = {
        "jpg": "image/jpeg",
        "png": "image/png",
        "svg": "image/svg+xml",
        "gif": "image/gif",
        "webp": "image/webp",
    }
    for number, (name, raw) in enumerate(images.items()):
        content[f"images/{name}"] = raw
        items.append((f"i{number}", f"images/{name}", kinds[name.rsplit(".", 1)[-1]], ""))
    content["book.opf"] = packing_list(items, [each["key"] for each in found])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        out.writestr("META-INF/container.xml", CONTAINER)
        for name, each in content.items():
            out.writestr(f"book/{name}", each)
    for picture in folder.iterdir():
        picture.unlink()
    folder.rmdir()
    return faults


CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="book/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)


def packing_list(items: list[tuple[str, str, str, str]], spine: list[str]) -> str:
    """What an EPUB says of itself and of its files."""
    manifest = "".join(
        f'<item id="{key}" href="{name}" media-type="{kind}"{f" properties={chr(34)}{more}{chr(34)}" if more else ""}/>'
        for key, name, kind, more in items
    )
    order = "".join(f'<itemref idref="{key}"/>' for key in ["nav", *spine])
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" xml:lang="en">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, TITLE)}</dc:identifier><dc:title>{TITLE}</dc:title>'
        f'<dc:language>en</dc:language><dc:creator>{AUTHOR}</dc:creator><meta property="dcterms:modified">{now}</meta></metadata>'
        f"<manifest>{manifest}</manifest><spine>{order}</spine></package>"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("pages", nargs="*", help="only these, e.g. notebooks/01_bottleneck.html")
    given = parser.parse_args()
    kinds = {".pdf": pdf, ".epub": epub}
    book = given.book.resolve()
    if given.file.suffix not in kinds or not (book / "index.html").is_file():
        print(
            f"accepted are a built book and a file that ends in .pdf or .epub; got {book} and {given.file}"
        )
        return 2
    from playwright.sync_api import sync_playwright  # here, so that the rest works without it

    given.file.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=doctor.browser_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        wrong = kinds[given.file.suffix](
            browser, book, given.file.resolve(), given.pages or pages(book)
        )
        browser.close()
    for line in wrong:
        print(line)
    print(f"{given.file}, {given.file.stat().st_size / 2**20:.1f} MB")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
