"""The self-quiz: its questions and computed answers, and the page on which somebody takes it."""

import json
import math
import re
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from aecourse import contents, models, nets, quiz
from aecourse.quiz import computed
from aecourse.quiz.page import _anchor
from aecourse.quiz.self_quiz import GROUPS, LEVELS, computed_items, items

ROOT = Path(__file__).parents[2]
ITEMS = {item.id: item for item in items()}
TYPED = [item for item in ITEMS.values() if item.mistakes]
ORDER = list(ITEMS)


# ---- The questions -----------------------------------------------------------------------------------------


def test_twenty_questions_five_of_each_group_in_order():
    assert [item.group for item in ITEMS.values()] == [group for group in GROUPS for _ in range(5)]
    assert {item.kind for item in ITEMS.values()} == {
        "choice",
        "numeric",
        "formula",
        "shape",
        "code",
        "open",
    }
    assert sum(item.kind == "open" for item in ITEMS.values()) == 4  # the others are marked at once
    places = [
        [option.correct for option in item.options].index(True)
        for item in ITEMS.values()
        if item.options
    ]
    assert len(set(places)) > 1  # the right answer has no favourite place


def test_levels_descend_to_zero():
    assert [low for low, _, _ in LEVELS] == [18, 15, 12, 9, 0]


@pytest.mark.parametrize("item", ITEMS.values(), ids=ORDER)
def test_every_question_says_where_it_is_answered(item):
    for read in item.read:
        cells = json.loads(
            (ROOT / "notebooks" / f"{contents.lesson(read.lesson).name}.ipynb").read_text(
                encoding="utf-8"
            )
        )["cells"]
        headings = [
            line.lstrip("# ")
            for cell in cells
            if cell["cell_type"] == "markdown"
            for line in "".join(cell["source"]).splitlines()
            if line.startswith("##")
        ]
        assert headings.count(read.section) == 1, read


def test_stored_answers_are_what_the_course_computes():
    now = {item.id: item for item in computed_items()}
    for item in ITEMS.values():
        if item.kind in ("numeric", "shape"):
            assert item.computed, item.id
            assert now[item.id].answer == (
                item.answer if item.kind == "shape" else pytest.approx(item.answer, rel=1e-5)
            )
        assert not re.search(r"\{(log_p|elbo|best)\}", now[item.id].prompt)


def test_a_wrong_key_stops_the_page(monkeypatch):
    monkeypatch.setattr(computed, "shape_of_mu", lambda: {"answer": (64, 21)})
    with pytest.raises(
        quiz.QuizError,
        match=r"question shape-of-mu: the stored answer is \(64, 20\), the computed one \(64, 21\)",
    ):
        quiz.self_quiz()


def test_computation_shows_the_code_that_answers():
    assert (
        "models.kl_divergence(mu, log_var)"
        in quiz.computation("kl-in-closed-form")._repr_markdown_()
    )
    for item in ITEMS.values():
        if item.computed:
            assert (
                max(map(len, quiz.computation(item.id).markdown.splitlines())) <= 86
            )  # fits the page
    with pytest.raises(
        ValueError, match="id: got 'why-blur'; accepted is one of 'kl-in-closed-form'"
    ):
        quiz.computation("why-blur")


def test_the_quoted_figures_suffice_for_the_answer():
    found = computed.gap_to_the_posterior()
    assert found["log_p"] - found["elbo"] == pytest.approx(found["answer"], abs=1e-9)
    shown = round(found["log_p"], 2) - round(found["elbo"], 2)
    assert abs(shown - found["answer"]) <= ITEMS["gap-to-the-posterior"].tolerance
    prompt = next(item.prompt for item in computed_items() if item.id == "gap-to-the-posterior")
    assert f"= {found['log_p']:.2f}$" in prompt and f"${found['elbo']:.2f}$" in prompt


def test_a_formula_with_a_wrong_key_stops_the_page(monkeypatch):
    monkeypatch.setattr(
        computed, "slope_in_the_log_variance", lambda: {"answer": 1.0, "at": {"log_var": 0.0}}
    )
    with pytest.raises(
        quiz.QuizError,
        match="question slope-in-the-log-variance: the stored answer is 0.0, the computed one 1.0",
    ):
        quiz.self_quiz()


def test_mistakes_are_the_slips_they_are_said_to_be():
    gap, search = ITEMS["gap-to-the-posterior"], ITEMS["price-of-one-pass"]
    assert [mistake.answer for mistake in gap.mistakes] == pytest.approx(
        [-gap.answer, gap.answer / math.log(2), math.exp(gap.answer)], abs=1e-5
    )
    found = computed.price_of_one_pass()
    slips = [
        found["log_p"] - found["elbo"],
        found["log_p"] - found["best"],
        -search.answer,
        search.answer / math.log(2),
    ]
    assert [mistake.answer for mistake in search.mistakes] == pytest.approx(slips, abs=1e-5)
    shown = round(found["best"], 2) - round(found["elbo"], 2)
    assert abs(shown - search.answer) <= search.tolerance


def test_no_other_mu_and_sigma_have_a_higher_elbo_than_the_search_found():
    from aecourse import exact

    model = exact.LinearGaussian(torch.tensor([[2.0, 2.0], [0.0, 1.0]]), torch.zeros(2), 1.0)
    x, chance = torch.tensor([[2.0, 1.0]]), torch.Generator().manual_seed(0)
    draws = torch.randn(2000, 4, generator=chance).double()
    mean = model.posterior(x).mean
    some = model.elbo(x, mean + 0.3 * draws[:, :2], draws[:, 2:] - 1)
    best = computed.price_of_one_pass()["best"]
    assert best - 0.1 < some.max() <= best


@pytest.mark.parametrize("item", TYPED, ids=lambda item: item.id)
def test_no_mistake_would_be_taken_for_another_or_for_right(item):
    answers = [item.answer, *(mistake.answer for mistake in item.mistakes)]
    if item.kind == "numeric":
        gaps = [abs(a - item.answer) for a in answers[1:]]
        assert min(gaps) > 2 * item.tolerance
    elif item.kind in ("shape", "formula"):  # formulas are compared when they are read
        assert len(set(answers)) == len(answers)
    else:
        written = [
            text.replace(" ", "").replace("torch.", "") for text in (*item.accepted, *answers[1:])
        ]
        assert len(set(written)) == len(written)


def codes(text):
    model = models.VAE(20, nets.mlp((8,)))
    x = torch.rand(16, 1, 28, 28)
    torch.manual_seed(0)
    return eval(text, {"torch": torch, "model": model, "x": x, "mu": model.encode(x)[0]})


@pytest.mark.parametrize("text", ITEMS["two-lines-to-sample"].accepted)
def test_accepted_lines_draw_sixteen_codes_from_the_prior(text):
    z = codes(text)
    assert z.shape == (16, 20) and abs(z.mean()) < 0.25 and 0.8 < z.std() < 1.2
    assert models.VAE(20, nets.mlp((8,))).decode(z).shape == (16, 1, 28, 28)


@pytest.mark.parametrize(
    "mistake", ITEMS["two-lines-to-sample"].mistakes, ids=lambda mistake: mistake.answer
)
def test_wrong_lines_are_wrong(mistake):
    z = codes(mistake.answer)
    if (
        mistake.answer == "torch.randn_like(mu)"
    ):  # right in its draw; it needs images that sampling has not
        return
    drawn = isinstance(z, torch.Tensor) and z.shape == (16, 20) and not z.requires_grad
    assert not (drawn and abs(z.mean()) < 0.25 and 0.8 < z.std() < 1.2)


def test_the_line_with_the_bug_is_the_only_one():
    item = ITEMS["plain-bce-on-logits"]
    lines = [option.text.strip("`") for option in item.options]
    model, x = models.VAE(20, nets.mlp((8,))), torch.bernoulli(torch.rand(5, 1, 28, 28))
    broken = next(i for i, option in enumerate(item.options) if option.correct)

    def run(lines):
        known = {"torch": torch, "F": F, "model": model, "x": x}
        torch.manual_seed(0)
        exec("\n".join(lines), known)
        return known["loss"]

    with pytest.raises(RuntimeError, match="between 0 and 1"):
        run(lines)
    mended = [
        line.replace("cross_entropy(", "cross_entropy_with_logits(") if i == broken else line
        for i, line in enumerate(lines)
    ]
    ours = run(mended).item()
    torch.manual_seed(0)
    assert ours == pytest.approx(model.loss(x)["loss"].item(), rel=1e-5)


QUESTION = """
  - id: one
    kind: shape
    group: concepts
    read: [{lesson: vae_elbo, section: The guess}]
    prompt: Which?
    answer: [2, 3]
    why: Because.
"""


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            "kind: shape",
            "kind: essay",
            "kind is 'essay'; accepted is one of choice, numeric, shape, code, formula, open",
        ),
        ("[2, 3]", "[2, 0]", "answer is [2, 0]"),
        ("[2, 3]", "23", "answer is 23"),
        ("group: concepts", "group: history", "group is 'history'"),
        ("lesson: vae_elbo", "lesson: lesson 5", "lesson of reading 1 is 'lesson 5'"),
        ("read: [{lesson: vae_elbo, section: The guess}]", "read: []", "read is empty"),
        ("why: Because.", "why: Because.\n    computed: nothing", "computed is 'nothing'"),
        ("why: Because.", "why: Because.\n    points: [a]", "unknown key points"),
        ("why: Because.", "mistakes: []", "why is missing"),
        ("kind: shape\n", "kind: open\n    points: [one]\n", "unknown key answer"),
    ],
)
def test_a_malformed_question_is_refused_by_name(tmp_path, old, new, message):
    assert old in QUESTION
    (tmp_path / "q.yaml").write_text(
        "quiz: q\nquestions:" + QUESTION.replace(old, new, 1), encoding="utf-8"
    )
    with pytest.raises(quiz.QuizError) as error:
        items(tmp_path / "q.yaml")
    assert str(error.value).startswith("q.yaml, question one: ") and message in str(error.value)


def test_an_open_question_has_two_to_four_points(tmp_path):
    text = QUESTION.replace("kind: shape", "kind: open\n    points: [a]").replace(
        "    answer: [2, 3]\n", ""
    )
    (tmp_path / "q.yaml").write_text("quiz: q\nquestions:" + text, encoding="utf-8")
    with pytest.raises(quiz.QuizError, match="it has 1 points; accepted are two to four"):
        items(tmp_path / "q.yaml")


def test_as_text_the_questions_stand_without_their_answers():
    text = repr(quiz.self_quiz())
    assert text.startswith("Self-quiz") and "20. In a model with two latents" in text
    assert (
        "0.94" not in text and "12.5" not in text and quiz.self_quiz().html == quiz.self_quiz().html
    )


# ---- The page ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return quiz.self_quiz().save(tmp_path_factory.mktemp("quiz") / "quiz.html").as_uri()


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=["light-1280", "dark-390"])
def page(request, new_page, address):
    theme, width = request.param
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto(address)
    return page


def question(page, id):
    return page.locator(f'[data-id="{id}"]')


def answer(page, id, given):
    """Answers question `id` as a reader would: a place among the options, or a text."""
    form = question(page, id)
    if isinstance(given, int):
        form.locator('[name="answer"]').nth(given).check()
    else:
        form.locator('[name="answer"]').fill(given)
    form.get_by_role("button", name="Answer").click()
    return form.locator(".ae-feedback").inner_text()


def right(item):
    if item.kind == "choice":
        return [option.correct for option in item.options].index(True)
    return {
        "numeric": lambda: f"{item.answer:.4g}",
        "shape": lambda: str(item.answer),
        "code": lambda: item.accepted[0],
        "formula": lambda: item.accepted[0],
        "open": lambda: "In my own words.",
    }[item.kind]()


def mark(page, id, label):
    question(page, id).get_by_label(label).check()


def take(page, except_for=(), marks="All of them"):
    for id, item in ITEMS.items():
        if id not in except_for:
            answer(page, id, right(item))
            if item.kind == "open":
                mark(page, id, marks)


def stored(text):
    """A script that puts a text where the quiz keeps its answers, before the page is there."""
    return f"localStorage.setItem('aecourse:self-quiz', {json.dumps(text)})"


def result(page):
    return page.locator(".ae-result").inner_text()


def tally(page):
    return page.locator(".ae-tally [role=status]").inner_text()


def test_everything_right_is_twenty_points_and_nothing_to_read(page):
    take(page)
    assert tally(page) == "20 of 20 answered, 20 points so far"
    page.get_by_role("button", name="Show my result").click()
    assert "20 of 20: expert" in result(page) and "To read again" not in result(page)
    assert page.evaluate("document.activeElement.textContent") == "20 of 20: expert"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "points, level",
    [
        (18, "expert"),
        (17.5, "proficient"),
        (15, "proficient"),
        (14.5, "competent"),
        (12, "competent"),
        (11.5, "developing"),
        (9, "developing"),
        (8.5, "start again"),
        (0, "start again"),
    ],
)
def test_the_level_by_points(browser, address, points, level):
    opens = [id for id, item in ITEMS.items() if item.kind == "open"]
    entries, left = {}, points
    for id in [*opens, *(id for id in ORDER if id not in opens)]:
        worth = left % 1 or min(1, left)  # a half goes to the first, an open one
        left -= worth
        text = str(right(ITEMS[id])) if worth or id in opens else ""
        entries[id] = {"text": text, "done": True, "mark": worth}
    assert left == 0
    page = browser.new_page()
    page.add_init_script(
        stored(
            json.dumps(
                {"format": "aecourse self-quiz", "version": 1, "shown": True, "answers": entries}
            )
        )
    )
    page.goto(address)
    said = str(points).replace(".5", "½").replace(".0", "")
    assert f"{said} of 20: {level}" in result(page)
    page.close()


def test_what_is_missed_is_linked_and_what_is_open_counts_nothing(page, address):
    take(page, except_for=("gap-to-the-posterior", "why-blur", "why-reparameterize", "shape-of-mu"))
    assert answer(page, "gap-to-the-posterior", "-0.78").startswith("Not quite: 0 points.")
    answer(page, "why-blur", "It averages.")
    mark(page, "why-blur", "Some")
    answer(page, "why-reparameterize", "For the gradient.")
    page.get_by_role("button", name="Show my result").click()
    text = result(page)
    assert (
        "16½ of 20: proficient" in text
        and "Counted as 0: 1 not answered, 1 not marked by you yet." in text
    )
    assert "mathematics: 4 of 5" in text and "concepts: 3½ of 5" in text
    assert "Question 4, ½ point. Answered in" in text and "Question 14, 0 points." in text
    gap = ITEMS["gap-to-the-posterior"].read[0]
    link = page.locator(".ae-result a", has_text=gap.section).first
    assert (
        link.get_attribute("href")
        == f"{contents.lesson(gap.lesson).name}.html#{_anchor(gap.section)}"
    )
    mark(page, "why-reparameterize", "All of them")  # the result follows
    assert "17½ of 20" in result(page) and "not marked" not in result(page)


def test_the_solution_opens_only_after_an_answer(page):
    form = question(page, "why-blur")
    assert (
        form.get_by_text("Solution").is_hidden()
        and form.get_by_text("A full answer holds").is_hidden()
    )
    form.get_by_role("button", name="Answer").click()
    assert "Write an answer first" in form.locator(".ae-feedback").inner_text()
    assert form.get_by_text("A full answer holds").is_hidden() and tally(page).startswith("0 of 20")
    answer(page, "why-blur", "It averages.")
    assert (
        form.get_by_text("A full answer holds").is_visible()
        and form.get_by_role("button", name="Answer").is_hidden()
    )
    assert (
        not form.locator("textarea").is_editable()
        and form.locator("textarea").input_value() == "It averages."
    )
    assert page.evaluate("document.activeElement.className") == "ae-feedback"


def test_not_knowing_shows_the_solution_for_no_points(page):
    form = question(page, "silent-latent")
    form.get_by_role("button", name="I do not know").click()
    assert form.locator(".ae-feedback").inner_text().startswith("Left open: 0 points.")
    assert (
        form.get_by_text("The KL is zero only where").is_visible()
        and form.locator("input").first.is_disabled()
    )
    assert tally(page) == "1 of 20 answered, 0 points so far"


def test_a_wrong_choice_gets_its_reason(page):
    assert answer(page, "which-noise", 0) == "Not quite: 0 points."
    chosen = question(page, "which-noise").locator("li[data-chosen]")
    assert chosen.count() == 1 and "That is the distribution of" in chosen.inner_text()


@pytest.mark.parametrize(
    "id, given, said",
    [
        ("price-of-one-pass", "0.95", "Right: 1 point."),
        ("price-of-one-pass", "0,947", "Right: 1 point."),
        ("price-of-one-pass", "1.33", "Not quite: 0 points."),
        ("price-of-one-pass", "7", "Not quite: 0 points. The solution stands below."),
        ("price-of-one-pass", "two", "A number, please"),
        ("kl-in-closed-form", "½(μ²+σ²-1-2ln σ)", "Right: 1 point."),
        ("kl-in-closed-form", "-0.5(1 + log_var - mu^2 - exp(log_var))", "Right: 1 point."),
        ("kl-in-closed-form", "mu^2+sigma^2-1-log(sigma^2)", "Not quite: 0 points."),
        (
            "kl-in-closed-form",
            "mu^2 + log(sigma)",
            "Not quite: 0 points. The solution stands below.",
        ),
        (
            "kl-in-closed-form",
            "sigma^2",
            "Not quite: 0 points. The answer depends on μ, and yours does not. The solution",
        ),
        ("kl-in-closed-form", "mu^2 + sigma^", "At the end: after “^” something is missing. Or"),
        ("kl-in-closed-form", "1.93 nats", "At “nats” (sign 6): this is no name here."),
        ("likelihood-in-three-terms", "r+g-k", "Right: 1 point."),
        ("likelihood-in-three-terms", "R-K", "Not quite: 0 points."),
        ("beta-of-a-pixel-mean", "3072", "Right: 1 point."),
        ("beta-of-a-pixel-mean", "3,072", "Right: 1 point."),
        ("beta-of-a-pixel-mean", "3 072", "Right: 1 point."),
        ("beta-of-a-pixel-mean", "3.072", "Not quite"),
        ("shape-of-mu", "(64, 20)", "Right: 1 point."),
        ("shape-of-mu", "[64,20]", "Right: 1 point."),
        ("shape-of-mu", "64 x 20", "Right: 1 point."),
        ("shape-of-mu", "64×20", "Right: 1 point."),
        ("shape-of-mu", "torch.Size([64, 20])", "Right: 1 point."),
        ("shape-of-mu", " 64 20 ", "Right: 1 point."),
        ("shape-of-mu", "(20,)", "Not quite: 0 points."),
        ("shape-of-mu", "(64, 40)", "Not quite: 0 points."),
        ("shape-of-mu", "(64, 3)", "Not quite: 0 points. The"),
        ("shape-of-mu", "(B, 20)", "A shape, please"),
        ("shape-of-mu", "6.4, 20", "A shape, please"),
        ("shape-of-mu", "()", "A shape, please"),
        ("two-lines-to-sample", "z = torch.randn(16,20)  # prior", "Right: 1 point."),
        ("two-lines-to-sample", "randn( (16, 20,) );", "Right: 1 point."),
        ("two-lines-to-sample", "torch.rand(16, 20)", "Not quite: 0 points."),
        ("two-lines-to-sample", "# nothing", "Write a line of code first."),
        ("two-lines-to-sample", "torch.empty(16, 20).normal_()", "This page cannot run Python."),
    ],
)
def test_what_is_typed_is_read_leniently(browser, address, id, given, said):
    page = browser.new_page()
    page.goto(address)
    assert answer(page, id, given).startswith(said)
    page.close()


def test_a_line_of_code_that_the_page_does_not_know_is_marked_by_the_reader(page):
    answer(page, "two-lines-to-sample", "torch.empty(16, 20).normal_()")
    assert tally(page) == "1 of 20 answered, 0 points so far"
    mark(page, "two-lines-to-sample", "It does: 1 point")
    assert tally(page) == "1 of 20 answered, 1 point so far"
    page.reload()
    assert question(page, "two-lines-to-sample").get_by_label(
        "It does: 1 point"
    ).is_checked() and "1 point so far" in tally(page)


def test_a_formula_shows_the_answer_and_the_matching_mistake(page):
    answer(page, "kl-in-closed-form", "1/2 (mu^2 + sigma^2 - 1 - ln σ)")
    form = question(page, "kl-in-closed-form")
    assert form.locator(".ae-preview").inner_text() == "Read as (1 / 2) · (μ² + σ² − 1 − log(σ))"
    text = form.locator("ul").first.inner_text()
    assert "The distance of the mean" in text and "and not" in text and "turned" not in text


def test_answers_to_questions_of_before_are_left_out(page):
    answers = {
        "kl-of-a-wide-latent": {"text": "1.93", "done": True, "mark": 1},
        "two-ways-up": {"text": "It is a bound.", "done": True, "mark": 0.5},
        "which-noise": {"text": "1", "done": True, "mark": 1},
    }
    said = imported(page, json.dumps({**GOOD, "answers": answers}))
    assert said == "Imported. Left out: 2, for questions that are not in this quiz."
    assert tally(page) == "1 of 20 answered, 1 point so far"


def test_only_the_matching_mistake_is_shown(page):
    answer(page, "price-of-a-squared-error", "25")
    text = question(page, "price-of-a-squared-error").locator("ul").first.inner_text()
    assert "exponent is missing" in text and "Upside down" not in text and "12.5" in text


def test_answers_drafts_marks_and_the_result_survive_a_reload(page):
    answer(page, "which-noise", 1)
    answer(page, "why-blur", "It averages.")
    mark(page, "why-blur", "Some")
    question(page, "made-tractable").locator("textarea").fill("Half a thought")
    question(page, "kl-in-closed-form").locator("input").fill(
        "mu^2 +"
    )  # a draft, not yet a formula
    question(page, "dearer-nats").locator("input").nth(2).check()  # chosen, not yet answered
    page.get_by_role("button", name="Show my result").click()
    page.reload()
    assert tally(
        page
    ) == "2 of 20 answered, 1½ points so far" and "1½ of 20: start again" in result(page)
    assert question(page, "which-noise").locator(".ae-feedback").inner_text() == "Right: 1 point."
    assert question(page, "made-tractable").locator("textarea").input_value() == "Half a thought"
    assert question(page, "made-tractable").locator("textarea").is_editable()
    draft = question(page, "kl-in-closed-form")
    assert draft.locator("input").input_value() == "mu^2 +" and draft.locator("input").is_editable()
    assert (
        draft.locator(".ae-preview").inner_text() == "At the end: after “+” something is missing."
    )
    assert (
        question(page, "dearer-nats").locator("input").nth(2).is_checked()
        and question(page, "dearer-nats").locator("input").nth(2).is_enabled()
    )


def test_reset_can_be_undone(page):
    answer(page, "which-noise", 1)
    page.get_by_role("button", name="Show my result").click()
    page.get_by_role("button", name="Start again").click()
    assert (
        tally(page).startswith("0 of 20")
        and page.get_by_text("All answers are cleared.").is_visible()
    )
    assert page.evaluate("document.activeElement.textContent") == "Undo"
    assert page.get_by_role("button", name="Show my result").is_visible()
    page.keyboard.press("Enter")
    assert tally(page) == "1 of 20 answered, 1 point so far" and "1 of 20: start again" in result(
        page
    )
    page.get_by_role("button", name="Start again").click()
    page.reload()
    assert (
        tally(page).startswith("0 of 20")
        and not question(page, "which-noise").locator("input").nth(1).is_checked()
    )


def exported(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "self-quiz-answers.json"
    return Path(download.value.path()).read_text(encoding="utf-8")


def imported(page, text):
    page.locator("input[type=file]").set_input_files(
        {"name": "a.json", "mimeType": "application/json", "buffer": text.encode()}
    )
    page.wait_for_function(
        "document.querySelector('input[type=file]').files.length === 0 && document.querySelector('.ae-undo span').textContent"
    )
    page.wait_for_timeout(50)
    return page.locator(".ae-undo span").inner_text()


def test_export_and_import_carry_everything(page, browser, address):
    take(page, except_for=("why-blur",))
    answer(page, "why-blur", "Because it averages; naïve “quotes” & <b>tags</b>.")
    mark(page, "why-blur", "Some")
    text = exported(page)
    page.get_by_role("button", name="Start again").click()
    page.reload()
    assert (
        imported(page, text) == "Imported."
        and tally(page) == "20 of 20 answered, 19½ points so far"
    )
    assert (
        question(page, "why-blur").locator("textarea").input_value()
        == "Because it averages; naïve “quotes” & <b>tags</b>."
    )
    assert json.loads(exported(page)) == json.loads(text)
    page.get_by_role("button", name="Undo").click()
    assert tally(page).startswith("0 of 20")


GOOD = {
    "format": "aecourse self-quiz",
    "version": 1,
    "shown": False,
    "answers": {"which-noise": {"text": "1", "done": True, "mark": 1}},
}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "7",
        '"text"',
        json.dumps({**GOOD, "format": "cards"}),
        json.dumps({**GOOD, "version": 2}),
        json.dumps({**GOOD, "answers": []}),
        json.dumps({**GOOD, "answers": None}),
        json.dumps({**GOOD, "answers": {"which-noise": {"text": 1, "done": True, "mark": 1}}}),
        json.dumps({**GOOD, "answers": {"which-noise": {"text": "1", "done": "yes", "mark": 1}}}),
        json.dumps({**GOOD, "answers": {"why-blur": {"text": "x", "done": True, "mark": 99}}}),
        json.dumps(
            {**GOOD, "answers": {"why-blur": {"text": "x" * 6000, "done": True, "mark": 1}}}
        ),
        json.dumps({**GOOD, "answers": {"why-blur": None}}),
        json.dumps({**GOOD, "more": "x" * 1_100_000}),
    ],
    ids=range(16),
)
def test_a_broken_import_changes_nothing(browser, address, text):
    page = browser.new_page()
    page.goto(address)
    answer(page, "which-noise", 1)
    assert (
        imported(page, text)
        == "This file holds no answers of this quiz, or is damaged. Nothing was changed."
    )
    assert (
        tally(page) == "1 of 20 answered, 1 point so far"
        and page.get_by_role("button", name="Undo").is_hidden()
    )
    page.close()


def test_an_import_cannot_claim_points(page):
    answers = {
        "which-noise": {"text": "0", "done": True, "mark": 1},
        "silent-latent": {"text": "77", "done": True, "mark": 1},
        "shape-of-mu": {"text": "round", "done": True, "mark": 1},
        "why-blur": {"text": "", "done": True, "mark": 1},
        "kl-in-closed-form": {"text": "mu^2", "done": True, "mark": 1},
        "gradient-past-a-choice": {"text": "2*", "done": True, "mark": 1},
        "no-such-question": {"text": "1", "done": True, "mark": 1},
        "__proto__": {"text": "1", "done": True, "mark": 1},
    }
    assert imported(page, json.dumps({**GOOD, "answers": answers})).startswith(
        "Imported. Left out: "
    )
    assert tally(page) == "3 of 20 answered, 0 points so far"
    answer(page, "silent-latent", 2)
    assert "1 point so far" in tally(page)


def test_hostile_text_is_text(page):
    hostile = (
        '</textarea></script><img src="http://example.com/x" onerror="document.title=1"><b>bold</b>'
    )
    answers = {
        "why-blur": {"text": hostile, "done": True, "mark": 0},
        "two-lines-to-sample": {"text": hostile[:150], "done": True, "mark": None},
    }
    imported(
        page,
        json.dumps(
            {**GOOD, "answers": {**answers, hostile: {"text": "x", "done": True, "mark": 1}}}
        ),
    )
    answer(page, "made-tractable", hostile)
    answer(page, "kl-in-closed-form", hostile)
    page.get_by_role("button", name="Show my result").click()
    page.reload()
    assert (
        page.locator("img").count() == 0
        and page.locator("b").count() == 0
        and page.title() == "SelfQuiz"
    )
    assert question(page, "why-blur").locator("textarea").input_value() == hostile
    assert question(page, "made-tractable").locator("textarea").input_value() == hostile


@pytest.mark.parametrize(
    "kept",
    [
        "nonsense",
        "null",
        "7",
        "[]",
        '{"answers": 3}',
        json.dumps({**GOOD, "answers": {"why-blur": 7, "which-noise": None}}),
    ],
)
def test_what_storage_holds_is_not_trusted(page, kept):
    page.add_init_script(stored(kept))
    page.reload()
    assert tally(page).startswith("0 of 20")
    assert answer(page, "which-noise", 1) == "Right: 1 point."


def test_a_browser_that_keeps_nothing_says_so_and_works(page):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    page.reload()
    assert page.get_by_text("This browser keeps no answers for this page.").is_visible()
    assert answer(page, "which-noise", 1) == "Right: 1 point."
    text = exported(page)
    page.get_by_role("button", name="Start again").click()
    page.get_by_role("button", name="Undo").click()
    assert tally(page).startswith("1 of 20")
    page.reload()
    assert imported(page, text) == "Imported." and tally(page).startswith("1 of 20")


def test_full_storage_is_noticed(page):
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    answer(page, "which-noise", 1)
    assert page.get_by_text("This browser keeps no answers for this page.").is_visible()


def focus(page):
    return page.evaluate(
        "(document.activeElement.textContent || document.activeElement.name || '').trim()"
    )


def tab_to(page, text, limit=60):
    for _ in range(limit):
        page.keyboard.press("Tab")
        if focus(page) == text:
            return
    raise AssertionError(f"{text!r} is not reached with Tab; the focus is on {focus(page)!r}")


def test_keys_alone_take_the_quiz(page):
    """From the first question to the result and back to an empty quiz, with Tab, arrows, Space, Enter and letters."""
    for item in ITEMS.values():
        page.keyboard.press("Tab")
        while not page.evaluate("document.activeElement.name === 'answer'"):
            page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('form').dataset.id") == item.id
        if item.kind == "choice":
            page.keyboard.press("Space")
            for _ in range(right(item)):
                page.keyboard.press("ArrowDown")
        else:
            page.keyboard.type(right(item))
        if item.kind in ("numeric", "shape", "code", "formula"):
            page.keyboard.press("Enter")
        else:
            tab_to(page, "Answer", 2)
            page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.className") == "ae-feedback"
        if item.kind == "open":
            while not page.evaluate("document.activeElement.name === 'mark'"):
                page.keyboard.press("Tab")
            page.keyboard.press("Space")
    tab_to(page, "Show my result")
    page.keyboard.press("Enter")
    assert focus(page) == "20 of 20: expert"
    tab_to(page, "Start again")
    page.keyboard.press("Enter")
    assert focus(page) == "Undo" and tally(page).startswith("0 of 20")


def test_a_finger_suffices(browser, address):
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(address)
    form = question(page, "which-noise")
    form.locator("label").nth(1).tap()
    form.get_by_role("button", name="Answer").tap()
    answer(page, "why-blur", "It averages.")
    question(page, "why-blur").get_by_text("Some: ½").tap()
    page.get_by_role("button", name="Show my result").tap()
    assert "1½ of 20: start again" in result(page)
    small = page.evaluate(
        "[...document.querySelectorAll('.ae-self-quiz :is(button, label)')].filter("
        "(e) => e.offsetParent && e.getBoundingClientRect().height < 24).map((e) => e.outerHTML)"
    )
    assert not small
    context.close()


def test_a_screen_reader_finds_names_and_groups(page):
    assert page.get_by_role("group", name=re.compile(r"Question \d+ of 20")).count() == 20
    nameless = page.evaluate("""[...document.querySelectorAll('input:not([hidden]), textarea')].filter(
        (field) => !field.labels?.length && !field.ariaLabel).map((field) => field.outerHTML)""")
    assert not nameless
    assert (
        page.locator(".ae-tally [role=status]").count() == 1
        and page.locator(".ae-undo [role=status]").count() == 1
    )


def test_text_has_contrast_in_both_themes(page):
    take(page, except_for=("which-noise", "shape-of-mu"))
    answer(page, "which-noise", 0)
    answer(page, "shape-of-mu", "(64, 40)")
    page.get_by_role("button", name="Show my result").click()
    faint = page.evaluate(r"""() => {
      const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
        const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
      const over = (top, base) => [0, 1, 2].map((i) => top[i] * top[3] + base[i] * (1 - top[3]));
      const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b; };
      const behind = (node) => { const chain = []; for (let e = node; e; e = e.parentElement) chain.unshift(rgba(getComputedStyle(e).backgroundColor));
        return chain.reduce((base, top) => over(top, base), rgba('Canvas').slice(0, 3)); };
      return [...document.querySelectorAll('.ae-self-quiz :is(p, legend, li, span, label, button, summary, h3, strong, code, textarea, input[type=text], a)')]
        .filter((e) => e.offsetParent && !e.matches(':disabled')).map((e) => { const back = behind(e), own = over(rgba(getComputedStyle(e).color), back);
          const [a, b] = [light(own), light(back)].sort((x, y) => y - x); return [(a + .05) / (b + .05), e.outerHTML.slice(0, 80)]; })
        .filter(([ratio]) => ratio < 4.5).map(String);
    }""")
    assert not faint, faint[:5]


def test_without_scripts_questions_and_solutions_can_be_read(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.get_by_text("What is posterior collapse").is_visible()
    page.get_by_text("Solution").nth(4).click()
    assert page.get_by_text("A full answer holds").nth(3).is_visible()
    context.close()


def test_in_a_notebook_links_lead_to_notebooks(browser, address, tmp_path):
    context = browser.new_context()
    context.route(
        "http://lab.test/**",
        lambda route: route.fulfill(
            content_type="text/html", body=f"<!doctype html><title>x</title>{quiz.self_quiz().html}"
        ),
    )
    page = context.new_page()
    page.goto(f"http://lab.test/lab/tree/notebooks/{contents.lesson('self_quiz').name}.ipynb")
    assert (
        page.locator(".ae-section a").first.get_attribute("href")
        == f"http://lab.test/lab/tree/notebooks/{contents.lesson('vae_elbo').name}.ipynb"
    )
    page.goto("http://lab.test/somewhere")
    assert (
        page.locator(".ae-section a").count() == 0
        and f"lesson {contents.lesson('vae_elbo').label}"
        in page.locator(".ae-section").first.text_content()
    )
    context.close()


# ---- The page of exercises ---------------------------------------------------------------------------------


def extension():
    pytest.importorskip("sphinx")
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    import aecourse_exercises

    return aecourse_exercises


@pytest.mark.parametrize(
    "path",
    [
        ROOT / "notebooks" / f"{each.name}.ipynb"
        for each in contents.written()
        if each.slug != "self_quiz"
    ],
    ids=lambda p: p.stem,
)
def test_every_exercise_of_every_lesson_says_its_minutes_and_difficulty(path):
    found, faulty = extension().exercises(path)
    assert not faulty
    assert [each.number for each in found] == list(range(1, len(found) + 1)) and len(found) >= 3
    assert any(each.checker for each in found) and all(1 <= each.minutes <= 90 for each in found)


def test_exercises_are_read_from_cells(tmp_path):
    def markdown(text):
        return {"cell_type": "markdown", "metadata": {}, "source": [text]}

    def code(text, *tags):
        return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": [text]}

    (tmp_path / "n.ipynb").write_text(
        json.dumps(
            {
                "cells": [
                    code("check.before(f)"),
                    markdown("Text.\n\n**1 · A $k$** (5 minutes, easy). Do it."),
                    code("f = 1\ncheck.a(f)"),
                    markdown("**2 · B** (15 minutes, hard). Do it."),
                    code("# Solution\ncheck.b(f)", "hide-cell"),
                    markdown("**3 · C**. Do it."),
                    code("check.c(f)"),
                    markdown("## Next"),
                    code("check.after(f)"),
                ]
            }
        ),
        encoding="utf-8",
    )
    found, faulty = extension().exercises(tmp_path / "n.ipynb")
    assert [
        (each.number, each.title, each.minutes, each.difficulty, each.checker) for each in found
    ] == [(1, "A $k$", 5, "easy", True), (2, "B", 15, "hard", False)]
    assert faulty == ["**3 · C**. Do it."]
