"""Words of figures and quizzes in other languages: what counts as words, that nothing else is touched, and one page as proof."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aecourse import explore
from aecourse.page import bundle, words

ROOT = Path(__file__).resolve().parents[2]


sys.path.insert(0, str(ROOT / "house"))
import words as house  # noqa: E402

SCRIPTS = sorted([*(ROOT / "aecourse").rglob("*.js"), *(ROOT / "book" / "_static").glob("*.js")])
PLAYGROUND = [
    "explore/playground/playground.js",
    "explore/playground/__init__.py",
    "page/figure.py",
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_without_a_translation_no_sign_of_a_script_changes(script):
    code = script.read_text("utf-8")
    assert words._rewritten(code, {}) == code


@pytest.mark.parametrize(
    "code, found",
    [
        ('button("Play", go)', ["Play"]),
        ("say(`${n} of ${total} words`)", ["{0} of {1} words"]),
        (
            'say(`${a ? `the ${b} one` : "no one"}, at last`)',
            ["the {0} one", "no one", "{0}, at last"],
        ),
        ('text.replace(/"A \\/ b"/g, "") // "Not this"', []),
        ('element("p", { class: "ae-note ae-muted" }, "A note")', ["A note"]),
        ('root.querySelector(".ae-note [name=answer]")', []),
        ('if (event.key === "Enter") node.addEventListener("pointer up", go)', ["pointer up"]),
        ('said: "seed"', ["seed"]),
        ("{ d: `M${x} ${y}L` }", []),
        (r'say("He said \"yes\" twice")', ['He said "yes" twice']),
        ("const half = a / b; say(`the ${half / 2} one`); const c = d / e", ["the {0} one"]),
    ],
)
def test_the_words_of_a_script_are_found(code, found):
    assert sorted(words.in_script(code)) == sorted(found)


def test_words_of_python_are_texts_and_labels_and_neither_errors_nor_documentation():
    source = '''
def made(n):
    """A documentation of it."""
    if n < 1:
        raise ValueError("n: got too few")
    require.integer("number of things", n)
    return f'<p class="ae-note" title="A tip">{n} cards are due, <b>at once</b></p>'
'''
    assert sorted(words.in_python(source)) == ["A tip", "at once", "{0} cards are due,"]


@pytest.fixture
def german(monkeypatch):
    table = {
        "Play": "Abspielen",
        "{0} of {1} done": "von {1} sind `{0}` fertig",
        "A tip": "Ein Tipp",
        "no one": "keiner & niemand",
    }
    monkeypatch.setattr(words, "translations", lambda name: table if name == "de" else {})
    words._patterns.cache_clear()
    with words.language("de"):
        yield
    words._patterns.cache_clear()


def test_a_translation_may_turn_the_order_round(german):
    code = 'say(`${ready(1)} of ${`${all}`} done`); button("Play"); say("no one")'
    turned = words.script(code)
    assert turned.startswith(r"say(`von ${`${all}`} sind \`${ready(1)}\` fertig`);")
    assert "button(`Abspielen`)" in turned and "say(`keiner & niemand`)" in turned


def test_texts_and_markup_are_translated_and_data_by_whole_texts(german):
    assert (
        words.text(" 3 of 5 done ") == " von 5 sind `3` fertig " and words.text("other") == "other"
    )
    html = '<p title="A tip" class="Play">Play <b>no one</b></p><style>Play</style>'
    assert words.markup(html) == (
        '<p title="Ein Tipp" class="Play">Abspielen <b>keiner &amp; niemand</b></p><style>Play</style>'
    )
    assert words.inside({"Play": ["Play", 1, "3 of 5 done"]}) == {
        "Play": ["Abspielen", 1, "3 of 5 done"]
    }


def test_a_language_lasts_as_long_as_its_block_and_must_be_one_of_those_there_are():
    with words.language("de"):
        assert words.current() == "de"
    assert words.current() == "en"
    with pytest.raises(ValueError, match="name: got 'tlh'; accepted"):
        with words.language("tlh"):
            pass


def test_the_list_for_translators_is_in_step():
    assert (words.FOLDER / "en.yaml").read_text("utf-8") == house.listed(), "python house/words.py"


@pytest.mark.parametrize("language", words.languages()[1:])
def test_a_language_translates_what_there_is_and_uses_only_its_numbers(language):
    lacking, gone = house.gaps(language)
    assert not gone
    for english, other in words.translations(language).items():
        assert set(re.findall(r"\{\d\}", other)) <= set(re.findall(r"\{\d\}", english)), english


def test_the_playground_is_there_in_german():
    lacking, _ = house.gaps("de", [f"aecourse/{file}" for file in PLAYGROUND])
    assert not lacking
    english = explore.playground().html
    with words.language("de"):
        other = explore.playground().html
    assert 'lang="de"' in other and "Neu beginnen" in other and "Start again" not in other
    assert 'lang="' not in english and explore.playground().html == english
    assert "1,437 Ziffern" in other


def test_a_translated_script_is_still_a_script(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("needs node")
    with words.language("de"):
        text = bundle(ROOT / "aecourse" / "explore" / "playground" / "playground.js")
    file = tmp_path / "playground.js"
    file.write_text(text, "utf-8")
    subprocess.run([node, "--check", file], check=True)
