"""The question bank: the reader refuses what cannot be asked, the page asks and keeps boxes, and the deck follows the bank."""

import json
import math
import re
import sqlite3
import zipfile
from pathlib import Path

import pytest
from texts import replaced

from aecourse import contents
from aecourse.quiz import anki, cards, cards_page, mathematics
from aecourse.quiz.bank import DIFFICULTIES, TOPICS, QuizError
from aecourse.quiz.page import _anchor

ROOT = Path(__file__).resolve().parents[2]
BANK = cards.load()
NOTEBOOKS = {each.slug: ROOT / "notebooks" / f"{each.name}.ipynb" for each in contents.written()}
LESSONS = [each.slug for each in contents.lessons() if each.slug != "self_quiz"]

CARD = """
- id: first
  difficulty: easy
  kind: concept
  prompt: What is $x < y$ in `a<b>`?
  answer: |-
    It is *so*.

    $\\frac{1}{2}$

    ```python
    so = 1
    ```
"""
CHOICE = """
- id: second
  difficulty: hard
  kind: code
  prompt: Which?
  answer: This one, in full.
  options:
    - {text: Left, correct: false, why: Because *left* is wrong.}
    - {text: Up, correct: true, why: Because $u$ is up.}
"""
NUMBER = """
- id: third
  difficulty: medium
  kind: mathematics
  prompt: How many?
  answer: Counted.
  number: 1234.5
  tolerance: 0.01
  unit: nats
"""


def write(folder, *texts, name="vae_elbo"):
    path = folder / f"{name}.yaml"
    path.write_text("".join(texts), encoding="utf-8")
    return path


# ---- What a card must be -----------------------------------------------------------------------------------


def test_a_well_formed_file_is_read_as_written(tmp_path):
    first, second, third = cards.read(write(tmp_path, CARD, CHOICE, NUMBER))
    assert (first.id, first.lesson, first.difficulty, first.kind) == (
        "first",
        "vae_elbo",
        "easy",
        "concept",
    )
    assert cards.blocks(first.answer) == [
        ("paragraph", "It is *so*."),
        ("formula", r"\frac{1}{2}"),
        ("code", "so = 1"),
    ]
    assert [option.correct for option in second.options] == [False, True]
    assert (third.number, third.tolerance, third.unit) == (1234.5, 0.01, "nats") and math.isnan(
        first.number
    )


@pytest.mark.parametrize(
    "card, name, message",
    [
        (CARD[: CARD.index("  answer")], "first", "answer is missing"),
        (replaced(CHOICE, "This one, in full.", "' '"), "second", "answer is ' '"),
        (
            replaced(CHOICE, "correct: true", "correct: false"),
            "second",
            "0 of 2 options are correct",
        ),
        (
            replaced(CHOICE, "Left, correct: false", "Left, correct: true"),
            "second",
            "2 of 2 options are correct",
        ),
        (replaced(CHOICE, ", why: Because $u$ is up.", ""), "second", "why is missing in option 2"),
        (replaced(CARD, "  kind:", '  lesson: "05"\n  kind:'), "first", "unknown key lesson"),
        (replaced(CARD, "easy", "trivial"), "first", "difficulty is 'trivial'"),
        (replaced(CARD, "kind: concept", "kind: chat"), "first", "kind is 'chat'"),
        (replaced(CARD, "id: first", "id: The first"), "The first", "id is 'The first'"),
        (replaced(CARD, "id: first\n  difficulty", "difficulty"), "number 1", "id is missing"),
        (replaced(CARD, "prompt:", "question:"), "first", "unknown key question"),
        (replaced(CARD, "$x < y$", "$x < y"), "first", "prompt has an unbalanced $"),
        (replaced(CARD, "`a<b>`", "`a<b>"), "first", "prompt has an unbalanced `"),
        (replaced(CARD, "    ```\n", ""), "first", "answer has an unbalanced ``` (code)"),
        (
            replaced(CARD, r"\frac{1}{2}", r"\frac{1}{2"),
            "first",
            "answer has bad mathematics, a { without }",
        ),
        (
            replaced(CARD, r"\frac{1}{2}", r"\left( 1"),
            "first",
            r"answer has bad mathematics, a \left without \right",
        ),
        (
            replaced(CARD, "$x < y$", r"$x \lss y$"),
            "first",
            r"prompt has bad mathematics, the unknown command \lss",
        ),
        (
            replaced(CHOICE, "$u$", "$u_$"),
            "second",
            "why of option 2 has bad mathematics, an empty index or exponent",
        ),
        (
            replaced(NUMBER, "  tolerance: 0.01\n", ""),
            "third",
            "number and tolerance belong together",
        ),
        (replaced(NUMBER, "1234.5", "much"), "third", "number is 'much'"),
        (
            replaced(CHOICE, "  options:", "  number: 1\n  tolerance: 0\n  options:"),
            "second",
            "it has options and a number",
        ),
        ("- just a sentence", "number 1", "accepted is a mapping"),
    ],
)
def test_a_malformed_card_is_refused_by_file_and_name(tmp_path, card, name, message):
    with pytest.raises(QuizError) as error:
        cards.read(write(tmp_path, card))
    assert str(error.value).startswith(f"vae_elbo.yaml, card {name}: ") and message in str(
        error.value
    )


@pytest.mark.parametrize(
    "text, message",
    [("[", "not YAML"), ("cards: []", "accepted is a list"), ("- a: 1\n  a: 2", "given twice")],
)
def test_a_malformed_file_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(QuizError, match=f"^vae_elbo.yaml: .*{message}"):
        cards.read(write(tmp_path, text))


def test_an_id_is_used_once_in_the_whole_bank(tmp_path):
    said = "sparse.yaml, card first: the id is used in denoising.yaml already"
    with pytest.raises(QuizError, match=said):
        cards.load([write(tmp_path, CARD, name="denoising"), write(tmp_path, CARD, name="sparse")])


def test_a_file_is_named_by_its_lesson(tmp_path):
    with pytest.raises(QuizError, match="05_vae.yaml: the name is that of no lesson"):
        cards.read(write(tmp_path, CARD, name="05_vae"))
    both = [write(tmp_path, CARD, name="vae_elbo"), write(tmp_path, CHOICE, name="denoising")]
    assert [card.lesson for card in cards.load(both)] == ["denoising", "vae_elbo"]


@pytest.mark.parametrize(
    "tex, found",
    [
        (r"\frac{a}{b}", None),
        (r"\left\|a\right\|_F^2", None),
        (r"\{a\}", None),
        (r"\begin{matrix}a\\b\end{matrix}", None),
        (r"\mathcal{N}(0, I)", None),
        (r"a}", "a } without {"),
        (r"{a", "a { without }"),
        (r"a \right)", r"a \right without \left"),
        (r"\begin{matrix}a", r"a \begin without \end"),
        (r"\simga", r"the unknown command \simga"),
        (r"x^", "an empty index or exponent"),
        (r"x_a_b", "two indices or two exponents on one symbol"),
        (r"\frac", r"\frac without what it applies to"),
        (r"\(a", "a backslash before a sign that needs none"),
    ],
)
def test_mathematics_that_cannot_be_set_is_found(tex, found):
    assert mathematics.fault(tex) == found


# ---- What is in the bank -----------------------------------------------------------------------------------


def test_the_bank_is_large_and_balanced():
    assert len(BANK) >= 80
    for name, values in (("lesson", LESSONS), ("difficulty", DIFFICULTIES), ("kind", TOPICS)):
        counts = {value: sum(getattr(card, name) == value for card in BANK) for value in values}
        assert min(counts.values()) >= (2 if name == "lesson" else 15), counts


SUBJECTS = {  # what the bank must cover -> cards that do
    "what an autoencoder is": "what-an-autoencoder-is",
    "width of the code": "undercomplete-overcomplete",
    "reconstruction losses": "three-reconstruction-errors",
    "applications": "applications-of-autoencoders",
    "sparse": "sparse-idea l1-against-kl-sparsity kl-sparsity-formula",
    "denoising": "denoising-loss",
    "contractive": "contractive-penalty",
    "dropout": "dropout-as-regulariser",
    "how the regularisers differ": "regularisers-compared",
    "convolutional": "why-convolutions",
    "stacked": "greedy-pretraining",
    "linear = PCA": "pca-is-the-linear-autoencoder",
    "probabilistic view": "probabilistic-view",
    "ELBO": "elbo-by-jensen elbo-identity",
    "each KL term": "kl-terms",
    "reparameterization": "reparameterization-formula",
    "without reparameterization": "training-without-the-trick",
    "log-variance": "why-log-variance",
    "AE against VAE": "ae-against-vae",
    "VAE against GAN": "vae-against-gan",
    "generation": "sampling-a-vae",
    "beta-VAE": "beta-vae-idea",
    "annealing": "kl-annealing",
    "free bits": "free-bits",
    "collapse": "what-is-collapse three-remedies",
    "straight-through": "straight-through",
    "VQ-VAE": "vqvae-idea",
    "NVAE and hierarchy": "hierarchical-vae",
    "adversarial": "adversarial-autoencoder",
    "IWAE": "iwae-bound",
    "visualising": "visualise-features tsne-cannot-be-trusted-for",
    "anomalies": "anomaly-recipe anomaly-threshold-code",
    "missing data": "impute-with-a-vae",
    "augmentation": "generated-data-augmentation",
    "semi-supervised": "semi-supervised-m1-m2",
    "information bottleneck": "information-bottleneck",
    "manifold": "manifold-view",
    "which model": "which-model-for-which-job",
    "recommender": "design-a-recommender",
    "pitfalls": "pitfalls-of-code-size inputs-not-normalised output-fits-the-range",
    "to implement": "implement-vae-loss implement-quantiser implement-sparse implement-conditional",
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_subject_has_its_cards(subject):
    assert set(SUBJECTS[subject].split()) <= {card.id for card in BANK}


def headings(notebook: Path) -> set[str]:
    text = "\n".join(
        "".join(cell["source"])
        for cell in json.loads(notebook.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "markdown"
    )
    return {line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("## ")}


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_card_names_the_section_of_its_lesson(lesson):
    """Cards on lessons that are not written are answered in full and wait for a section to name."""
    mine = [card for card in BANK if card.lesson == lesson]
    if lesson not in NOTEBOOKS:
        assert all(len(card.answer) > 40 and not card.section for card in mine)
        pytest.skip(f"{len(mine)} cards await lesson {lesson}")
    missing = {
        card.id: card.section for card in mine if card.section not in headings(NOTEBOOKS[lesson])
    }
    assert not missing, missing


# ---- Numbers and code in the answers -----------------------------------------------------------------------


def number(name):
    return next(card.number for card in BANK if card.id == name)


def test_the_numbers_are_what_a_computation_gives():
    def kl_of_coins(rho, on):
        return rho * math.log(rho / on) + (1 - rho) * math.log((1 - rho) / (1 - on))

    widths, weights = [784, 256, 128, 64, 32], [8, 1, 1, 0]
    computed = {
        "count-the-parameters": sum(2 * a * b + a + b for a, b in zip(widths, widths[1:])),
        "kl-sparsity-formula": kl_of_coins(0.05, 0.2),
        "receptive-field-of-three-layers": 1 + sum(2 * 2**below for below in range(3)),
        "psnr-by-hand": -10 * math.log10(0.1**2),
        "gap-from-numbers": -87.3 + 91.0,
        "kl-by-hand": -0.5 * (1 + 0 - 2**2 - 1),
        "two-variances": (1 + 14 + 15) / 4,
        "std-from-log-variance": math.exp(0.5 * -2),
        "merge-by-precision": (2 / 0.5 + 0 / 1) / (1 / 0.5 + 1 / 1),
        "price-of-a-grid": -16 * math.log2(1 / 16),
        "effective-sample-size": sum(weights) ** 2 / sum(w * w for w in weights),
        "codebook-perplexity": math.exp(-8 * math.log(1 / 8) / 8),
        "accuracy-on-rare-anomalies": 90 / (90 + 999),
        "cheapest-threshold": 1 / (1 + 50),
        "recommender-metrics": 3 / min(20, 4),
    }
    assert set(computed) == {card.id for card in BANK if not math.isnan(card.number)}
    for card in BANK:
        if not math.isnan(card.number):
            assert abs(card.number - computed[card.id]) <= max(card.tolerance, 1e-9) / 2, card.id


def code_of(name):
    """What the code in a card's answer defines."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    space = {"torch": torch, "F": F, "nn": nn}
    for kind, content in cards.blocks(next(card.answer for card in BANK if card.id == name)):
        if kind == "code":
            exec(compile(content, name, "exec"), space)
    return space


def test_every_code_answer_runs():
    with_code = [card.id for card in BANK if "```" in card.answer]
    assert len(with_code) >= 8
    for name in with_code:
        assert set(code_of(name)) - {"torch", "F", "nn", "__builtins__"}, name


def test_the_vae_loss_is_the_packages():
    import torch

    from aecourse import models, nets

    torch.manual_seed(0)
    vae, x = models.VAE(3, nets.mlp((8,)), shape=(1, 4, 6)), torch.rand(5, 1, 4, 6).round()
    torch.manual_seed(1)
    mine = code_of("implement-vae-loss")["vae_loss"](x, vae.encode, vae.decode)
    torch.manual_seed(1)
    torch.testing.assert_close(mine, vae.loss(x)["loss"])


def test_the_quantiser_is_the_packages():
    import torch

    models = pytest.importorskip("aecourse.models")
    if not hasattr(models, "VectorQuantizer"):
        pytest.skip("the package has no quantiser yet")
    torch.manual_seed(0)
    reference = models.VectorQuantizer(7, 3, codebook="gradient")
    z = torch.randn(2, 3, 4, 5, requires_grad=True)
    words, indices, codebook, commitment = code_of("implement-quantiser")["quantise"](
        z, reference.words
    )
    theirs, terms = reference(z)
    torch.testing.assert_close(words, theirs)
    torch.testing.assert_close(words.detach(), reference.lookup(indices).detach())
    torch.testing.assert_close(codebook, terms["codebook"])
    torch.testing.assert_close(commitment, terms["commitment"])
    weight = torch.randn_like(z)
    (gradient,) = torch.autograd.grad((words * weight).sum(), z, retain_graph=True)
    torch.testing.assert_close(gradient, weight)  # straight through
    (moved,) = torch.autograd.grad(codebook, reference.words)
    assert (
        moved.abs().sum() > 0
        and torch.autograd.grad(codebook, z, allow_unused=True, retain_graph=False)[0] is None
    )


def test_the_sparse_autoencoder_charges_the_divergence_of_coins():
    import torch
    import torch.nn.functional as F
    from torch.distributions import Bernoulli, kl_divergence

    torch.manual_seed(0)
    model, x = (
        code_of("implement-sparse")["Sparse"](pixels=6, units=9, rho=0.05, weight=10.0),
        torch.rand(4, 6),
    )
    z = torch.sigmoid(model.encoder(x))
    error = F.mse_loss(torch.sigmoid(model.decoder(z)), x, reduction="sum") / 4
    coins = kl_divergence(Bernoulli(torch.tensor(0.05)), Bernoulli(z.mean(0))).sum()
    torch.testing.assert_close(model.loss(x), error + 10 * coins)


def test_the_conditional_vae_is_a_vae_for_each_class():
    import torch

    from aecourse import models

    torch.manual_seed(0)
    model = code_of("implement-conditional")["Conditional"](
        pixels=6, classes=3, latent_dim=2, hidden=5
    )
    x, y = torch.rand(4, 6).round(), torch.tensor([0, 1, 2, 1])
    torch.manual_seed(1)
    mine = model.loss(x, y)
    label = torch.eye(3)[y]
    mu, log_var = model.encoder(torch.cat([x, label], 1)).chunk(2, 1)
    torch.manual_seed(1)
    z = models.reparameterize(mu, log_var)
    error = -models.Bernoulli().log_prob(model.decoder(torch.cat([z, label], 1)), x).mean()
    torch.testing.assert_close(mine, error + models.kl_divergence(mu, log_var).sum(1).mean())
    torch.manual_seed(2)
    zeros = model.sample(torch.zeros(4, dtype=torch.long))
    torch.manual_seed(2)
    assert zeros.shape == (4, 6) and not torch.allclose(
        zeros, model.sample(torch.ones(4, dtype=torch.long))
    )


def test_the_small_answers_do_what_they_say():
    import torch

    z = torch.tensor([[3.0, 1.0, 2.0], [0.0, -1.0, 5.0]], requires_grad=True)
    kept = code_of("k-sparse")["top_k"](z, 2)
    assert kept.tolist() == [[3, 0, 2], [0, 0, 5]]
    (gradient,) = torch.autograd.grad(kept.sum(), z)
    assert gradient.tolist() == [[1, 0, 1], [1, 0, 1]]
    log_w = torch.tensor([[-1000.0], [-1001.0]])
    assert code_of("log-mean-exp")["iwae_bound"](log_w).item() == pytest.approx(
        -1000 + math.log((1 + math.exp(-1)) / 2), abs=1e-3
    )
    words = torch.zeros_like(z)
    through = code_of("straight-through")["straight_through"](z, words)
    assert (
        through.tolist() == words.tolist()
        and torch.autograd.grad(through.sum(), z)[0].tolist() == [[1, 1, 1]] * 2
    )
    scores = torch.arange(1000.0)
    space = code_of("anomaly-threshold-code")
    assert space["is_anomaly"](
        scores, space["threshold"](scores, 0.05)
    ).float().mean().item() == pytest.approx(0.05, abs=0.002)
    assert code_of("sampling-a-vae")["draw"](torch.nn.Linear(2, 5), 3, 2).shape == (3, 5)


# ---- Page, sheet and deck follow the bank ------------------------------------------------------------------


def test_a_changed_card_changes_page_sheet_and_deck_and_keeps_its_identifier(tmp_path):
    pytest.importorskip("genanki")
    before = cards.load([write(tmp_path, CARD, CHOICE)])
    after = cards.load([write(tmp_path, CARD.replace("It is *so*.", "It is *otherwise*."), CHOICE)])
    for render in (
        lambda c: cards_page.Deck(c).html,
        cards_page.sheet,
        lambda c: "".join(anki.notes(c)[0].fields),
    ):
        assert (
            "<em>so</em>" in render(before)
            and "<em>otherwise</em>" in render(after)
            and "<em>so</em>" not in render(after)
        )
    assert [note.guid for note in anki.notes(before)] == [note.guid for note in anki.notes(after)]


def test_the_deck_holds_every_card_once(tmp_path):
    pytest.importorskip("genanki")
    with zipfile.ZipFile(anki.write(tmp_path / "deck.apkg")) as archive:
        archive.extract("collection.anki2", tmp_path)
    connection = sqlite3.connect(tmp_path / "collection.anki2")
    rows = connection.execute("select guid, flds, tags from notes").fetchall()
    connection.close()
    assert len(rows) == len(BANK) == len({guid for guid, _, _ in rows})
    text = "".join(fields for _, fields, _ in rows)
    assert r"\(" in text and r"\[" in text and "$" not in re.sub(r"<code>.*?</code>", "", text)
    assert {tag for _, _, tags in rows for tag in tags.split() if tag.startswith("lesson-")} == {
        f"lesson-{lesson}" for lesson in LESSONS
    }


def test_links_lead_to_the_section_where_the_lesson_is_there(tmp_path):
    text = replaced(CARD, "  prompt:", "  section: 'Why, how: here'\n  prompt:")
    html = cards_page.Deck(
        cards.load([write(tmp_path, text), write(tmp_path, CHOICE, name="denoising")]),
        {"vae_elbo": "../notebooks/05_vae.html"},
    ).html
    assert (
        f'href="../notebooks/05_vae.html#{_anchor("Why, how: here")}"' in html
        and html.count("<a href") == 1
    )


def test_as_text_the_cards_stand_without_their_answers(tmp_path):
    text = repr(cards_page.Deck(cards.load([write(tmp_path, CARD, CHOICE)])))
    assert text.startswith("1. What is") and "It is" not in text


# ---- The page in a browser ---------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path):
    return (
        cards_page.Deck(cards.load([write(tmp_path, CARD, CHOICE, NUMBER)]))
        .save(tmp_path / "three.html")
        .as_uri()
    )


@pytest.fixture
def whole(tmp_path):
    return cards_page.question_bank().save(tmp_path / "bank.html").as_uri()


def shown(page):
    return page.locator(".ae-card:visible").count()


def status(page):
    return page.locator(".ae-status").inner_text()


def noon(page, day):
    page.clock.set_fixed_time(f"2030-01-{day:02d}T12:00:00")


def test_filters_combine(page, whole):
    page.goto(whole)
    assert shown(page) == len(BANK) and status(page).startswith(
        f"{len(BANK)} cards: 0 due, {len(BANK)} not asked yet."
    )
    page.get_by_label("Lesson", exact=True).select_option("vae_elbo")
    page.get_by_label("Difficulty").select_option("easy")
    expected = [card for card in BANK if card.lesson == "vae_elbo" and card.difficulty == "easy"]
    assert shown(page) == len(expected) > 0 and page.locator("h3:visible").count() == 1
    page.get_by_label("Kind").select_option("code")
    assert shown(page) == sum(card.kind == "code" for card in expected)
    for name in ("Lesson", "Difficulty", "Kind"):
        page.get_by_label(name, exact=True).select_option("")
    assert shown(page) == len(BANK)


def test_ten_at_random_are_ten_different_cards_of_the_filter(page, whole):
    page.goto(whole)
    page.get_by_label("Lesson", exact=True).select_option("vae_elbo")
    asked = []
    page.get_by_role("button", name="Ask me ten at random").click()
    for turn in range(10):
        assert shown(page) == 1 and status(page).startswith(f"Card {turn + 1} of 10.")
        card = page.locator(".ae-card:visible")
        asked.append(card.get_attribute("data-id"))
        assert (
            card.get_attribute("data-lesson") == "vae_elbo"
            and page.get_by_role("button", name="I knew it").count() == 0
        )
        card.get_by_text("Answer", exact=True).click()
        page.get_by_role("button", name="I knew it" if turn % 2 else "Not yet").click()
    assert (
        len(set(asked)) == 10 and status(page).startswith("You knew 5 of 10.") and shown(page) == 10
    )
    page.get_by_role("button", name="Stop and show all cards").click()
    assert shown(page) == sum(card.lesson == "vae_elbo" for card in BANK)


def test_boxes_survive_a_reload_and_cards_come_back_when_they_are_due(page, three):
    noon(page, 1)
    page.goto(three)
    page.get_by_text("Answer", exact=True).nth(0).click()
    page.get_by_role("button", name="I knew it").click()
    page.get_by_text("Answer", exact=True).nth(1).click()
    page.get_by_role("button", name="Not yet").nth(1).click()
    assert page.evaluate("localStorage.getItem('aecourse:cards:first')") == json.dumps(
        {"box": 1, "day": 21915, "from": 0}, separators=(",", ":")
    )
    page.reload()
    assert [box.inner_text() for box in page.locator(".ae-box").all()] == [
        "box 1 of 5",
        "box 1 of 5",
        "not asked yet",
    ]
    assert page.get_by_role("button", name="Ask what is due (0)").is_disabled()
    for day, box, waits in (
        (2, 2, 2),
        (4, 3, 4),
        (8, 4, 8),
        (16, 5, 16),
    ):  # known each time: 1, 2, 4, 8, 16 days
        noon(page, day)
        page.reload()
        assert (
            "box" in page.locator(".ae-box").first.inner_text()
            and "due" in page.locator(".ae-box").first.inner_text()
        )
        page.get_by_text("Answer", exact=True).first.click()
        page.get_by_role("button", name="I knew it").first.click()
        assert page.locator(".ae-box").first.inner_text() == f"box {box} of 5"
        assert (
            f"Box {box}: it comes back in {waits} days."
            in page.locator(".ae-card").first.inner_text()
        )
    page.get_by_role("button", name="Ask what is due (1)").click()
    assert (
        shown(page) == 1 and page.locator(".ae-card:visible").get_attribute("data-id") == "second"
    )
    page.locator(".ae-card:visible").get_by_text("Answer", exact=True).click()
    page.get_by_role("button", name="Not yet").click()
    assert page.evaluate("JSON.parse(localStorage.getItem('aecourse:cards:second')).box") == 1
    page.get_by_role("button", name="Stop").click()
    page.locator(".ae-card").first.get_by_role("button", name="Not yet").click()
    assert (
        page.locator(".ae-box").first.inner_text() == "box 1 of 5"
    )  # from the fifth box to the first


def test_a_choice_and_a_number_are_judged(page, three):
    page.goto(three)
    answer = page.get_by_role("button", name="Check").first
    answer.click()
    assert page.locator(".ae-verdict").nth(1).inner_text() == "Choose an answer first."
    page.get_by_label("b) Up").check()
    page.keyboard.press("ArrowUp")  # the arrows only move
    page.keyboard.press("ArrowDown")
    assert page.get_by_text("Because left is wrong.").is_hidden()
    answer.click()
    assert (
        page.locator(".ae-verdict").nth(1).inner_text() == "Right."
        and page.get_by_text("Because left is wrong.").is_visible()
    )
    page.get_by_label("a) Left").check()
    answer.click()
    assert page.locator(".ae-verdict").nth(1).inner_text() == "Not quite."
    for typed, said in (
        ("much", "A number, please"),
        ("1,234.5", "Right."),
        ("1 234,51", "Right."),
        ("1234", "Not quite."),
    ):
        page.get_by_label("Your answer").fill(typed)
        page.keyboard.press("Enter")
        assert page.locator(".ae-verdict").nth(2).inner_text().startswith(said)


def test_boxes_can_be_emptied(page, three):
    page.goto(three)
    page.evaluate("localStorage.setItem('aecourse:quiz:vae_elbo:other', '{}')")
    page.get_by_text("Answer", exact=True).first.click()
    page.get_by_role("button", name="I knew it").click()
    page.get_by_role("button", name="Empty all boxes").click()
    assert page.locator(".ae-box").first.inner_text() == "not asked yet"
    assert page.evaluate("Object.keys(localStorage)") == [
        "aecourse:quiz:vae_elbo:other"
    ]  # the cards' own entries only
    page.get_by_role("button", name="Undo").click()
    assert page.locator(".ae-box").first.inner_text() == "box 1 of 5"


def test_one_mark_a_day_and_nothing_moves_under_the_pointer(page, three):
    noon(page, 1)
    page.goto(three)
    page.get_by_text("Answer", exact=True).first.click()
    card = page.locator(".ae-card").first
    knew, place = card.get_by_role("button", name="I knew it"), card.locator("details")
    before = knew.bounding_box(), place.bounding_box()
    for _ in range(5):
        knew.click()
    assert (knew.bounding_box(), place.bounding_box()) == before
    assert card.locator(".ae-box").inner_text() == "box 1 of 5"
    for name, box in (("Not yet", 1), ("I knew it", 2), ("Not yet", 1), ("I knew it", 2)):
        noon(page, 3)  # the second mark of a day corrects the first
        card.get_by_role("button", name=name).click()
        assert card.locator(".ae-box").inner_text() == f"box {box} of 5"


def test_two_tabs_agree(page, three):
    page.goto(three)
    other = page.context.new_page()
    other.goto(three)
    page.get_by_text("Answer", exact=True).first.click()
    page.get_by_role("button", name="I knew it").click()
    other.get_by_text("box 1 of 5").wait_for()


@pytest.mark.parametrize(
    "kept",
    ["nonsense", "null", "7", '{"box": 12, "day": 1}', '{"box": 1}', '{"box": "1", "day": 1}'],
)
def test_what_storage_holds_is_not_trusted(page, three, kept):
    page.goto(three)
    page.evaluate("text => localStorage.setItem('aecourse:cards:first', text)", kept)
    page.reload()
    assert page.locator(".ae-box").first.inner_text() == "not asked yet" and shown(page) == 3


def test_a_browser_that_keeps_nothing_says_so_and_works(page, three):
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })"
    )
    page.goto(three)
    assert "This browser keeps nothing for this page" in status(page)
    page.get_by_role("button", name="Ask me ten at random").click()
    for _ in range(3):
        page.locator(".ae-card:visible").get_by_text("Answer", exact=True).click()
        page.get_by_role("button", name="I knew it").click()
    assert (
        status(page).startswith("You knew 3 of 3.")
        and page.locator(".ae-box").first.inner_text() == "box 1 of 5"
    )


def test_keys_alone_suffice(page, three):
    page.goto(three)
    page.get_by_role("button", name="Ask me ten").focus()
    page.keyboard.press("Enter")
    for _ in range(3):
        assert page.evaluate(
            "document.activeElement.classList.contains('ae-card') && !document.activeElement.hidden"
        )
        while page.evaluate("document.activeElement.tagName") != "SUMMARY":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        while page.evaluate("document.activeElement.textContent") != "Not yet":
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
    assert (
        status(page).startswith("You knew 0 of 3.")
        and page.evaluate("document.activeElement.textContent") == "Stop and show all cards"
    )


def test_without_scripts_everything_can_be_read(browser, whole):
    page = browser.new_page(java_script_enabled=False)
    page.goto(whole)
    assert shown(page) == len(BANK) and page.get_by_role("button", name="Ask me ten").count() == 0
    page.get_by_text("Answer", exact=True).first.click()
    assert page.get_by_text("Two functions that are learned together").is_visible()
    page.close()


def test_text_is_never_markup(page, tmp_path):
    hostile = (
        """'</script><img src="http://example.com/x" onerror="document.title=1"> & "quotes"'"""
    )
    text = (
        CHOICE.replace("Left", hostile)
        .replace("This one, in full.", hostile)
        .replace("Which?", "<b>Which</b>?")
    )
    page.goto(
        cards_page.Deck(cards.load([write(tmp_path, text)])).save(tmp_path / "page.html").as_uri()
    )
    page.get_by_text("Answer", exact=True).click()
    assert page.locator("img").count() == 0 and page.locator(".ae-prompt b").count() == 0


def test_a_narrow_screen_is_wide_enough(page, whole):
    page.goto(whole)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
