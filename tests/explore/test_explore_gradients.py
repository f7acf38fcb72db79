"""The bench of two estimators: its random numbers, its averages against closed forms, its buttons."""

import math
import re

import pytest

from aecourse import explore
from aecourse.explore.gradients import variances

ROOT = "document.querySelector('.ae-gradients').aecourse"


def state(page):
    return page.evaluate(f"{ROOT}.state")


def move(page, name, value):
    """Puts a slider where a reader would have dragged it."""
    page.get_by_role("slider", name=name).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def normals(seed, n):
    """The page's generator, written again: mulberry32 and Box-Muller."""
    whole, numbers = 2**32 - 1, []

    def uniform():
        nonlocal seed
        seed = (seed + 0x6D2B79F5) & whole
        t = (seed ^ seed >> 15) * (seed | 1) & whole
        t = (t + ((t ^ t >> 7) * (t | 61) & whole) & whole) ^ t
        return ((t ^ t >> 14) + 0.5) / 2**32

    while len(numbers) < n:
        radius, angle = math.sqrt(-2 * math.log(uniform())), 2 * math.pi * uniform()
        numbers += [radius * math.cos(angle), radius * math.sin(angle)]
    return numbers[:n]


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(mu=3.5), "mu: got 3.5"),
        (dict(sigma=0.0), "sigma: got 0.0"),
        (dict(sigma=math.nan), "sigma: got nan"),
        (dict(draws=10_001), "draws: got 10001"),
        (dict(draws=-1), "draws: got -1"),
        (dict(seed=2**32), "seed: got 4294967296"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.gradients(**change)


def test_it_says_in_words_what_it_shows():
    figure = explore.gradients(mu=2, sigma=1)
    assert (
        "derivative of E[z^2]" in repr(figure)
        and "derivative is 4" in repr(figure)
        and "score function 87" in repr(figure)
    )
    assert figure.html == explore.gradients(2, 1).html and figure.nbytes < 32_000
    assert repr(explore.gradients(description="My words.")) == "My words."


def test_variances_are_those_of_the_moments():
    """By quadrature over eps, at places where no term vanishes."""
    step = 0.001
    grid = [step * i for i in range(-9000, 9001)]
    weights = [math.exp(-e * e / 2) / math.sqrt(2 * math.pi) * step for e in grid]
    for mu, sigma in ((2.0, 1.0), (-1.3, 0.4), (0.7, 1.8)):
        of = {
            "pathwise": lambda e: 2 * (mu + sigma * e),
            "score function": lambda e: (mu + sigma * e) ** 2 * e / sigma,
            "with baseline": lambda e: ((mu + sigma * e) ** 2 - mu**2 - sigma**2) * e / sigma,
        }
        for name, known in variances(mu, sigma).items():
            values = [of[name](e) for e in grid]
            mean = sum(w * v for w, v in zip(weights, values))
            assert mean == pytest.approx(2 * mu, abs=1e-6)
            assert sum(w * (v - mean) ** 2 for w, v in zip(weights, values)) == pytest.approx(
                known, rel=1e-5
            )


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mu, sigma, baseline",
    [(2.0, 1.0, False), (-1.5, 0.5, False), (3.0, 2.0, True), (0.0, 0.1, True)],
)
def test_averages_and_variances_agree_with_the_closed_forms(
    open_page, tmp_path, mu, sigma, baseline
):
    page = open_page(explore.gradients(mu, sigma, draws=10_000, seed=3), tmp_path)
    if baseline:
        page.get_by_label("baseline").check()
    now, known = state(page), variances(mu, sigma)
    assert (now["mu"], now["sigma"], now["draws"], now["truth"]) == (mu, sigma, 10_000, 2 * mu)
    for estimator, name in zip(
        now["estimators"], ("pathwise", "with baseline" if baseline else "score function")
    ):
        assert estimator["formula"] == pytest.approx(known[name])
        assert estimator["error"] == pytest.approx(math.sqrt(estimator["variance"] / 10_000))
        assert abs(estimator["mean"] - 2 * mu) < 4 * math.sqrt(known[name] / 10_000)
        assert estimator["variance"] == pytest.approx(
            known[name], rel=0.15
        )  # heavy tails: 5 % is one standard error


def test_the_numbers_are_the_generators_own_and_the_averages_theirs(open_page, tmp_path):
    page = open_page(explore.gradients(mu=1.2, sigma=0.8, draws=501, seed=7), tmp_path)
    eps = normals(7, 501)
    assert page.evaluate(f"{ROOT}.eps") == pytest.approx(eps, abs=1e-12)
    z = [state(page)["mu"] + state(page)["sigma"] * e for e in eps]
    path, score = state(page)["estimators"]
    assert path["mean"] == pytest.approx(sum(2 * v for v in z) / 501)
    assert score["mean"] == pytest.approx(sum(v * v * e / 0.8 for v, e in zip(z, eps)) / 501)
    assert score["variance"] == pytest.approx(
        sum((v * v * e / 0.8 - score["mean"]) ** 2 for v, e in zip(z, eps)) / 500
    )


def test_eps_stays_and_z_follows_when_a_slider_moves(open_page, tmp_path):
    page = open_page(explore.gradients(mu=0, sigma=1, draws=40), tmp_path)
    before, eps = state(page), page.evaluate(f"{ROOT}.eps")
    dots = lambda: page.evaluate(
        "[...document.querySelectorAll('.ae-dot')].map(dot => [dot.getAttribute('cx'), dot.getAttribute('cy')])"
    )  # noqa: E731
    drawn = dots()
    move(page, "mu", 1.5)
    assert state(page)["mu"] == 1.5 and page.evaluate(f"{ROOT}.eps") == eps
    assert state(page)["estimators"][0]["mean"] == pytest.approx(
        before["estimators"][0]["mean"] + 3
    )
    moved = dots()
    assert len(drawn) == len(moved) == 48  # 24 draws: the eps above, the z below
    assert moved[0::2] == drawn[0::2]
    shifts = [float(a[0]) - float(b[0]) for a, b in zip(moved[1::2], drawn[1::2])]
    assert min(shifts) == pytest.approx(max(shifts)) and min(shifts) > 10  # dz/dmu = 1: all alike
    move(page, "sigma", 2)
    assert state(page)["sigma"] == 2
    shifts = [float(a[0]) - float(b[0]) for a, b in zip(dots()[1::2], moved[1::2])]
    ratios = [shift / e for shift, e in zip(shifts, eps[-24:])]
    assert min(ratios) == pytest.approx(max(ratios))  # dz/dsigma = eps


def test_buttons_by_keyboard(open_page, tmp_path):
    page = open_page(explore.gradients(draws=0), tmp_path)
    assert "No draw yet" in page.locator(".ae-gradients").inner_text()
    one, run = (
        page.get_by_role("button", name="One draw"),
        page.get_by_role("button", name=re.compile("Run|Pause")),
    )
    one.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert state(page)["draws"] == 2 and "Draw 2: ε = " in page.locator(".ae-last").inner_text()
    run.focus()
    page.keyboard.press("Space")
    page.wait_for_function(f"{ROOT}.state.draws > 20")
    assert run.inner_text() == "Pause"
    page.keyboard.press("Space")
    count = state(page)["draws"]
    page.wait_for_timeout(150)
    assert state(page)["draws"] == count and run.inner_text() == "Run"
    first = page.evaluate(f"{ROOT}.eps[0]")
    page.get_by_role("button", name="Start over").click()
    assert state(page)["draws"] == 0
    one.click()
    assert page.evaluate(f"{ROOT}.eps[0]") != first  # new luck


def test_a_run_ends_and_says_what_came_of_it(open_page, tmp_path):
    page = open_page(explore.gradients(mu=2, sigma=1, draws=9_900), tmp_path)
    page.get_by_role("button", name="Run").click()
    page.wait_for_function(f"{ROOT}.state.draws === 10000 && !{ROOT}.running")
    path = state(page)["estimators"][0]
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.startsWith('10000 draws, derivative 4.0. pathwise ')"
    )
    assert (
        f"{path['mean']:.2f} plus or minus {path['error']:.3f}"
        in page.locator("[role=status]").inner_text()
    )
    assert (
        f"{path['mean']:.2f} ± {path['error']:.3f}" in page.locator("tbody tr").first.inner_text()
    )
    page.get_by_role("button", name="Run again").click()
    page.wait_for_function(f"{ROOT}.state.draws < 9900")  # from the next frame on


def test_with_reduced_motion_nothing_moves_by_itself(open_page, tmp_path):
    page = open_page(explore.gradients(draws=100), tmp_path, reduced_motion="reduce")
    page.get_by_role("button", name="Add 500 draws").click()
    assert state(page)["draws"] == 600 and not page.evaluate(f"{ROOT}.running")
    page.wait_for_timeout(100)
    assert state(page)["draws"] == 600


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(explore.gradients(mu=3, sigma=0.1, draws=3_000), tmp_path, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for role, name in (
        ("slider", "mu"),
        ("slider", "sigma"),
        ("button", "One draw"),
        ("checkbox", "subtract the baseline E[z²]"),
        ("img", "The last 24 draws"),
        ("img", "Running averages"),
    ):
        assert page.get_by_role(role, name=name).count() == 1
    assert page.get_by_role("slider", name="sigma").get_attribute("aria-valuetext") == "0.10"
    heights = page.evaluate(
        "[...document.querySelectorAll('.ae-gradients button, .ae-gradients label')].map(node => node.offsetHeight)"
    )
    assert min(heights) >= 24
