"""What the book adds to Sphinx: a page of claims, the question bank, citations and terms that lessons can link to,
and pages that need no network.

Claims. Executed notebooks contain ``<div class="aecourse-claim" data-claim="{...}">`` in their outputs. They are
collected as each document is read, and the ``claims`` directive becomes one table per lesson. That page is
written again in every build, so an incremental build cannot leave it behind.

Citations. Lessons cite with ordinary Markdown links, ``[Kingma & Welling (2014)](../book/bibliography.md#kingma2014)``,
because these also work in JupyterLab and Colab. The keys of the bibliography are made known to MyST as targets of
that page; a link to a key that does not exist is a warning, and the book is built with warnings as errors.

Terms. In the same way a lesson links to the glossary: ``[code](../book/glossary.md#code)``.

Question bank. ``{question-bank}`` is the page to review with, ``{question-bank-sheet}`` all questions and then all
answers, for paper, and ``{question-bank-deck}`` a link to the deck for Anki. All are made from the cards in
``aecourse.quiz``; a malformed card stops the build.

Offline. What the theme would fetch, or what a browser refuses to load from ``file://``, is taken out of the pages.

Scripts. The book's own scripts and what they import from ``aecourse.page`` are joined into ``course.js``: a page that is
opened as a file has no modules.

Weight. Of MathJax the pages load the parts named in ``MATHJAX`` and no combined file: the formulas look the same and are read
out, but carry no menu, which would want several megabytes more and be a stop of the keyboard at each formula. What no page
loads is taken out of ``_static``, see `lighten`. Each figure brings the style sheet that all share; a page keeps it once.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

VERSION = 1
log = logging.getLogger(__name__)

CLAIM_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DECK = "autoencoders.apkg"
FONT_PRELOAD = re.compile(r'\s*<link rel="preload" as="font"[^>]*>')
PUNCTUATION = re.compile(r"[.,;:!?)\]’”…-]+")
ICON_SCRIPT = re.compile(r'\s*<script src="[^"]*/fontawesome/[^"]*"></script>')


# ---------------------------------------------------------------- claims: collect


class ClaimParser(HTMLParser):
    """The claims in a piece of HTML, as (claim, anchor) pairs; a claim that is no JSON object is None."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[dict | None, str]] = []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if (
            "aecourse-claim" not in (attributes.get("class") or "").split()
            or "data-claim" not in attributes
        ):
            return
        try:
            claim = json.loads(attributes["data-claim"] or "")
        except ValueError:
            claim = None
        self.found.append((claim if isinstance(claim, dict) else None, attributes.get("id") or ""))


def claims_in(html: str) -> list[tuple[dict | None, str]]:
    parser = ClaimParser()
    parser.feed(html)
    parser.close()
    return parser.found


def store(env) -> dict[str, list[dict]]:
    if not hasattr(env, "aecourse_claims"):
        env.aecourse_claims = {}
    return env.aecourse_claims


def collect(app, doctree) -> None:
    claims = []
    for raw in doctree.findall(nodes.raw):
        if "html" not in raw.get("format", "") or "aecourse-claim" not in raw.astext():
            continue
        for claim, anchor in claims_in(raw.astext()):
            problem = fault(claim)
            if problem:
                log.warning(
                    "claim: %s", problem, location=app.env.docname, type="aecourse", subtype="claim"
                )
            elif claim is not None:
                claims.append({**claim, "anchor": anchor})
    if claims:
        store(app.env)[app.env.docname] = claims


def fault(claim: dict | None) -> str | None:
    """What is wrong with a claim, or None."""
    if claim is None:
        return "data-claim is not a JSON object"
    name = claim.get("id")
    if not isinstance(name, str) or not CLAIM_ID.fullmatch(name):
        return f"malformed id {name!r}: expected lower-case words joined by hyphens"
    missing = [key for key in ("statement", "value", "holds") if key not in claim]
    return f"{name!r} lacks {', '.join(missing)}" if missing else None


def duplicates(claims: dict[str, list[dict]]) -> list[tuple[str, str, str]]:
    """Every id used twice, as (id, first document, second document)."""
    first, twice = {}, []
    for docname, listed in claims.items():
        for claim in listed:
            if claim["id"] in first:
                twice.append((claim["id"], first[claim["id"]], docname))
            else:
                first[claim["id"]] = docname
    return twice


def forget(app, env, docname) -> None:
    store(env).pop(docname, None)
    claims_pages(env).discard(docname)


def merge(app, env, docnames, other) -> None:
    for docname in docnames:
        if docname in store(other):
            store(env)[docname] = store(other)[docname]
        if docname in claims_pages(other):
            claims_pages(env).add(docname)


# ---------------------------------------------------------------- claims: show


class claims_table(nodes.General, nodes.Element):
    """Stands where the claims will be."""


class Claims(SphinxDirective):
    """All claims of all lessons, in the order of the book."""

    def run(self):
        claims_pages(self.env).add(self.env.docname)
        return [claims_table()]


def claims_pages(env) -> set[str]:
    if not hasattr(env, "aecourse_claims_pages"):
        env.aecourse_claims_pages = set()
    return env.aecourse_claims_pages


def reading_order(env) -> list[str]:
    order: list[str] = []

    def visit(docname):
        if docname not in order:
            order.append(docname)
            for child in env.toctree_includes.get(docname, []):
                visit(child)

    visit(env.config.root_doc)
    return order + sorted(set(env.found_docs) - set(order))


def text_with_math(text: str) -> list[nodes.Node]:
    """Plain text in which $...$ or \\(...\\) is mathematics and `...` is code."""
    parts: list[nodes.Node] = []
    for piece in re.split(r"(\$[^$]+\$|`[^`]+`)", re.sub(r"\\\((.+?)\\\)", r"$\1$", text)):
        if len(piece) > 2 and piece[0] == piece[-1] == "$":
            parts.append(nodes.math(piece[1:-1], piece[1:-1]))
        elif len(piece) > 2 and piece[0] == piece[-1] == "`":
            parts.append(nodes.literal(piece[1:-1], piece[1:-1]))
        elif piece:
            parts.append(nodes.Text(piece))
    return parts


def figure(value, unit: str | None = None) -> str:
    """A figure, where the claim does not write it itself, as people write it: four significant digits, a true minus sign, the unit after a thin space."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int):
        text = f"{value:,}".replace(",", "\u202f")
    elif isinstance(value, float):
        text = f"{value:.4g}"
        if "e" in text:
            mantissa, power = text.split("e")
            raised = str(int(power)).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
            text = f"{mantissa} × 10{raised}"
    else:
        text = str(value)
    return text.replace("-", "\u2212", text.startswith("-")) + (f"\u2009{unit}" if unit else "")


def cell(*children, classes=()) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", *children), classes=list(classes))


def table_of(claims: list[dict], docname: str, app, page: str) -> nodes.table:
    has_published = any(claim.get("published") is not None for claim in claims)
    heads = ["Claim", "Here", "Repetitions", *(["Published"] if has_published else []), "Verdict"]
    group = nodes.tgroup(cols=len(heads))
    for width in (48, 13, 19, *([12] if has_published else []), 10):
        group += nodes.colspec(colwidth=width)
    group += nodes.thead("", nodes.row("", *[cell(nodes.Text(head)) for head in heads]))
    body = nodes.tbody()
    for claim in claims:
        target = app.builder.get_relative_uri(page, docname) + (
            f"#{claim['anchor']}" if claim["anchor"] else ""
        )
        statement = nodes.reference(
            "", "", *text_with_math(claim["statement"]), refuri=target, internal=True
        )
        unit, published = claim.get("unit") or None, claim.get("published")
        look = "claim-held" if claim["holds"] else "claim-not-held"
        verdict = nodes.inline(
            "",
            claim.get("verdict") or ("held" if claim["holds"] else "did not hold"),
            classes=[look if claim.get("judged", True) else "claim-unjudged"],
        )
        row = nodes.row(
            "",
            cell(statement, classes=["claim-statement"]),
            cell(
                nodes.Text(claim.get("figure") or figure(claim["value"], unit)),
                classes=["claim-value"],
            ),
            cell(*repetitions(claim), classes=["claim-runs"]),
        )
        if has_published:
            absent = published is None
            row += cell(
                nodes.Text(
                    figure(published, None if absent or isinstance(published, str) else unit)
                ),
                classes=["claim-value", "claim-absent" if absent else "claim-published"],
            )
        row += cell(verdict)
        body += row
    group += body
    return nodes.table("", group, classes=["claims-table"])


def repetitions(claim: dict) -> list[nodes.Node]:
    """The strip of a measured claim and how often it held, with a mark where it was measured with other code than today's."""
    if claim.get("kind") != "measured":
        return [nodes.inline("", "holds on every machine", classes=["claim-rate"])]
    from aecourse.claims import Claim, strip  # here, so that other books need no course

    made = Claim(**{name: claim[name] for name in Claim.__dataclass_fields__ if name in claim})
    share = made.held / len(made.runs) if made.runs else -1
    words = made.rate + (", with earlier code" if made.stale else "")
    return [
        nodes.raw("", strip(made), format="html"),
        nodes.raw(
            "", f'<span class="claim-rate" data-rate="{share:.4f}">{words}</span>', format="html"
        ),
    ]


def measured_with(docname: str) -> nodes.paragraph | None:
    """With which code, where and when a lesson was repeated; None where it never was."""
    from aecourse import ledger
    from aecourse.ledger import code

    lesson = docname.rsplit("/", 1)[-1]
    runs = ledger.read(lesson)
    if not runs:
        return None
    stale = [run for run in runs if code.stale(lesson, run)]
    made = ", ".join(sorted({run["processor"] for run in runs}))
    kinds = ", ".join(sorted({run["capability"] for run in runs}))
    days = sorted({run["date"] for run in runs})
    text = (
        f"{count(len(runs), 'repetition')}, {' to '.join(dict.fromkeys((days[0], days[-1])))}, on {made} ({kinds}), "
        f"code {', '.join(sorted({run['digest'].split(':')[-1][:8] for run in runs}))}"
    )
    return nodes.paragraph(
        "",
        text + (f"; {len(stale)} of them with earlier code." if stale else ", as it is today."),
        classes=["claims-code", *(["claims-stale"] if stale else [])],
    )


def summary(everything: list[dict], lessons: int) -> list[nodes.Node]:
    """How many claims there are, how many can be false, and what happened to them here and in the ledger."""
    exact = [claim for claim in everything if claim.get("kind") == "exact"]
    measured = [claim for claim in everything if claim.get("kind") != "exact"]
    repeated = [claim for claim in measured if claim.get("runs")]
    always = sum(claim["held"] == len(claim["runs"]) for claim in repeated)
    lines = [
        f"{count(len(everything), 'claim')} in {count(lessons, 'lesson')}. {count(len(measured), 'is', 'are')} measured and can be "
        f"false; {count(len(exact), 'is', 'are')} exact.",
        f"Here {sum(bool(claim['holds']) for claim in measured)} of the {len(measured)} measured ones held and "
        f"{sum(bool(claim['holds']) for claim in exact)} of the {len(exact)} exact ones."
        if all(claim.get("judged", True) for claim in everything)
        else "None was judged here: this is a quick book.",
    ]
    if repeated:
        lines.append(f"In the ledger {always} of {len(repeated)} held in every repetition.")
    return [nodes.paragraph("", " ".join(lines), classes=["claims-summary"])]


def show(app, doctree, page) -> None:
    for place in list(doctree.findall(claims_table)):
        claims, shown = store(app.env), []
        listed = [docname for docname in reading_order(app.env) if claims.get(docname)]
        everything = [claim for docname in listed for claim in claims[docname]]
        if everything:
            shown += [
                *summary(everything, len(listed)),
                nodes.raw(
                    "",
                    '<p class="claims-order ae-page" hidden><button type="button" class="ae-button">Sort by how often they held</button></p>',
                    format="html",
                ),
            ]
        else:
            shown.append(nodes.paragraph("", "No lesson in this build makes a claim."))
        for docname in listed:
            title = nodes.reference(
                "",
                "",
                *[child.deepcopy() for child in app.env.titles[docname].children],
                refuri=app.builder.get_relative_uri(page, docname),
                internal=True,
            )
            code = measured_with(docname)
            shown.append(
                nodes.section(
                    "",
                    nodes.title("", "", title),
                    *([code] if code else []),
                    table_of(claims[docname], docname, app, page),
                    ids=["claims-" + nodes.make_id(docname)],
                    classes=["claims-lesson"],
                )
            )
        place.replace_self(shown)


def keep_claims(app) -> None:
    """All claims beside the pages, for the command that built them."""
    claims = [
        {**claim, "page": docname}
        for docname in reading_order(app.env)
        for claim in store(app.env).get(docname, [])
    ]
    (Path(app.outdir).parent / "claims.json").write_text(json.dumps(claims), "utf-8")


def count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


# ---------------------------------------------------------------- once everything is read


def everything_read(app, env) -> list[str]:
    for name, first, second in duplicates(store(env)):
        log.warning(
            "claim: the id %r appears in %s and again in %s",
            name,
            first,
            second,
            location=second,
            type="aecourse",
            subtype="claim",
        )
    cite_from_markdown(env)
    link_terms_from_markdown(env)
    return sorted(claims_pages(env))


def cite_from_markdown(env) -> None:
    """Let ``bibliography.md#key`` resolve: every key is an id on the page that holds the bibliography."""
    domain = env.get_domain("cite")
    for citation in domain.citations:
        slugs = env.metadata[citation.bibliography_key.docname].setdefault("myst_slugs", {})
        slugs[citation.key] = (0, citation.citation_id, citation.key)


def link_terms_from_markdown(env) -> None:
    """Let ``glossary.md#posterior-collapse`` resolve: every term is an id on the page that holds the glossary."""
    for term, _, kind, docname, anchor, _ in env.get_domain("std").get_objects():
        if kind == "term":
            env.metadata[docname].setdefault("myst_slugs", {})[nodes.make_id(term)] = (
                0,
                anchor,
                term,
            )


# ---------------------------------------------------------------- the question bank


class QuestionBank(SphinxDirective):
    """The cards of the question bank, to review with."""

    def run(self):
        from aecourse.quiz import (
            bank,
            cards,
            cards_page,
        )  # here, so that other books need no course

        for file in (
            *cards.files(),
            *(Path(cards.__file__).parent / name for name in ("cards.js", "cards.css")),
        ):
            self.env.note_dependency(str(file))
        try:
            return [nodes.raw("", self.render(cards, cards_page), format="html")]
        except bank.QuizError as fault:
            raise ExtensionError(f"question bank: {fault}") from None

    def render(self, cards, cards_page) -> str:
        return cards_page.question_bank(self.lessons()).html

    def lessons(self) -> dict[str, str]:
        """Where each lesson of this build is, by its slug and as seen from this page."""
        found = {
            docname: re.fullmatch(r"notebooks/\d\d_(\w+)", docname)
            for docname in sorted(self.env.found_docs)
        }
        return {
            match[1]: self.env.app.builder.get_relative_uri(self.env.docname, docname)
            for docname, match in found.items()
            if match
        }


class QuestionBankDeck(QuestionBank):
    """A link to the Anki deck, which `finish` writes; nothing where genanki is not installed."""

    def render(self, cards, cards_page) -> str:
        if importlib.util.find_spec("genanki") is None:
            return ""
        up = self.env.app.builder.get_relative_uri(self.env.docname, "_static").removesuffix(
            ".html"
        )
        return f'<p><a href="{up}/{DECK}" download>Download the cards as a deck for Anki</a></p>'


class QuestionBankSheet(QuestionBank):
    """All questions and then all answers, for paper."""

    def render(self, cards, cards_page) -> str:
        return cards_page.sheet(cards.load())


# ---------------------------------------------------------------- offline, and light


def keep_punctuation(app, doctree, page) -> None:
    """Keeps the punctuation after a formula in the line on which the formula ends: a browser may break before it."""
    for formula in list(doctree.findall(nodes.math)):
        after = formula.next_node(descend=False, siblings=True)
        mark = PUNCTUATION.match(after) if isinstance(after, nodes.Text) else None
        if mark:
            place, parent = formula.parent.index(formula), formula.parent
            together = nodes.inline("", "", classes=["course-together"])
            parent[place : place + 2] = [together, nodes.Text(after[mark.end() :])]
            together += [formula, nodes.Text(mark.group())]


def without_kernels(app, page, template, context, doctree) -> None:
    """Thebe runs code on somebody's server, and widgets want the kernel that made them; these pages have neither."""

    def wanted(script):
        return not re.search(
            r"thebe|jupyter\.widget",
            f"{getattr(script, 'filename', '')} {getattr(script, 'attributes', '')}",
        )

    for key in ("script_files", "css_files"):
        if key in context:
            context[key] = [script for script in context[key] if wanted(script)]


MATHJAX = ("input/tex", "output/chtml", "a11y/assistive-mml")
MATHJAX_KEPT = (
    "startup.js",
    "core.js",
    *(f"{part}.js" for part in MATHJAX),
    "input/tex/extensions/*.js",
    "output/chtml/fonts/**/*.*",
)
UNUSED = (
    "**/*.map",  # for the debugger of a browser
    "**/*.ttf",  # every browser takes the .woff2 beside it
    "locales/**/*.*",  # the theme's translations, for the build
    "vendor/fontawesome/*/js/*",  # the icons once more, as a script; the pages draw them from the font
)


def say_that_it_is_quick(app, config) -> None:
    """A line at the head of every page of a book that was made with small budgets."""
    if os.environ.get("AECOURSE_QUICK"):
        from aecourse import quick  # here, so that other books need no course

        config.html_theme_options = {**config.html_theme_options, "announcement": quick.BANNER}


def load_mathjax_in_parts(app, config) -> None:
    config.mathjax_path = "mathjax/startup.js"
    config.mathjax3_config = {**(config.mathjax3_config or {}), "loader": {"load": list(MATHJAX)}}


def lighten(static: Path) -> None:
    """Take out what no page loads: what is named in UNUSED, and of MathJax all but MATHJAX_KEPT. A pattern that fits no
    file is a warning, since another version of a package may name its files differently."""

    def fitting(folder: Path, patterns: tuple[str, ...]) -> set[Path]:
        found = {
            pattern: {file for file in folder.glob(pattern) if file.is_file()}
            for pattern in patterns
        }
        for pattern in (pattern for pattern, files in found.items() if not files):
            log.warning(
                "weight: no file fits %s in %s",
                pattern,
                folder.name,
                type="aecourse",
                subtype="weight",
            )
        return set().union(*found.values())

    mathjax = static / "mathjax"
    spare = {
        file for file in mathjax.rglob("*") if file.is_file() and "LICENSE" not in file.name
    } - fitting(mathjax, MATHJAX_KEPT)
    for file in fitting(static, UNUSED) | spare:
        file.unlink()


def once(text: str, part: str) -> str:
    """A text in which a part stands at most once, at its first place."""
    head, *others = text.split(part) if part else [text]
    return head + part + "".join(others) if others else head


def scripts(app) -> list[Path]:
    return sorted(Path(app.srcdir, "book", "_static").glob("*.js"))


def join_scripts(app) -> None:
    """Writes the book's own scripts, with all that they import, as one file."""
    if app.builder.format != "html" or not scripts(app):
        return
    from aecourse.page import bundle  # here, so that other books need no course

    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    joined = f'(function () {{\n"use strict";\n{bundle(*scripts(app))}\n}})();\n'
    (static / "course.js").write_text(joined, "utf-8")


def finish(app, failure) -> None:
    if failure or app.builder.format != "html":
        return
    out = Path(app.outdir)
    keep_claims(app)
    lighten(out / "_static")
    for script in scripts(app):  # its text stands in course.js
        (out / "_static" / script.name).unlink(missing_ok=True)
    if importlib.util.find_spec("genanki") and any(
        DECK in page.read_text("utf-8") for page in out.glob("book/*.html")
    ):
        from aecourse.quiz import anki

        anki.write(out / "_static" / DECK)
    common = out / "_static" / "page.css"
    sheet = common.read_text("utf-8") if common.is_file() else ""
    for page in out.rglob("*.html"):
        text = page.read_text("utf-8")
        lean = ICON_SCRIPT.sub(
            "", FONT_PRELOAD.sub("", text)
        )  # preloading with CORS is refused under file://; the CSS loads the fonts
        lean = once(lean, sheet)
        if lean != text:
            page.write_text(lean, "utf-8")
    first = app.config.root_doc
    if first != "index":
        (out / "index.html").write_text(
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<title>{app.config.html_title}</title><meta http-equiv="refresh" content="0; url={first}.html"></head>\n'
            f'<body><main><p><a href="{first}.html">{app.config.html_title}</a></p></main></body></html>\n',
            "utf-8",
        )


def setup(app):
    app.set_html_assets_policy(
        "always"
    )  # mathematics may also arrive in an output or in the claims
    app.add_node(claims_table)
    app.add_directive("claims", Claims)
    app.add_directive("question-bank", QuestionBank)
    app.add_directive("question-bank-deck", QuestionBankDeck)
    app.add_directive("question-bank-sheet", QuestionBankSheet)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", everything_read, priority=900)
    app.connect("doctree-resolved", show)
    app.connect("doctree-resolved", keep_punctuation)
    app.connect("html-page-context", without_kernels, priority=900)
    app.connect("config-inited", load_mathjax_in_parts)
    app.connect("config-inited", say_that_it_is_quick)
    app.connect("builder-inited", join_scripts)
    app.connect("build-finished", finish, priority=900)  # after MathJax has been copied
    return {
        "version": str(VERSION),
        "env_version": VERSION,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
