"""Makes of the built book what a host serves, and a zip that works without a network.

    python house/publish.py BOOK OUT [SITE]     (or: make publish SITE=https://you.github.io/autoencoders)

BOOK is the built book, `_build/html`. In OUT come to lie `site`, to be served from any folder of a host or opened as files, and
`autoencoders.zip`, the same in one file. To the pages are added a description and a title for those who share them, and a
content-security policy: scripts run only where they are the book's own, and nothing is fetched from elsewhere. An address that a
renumbered lesson had before leads to the new one (`redirects.yaml`).

SITE is the address under which the site will stand. What needs one, the map of the site, pictures of shared pages and links on the
page "not found", is left out where none is given; a repository on GitHub has one of its own (`make repository`).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import re
import shutil
import sys
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(Path(__file__).parent))

import repository  # noqa: E402

ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./~-]*)?")
PICTURE = "_static/course.png"
SCRIPT = re.compile(r"<script(?P<head>[^>]*)>(?P<body>.*?)</script>", re.S)
STYLE = "font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem"


def publish(book: Path, out: Path, site: str = "", redirects: dict | None = None) -> list[str]:
    """Writes the site and the zip; what there is to say about it.

    redirects  the numbers that lessons had before, by slug. Raises ValueError for what is no address.
    """
    if site and not ADDRESS.fullmatch(site):
        raise ValueError(
            f"SITE: got {site!r}; accepted is https://HOST or https://HOST/FOLDER, or nothing"
        )
    if not (book / "index.html").is_file():
        raise ValueError(f"BOOK: there is no built book in {book}; make book builds one")
    site, folder = site.rstrip("/"), out / "site"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        book, folder, ignore=shutil.ignore_patterns(".buildinfo", "objects.inv", "reports")
    )
    pages = sorted(page for page in folder.rglob("*.html") if "_static" not in page.parts)
    for page in pages:
        name = page.relative_to(folder).as_posix()
        page.write_text(dressed(page.read_text("utf-8"), name, site), "utf-8")
    moved = lead_on(folder, redirects or {})
    (folder / "404.html").write_text(not_found(site), "utf-8")
    (folder / ".nojekyll").touch()  # GitHub's pages leave out folders that begin with _ otherwise
    said = [f"{len(pages)} pages, {moved} redirects"]
    if site:
        names = [page.relative_to(folder).as_posix() for page in pages]
        (folder / "sitemap.xml").write_text(sitemap(names, site), "utf-8")
        (folder / "robots.txt").write_text(
            f"User-agent: *\nAllow: /\nSitemap: {site}/sitemap.xml\n", "utf-8"
        )
    else:
        said.append("without SITE=https://...: no map of the site, no pictures of shared pages")
    archive = packed(folder, out / "autoencoders.zip")
    return [*said, f"{folder}", f"{archive}, {archive.stat().st_size / 2**20:.0f} MB"]


def dressed(text: str, name: str, site: str) -> str:
    """A page with what is told to those who share it, and with its policy."""
    if "</head>" not in text:
        return text
    title, about = title_of(text), description(text)
    tags = [
        f'<meta property="og:title" content="{title}">',
        '<meta property="og:type" content="article">',
        '<meta property="og:site_name" content="Autoencoders, Measured">',
    ]
    if about:
        tags += [f'<meta property="og:description" content="{about}">']
        if '<meta name="description"' not in text:
            tags += [f'<meta name="description" content="{about}">']
    if site:
        tags += [
            f'<meta property="og:url" content="{site}/{name}">',
            f'<meta property="og:image" content="{site}/{PICTURE}">',
            '<meta name="twitter:card" content="summary_large_image">',
        ]
        if 'rel="canonical"' not in text:
            tags += [f'<link rel="canonical" href="{site}/{name}">']
    text = text.replace("</head>", "\n".join(tags) + "\n</head>", 1)
    before = (
        r"<meta charset=[^>]+>" if "<meta charset=" in text else "<head>"
    )  # which a browser looks for first
    return re.sub(f"({before})", rf"\1\n{policy(text)}", text, count=1)


def title_of(text: str) -> str:
    found = re.search(r"<title>(.*?)</title>", text, re.S)
    return attribute(html.unescape(found[1])) if found else "Autoencoders, Measured"


def description(text: str, most: int = 200) -> str:
    """The first paragraph of a page's article, as text that may stand in an attribute; cut after a word."""
    article = re.search(r"<article.*?</article>", text, re.S)
    for paragraph in re.findall(r"<p(?:\s[^>]*)?>(.*?)</p>", article[0] if article else "", re.S):
        words = " ".join(html.unescape(re.sub(r"<[^>]+>", "", paragraph)).split())
        if len(words) > 40 and "\\(" not in words:
            return attribute(words if len(words) <= most else words[:most].rsplit(" ", 1)[0] + " …")
    return ""


def attribute(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)


def policy(text: str) -> str:
    """The content-security policy of a page: scripts that stand in it are named by what they say.

    "file:" beside 'self', because a page opened as a file has no origin that 'self' could mean.
    """
    said = {
        base64.b64encode(hashlib.sha256(found["body"].encode()).digest()).decode()
        for found in SCRIPT.finditer(text)
        if " src=" not in found["head"] and "json" not in found["head"]
    }
    own = "'self' file:"
    rules = {
        "default-src": "'none'",
        "script-src": " ".join([own, *(f"'sha256-{each}'" for each in sorted(said))]),
        "style-src": f"{own} 'unsafe-inline'",
        "img-src": f"{own} data: blob:",
        "media-src": f"{own} data: blob:",
        "font-src": f"{own} data:",
        "connect-src": "'self'",
        "form-action": own,
        "base-uri": "'none'",
    }
    content = "; ".join(f"{name} {value}" for name, value in rules.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{content}">'


def lead_on(folder: Path, redirects: dict) -> int:
    """Pages at the addresses that lessons had before; how many. An address that is taken is left alone."""
    written = 0
    for slug, numbers in redirects.items():
        now = next(iter(sorted((folder / "notebooks").glob(f"[0-9][0-9]_{slug}.html"))), None)
        if not now:
            continue
        for number in numbers:
            old = folder / "notebooks" / f"{number:02d}_{slug}.html"
            if not old.exists():
                old.write_text(leading(now.name), "utf-8")
                written += 1
    return written


def leading(name: str) -> str:
    """A page that leads to another one beside it, to the same place in it where scripts run."""
    script = f'location.replace("{name}" + location.hash);'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n{policy(f"<script>{script}</script>")}\n'
        f'<title>This lesson has moved</title><meta name="robots" content="noindex">\n<script>{script}</script>\n'
        f'<meta http-equiv="refresh" content="0; url={name}"></head>\n'
        f'<body style="{STYLE}"><main><h1>This lesson has moved</h1><p><a href="{name}">{name}</a></p></main></body></html>\n'
    )


def not_found(site: str) -> str:
    """The page that a host shows for an address that is none. It may be shown at any depth, so its links are whole ones."""
    path = urlsplit(site).path
    links = (
        f'<p><a href="{path}/index.html">To the start page</a>, or <a href="{path}/search.html">search the course</a>.</p>'
        if site
        else "<p>Go to the start page of this site and search there.</p>"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n{policy("")}\n'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">\n'
        "<title>Not found · Autoencoders, Measured</title></head>\n"
        f'<body style="{STYLE}"><main><h1>There is no such page</h1>'
        f"<p>Perhaps a lesson was renamed.</p>{links}</main></body></html>\n"
    )


def sitemap(names: list[str], site: str) -> str:
    pages = "".join(
        f"<url><loc>{site}/{name}</loc></url>\n"
        for name in names
        if name not in ("genindex.html", "search.html", "index.html")
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{pages}</urlset>\n'
    )


def packed(folder: Path, archive: Path) -> Path:
    """The site as a zip, in a folder of its own."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                out.write(file, f"autoencoders/{file.relative_to(folder).as_posix()}")
    return archive


def table(file: Path) -> dict[str, list[int]]:
    """The numbers that lessons had before, by slug."""
    return (yaml.safe_load(file.read_text("utf-8")) if file.is_file() else None) or {}


def own_address(root: Path) -> str:
    """Where GitHub serves the pages of the repository whose address the tree carries; "" for any other."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", repository.address(root))
    return f"https://{found[1].lower()}.github.io/{found[2]}" if found else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("book", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("site", nargs="?", default="")
    given = parser.parse_args()
    site = given.site or own_address(ROOT)
    try:
        said = publish(given.book, given.out, site, table(ROOT / "house" / "redirects.yaml"))
    except ValueError as fault:
        print(fault)
        return 2
    print("\n".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
