"""Check questions: the reader refuses what cannot be asked, the page asks, answers and remembers."""

import json
import math
import re
import textwrap

import pytest
import torch
from texts import replaced
from torch.distributions import Normal, kl_divergence

from aecourse import contents, quiz
from aecourse.quiz.page import _anchor, markup

CHOICE = """
  - id: first
    kind: choice
    topic: concept
    difficulty: easy
    section: "Where it stands: here"
    prompt: What is $x < y$ in `a<b>`?
    options:
      - {text: Left, correct: false, why: Because *left* is wrong.}
      - {text: Up, correct: true, why: Because $u$ is up.}
      - {text: Down, correct: false, why: Because down is wrong.}
"""
NUMERIC = """
  - id: second
    kind: numeric
    topic: mathematics
    difficulty: hard
    section: The section
    prompt: How much?
    answer: -1.5
    tolerance: 0.01
    unit: nats
    why: It is.
    mistakes:
      - {answer: 1.5, why: The sign is turned.}
"""


def write(folder, *questions, lesson="77"):
    path = folder / f"{lesson}.yaml"
    path.write_text(f'lesson: "{lesson}"\nquestions:' + "".join(questions), encoding="utf-8")
    return path


# ---- The bank ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lesson", quiz.lessons())
def test_every_lesson_asks_three_to_five_questions(lesson):
    questions = quiz.load(lesson)
    assert 3 <= len(questions) <= 5, (
        f"aecourse/quiz/lessons/{lesson}.yaml has {len(questions)} questions; three to five are accepted"
    )
    places = [
        [option.correct for option in q.options].index(True)
        for q in questions
        if q.kind == "choice"
    ]
    assert len(places) < 3 or len(set(places)) > 1, (
        f"aecourse/quiz/lessons/{lesson}.yaml: the right answers all stand in one place; move one"
    )


def test_a_well_formed_file_is_read_as_written(tmp_path):
    first, second = quiz.read(write(tmp_path, CHOICE, NUMERIC))
    assert [option.correct for option in first.options] == [False, True, False]
    assert (second.answer, second.tolerance, second.unit) == (-1.5, 0.01, "nats")
    assert second.mistakes == (quiz.Mistake(1.5, "The sign is turned."),)


@pytest.mark.parametrize(
    "question, name, message",
    [
        (
            replaced(CHOICE, "correct: true", "correct: false"),
            "first",
            "0 of 3 options are correct",
        ),
        (
            replaced(CHOICE, "Left, correct: false", "Left, correct: true"),
            "first",
            "2 of 3 options are correct",
        ),
        (replaced(CHOICE, "correct: true", "correct: 1"), "first", "correct of option 2 is 1"),
        (
            replaced(CHOICE, ", why: Because down is wrong.", ""),
            "first",
            "why is missing in option 3",
        ),
        (
            replaced(CHOICE, "why: Because down is wrong.", "why: ' '"),
            "first",
            "why of option 3 is ' '",
        ),
        (replaced(CHOICE, "$x < y$", "$x < y"), "first", "prompt has an unbalanced $"),
        (replaced(CHOICE, "`a<b>`", "`a<b>"), "first", "prompt has an unbalanced `"),
        (
            replaced(CHOICE, "Because $u$", "Because $u"),
            "first",
            "why of option 2 has an unbalanced $",
        ),
        (
            replaced(CHOICE, "topic: concept", "topic: chat"),
            "first",
            "topic is 'chat'; accepted is one of concept",
        ),
        (
            replaced(CHOICE, "kind: choice", "kind: essay"),
            "first",
            "kind is 'essay'; accepted is one of choice, numeric, formula",
        ),
        (replaced(CHOICE, "difficulty: easy", "level: easy"), "first", "unknown key level"),
        (
            replaced(CHOICE, "{text: Left", "{hint: x, text: Left"),
            "first",
            "unknown key hint in option 1",
        ),
        (
            replaced(CHOICE, "    prompt: What is $x < y$ in `a<b>`?\n", ""),
            "first",
            "prompt is missing",
        ),
        (replaced(CHOICE, "  - id: first\n    kind", "  - kind"), "number 1", "id is missing"),
        (replaced(CHOICE, "id: first", "id: First one"), "First one", "id is 'First one'"),
        (CHOICE + replaced(NUMERIC, "second", "first"), "first", "the id is used twice"),
        (CHOICE + replaced(NUMERIC, "    answer: -1.5\n", ""), "second", "answer is missing"),
        (replaced(NUMERIC, "answer: -1.5", "answer: much"), "second", "answer is 'much'"),
        (replaced(NUMERIC, "answer: -1.5", "answer: .nan"), "second", "answer is nan"),
        (replaced(NUMERIC, "tolerance: 0.01", "tolerance: -1"), "second", "tolerance is -1"),
        (
            replaced(NUMERIC, "why: The sign is turned.", ""),
            "second",
            "why is missing in mistake 1",
        ),
        ("\n  - just a sentence", "number 1", "accepted is a mapping"),
    ],
)
def test_a_malformed_question_is_refused_by_file_and_name(tmp_path, question, name, message):
    with pytest.raises(quiz.QuizError) as error:
        quiz.read(write(tmp_path, question))
    assert str(error.value).startswith(f"77.yaml, question {name}: ") and message in str(
        error.value
    )


@pytest.mark.parametrize(
    "text, message",
    [
        ("lesson: '77'\nquestions: [", "77.yaml: not YAML"),
        ("lesson: '77'", "77.yaml: accepted is a mapping with the keys lesson and questions"),
        ("lesson: '78'\nquestions: []", "77.yaml: lesson is '78'"),
        ("lesson: '77'\nlesson: '77'\nquestions: []", "the key lesson is given twice"),
    ],
)
def test_a_malformed_file_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "77.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(quiz.QuizError, match=message):
        quiz.read(tmp_path / "77.yaml")


def test_an_unknown_lesson_is_refused():
    with pytest.raises(
        ValueError, match="lesson: got '99'; accepted is a slug, a number or a name"
    ):
        quiz.check_questions("99")
    with pytest.raises(
        ValueError, match="lesson: got 'self_quiz'; accepted is one of 'bottleneck'"
    ):
        quiz.check_questions("self_quiz")


@pytest.mark.parametrize("name", ["05", 5, "05_vae_elbo"])
def test_a_lesson_is_known_by_its_slug_number_and_name(name):
    assert repr(quiz.load(name)) == repr(quiz.load("vae_elbo"))  # an answer may be nan
    assert quiz.check_questions(name).html == quiz.check_questions("vae_elbo").html


def question(lesson, name):
    return next(q for q in quiz.load(lesson) if q.id == name)


def test_the_answer_of_kl_of_one_latent_is_what_torch_computes():
    asked = question("vae_elbo", "kl-of-one-latent")
    kl = kl_divergence(Normal(1.0, 0.5), Normal(0.0, 1.0)).item()
    assert asked.answer == pytest.approx(kl, abs=1e-5)
    mu, sigma = 1.0, 0.5
    slips = {
        -kl,
        2 * kl,
        kl / math.log(2),
        (mu**2 + sigma**2 - 1) / 2,
        (mu**2 + sigma**2 - 1 - math.log(sigma)) / 2,
        (mu**2 + sigma - 1 - math.log(sigma)) / 2,
    }
    assert sorted(m.answer for m in asked.mistakes) == pytest.approx(sorted(slips), abs=1e-5)


def test_the_answer_of_error_left_by_two_axes_is_what_a_projection_leaves():
    x = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = (
        torch.linalg.qr(x - x.mean(0))[0] * 50**0.5 * torch.tensor([5, 3, 1.5, 0.5]).sqrt()
    )  # exactly these variances
    directions = torch.linalg.svd(x, full_matrices=False)[2][:2]
    left = (x - x @ directions.T @ directions).pow(2).sum(1).mean().item()
    assert question("bottleneck", "error-left-by-two-axes").answer == pytest.approx(left)


@pytest.mark.parametrize("lesson", quiz.lessons())
def test_no_wrong_number_would_be_taken_for_right(lesson):
    for asked in quiz.load(lesson):
        for mistake in asked.mistakes if asked.kind == "numeric" else ():
            assert abs(mistake.answer - asked.answer) > 2 * asked.tolerance, asked.id


# ---- The page ----------------------------------------------------------------------------------------------


def test_markup():
    assert markup("a `x<y` b") == "a <code>x&lt;y</code> b"
    assert markup("*so* 2*3*4") == "<em>so</em> 2<em>3</em>4"
    assert markup("$a<b$") == r'<span class="tex2jax_process">\(a&lt;b\)</span>'
    assert markup(r"5 \$ & <b>") == "5 $ &amp; &lt;b&gt;"


def test_as_text_the_questions_stand_without_their_answers():
    text = repr(quiz.check_questions("vae_elbo"))
    assert (
        text.startswith("Check questions of lesson 05")
        and "c) Which of the two is larger remains open." in text
    )
    assert "0.818" not in text


@pytest.fixture
def two_questions(tmp_path):
    return (
        quiz.Quiz("compass", quiz.read(write(tmp_path, CHOICE, NUMERIC)))
        .save(tmp_path / "quiz.html")
        .as_uri()
    )


def feedback(page, place):
    return page.locator(".ae-feedback").nth(place).inner_text()


def choose(page, label):
    page.get_by_label(label).check()
    page.get_by_role("button", name="Answer", exact=True).first.click()


def test_each_choice_gets_its_own_reason(page, two_questions):
    page.goto(two_questions)
    assert page.get_by_text("Answer and reasons").first.is_hidden()
    choose(page, "Left")
    assert feedback(page, 0).startswith("Not quite. Because left is wrong.")
    assert "Where it stands: here" in feedback(page, 0)
    assert (
        page.locator(".ae-feedback a").count() == 0
    )  # no such heading on this page, so no dead link
    choose(page, "Up")
    assert feedback(page, 0) == r"Right. Because \(u\) is up."
    assert page.get_by_text("Answer and reasons").first.is_visible()
    assert page.get_by_role("status").count() == 3
    assert page.get_by_text("1 of 2 answered, 0 right at the first try").is_visible()


def test_feedback_links_to_a_section_that_is_there(page, two_questions, tmp_path):
    html = (tmp_path / "quiz.html").read_text(encoding="utf-8")
    (tmp_path / "quiz.html").write_text(
        html.replace("<main>", '<main><h2 id="where-it-stands-here">x</h2>'), encoding="utf-8"
    )
    page.goto(two_questions)
    choose(page, "Left")
    assert page.locator(".ae-feedback a").get_attribute("href") == "#where-it-stands-here"


@pytest.mark.parametrize(
    "typed, said",
    [
        ("-1.5", "Right. It is."),
        ("−1,5", "Right. It is."),
        (" -1.509 ", "Right. It is."),
        ("-15e-1", "Right. It is."),
        ("1,5", "Not quite. The sign is turned."),
        ("-1.52", "Not quite. That is not the number."),
        ("much", "A number, please, such as 1.5 or 1,5."),
        ("", "A number, please"),
        ("1.5.2", "A number, please"),
    ],
)
def test_numbers_are_read_as_people_write_them(page, two_questions, typed, said):
    page.goto(two_questions)
    page.get_by_label("Your answer").fill(typed)
    page.keyboard.press("Enter")
    assert feedback(page, 1).startswith(said)


def test_answers_are_kept_and_can_be_cleared(page, two_questions):
    page.goto(two_questions)
    choose(page, "Left")
    choose(page, "Up")
    page.get_by_label("Your answer").fill("1.5")
    page.get_by_role("button", name="Answer", exact=True).last.click()
    kept = page.evaluate("JSON.parse(localStorage.getItem('aecourse:quiz:compass:first'))")
    assert kept == {"answer": "1", "right": True, "first": False, "tries": 2}
    page.reload()
    assert (
        page.get_by_label("Up").is_checked()
        and page.get_by_label("Your answer").input_value() == "1.5"
    )
    assert feedback(page, 0).startswith("Right.") and feedback(page, 1).startswith(
        "Not quite. The sign is turned."
    )
    assert page.get_by_text("2 of 2 answered, 0 right at the first try").is_visible()
    page.get_by_role("button", name="Clear my answers").click()
    page.reload()
    assert feedback(page, 0) == "" and page.evaluate("localStorage.length") == 0


def test_the_first_answer_counts_and_trying_all_scores_nothing(page, two_questions):
    page.goto(two_questions)
    for label in ("Left", "Up", "Down"):
        choose(page, label)
    assert page.get_by_text("1 of 2 answered, 0 right at the first try").is_visible()
    page.get_by_role("button", name="Clear my answers").click()
    choose(page, "Up")
    assert page.get_by_text("1 of 2 answered, 1 right at the first try").is_visible()
    choose(page, "Down")
    assert page.get_by_text("1 of 2 answered, 1 right at the first try").is_visible()


def test_clearing_can_be_undone(page, two_questions):
    page.goto(two_questions)
    choose(page, "Up")
    page.get_by_label("Your answer").fill("1.5")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Clear my answers").click()
    assert feedback(page, 0) == "" and page.get_by_label("Your answer").input_value() == ""
    assert not page.get_by_label("Up").is_checked()
    page.get_by_role("button", name="Undo").click()
    assert page.get_by_label("Up").is_checked() and feedback(page, 0).startswith("Right.")
    assert page.get_by_label("Your answer").input_value() == "1.5"
    assert page.get_by_role("button", name="Undo").is_hidden()
    page.reload()
    assert page.get_by_text("2 of 2 answered, 1 right at the first try").is_visible()


def test_two_tabs_agree(page, two_questions):
    page.goto(two_questions)
    other = page.context.new_page()
    other.goto(two_questions)
    choose(page, "Up")
    other.get_by_text("1 of 2 answered, 1 right").wait_for()
    assert other.get_by_label("Up").is_checked() and feedback(other, 0).startswith("Right.")
    other.get_by_label("Your answer").fill("-1.5")
    other.keyboard.press("Enter")
    page.get_by_text("2 of 2 answered, 2 right").wait_for()
    other.get_by_role("button", name="Clear my answers").click()
    page.get_by_text("0 of 2 answered, 0 right").wait_for()
    assert feedback(page, 0) == "" and not page.get_by_label("Up").is_checked()


@pytest.mark.parametrize(
    "kept", ["nonsense", "null", "7", '{"answer": "12"}', '{"answer": null}', '{"answer": {}}']
)
def test_what_storage_holds_is_not_trusted(page, two_questions, kept):
    page.goto(two_questions)
    page.evaluate(
        "text => ['first', 'second'].forEach(id => localStorage.setItem('aecourse:quiz:compass:' + id, text))",
        kept,
    )
    page.reload()
    choose(page, "Up")
    assert feedback(page, 0).startswith("Right.")


ANSWER = {"answer": "1", "right": True, "first": True, "tries": 1}


def stored(page):
    return {
        key: json.loads(text)
        for key, text in page.evaluate("Object.entries(localStorage)")
        if not text.startswith("un")
    }


def test_what_was_kept_by_number_is_found_by_slug(page, tmp_path):
    questions = quiz.read(write(tmp_path, CHOICE, NUMERIC))
    page.goto(quiz.Quiz("vae_elbo", questions).save(tmp_path / "quiz.html").as_uri())
    later, other = {**ANSWER, "answer": "0", "tries": 2}, {**ANSWER, "answer": "-1.5"}
    old = {
        "aecourse:quiz:05:first": ANSWER,
        "aecourse:quiz:05:second": {**other, "first": False},
        "aecourse:quiz:vae_elbo:second": other,  # given since: it stays
        "aecourse:quiz:14:one": later,
        "aecourse:exercise:13:a-word": {"done": "2026-01-02"},
        "aecourse:page:05_vae_elbo": {
            "seen": "2026-01-02",
            "of": 3,
            "exercises": ["05:a-sign", "05:a-term"],
        },
        "aecourse:page:24_self_quiz": {"of": 20},
        "aecourse:page:01_bottleneck": {"of": 4, "seen": "2026-01-02"},
        "aecourse:page:bottleneck": {"of": 5},
        "aecourse:quiz:77:one": ANSWER,  # there was no such lesson
        "aecourse:quiz:04:one": {**ANSWER, "tries": 0},  # and this is not sound
        "aecourse:cards:first": {"box": 1, "day": 5},
        "aecourse:guess:05:high": 4.5,
        "other:quiz:05:first": 1,
    }
    now = {
        "aecourse:quiz:vae_elbo:first": ANSWER,
        "aecourse:quiz:vae_elbo:second": other,
        "aecourse:quiz:adversarial:one": later,
        "aecourse:exercise:vq_vae:a-word": {"done": "2026-01-02"},
        "aecourse:page:vae_elbo": {
            "seen": "2026-01-02",
            "of": 3,
            "exercises": ["vae_elbo:a-sign", "vae_elbo:a-term"],
        },
        "aecourse:page:self_quiz": {"of": 20},
        "aecourse:page:bottleneck": {"of": 5, "seen": "2026-01-02"},
        **dict(list(old.items())[-5:]),
    }
    page.evaluate(
        "old => Object.entries(old).forEach(([key, value]) => localStorage.setItem(key, JSON.stringify(value)))",
        old,
    )
    page.evaluate("localStorage.setItem('aecourse:page:06_reparameterization', 'unsound')")
    for _ in range(2):  # the second time there is nothing left to do
        page.reload()
        assert page.get_by_text("2 of 2 answered, 2 right at the first try").is_visible()
        assert page.get_by_label("Up").is_checked() and feedback(page, 1).startswith("Right.")
        assert stored(page) == now
        assert page.evaluate("localStorage['aecourse:page:06_reparameterization']") == "unsound"


def test_in_a_full_storage_nothing_is_lost(page, tmp_path):
    questions = quiz.read(write(tmp_path, CHOICE, NUMERIC))
    page.goto(quiz.Quiz("vae_elbo", questions).save(tmp_path / "quiz.html").as_uri())
    text = json.dumps(ANSWER, separators=(",", ":"))
    page.evaluate("text => localStorage.setItem('aecourse:quiz:05:first', text)", text)
    page.evaluate(
        "for (let size = 2 ** 22; size >= 1; size /= 2) "
        "try { localStorage.setItem('o' + size, 'x'.repeat(size)); } catch { /* full */ }"
    )
    page.reload()  # where Chromium finds the storage as it was before it was filled (see `browser`), the entry may move
    places = [f"aecourse:quiz:{name}:first" for name in ("05", "vae_elbo")]
    kept = page.evaluate("places => places.map(place => localStorage.getItem(place))", places)
    assert [entry for entry in kept if entry] == [text]
    page.evaluate(
        "Object.keys(localStorage).forEach(key => key.startsWith('o') && localStorage.removeItem(key))"
    )
    page.reload()
    assert page.get_by_text("1 of 2 answered, 1 right at the first try").is_visible()


def test_a_browser_that_keeps_nothing_still_answers(page, two_questions):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    page.goto(two_questions)
    choose(page, "Left")
    assert feedback(page, 0).startswith("Not quite.")
    assert page.get_by_text("does not keep answers").is_visible()


def test_keys_alone_suffice(page, two_questions):
    page.goto(two_questions)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")  # the arrows only move
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert feedback(page, 0) == "" and page.evaluate("localStorage.length") == 0
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert feedback(page, 0).startswith("Right.")
    assert page.get_by_text("1 of 2 answered, 1 right at the first try").is_visible()


def test_an_answer_is_asked_for_where_none_is_chosen(page, two_questions):
    page.goto(two_questions)
    page.get_by_role("button", name="Answer", exact=True).first.click()
    assert feedback(page, 0) == "Choose an answer first."
    assert page.get_by_text("0 of 2 answered").is_visible()


def test_without_scripts_questions_and_answers_can_be_read(browser, two_questions):
    page = browser.new_page(java_script_enabled=False)
    page.goto(two_questions)
    assert page.get_by_text("How much?").is_visible()
    page.get_by_text("Answer and reasons").first.click()
    assert page.get_by_text("Because down is wrong.").is_visible()
    page.close()


def test_text_is_never_markup(page, tmp_path):
    hostile = (
        """'</script><img src="http://example.com/x" onerror="document.title=1"> & "quotes"'"""
    )
    question = (
        textwrap.dedent(CHOICE)
        .replace("Left", hostile)
        .replace("What is", "<b>What</b> is")
        .replace("Because *left* is wrong.", hostile)
    )
    path = quiz.Quiz("compass", quiz.read(write(tmp_path, question))).save(tmp_path / "quiz.html")
    page.goto(path.as_uri())
    page.locator("input").first.check()
    page.get_by_role("button", name="Answer", exact=True).first.click()
    assert page.locator("img").count() == 0 and page.locator("legend b").count() == 0
    assert "</script><img" in feedback(page, 0)


def test_the_same_quiz_twice_on_a_page_and_a_narrow_screen(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>x</title>"
        + 2 * quiz.check_questions("vae_elbo").html,
        encoding="utf-8",
    )
    page.goto(path.as_uri())
    radios = page.get_by_label("Its decoder is too weak to draw digits.")
    radios.nth(0).check()
    radios.nth(1).check()
    assert radios.nth(0).is_checked() and radios.nth(1).is_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# ---- Links to the lesson's headings --------------------------------------------------------------------------


def headings_of(slug):
    cells = json.loads(
        (contents.NOTEBOOKS / f"{contents.lesson(slug).name}.ipynb").read_text("utf-8")
    )["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return [
        line.lstrip("# ").strip()
        for text in texts
        for line in re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()
        if re.match(r"#+ ", line)
    ]


@pytest.mark.parametrize(
    "heading",
    ("3 · Changed `sum` to `mean`", "Rényi's bound", "42", "½ of it", "A KL of 0.0000001"),
)
def test_the_link_of_a_heading_is_the_id_that_the_book_gives_it(heading):
    nodes = pytest.importorskip("docutils.nodes")
    assert _anchor(heading) == nodes.make_id(heading)


@pytest.mark.parametrize("lesson", [lesson.slug for lesson in contents.written()])
def test_the_links_of_all_headings_are_the_ids_that_the_book_gives_them(lesson):
    nodes = pytest.importorskip("docutils.nodes")
    wrong = [title for title in headings_of(lesson) if _anchor(title) != nodes.make_id(title)]
    assert not wrong


@pytest.mark.parametrize("lesson", quiz.lessons())
def test_every_question_names_one_heading_of_its_lesson(lesson):
    ids = [_anchor(title) for title in headings_of(lesson)]
    for question in quiz.load(lesson):
        assert ids.count(_anchor(question.section)) == 1, (question.id, question.section)
