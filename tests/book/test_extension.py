"""The parts of the Sphinx extension that can be known without a book."""

import html
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx")
from docutils import nodes  # noqa: E402
from docutils.utils import new_document  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "book" / "_ext"))
import aecourse_book as extension  # noqa: E402

CLAIM = {
    "id": "kl-is-exact",
    "statement": 'KL of "q" to $p$ is < 1 & exact',
    "value": 0.5,
    "holds": True,
    "unit": "nats",
}


def division(claim, anchor=""):
    return f'<div id="{anchor}" class="card aecourse-claim" data-claim="{html.escape(json.dumps(claim))}"><p>...</p></div>'


def test_claims_survive_escaping_and_keep_their_anchor():
    found = extension.claims_in(
        "<p>before</p>" + division(CLAIM, "claim-kl") + division({**CLAIM, "id": "second"})
    )
    assert [(claim["id"], anchor) for claim, anchor in found] == [
        ("kl-is-exact", "claim-kl"),
        ("second", ""),
    ]
    assert found[0][0] == CLAIM


def test_single_quoted_attributes_are_read_too():
    quoted = f"<div class='aecourse-claim' data-claim='{html.escape(json.dumps(CLAIM))}'></div>"
    assert extension.claims_in(quoted) == [(CLAIM, "")]


def test_a_sound_claim_has_no_fault():
    assert extension.fault(CLAIM) is None


@pytest.mark.parametrize(
    "claim",
    [
        None,
        {**CLAIM, "id": ""},
        {**CLAIM, "id": "Two Words"},
        {**CLAIM, "id": "trailing-"},
        {**CLAIM, "id": "under_score"},
        {**CLAIM, "id": 7},
        {key: value for key, value in CLAIM.items() if key != "holds"},
        {key: value for key, value in CLAIM.items() if key != "value"},
    ],
)
def test_faulty_claims_are_named(claim):
    assert extension.fault(claim)


def test_broken_json_is_a_fault():
    ((claim, _),) = extension.claims_in('<div class="aecourse-claim" data-claim="{not json"></div>')
    assert extension.fault(claim)


def test_duplicates_are_found_within_and_between_lessons():
    one, two = {"id": "one"}, {"id": "two"}
    assert extension.duplicates({"a": [one, two]}) == []
    assert extension.duplicates({"a": [one, one]}) == [("one", "a", "a")]
    assert extension.duplicates({"a": [one], "b": [two, one]}) == [("one", "a", "b")]


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (0.012345, "rad", "0.01235\u2009rad"),
        (-2.0, None, "\u22122"),
        (-1234.56, None, "\u22121235"),
        (489136, None, "489\u202f136"),
        (1.5e-7, None, "1.5 × 10⁻⁷"),
        (-1.5e-7, None, "\u22121.5 × 10⁻⁷"),
        (None, None, "–"),
        ("0.97 of 1", None, "0.97 of 1"),
        (True, None, "yes"),
    ],
)
def test_figures_are_written_as_people_write_them(value, unit, text):
    assert extension.figure(value, unit) == text


def test_font_preloads_are_removed_and_nothing_else():
    head = '<link rel="preload" as="script" href="a.js"/>\n  <link rel="preload" as="font" type="font/woff2" crossorigin href="f.woff2"/>\n<link href="b.css">'
    assert (
        extension.FONT_PRELOAD.sub("", head)
        == '<link rel="preload" as="script" href="a.js"/>\n<link href="b.css">'
    )


@pytest.mark.parametrize(
    "text, kinds",
    [
        ("plain, costs $5", ["Text"]),
        ("the KL of $q$ from `torch`", ["Text", "math", "Text", "literal"]),
        (r"the KL of \(q\) to \(p\)", ["Text", "math", "Text", "math"]),
    ],
)
def test_statements_keep_their_mathematics(text, kinds):
    parts = extension.text_with_math(text)
    assert [type(part).__name__ for part in parts] == kinds
    assert "".join(part.astext() for part in parts) == text.replace("$q$", "q").replace(
        "`", ""
    ).replace(r"\(", "").replace(r"\)", "")


def test_of_what_all_figures_bring_a_page_keeps_the_first():
    assert extension.once("<p>a{}</p><p>{}b</p>{}", "{}") == "<p>a{}</p><p>b</p>"
    assert extension.once("<p>", "{}") == extension.once("<p>", "") == "<p>"


def test_icon_scripts_are_removed_and_nothing_else():
    head = '<link href="v/fontawesome/6/css/all.css"/>\n  <script src="../_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=1"></script>\n<script src="a.js"></script>'
    assert (
        extension.ICON_SCRIPT.sub("", head)
        == '<link href="v/fontawesome/6/css/all.css"/>\n<script src="a.js"></script>'
    )


def files(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_what_no_page_loads_is_taken_out_and_a_pattern_without_files_is_a_warning(
    tmp_path, monkeypatch
):
    kept = {
        "mathjax/startup.js",
        "mathjax/core.js",
        "mathjax/LICENSE",
        "mathjax/input/tex.js",
        "mathjax/input/tex/extensions/cancel.js",
        "mathjax/output/chtml.js",
        "mathjax/output/chtml/fonts/tex.js",
        "mathjax/output/chtml/fonts/woff-v2/M.woff",
        "mathjax/a11y/assistive-mml.js",
        "course.css",
        "vendor/fontawesome/6/css/all.css",
        "vendor/fontawesome/6/LICENSE.txt",
        "vendor/fontawesome/6/webfonts/solid.woff2",
    }
    spare = {
        "mathjax/tex-svg.js",
        "mathjax/input/tex-full.js",
        "mathjax/sre/mathmaps/en.json",
        "styles/theme.css.map",
        "locales/de/LC_MESSAGES/theme.po",
        "vendor/fontawesome/6/js/all.min.js",
        "vendor/fontawesome/6/webfonts/solid.ttf",
    }
    warned = []
    monkeypatch.setattr(
        extension.log, "warning", lambda text, *arguments, **_: warned.append(text % arguments)
    )
    for name in kept | spare:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    extension.lighten(tmp_path)
    assert files(tmp_path) == kept and not warned
    (tmp_path / "mathjax/core.js").unlink()
    extension.lighten(tmp_path)
    assert len(warned) == 1 + len(extension.UNUSED) and any("core.js" in text for text in warned)


@pytest.mark.parametrize(
    "name, key",
    [
        ("2 · The KL term", "vae_elbo:the-kl-term"),
        ("7 · The KL term", "vae_elbo:the-kl-term"),
        ("1 · A `code` and $k$", "vae_elbo:a-code-and-k"),
    ],
)
def test_an_exercise_keeps_its_key_when_its_number_changes(name, key):
    import aecourse_exercises

    assert (
        f'data-exercise="{key}"' in aecourse_exercises.tick("notebooks/05_vae_elbo", name).astext()
    )


def paragraph(*children):
    document = new_document("page")
    document += nodes.paragraph("", "", *children)
    return document


def test_punctuation_after_a_formula_stays_in_its_line():
    document = paragraph(
        nodes.Text("Both "),
        nodes.math("", "x"),
        nodes.Text(", "),
        nodes.math("", "y"),
        nodes.Text(" and "),
        nodes.math("", "z"),
        nodes.Text(")."),
    )
    extension.keep_punctuation(None, document, "page")
    together = [node.astext() for node in document.findall(nodes.inline)]
    assert together == ["x,", "z)."] and document.astext() == "Both x, y and z)."


def test_a_formula_at_the_end_or_before_other_formulas_is_left_alone():
    document = paragraph(nodes.math("", "x"), nodes.emphasis("", ", so"), nodes.math("", "y"))
    extension.keep_punctuation(None, document, "page")
    assert not list(document.findall(nodes.inline)) and document.astext() == "x, soy"


MEASURED = {
    **CLAIM,
    "kind": "measured",
    "above": 0.1,
    "below": None,
    "published": None,
    "runs": [0.4, 0.05],
    "stale": False,
    "held": 1,
    "verdict": "held",
    "figure": "0.5 nats",
}


def test_a_measured_claim_shows_its_repetitions_and_whether_they_are_stale():
    strip, words = extension.repetitions(MEASURED)
    assert (
        strip.astext().count('r="3"') == 2
        and 'data-rate="0.5000"' in words.astext()
        and "held in 1 of 2 runs" in words.astext()
    )
    assert "with earlier code" in extension.repetitions({**MEASURED, "stale": True})[1].astext()
    assert (
        extension.repetitions({**MEASURED, "kind": "exact", "runs": []})[0].astext()
        == "holds on every machine"
    )


def test_the_summary_counts_what_can_be_false():
    exact = {**MEASURED, "kind": "exact", "runs": [], "held": 0}
    text = extension.summary(
        [MEASURED, {**MEASURED, "runs": [0.4, 0.5], "held": 2, "holds": False}, exact], 1
    )[0].astext()
    assert "3 claims in 1 lesson. 2 are measured and can be false; 1 is exact." in text
    assert (
        "1 of the 2 measured ones held and 1 of the 1 exact ones" in text
        and "1 of 2 held in every repetition" in text
    )


# ---------------------------------------------------------------- search


def test_search_is_given_sections_with_the_words_that_are_shown():
    import aecourse_search

    def section(name, *children):
        return nodes.section("", nodes.title(name, name), *children, ids=[name.lower()])

    shown = nodes.raw(
        "", "<style>.a{}</style><script>no()</script><p>shown <b>here</b></p>", format="html"
    )
    document = new_document("page")
    document += section("Page", nodes.paragraph("", "Top."), section("Part", shown))
    assert aecourse_search.sections(document) == [
        ("", "Page", "Top."),
        ("part", "Part", "shown here"),
    ]
