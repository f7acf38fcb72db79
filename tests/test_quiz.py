"""Check questions: the reader refuses what cannot be asked, the page asks, answers and remembers."""
import math
import textwrap

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse import quiz
from aecourse.quiz.page import markup

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
    assert 3 <= len(questions) <= 5
    places = [[option.correct for option in q.options].index(True) for q in questions if q.kind == "choice"]
    assert len(places) < 3 or len(set(places)) > 1                   # the right answer has no favourite place


def test_a_well_formed_file_is_read_as_written(tmp_path):
    first, second = quiz.read(write(tmp_path, CHOICE, NUMERIC))
    assert [option.correct for option in first.options] == [False, True, False]
    assert (second.answer, second.tolerance, second.unit) == (-1.5, 0.01, "nats")
    assert second.mistakes == (quiz.Mistake(1.5, "The sign is turned."),)


def replaced(text, old, new):
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize("question, name, message", [
    (replaced(CHOICE, "correct: true", "correct: false"), "first", "0 of 3 options are correct"),
    (replaced(CHOICE, "Left, correct: false", "Left, correct: true"), "first", "2 of 3 options are correct"),
    (replaced(CHOICE, "correct: true", "correct: 1"), "first", "correct of option 2 is 1"),
    (replaced(CHOICE, ", why: Because down is wrong.", ""), "first", "why is missing in option 3"),
    (replaced(CHOICE, "why: Because down is wrong.", "why: ' '"), "first", "why of option 3 is ' '"),
    (replaced(CHOICE, "$x < y$", "$x < y"), "first", "prompt has an unbalanced $"),
    (replaced(CHOICE, "`a<b>`", "`a<b>"), "first", "prompt has an unbalanced `"),
    (replaced(CHOICE, "Because $u$", "Because $u"), "first", "why of option 2 has an unbalanced $"),
    (replaced(CHOICE, "topic: concept", "topic: chat"), "first", "topic is 'chat'; accepted is one of concept"),
    (replaced(CHOICE, "kind: choice", "kind: essay"), "first", "kind is 'essay'; accepted is one of choice, numeric"),
    (replaced(CHOICE, "difficulty: easy", "level: easy"), "first", "unknown key level"),
    (replaced(CHOICE, "{text: Left", "{hint: x, text: Left"), "first", "unknown key hint in option 1"),
    (replaced(CHOICE, "    prompt: What is $x < y$ in `a<b>`?\n", ""), "first", "prompt is missing"),
    (replaced(CHOICE, "  - id: first\n    kind", "  - kind"), "number 1", "id is missing"),
    (replaced(CHOICE, "id: first", "id: First one"), "First one", "id is 'First one'"),
    (CHOICE + replaced(NUMERIC, "second", "first"), "first", "the id is used twice"),
    (CHOICE + replaced(NUMERIC, "    answer: -1.5\n", ""), "second", "answer is missing"),
    (replaced(NUMERIC, "answer: -1.5", "answer: much"), "second", "answer is 'much'"),
    (replaced(NUMERIC, "answer: -1.5", "answer: .nan"), "second", "answer is nan"),
    (replaced(NUMERIC, "tolerance: 0.01", "tolerance: -1"), "second", "tolerance is -1"),
    (replaced(NUMERIC, "why: The sign is turned.", ""), "second", "why is missing in mistake 1"),
    ("\n  - just a sentence", "number 1", "accepted is a mapping"),
])
def test_a_malformed_question_is_refused_by_file_and_name(tmp_path, question, name, message):
    with pytest.raises(quiz.QuizError) as error:
        quiz.read(write(tmp_path, question))
    assert str(error.value).startswith(f"77.yaml, question {name}: ") and message in str(error.value)


@pytest.mark.parametrize("text, message", [
    ("lesson: '77'\nquestions: [", "77.yaml: not YAML"),
    ("lesson: '77'", "77.yaml: accepted is a mapping with the keys lesson and questions"),
    ("lesson: '78'\nquestions: []", "77.yaml: lesson is '78'"),
    ("lesson: '77'\nlesson: '77'\nquestions: []", "the key lesson is given twice"),
])
def test_a_malformed_file_is_refused_by_name(tmp_path, text, message):
    (tmp_path / "77.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(quiz.QuizError, match=message):
        quiz.read(tmp_path / "77.yaml")


def test_an_unknown_lesson_is_refused():
    with pytest.raises(ValueError, match="lesson: got '99'; accepted is one of '01'"):
        quiz.check_questions("99")


def question(lesson, name):
    return next(q for q in quiz.load(lesson) if q.id == name)


def test_the_answer_of_kl_of_one_latent_is_what_torch_computes():
    asked = question("05", "kl-of-one-latent")
    kl = kl_divergence(Normal(1.0, 0.5), Normal(0.0, 1.0)).item()
    assert asked.answer == pytest.approx(kl, abs=1e-5)
    mu, sigma = 1.0, 0.5
    slips = {-kl, 2 * kl, kl / math.log(2), (mu ** 2 + sigma ** 2 - 1) / 2, (mu ** 2 + sigma ** 2 - 1 - math.log(sigma)) / 2,
             (mu ** 2 + sigma - 1 - math.log(sigma)) / 2}
    assert sorted(m.answer for m in asked.mistakes) == pytest.approx(sorted(slips), abs=1e-5)


def test_the_answer_of_error_left_by_two_axes_is_what_a_projection_leaves():
    x = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = torch.linalg.qr(x - x.mean(0))[0] * 50 ** 0.5 * torch.tensor([5, 3, 1.5, 0.5]).sqrt()   # exactly these variances
    directions = torch.linalg.svd(x, full_matrices=False)[2][:2]
    left = (x - x @ directions.T @ directions).pow(2).sum(1).mean().item()
    assert question("01", "error-left-by-two-axes").answer == pytest.approx(left)


@pytest.mark.parametrize("lesson", quiz.lessons())
def test_no_wrong_number_would_be_taken_for_right(lesson):
    for asked in quiz.load(lesson):
        for mistake in asked.mistakes:
            assert abs(mistake.answer - asked.answer) > 2 * asked.tolerance, asked.id


# ---- The page ----------------------------------------------------------------------------------------------

def test_markup():
    assert markup("a `x<y` b") == "a <code>x&lt;y</code> b"
    assert markup("*so* 2*3*4") == "<em>so</em> 2<em>3</em>4"
    assert markup("$a<b$") == r'<span class="tex2jax_process">\(a&lt;b\)</span>'
    assert markup(r"5 \$ & <b>") == "5 $ &amp; &lt;b&gt;"


def test_as_text_the_questions_stand_without_their_answers():
    text = repr(quiz.check_questions("05"))
    assert text.startswith("Check questions of lesson 05") and "c) Which of the two is larger remains open." in text
    assert "0.818" not in text


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page, faults = context.new_page(), []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("file:") else faults.append(request.url))
    yield page
    context.close()
    assert not faults


@pytest.fixture
def two_questions(tmp_path):
    return quiz.Quiz("77", quiz.read(write(tmp_path, CHOICE, NUMERIC))).save(tmp_path / "quiz.html").as_uri()


def feedback(page, place):
    return page.locator(".ae-feedback").nth(place).inner_text()


def test_each_choice_gets_its_own_reason(page, two_questions):
    page.goto(two_questions)
    assert page.get_by_text("Answer and reasons").first.is_hidden()
    page.get_by_label("Left").check()
    assert feedback(page, 0).startswith("Not quite. Because left is wrong.")
    assert "Where it stands: here" in feedback(page, 0)
    assert page.locator(".ae-feedback a").count() == 0               # no such heading on this page, so no dead link
    page.get_by_label("Up").check()
    assert feedback(page, 0) == r"Right. Because \(u\) is up."
    assert page.get_by_text("Answer and reasons").first.is_visible()
    assert page.get_by_role("status").count() == 2
    assert page.get_by_text("1 of 2 answered, 1 right").is_visible()


def test_feedback_links_to_a_section_that_is_there(page, two_questions, tmp_path):
    html = (tmp_path / "quiz.html").read_text(encoding="utf-8")
    (tmp_path / "quiz.html").write_text(html.replace("<main>", '<main><h2 id="where-it-stands-here">x</h2>'), encoding="utf-8")
    page.goto(two_questions)
    page.get_by_label("Left").check()
    assert page.locator(".ae-feedback a").get_attribute("href") == "#where-it-stands-here"


@pytest.mark.parametrize("typed, said", [
    ("-1.5", "Right. It is."), ("−1,5", "Right. It is."), (" -1.509 ", "Right. It is."), ("-15e-1", "Right. It is."),
    ("1,5", "Not quite. The sign is turned."), ("-1.52", "Not quite. That is not the number."),
    ("much", "A number, please, such as 1.5 or 1,5."), ("", "A number, please"), ("1.5.2", "A number, please"),
])
def test_numbers_are_read_as_people_write_them(page, two_questions, typed, said):
    page.goto(two_questions)
    page.get_by_label("Your answer").fill(typed)
    page.keyboard.press("Enter")
    assert feedback(page, 1).startswith(said)


def test_answers_are_kept_and_can_be_cleared(page, two_questions):
    page.goto(two_questions)
    page.get_by_label("Left").check()
    page.get_by_label("Up").check()
    page.get_by_label("Your answer").fill("1.5")
    page.get_by_role("button", name="Check").click()
    kept = page.evaluate("JSON.parse(localStorage.getItem('aecourse:quiz:77:first'))")
    assert kept == {"answer": "1", "right": True, "first": False, "tries": 2}
    page.reload()
    assert page.get_by_label("Up").is_checked() and page.get_by_label("Your answer").input_value() == "1.5"
    assert feedback(page, 0).startswith("Right.") and feedback(page, 1).startswith("Not quite. The sign is turned.")
    assert page.get_by_text("2 of 2 answered, 1 right").is_visible()
    page.get_by_role("button", name="Clear my answers").click()
    page.reload()
    assert feedback(page, 0) == "" and page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize("kept", ["nonsense", "null", "7", '{"answer": "12"}', '{"answer": null}', '{"answer": {}}'])
def test_what_storage_holds_is_not_trusted(page, two_questions, kept):
    page.goto(two_questions)
    page.evaluate("text => ['first', 'second'].forEach(id => localStorage.setItem('aecourse:quiz:77:' + id, text))", kept)
    page.reload()
    page.get_by_label("Up").check()
    assert feedback(page, 0).startswith("Right.")


def test_a_browser_that_keeps_nothing_still_answers(page, two_questions):
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    page.goto(two_questions)
    page.get_by_label("Left").check()
    assert feedback(page, 0).startswith("Not quite.")
    assert page.get_by_text("does not keep answers").is_visible()


def test_keys_alone_suffice(page, two_questions):
    page.goto(two_questions)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert feedback(page, 0).startswith("Not quite.")
    page.keyboard.press("ArrowDown")
    assert feedback(page, 0).startswith("Right.")


def test_without_scripts_questions_and_answers_can_be_read(browser, two_questions):
    page = browser.new_page(java_script_enabled=False)
    page.goto(two_questions)
    assert page.get_by_text("How much?").is_visible()
    page.get_by_text("Answer and reasons").first.click()
    assert page.get_by_text("Because down is wrong.").is_visible()
    page.close()


def test_text_is_never_markup(page, tmp_path):
    hostile = """'</script><img src="http://example.com/x" onerror="document.title=1"> & "quotes"'"""
    question = textwrap.dedent(CHOICE).replace("Left", hostile).replace("What is", "<b>What</b> is").replace(
        "Because *left* is wrong.", hostile)
    path = quiz.Quiz("77", quiz.read(write(tmp_path, question))).save(tmp_path / "quiz.html")
    page.goto(path.as_uri())
    page.locator("input").first.check()
    assert page.locator("img").count() == 0 and page.locator("legend b").count() == 0
    assert "</script><img" in feedback(page, 0)


def test_the_same_quiz_twice_on_a_page_and_a_narrow_screen(page, tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>x</title>"
                    + 2 * quiz.check_questions("05").html, encoding="utf-8")
    page.goto(path.as_uri())
    radios = page.get_by_label("Its decoder is too weak to draw digits.")
    radios.nth(0).check()
    radios.nth(1).check()
    assert radios.nth(0).is_checked() and radios.nth(1).is_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
