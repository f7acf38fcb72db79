"""What the search page looks through: every section of every page, with its words.

Sphinx's own index knows pages, and a lesson is long. `sections.js` lists sections; `search.js` finds in it, so that a result
names the section and leads to it. It is a script, since a page that is opened as a file may not fetch anything.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes

NO_WORDS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.S)


def sections(doctree) -> list[tuple[str, str, str]]:
    """The sections of a page in order, each as (its id, its title, its own words); the page itself comes first, without an id."""
    found = []
    for section in doctree.findall(nodes.section):
        title = section.next_node(nodes.title)
        own = [child for child in section.children[1:] if not isinstance(child, nodes.section)]
        text = " ".join(" ".join(map(words, own)).split())
        found.append((section["ids"][0] if found else "", title.astext(), text))
    return found


def words(node) -> str:
    """The words of a node; of HTML, those that are shown."""
    if isinstance(node, nodes.raw):
        return NO_WORDS.sub(" ", node.astext()) if node.get("format") == "html" else ""
    if isinstance(node, nodes.Text):
        return node.astext()
    return " ".join(map(words, node.children))


def write(app, failure) -> None:
    if failure or app.builder.format != "html":
        return
    pages = [
        (doc, app.env.titles[doc].astext(), sections(app.env.get_doctree(doc)))
        for doc in sorted(app.env.found_docs)
    ]
    text = json.dumps(pages, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "_static", "sections.js").write_text(
        f"window.aecourseSections = {text};\n", "utf-8"
    )


def setup(app):
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
