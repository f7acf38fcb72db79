"""Formulas that readers type: how they are read and marked, in Python and in the page alike, and the questions that ask for them."""

import json
import math
import random
import re
from importlib import resources

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse import models, quiz
from aecourse.page.figure import bundle
from aecourse.quiz import bank, cards, cards_page, formula, mathematics
from aecourse.quiz.formula import Fault, Known, Row
from aecourse.quiz.self_quiz import items

KL = "(mu^2 + sigma^2 - 1 - log(sigma^2)) / 2"
KNOWN = Known.of(
    {"mu": (-2, 2), "sigma": (0.3, 3)}, {"log_var": "log(sigma^2)", "var": "sigma^2"}, KL
)
ROWS = [Row(KL, True, "So it is."), Row(f"2*({KL})", False, "The factor 1/2 is missing.")]

ASKED = {  # everything that asks for a formula: id -> what has variables, answer, accepted and mistakes
    **{q.id: q for lesson in quiz.lessons() for q in quiz.load(lesson) if q.kind == "formula"},
    **{item.id: item for item in items() if item.kind == "formula"},
    **{f"card {card.id}": card.formula for card in cards.load() if card.formula},
}


# ---- How a formula is read ---------------------------------------------------------------------------------

READ = {
    "mu^2": "μ²",
    "mu**2": "μ²",
    "μ²": "μ²",
    "𝜇²": "μ²",
    "MU^2": "μ²",
    "2mu": "2 · μ",
    "½mu": "½ · μ",
    "0,5 mu": "0.5 · μ",
    ".5mu": ".5 · μ",
    "1e-3mu": "1e-3 · μ",
    "2 e mu": "2 · e · μ",
    "mu sigma": "μ · σ",
    "μσ": "μ · σ",
    "2(mu)(sigma)": "2 · μ · σ",
    "mu·σ×2⋅3": "μ · σ · 2 · 3",
    "-mu^2": "−μ²",
    "(-mu)^2": "(−μ)²",
    "-2mu sigma": "−2 · μ · σ",
    "-1/2*(mu+1)": "−(1 / 2) · (μ + 1)",
    "mu + -2sigma": "μ + (−2 · σ)",
    "mu/(-2sigma)": "μ / (−2 · σ)",
    "-(mu - sigma)/2": "−(μ − σ) / 2",
    "−μ": "−μ",
    "mu^-2": "μ⁻²",
    "sigma⁻²": "σ⁻²",
    "mu^-sigma": "μ^(−σ)",
    "2^3^2": "2^(3²)",
    "mu^2sigma": "μ² · σ",
    "mu/sigma/2": "(μ / σ) / 2",
    "mu/(2sigma)": "μ / (2 · σ)",
    "1/2mu": "(1 / 2) · μ",
    "mu*sigma/2": "μ · σ / 2",
    "mu - sigma - 1": "μ − σ − 1",
    "mu - (sigma - 1)": "μ − (σ − 1)",
    "mu--sigma": "μ − (−σ)",
    "log sigma^2": "log(σ²)",
    "log(sigma)^2": "log(σ)²",
    "ln σ²": "log(σ²)",
    "2 log σ": "2 · log(σ)",
    "Log(sigma)": "log(σ)",
    "exp -mu": "exp(−μ)",
    "√2": "√(2)",
    "√(mu+1)sigma": "√(μ + 1) · σ",
    "abs(mu)": "|μ|",
    "torch.log(sigma)": "log(σ)",
    "np.exp(log_var)": "exp(log_var)",
    "logvar": "log_var",
    "sigma2": "var",
    "log2(sigma)": "log2(σ)",
    "2π": "2 · π",
    "[mu + {sigma}]2": None,
    "((mu))": "μ",
    "  mu\u00a0+ 1 ": "μ + 1",
}


@pytest.mark.parametrize("text", READ)
def test_a_formula_is_read_one_way_only(text):
    tree = formula.read(text, KNOWN)
    if READ[text] is None:
        assert isinstance(tree, Fault)
    else:
        assert formula.typeset(tree) == READ[text]
        again = formula.read(formula.typeset(tree).replace("|μ|", "abs(μ)"), KNOWN)
        assert formula.typeset(again) == READ[text]  # what is shown may be typed


FAULTS = {
    "": "Write a formula first.",
    " \u00a0": "Write a formula first.",
    "mu +": "At the end: after “+” something is missing.",
    "mu $ 2": "At “$” (sign 4): this sign is not understood here.",
    "tau": "At “tau” (sign 1): this is no name here. Known are mu (or μ), sigma (or σ), log_var, var, and sqrt, exp,",
    "musigma": "At “musigma” (sign 1): this is no name here.",
    "sinh(mu)": "At “sinh” (sign 1): this is no name here.",
    "mu 2": "At “2” (sign 4): between this number and what stands before it a sign is missing.",
    "1½": "At “½” (sign 2): between this number and what stands before it a sign is missing.",
    "mu/2sigma": "At “sigma” (sign 5): is this still below the /? Parentheses say it.",
    "(mu": "At “(” (sign 1): this parenthesis is never closed.",
    "mu)": "At “)” (sign 3): this parenthesis was never opened.",
    "(mu]": "At “]” (sign 4): “(” was opened, so “)” closes.",
    "()": "At “)” (sign 2): between these parentheses something is missing.",
    "(mu+)": "At “)” (sign 5): before this parenthesis something is missing.",
    "*mu": "At “*” (sign 1): before this sign something is missing.",
    "mu +* 2": "At “*” (sign 5): before this sign something is missing.",
    "KL = mu": "At “=” (sign 4): only what stands right of the = is asked for.",
    "|mu|": "At “|” (sign 1): write an absolute value as abs(...).",
    "\\mu": "At “\\” (sign 1): this is no TeX; write 1/2, sqrt(x), sigma^2.",
    "mu, sigma": "At “,” (sign 3): a comma is understood between two digits only.",
    "log": "At the end: after log comes what it is taken of, in parentheses.",
    "log^2(mu)": "At “^” (sign 4): write the power of log as (log(...))^2.",
    "log mu sigma": "At “sigma” (sign 8): does log apply to this as well? Parentheses say it.",
    "mu²^2": "At “^” (sign 4): this is an exponent on an exponent; parentheses say of what.",
    "mu⁻": "At “⁻” (sign 3): this exponent is no number.",
    "1e999": "At “1e999” (sign 1): this number is too large.",
    "mu 😀": "At “😀” (sign 4): this sign is not understood here.",
    "(" * 41 + "mu" + ")" * 41: "At “mu” (sign 42): this is nested too deeply.",
    "-" * 60 + "mu": "At “-” (sign 42): this is nested too deeply.",
    "mu" + "+mu" * 70: "At “+mu+mu+mu+mu” (sign 201): a formula has at most 200 signs.",
    "__import__('os')": "At “_” (sign 1): this sign is not understood here.",
    "constructor": "At “constructor” (sign 1): this is no name here.",
}


@pytest.mark.parametrize("text", FAULTS, ids=lambda text: text[:20] or "nothing")
def test_what_is_not_understood_is_said_with_its_place(text):
    fault = formula.read(text, KNOWN)
    assert isinstance(fault, Fault)
    assert fault.said.startswith(FAULTS[text]) or (
        text.startswith("mu+mu") and "at most 200 signs" in fault.said
    )
    assert formula.mark(text, KNOWN, ROWS) == formula.Marked(None, fault.said)


def test_a_value_is_that_of_arithmetic():
    at = {"mu": 1.5, "sigma": 0.5}
    for text, wanted in {
        "-mu^2": -2.25,
        "2^-1": 0.5,
        "2^3^2": 512,
        "1/2mu": 0.75,
        "mu-1-1": -0.5,
        "8/4/2": 1,
        "exp(1)-e": 0,
        "sin(pi)+1": 1,
        "log10(100)+log2(8)": 5,
        "abs(-mu)√4": 3,
    }.items():
        tree = formula.read(text, KNOWN)
        assert formula.value(tree, at) == pytest.approx(wanted), text
    for text in (
        "1/0",
        "log(0)",
        "sqrt(-1)",
        "(-8)^(1/3)",
        "9^999",
        "exp(999)",
        "1/(1/0)",
        "(1/0)^0",
    ):
        assert math.isnan(formula.value(formula.read(text, KNOWN), at)), text


# ---- Marking -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ASKED)
def test_a_question_knows_its_answer_its_other_forms_and_its_mistakes(id):
    asked = ASKED[id]
    known, rows = bank.known(asked), bank.rows(asked)
    assert len(asked.mistakes) >= 5 and not formula.mark("7.125", known, rows).right
    for text in (asked.answer, *asked.accepted, f"1*({asked.answer})+0"):
        assert formula.mark(text, known, rows) == formula.Marked(True, asked.why, 0), text
    for place, mistake in enumerate(asked.mistakes, 1):
        assert formula.mark(mistake.answer, known, rows).row == place, mistake.answer
    for row in rows:
        assert mathematics.fault(formula.tex(formula.read(row.answer, known))) is None
    for name, (low, high) in asked.variables.items():
        inside = known.points[name]
        assert low <= min(inside) < max(inside) <= high and len(set(inside)) == len(inside)
        assert low >= 0 or high <= 0 or min(inside) < 0 < max(inside)


WAYS = {
    "kl-in-closed-form": """
        (mu^2 + sigma^2 - 1 - log(sigma^2))/2 | 1/2(mu^2+sigma^2-1-ln(sigma^2)) | ½(μ²+σ²−1−ln σ²) | 0.5*(mu**2+sigma**2-1-2*log(sigma))
        -0.5*(1+log_var-mu**2-exp(log_var)) | mu^2/2 + sigma^2/2 - 1/2 - log(sigma) | -1/2 (1 + logvar - mu*mu - var)
        .5mu² + .5σ² − .5 − ln σ | (mu^2+var-1-log(var))/2 | log(1/sigma) + (sigma^2 + mu^2)/2 - 1/2 | log(exp(-½)/σ) + ½(σ² + μ²)
        -log(abs(sigma)) + ((mu)^2 + (sigma)^2 - 1) ÷ 2 | 0,5·(μ·μ + σ·σ − 1) − ln(σ) | [mu^2 + exp(2 log(sigma)) - 1]/2 - log sigma""",
    "likelihood-in-three-terms": """
        R - K + G | G + R - K | R + G - K | R-(K-G) | -(K-G-R) | (R−K)+G | r-k+g | 1R + 1G - 1K | 2(R-K+G)/2 | G - K + R""",
    "gradient-past-a-choice": """
        2*beta*(u-w) - 2*a*(x-a*w) | 2β(u−w) − 2a(x−a·w) | -2a(x - a w) + 2beta(u - w) | 2(beta(u-w) - a(x-a w)) | 2a(a w - x) + 2 beta (u-w)
        2*a^2*w - 2*a*x + 2*beta*u - 2*beta*w | -2(a x - a²w + β(w-u)) | 2*beta*u-2*beta*w-2*a*x+2*a**2*w""",
    "slope-in-the-log-variance": """
        (exp(log_var)-1)/2 | ½(σ²-1) | 0.5exp(logvar) - 0.5 | -½ + ½σ² | (var-1)/2 | (e^log_var - 1)/2 | -(1 - exp(log_var))/2 | (sigma+1)(sigma-1)/2""",
    "best-guess-between-gaussians": """
        x*s^2/(s^2+sigma^2) | s²x/(s²+σ²) | x/(1+sigma^2/s^2) | x - sigma^2*x/(s^2+sigma^2) | x(1 - σ²/(s²+σ²)) | x*(1+(σ/s)²)^-1
        x s² / (s² + σ²) | (1/σ²)x/(1/s²+1/σ²)""",
    "length-on-the-line": """
        r*sqrt((1-t)^2+t^2) | r√((1−t)²+t²) | sqrt(r^2(1-t)^2+r^2 t^2) | r*((1-t)^2+t^2)^0.5 | r*(1-2t+2t^2)^(1/2) | (r²-2r²t+2r²t²)^½""",
    "gradient-handed-straight-through": """
        -2*a*(x-a*w) | 2a(aw - x) | 2a(a w - x) | -2a x + 2a²w | 2*a*(a*w-x)""",
}  # fmt: skip


def ways():
    return [
        pytest.param(id, way, id=f"{id}: {way}")
        for id, text in WAYS.items()
        for way in re.split(r"\s*[|\n]\s*", text.strip())
    ]


@pytest.mark.parametrize("id, way", ways())
def test_one_formula_in_many_ways(id, way):
    asked = ASKED[id]
    marked = formula.mark(way, bank.known(asked), bank.rows(asked))
    if way == "2a(aw - x)":  # two names without a space are one unknown name, and it is said so
        assert marked.right is None and "“aw”" in marked.said
    else:
        assert marked.right is True, marked.said


@pytest.mark.parametrize(
    "text, said",
    [
        (f"-({KL})", "The sign of the whole is turned."),
        (f"3*({KL})", "Right but for a constant factor: yours is 3 times what it should be."),
        (f"({KL})/-4", "Right but for a constant factor: yours is −0.25 times what it should be."),
        (f"{KL} + 1/2", "Right but for a constant: yours is 0.5 more than it should be."),
        (f"{KL} - 1", "Right but for a constant: yours is 1 less than it should be."),
        ("sigma^2", "The answer depends on μ, and yours does not."),
        ("mu + 1", "The answer depends on σ, and yours does not."),
        ("mu + log_var", ""),
        ("mu + sigma", ""),
        ("sqrt(mu)", "Your formula has no value at μ = −"),
        ("mu/0", "Your formula has no value at μ = "),
    ],
)
def test_a_hint_where_no_mistake_is_known(text, said):
    marked = formula.mark(text, KNOWN, ROWS)
    assert marked.right is False and marked.row is None
    assert marked.said.startswith(said) and bool(marked.said) == bool(said)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("abs(mu)", "mu"),  # equal for positive values
        ("mu*sigma/sigma + 0*mu", "mu"),
        ("sqrt(mu^2)", "mu"),
        ("mu^3", "mu"),  # equal at -1, 0 and 1
        ("mu + (sigma-1)*(sigma-2)", "mu"),
        ("mu + 1e-4", "mu"),
        ("mu*1.0001", "mu"),
        ("sigma + sin(pi*sigma)", "sigma"),  # equal at whole numbers
    ],
)
def test_what_is_equal_for_special_values_only_is_not_equal(text, wanted):
    known = Known.of({"mu": (-2, 2), "sigma": (0.3, 3)}, answer=wanted)
    assert formula.same(text, wanted, known) == (text == "mu*sigma/sigma + 0*mu")


def test_points_without_a_value_of_the_answer_are_avoided():
    known = Known.of({"x": (-3, 3)}, answer="log(x)")
    assert min(known.points["x"]) > 0 and len(known.points["x"]) == formula.POINTS
    assert formula.same("ln(x^2)/2", "log(x)", known)
    with pytest.raises(ValueError, match="has hardly any values"):
        Known.of({"x": (-3, -1)}, answer="log(x)")
    assert Known.of({"x": (-3, 3)}, answer="log(x)") == known  # the same at every build


def test_python_marks_as_the_page_does():
    right = quiz.mark("interpolation", "length-on-the-line", "r√((1-t)² + t²)")
    assert right.right and right.said.startswith("The code is")
    wrong = quiz.mark("interpolation", "length-on-the-line", "r*(1-t)")
    assert wrong.right is False and "first code's part alone" in wrong.said
    with pytest.raises(ValueError, match="id: got 'x'; accepted is one of 'length-on-the-line'"):
        quiz.mark("interpolation", "x", "r")


# ---- The answers are what the course computes --------------------------------------------------------------


def at_points(id):
    """The answer of a question at its points, and the values there: float64 [points] each."""
    asked = ASKED[id]
    known = bank.known(asked)
    values = {name: torch.tensor(c, dtype=torch.float64) for name, c in known.points.items()}
    tree = formula.read(asked.answer, known)
    places = zip(*known.points.values())
    found = [formula.value(tree, dict(zip(known.points, place))) for place in places]
    return torch.tensor(found, dtype=torch.float64), values


def close(id, wanted):
    assert torch.allclose(at_points(id)[0], wanted, rtol=1e-9, atol=1e-12)


def test_the_kl_is_that_of_torch_and_of_the_package():
    for id in ("kl-in-closed-form", "card kl-terms"):
        v = at_points(id)[1]
        close(id, kl_divergence(Normal(v["mu"], v["sigma"]), Normal(0.0, 1.0)))
        package = [
            models.kl_divergence(m[None], s[None].square().log())
            for m, s in zip(v["mu"], v["sigma"])
        ]
        close(id, torch.stack(package).flatten())


def test_the_slope_in_the_log_variance_is_that_of_autograd():
    v = at_points("slope-in-the-log-variance")[1]
    log_var = v["log_var"].requires_grad_()
    kl_divergence(Normal(v["mu"], (log_var / 2).exp()), Normal(0.0, 1.0)).sum().backward()
    close("slope-in-the-log-variance", log_var.grad)


def test_the_three_terms_add_up_in_the_linear_gaussian_model():
    from aecourse import exact

    model = exact.LinearGaussian(torch.tensor([[2.0], [1.0]]), torch.zeros(2), 0.7)
    x, mu, log_var = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.3]]), torch.tensor([[-1.0]])
    kl = kl_divergence(Normal(mu.double(), (log_var.double() / 2).exp()), Normal(0.0, 1.0)).sum()
    gap, elbo = model.kl_to_posterior(x, mu, log_var), model.elbo(x, mu, log_var)
    values = {"R": (elbo + kl).item(), "K": kl.item(), "G": gap.item()}
    asked = ASKED["likelihood-in-three-terms"]
    answer = formula.value(formula.read(asked.answer, bank.known(asked)), values)
    assert answer == pytest.approx(model.log_prob(x).item(), rel=1e-9)


@pytest.mark.parametrize("id", ["gradient-past-a-choice", "gradient-handed-straight-through"])
def test_the_gradient_past_a_choice_is_that_of_autograd(id):
    v = at_points(id)[1]
    u, beta = v["u"].requires_grad_(), v.get("beta", torch.tensor(0.0))
    q = u + (v["w"] - u).detach()
    ((v["x"] - v["a"] * q).square() + beta * (u - v["w"]).square()).sum().backward()
    close(id, u.grad)


def test_the_score_and_the_best_guess_are_those_of_a_gaussian():
    v = at_points("card score-of-blurred-gaussian")[1]
    x = v["x"].requires_grad_()
    Normal(0.0, (v["s"] ** 2 + v["sigma"] ** 2).sqrt()).log_prob(x).sum().backward()
    close("card score-of-blurred-gaussian", x.grad)
    v = at_points("best-guess-between-gaussians")[1]
    for s, sigma, x, guess in zip(
        v["s"], v["sigma"], v["x"], at_points("best-guess-between-gaussians")[0]
    ):
        clean = torch.linspace(-20, 20, 20001, dtype=torch.float64)
        weight = (Normal(0.0, s).log_prob(clean) + Normal(clean, sigma).log_prob(x)).exp()
        assert guess.item() == pytest.approx(
            ((weight * clean).sum() / weight.sum()).item(), rel=1e-6
        )


def test_the_lengths_are_those_of_vectors():
    v = at_points("length-on-the-line")[1]
    close("length-on-the-line", torch.stack([(1 - v["t"]) * v["r"], v["t"] * v["r"]]).norm(dim=0))
    v = at_points("card length-half-way")[1]
    first = torch.stack([v["r"], 0 * v["r"]])
    second = v["r"] * torch.stack([v["theta"].cos(), v["theta"].sin()])
    close("card length-half-way", (first + second).norm(dim=0) / 2)


def test_the_mismatch_is_the_kl_of_the_mixture():
    v = at_points("card mismatch-of-one-latent")[1]
    width = (v["v"] + v["s"]).sqrt()
    close("card mismatch-of-one-latent", kl_divergence(Normal(0.0, width), Normal(0.0, 1.0)))
    mean_kl = (v["v"] + v["s"] - 1 - v["s"].log()) / 2  # its parts add up, as the card says
    close("card mismatch-of-one-latent", mean_kl - (1 + v["v"] / v["s"]).log() / 2)
    v = at_points("mismatch-without-overlap")[1]
    close("mismatch-without-overlap", v["K"] - v["n"].log())


# ---- The page's script does the same -----------------------------------------------------------------------

PIECES = (
    "mu sigma log_var var μ σ 𝜇 2 7 0.5 ½ ¾ 1e3 1,5 . + - * / ^ ** ( ) ( ) [ ] { } log exp( sqrt √ ² ³ ⁻¹ ⁻ abs( · − × ÷ e pi π x $ = | , "
    "\\ 😀 torch. np. log2( ln Sigma MU logvar sigma2 __proto__ constructor toString hasOwnProperty eps"
).split() + [" ", "\u00a0", "\u200a", "ln "]  # fmt: skip


def strange(count, seed=0):
    """Texts made of pieces of formulas; and of formulas with one piece more, less or another."""
    chance = random.Random(seed)
    sound = [*(w.values[1] for w in ways() if w.values[0] == "kl-in-closed-form"), *READ, KL]
    for i in range(count):
        if i % 2:
            yield "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 14)))
        else:
            text = chance.choice(sound)
            at = chance.randrange(len(text) + 1)
            yield (
                text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.choice((0, 0, 1, 2)) :]
            )


def in_python(text, known, rows):
    tree = formula.read(text, known)
    if isinstance(tree, Fault):
        return {"at": tree.at, "end": tree.end, "said": tree.said}
    marked = formula.mark(text, known, rows)
    return {
        "tree": json.loads(json.dumps(tree)),
        "shown": formula.typeset(tree),
        "right": marked.right,
        "row": marked.row,
        "hint": None if marked.row is not None else marked.said,
    }


IN_THE_PAGE = """([texts, known, rows]) => texts.map((text) => {
  const { tree, fault } = readFormula(text, known);
  if (fault) return fault;
  const { right, row, hint } = markFormula(text, known, rows);
  return { tree, shown: typesetFormula(tree), right, row: row ?? null, hint: hint ?? null };
})"""


@pytest.fixture(scope="module")
def script(browser):
    """A function that reads and marks texts by formula.js."""
    page = browser.new_page()
    code = bundle(formula.__file__.replace(".py", ".js"))
    page.evaluate(
        f"0, window.readAll = (function () {{ 'use strict'; {code}; return {IN_THE_PAGE}; }})(), 0"
    )

    def run(texts, known, rows):
        answers = [{"answer": row.answer, "right": row.right} for row in rows]
        return page.evaluate("(given) => readAll(given)", [texts, known.data, answers])

    yield run
    page.close()


def agree(texts, known, rows, script):
    for text, found in zip(texts, script(texts, known, rows), strict=True):
        assert found == in_python(text, known, rows), text


def test_page_and_python_agree_on_what_is_understood(script):
    texts = [*READ, *FAULTS, *(way.values[1] for way in ways()), "sqrt(mu)", "mu^0.5", "exp(99mu)"]
    more = [
        "1.125sigma/mu",
        "mu+1.125",
        "(mu^2+sigma^2-1-log(sigma^2))*0.03125",
        "sigma^200",
        "1/0*mu",
    ]
    every = [
        f"{a} {sign} {b}"
        for a in ("mu", "-2", "log σ", "(1+mu)")
        for b in ("sigma", "3", "√var")
        for sign in "+-*/^"
    ]
    spellings = [s for name, others in formula.SPELLINGS.items() for s in (name, *others)]
    agree([*texts, *more, *every], KNOWN, ROWS, script)
    known = Known.of({name: (0.5, 2) for name in formula.SPELLINGS}, answer="mu")
    agree(spellings, known, [Row("mu", True, "")], script)


@pytest.mark.parametrize("id", ASKED)
def test_page_and_python_agree_on_every_question(script, id):
    asked = ASKED[id]
    known, rows = bank.known(asked), bank.rows(asked)
    own = [row.answer for row in rows] + [*asked.accepted]
    changed = [
        t
        for text in own
        for t in (f"-({text})", f"2*({text})", f"{text} + 1", text[:-1], text + ")")
    ]
    agree([*own, *changed, *asked.variables, *asked.also, "0"], known, rows, script)


def test_page_and_python_agree_on_nonsense_and_neither_fails(script):
    texts = list(strange(4000))
    agree(texts, KNOWN, ROWS, script)
    understood = [t for t in texts if not isinstance(formula.read(t, KNOWN), Fault)]
    assert 300 < len(understood) < 3700


def test_any_signs_at_all_are_survived(script):
    chance = random.Random(1)
    signs = [
        chr(c)
        for c in (
            *range(1, 0x250),
            *range(0x370, 0x400),
            *range(0x2000, 0x2300),
            0x1D703,
            0x1F600,
            0xFFFD,
        )
    ]
    agree(
        ["".join(chance.choice(signs) for _ in range(chance.randint(1, 12))) for _ in range(1500)],
        KNOWN,
        ROWS,
        script,
    )


# ---- A question on the page --------------------------------------------------------------------------------

QUESTION = """
  - id: typed
    kind: formula
    topic: mathematics
    difficulty: medium
    section: The section
    prompt: Which?
    variables: {mu: [-2, 2], sigma: [0.3, 3]}
    also: {log_var: log(sigma^2)}
    answer: mu^2 + sigma^2
    accepted: [σ² + μ²]
    why: Because *so*.
    mistakes:
      - {answer: mu^2 - sigma^2, why: "The sign of $\\\\sigma^2$ is turned."}
"""


def written(folder, text=QUESTION):
    path = folder / "77.yaml"
    path.write_text(f'lesson: "77"\nquestions:{text}', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("{mu: [-2, 2], sigma: [0.3, 3]}", "{}", "variables is {}; accepted is a mapping of names"),
        ("[-2, 2]", "[2, -2]", "mu of variables is [2, -2]; accepted are a number and a larger one"),
        ("[-2, 2]", "2", "mu of variables is 2; accepted are two numbers"),
        ("{mu:", "{log:", "'log' is no name for a variable"),
        ("{mu:", "{x y:", "'x y' is no name for a variable"),
        ("log_var: log(sigma^2)", "log_var: log(tau)", "'log(tau)': At “tau” (sign 5)"),
        ("answer: mu^2 + sigma^2", "answer: mu^2 +", "'mu^2 +': At the end: after “+”"),
        ("answer: mu^2 + sigma^2", "answer: [mu]", "answer is ['mu']; accepted is a formula"),
        ("answer: mu^2 + sigma^2", "answer: log(-sigma)", "'log(-sigma)' has hardly any values"),
        ("[σ² + μ²]", "[sigma + mu]", "accepted is 'sigma + mu', whose values are not those"),
        ("mu^2 - sigma^2", "sigma^2 + mu*mu", "'sigma^2 + mu*mu' and 'mu^2 + sigma^2' have the same"),
        ("mu^2 - sigma^2", "mu^2 - tau", "'mu^2 - tau': At “tau”"),
        ("why: Because *so*.", "tolerance: 1", "unknown key tolerance"),
    ],
)  # fmt: skip
def test_a_malformed_formula_is_refused_by_name(tmp_path, old, new, message):
    assert old in QUESTION
    with pytest.raises(quiz.QuizError) as error:
        quiz.read(written(tmp_path, QUESTION.replace(old, new, 1)))
    assert "77.yaml, question typed: " in str(error.value) and message in str(error.value)


@pytest.fixture
def typed(open_page, tmp_path):
    """A page with one question, 390 px wide, and in the dark."""
    figure = quiz.Quiz("77", quiz.read(written(tmp_path)))
    return open_page(figure, tmp_path, color_scheme="dark")


def box(page):
    return page.get_by_label("Your formula")


def preview(page):
    return page.locator(".ae-preview").first.inner_text()


def feedback(page):
    return page.locator(".ae-feedback").first.inner_text()


@pytest.mark.parametrize(
    "given, said",
    [
        ("sigma^2 + mu²", "Right. Because so."),
        ("μ·μ + exp(log_var)", "Right. Because so."),
        ("mu^2 - sigma^2", r"Not quite. The sign of \(\sigma^2\) is turned."),
        ("-mu^2 - sigma^2", "Not quite. The sign of the whole is turned."),
        ("mu^2", "Not quite. The answer depends on σ, and yours does not."),
        ("mu + sigma", "Not quite. Its values are others."),
        ("mu +", "At the end: after “+” something is missing."),
        ("tau", "At “tau” (sign 1): this is no name here."),
        ("", "Write a formula first."),
    ],
)
def test_a_formula_is_marked_at_once(typed, given, said):
    box(typed).fill(given)
    typed.keyboard.press("Enter")
    assert feedback(typed).startswith(said)
    kept = typed.evaluate("localStorage.length")
    assert kept == (1 if said.startswith(("Right", "Not")) else 0)
    assert typed.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_understood_is_shown_while_it_is_typed(typed):
    box(typed).focus()
    seen = []
    for letter in "2mu²/(3$":
        typed.keyboard.insert_text(letter)
        seen.append(preview(typed))
    assert seen[0] == "Read as 2" and seen[1].startswith(
        "2m At “m” (sign 2): this is no name here."
    )
    assert seen[2:4] == ["Read as 2 · μ", "Read as 2 · μ²"]
    assert seen[4] == "At the end: after “/” something is missing."
    assert seen[7] == "2mu²/(3$ At “$” (sign 8): this sign is not understood here."
    assert typed.locator(".ae-preview mark").inner_text() == "$"
    box(typed).fill("")
    assert preview(typed) == ""


def test_a_screen_reader_hears_label_help_and_reading(typed):
    assert (
        box(typed)
        .evaluate("(b) => document.getElementById(b.getAttribute('aria-describedby')).textContent")
        .startswith("How to write it: mu or μ, sigma or σ, log_var;")
    )
    box(typed).fill("2mu")
    typed.locator("[role=status]", has_text="Read as 2 · μ").wait_for(state="attached")
    box(typed).fill("2 mu $")
    heard = typed.locator(".ae-spoken[role=status]", has_text="this sign is not understood here.")
    heard.wait_for(state="attached")
    assert heard.text_content().startswith("At “$” (sign 6)")  # the text is not read out twice


def test_what_was_typed_is_kept_shown_again_and_cleared(typed):
    box(typed).fill("mu^2 - sigma^2")
    typed.get_by_role("button", name="Answer", exact=True).click()
    kept = typed.evaluate("JSON.parse(localStorage.getItem('aecourse:quiz:77:typed'))")
    assert kept == {"answer": "mu^2 - sigma^2", "right": False, "first": False, "tries": 1}
    typed.reload()
    assert box(typed).input_value() == "mu^2 - sigma^2" and preview(typed) == "Read as μ² − σ²"
    assert feedback(typed).startswith("Not quite.")
    typed.get_by_role("button", name="Clear my answers").click()
    assert box(typed).input_value() == "" and preview(typed) == "" and feedback(typed) == ""


@pytest.mark.parametrize("answer", ["mu +", "<b>x</b>", "1.5 2", "x" * 200, "(" * 200, ""])
def test_what_storage_holds_is_marked_again_or_left_out(typed, answer):
    entry = {"answer": answer, "right": True, "first": True, "tries": 1}
    typed.evaluate(
        "(text) => localStorage.setItem('aecourse:quiz:77:typed', text)", json.dumps(entry)
    )
    typed.reload()
    assert feedback(typed) == "" and typed.locator(".ae-figure b").count() == 0
    assert typed.get_by_text("0 of 1 answered").is_visible()
    box(typed).fill("mu² + σ²")
    typed.keyboard.press("Enter")
    assert feedback(typed).startswith("Right.")


def test_text_is_never_markup(typed):
    box(typed).fill("<img src=x onerror=document.title=1>")
    typed.keyboard.press("Enter")
    assert typed.locator(".ae-figure img").count() == 0 and "“<” (sign 1)" in feedback(typed)


def test_a_finger_suffices(open_page, tmp_path):
    figure = quiz.Quiz("77", quiz.read(written(tmp_path)))
    page = open_page(figure, tmp_path, has_touch=True, is_mobile=True)
    box(page).tap()
    page.keyboard.insert_text("μ²+σ²")
    page.get_by_role("button", name="Answer", exact=True).tap()
    assert feedback(page).startswith("Right.")
    assert box(page).evaluate("(b) => b.getBoundingClientRect().height") >= 32
    for setting in ("autocapitalize", "autocorrect", "autocomplete"):
        assert box(page).get_attribute(setting) == "off"  # a phone would write Mu


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page, tmp_path, theme):
    package = pytest.importorskip("axe_playwright_python")
    figure = quiz.Quiz("77", quiz.read(written(tmp_path)))
    page = open_page(figure, tmp_path, color_scheme=theme)
    for text in ("mu $", "mu^2"):
        box(page).fill(text)
        page.keyboard.press("Enter")
        page.evaluate((resources.files(package) / "axe.min.js").read_text("utf-8"))
        found = page.evaluate("axe.run('.ae-figure')")["violations"]
        assert not [fault["id"] for fault in found if fault["impact"] in ("serious", "critical")]


def test_without_scripts_question_and_answer_can_be_read(browser, tmp_path):
    figure = quiz.Quiz("77", quiz.read(written(tmp_path)))
    page = browser.new_page(java_script_enabled=False)
    page.goto(figure.save(tmp_path / "quiz.html").as_uri())
    assert page.get_by_text("Which?").is_visible()
    page.get_by_text("Answer and reasons").click()
    assert page.get_by_text("Because so.").is_visible()
    assert page.get_by_text(r"\(\mu^{2} + \sigma^{2}\)").is_visible()
    page.close()


# ---- A card ------------------------------------------------------------------------------------------------

CARD = """
- id: typed-card
  difficulty: medium
  kind: mathematics
  prompt: Which?
  formula:
    variables: {x: [-2, 2]}
    answer: x^2 / 2
    mistakes:
      - {answer: x^2, why: The half is missing.}
  answer: In full.
"""


def card_file(folder, text=CARD):
    path = folder / "vae_elbo.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_card_asks_for_a_formula(open_page, tmp_path):
    page = open_page(cards_page.Deck(cards.read(card_file(tmp_path))), tmp_path)
    verdict = page.locator(".ae-verdict")
    box(page).fill("x^")
    page.keyboard.press("Enter")
    assert verdict.inner_text() == "At the end: after “^” something is missing."
    assert page.get_by_text("In full.").is_hidden()
    box(page).fill("x·x")
    page.get_by_role("button", name="Check").click()
    assert verdict.inner_text() == "Not quite. The half is missing."
    box(page).fill("x³")
    page.keyboard.press("Enter")
    assert verdict.inner_text().strip() == "Not quite."
    box(page).fill("½x²")
    page.keyboard.press("Enter")
    assert verdict.inner_text().strip() == "Right." and page.get_by_text("In full.").is_visible()
    page.get_by_role("button", name="Ask me ten at random").click()
    assert box(page).input_value() == "" and preview(page) == "" and verdict.inner_text() == ""


def test_sheet_and_deck_show_the_formula_and_its_slips(tmp_path):
    (card,) = cards.read(card_file(tmp_path))
    asked, answered = cards_page.sheet((card,)).split("<h2>Answers</h2>")
    assert "<input" not in asked + answered and "frac" not in asked
    assert r"\(\frac{x^{2}}{2}\)" in answered and "The half is missing." in answered
    pytest.importorskip("genanki")
    from aecourse.quiz import anki

    fields = anki.notes((card,))[0].fields
    assert fields[1] == "<p>Which?</p>" and r"\(\frac{x^{2}}{2}\)" in fields[2]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("answer: x^2 / 2", "answer: y", "'y': At “y” (sign 1)"),
        ("    variables: {x: [-2, 2]}\n", "", "variables is missing in formula"),
        ("  answer: In full.", "  answer: In full.\n  number: 2\n  tolerance: 1", "it has a number and a formula"),
    ],
)  # fmt: skip
def test_a_malformed_formula_of_a_card_is_refused(tmp_path, old, new, message):
    with pytest.raises(quiz.QuizError) as error:
        cards.read(card_file(tmp_path, CARD.replace(old, new, 1)))
    assert "card typed-card: " in str(error.value) and message in str(error.value)
