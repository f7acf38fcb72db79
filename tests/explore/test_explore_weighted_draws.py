"""K weighted draws in the page: the model, its posterior, its bound, against PyTorch."""

import math
import re

import pytest
import torch

from aecourse import explore
from aecourse.explore.weighted_draws import log_joint, truth

ROOT = "document.querySelector('.ae-weighted-draws').aecourse"
KS = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 80, 100]


def state(page):
    return page.evaluate(f"{ROOT}.state")


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x, slope, noise", [(2.0, 2.0, 0.6), (0.5, 1.0, 1.3), (-1.0, 3.0, 0.5)])
def test_what_is_known_agrees_with_quadrature(x, slope, noise):
    z = torch.linspace(-9, 9, 40_001, dtype=torch.float64)
    joint, known = log_joint(z, x, slope, noise), truth(x, slope, noise)
    evidence = torch.trapezoid(joint.exp(), z)
    assert known["log_p"] == pytest.approx(evidence.log().item(), abs=1e-8)
    posterior, normal = (joint - known["log_p"]).exp(), torch.distributions.Normal
    humps = sum(
        0.5 * normal(sign * torch.tensor(known["hump"]).double(), known["width"]).log_prob(z).exp()
        for sign in (1, -1)
    )
    assert torch.allclose(posterior, humps, atol=1e-8)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(mu=3.0), "mu: got 3.0"),
        (dict(sigma=0.0), "sigma: got 0.0"),
        (dict(K=0), "K: got 0"),
        (dict(K=101), "K: got 101"),
        (dict(draws=50), "draws: got 50"),
        (dict(draws=10**6), "draws: got 1000000"),
        (dict(seed=2**32), "seed: got 4294967296"),
        (dict(noise=0.0), "noise: got 0.0"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.weighted_draws(**change)


def test_it_says_in_words_what_it_shows():
    figure = explore.weighted_draws(0.9, 0.3, 5)
    assert "two humps of width 0.29 at plus and minus 0.92" in repr(
        figure
    ) and "log p(x), which is -2.11 nats" in repr(figure)
    assert figure.html == explore.weighted_draws(0.9, 0.3, 5).html and figure.nbytes < 30_000
    assert repr(explore.weighted_draws(description="My words.")) == "My words."


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mu, sigma, K", [(0.9, 0.3, 5), (0.0, 1.0, 50), (-2.0, 0.1, 1), (1.5, 2.0, 100)]
)
def test_weights_bounds_and_effective_draws_are_those_of_pytorch(open_page, tmp_path, mu, sigma, K):
    page = open_page(explore.weighted_draws(mu, sigma, K, draws=2000), tmp_path)
    now, eps = state(page), torch.tensor(page.evaluate(f"{ROOT}.eps"), dtype=torch.float64)
    z = mu + sigma * eps
    log_w = log_joint(z) - torch.distributions.Normal(
        torch.tensor(mu, dtype=torch.float64), sigma
    ).log_prob(z)
    assert now["truth"] == pytest.approx(truth()["log_p"], abs=1e-9)
    assert [point["k"] for point in now["curve"]] == KS
    for k, point in [*zip(KS, now["curve"]), (K, now)]:
        groups = log_w[: 2000 // k * k].view(-1, k)
        assert point["bound"] == pytest.approx(
            (groups.logsumexp(1) - math.log(k)).mean().item(), abs=1e-6
        )
        effective = torch.exp(2 * groups.logsumexp(1) - (2 * groups).logsumexp(1)).mean().item()
        assert point["effective"] == pytest.approx(effective, rel=1e-6)
    shares = torch.softmax(log_w[:K], 0)
    assert [draw["z"] for draw in now["draws"]] == pytest.approx(z[:K].tolist())
    assert [draw["share"] for draw in now["draws"]] == pytest.approx(shares.tolist(), abs=1e-9)


def test_the_numbers_of_the_generator_are_standard_normal(open_page, tmp_path):
    eps = torch.tensor(open_page(explore.weighted_draws(), tmp_path).evaluate(f"{ROOT}.eps"))
    assert (
        len(eps) == 20_000
        and abs(eps.mean()) < 0.03
        and eps.std().item() == pytest.approx(1, abs=0.02)
    )
    assert (eps**4).mean().item() == pytest.approx(3, abs=0.3)


def test_sliders_buttons_and_dragging_move_q(open_page, tmp_path):
    page = open_page(
        explore.weighted_draws(0.9, 0.3, 5, draws=2000, presets={"Wide q": (0.0, 1.0, 50)}),
        tmp_path,
    )
    stems = page.locator(".ae-stem")
    first = state(page)
    assert stems.count() == 5
    page.get_by_role("button", name="Draw again").click()
    assert state(page)["draws"] != first["draws"] and state(page)["bound"] == first["bound"]
    page.get_by_role("button", name="Wide q").focus()
    page.keyboard.press("Enter")
    now = state(page)
    assert (now["mu"], now["sigma"], now["K"]) == (0.0, 1.0, 50) and stems.count() == 50
    page.get_by_role("slider", name="mean of q").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["mu"] == pytest.approx(0.05)
    page.get_by_role("slider", name="number of draws K").focus()
    page.keyboard.press("Home")
    assert state(page)["K"] == 1 and "1 draw lies" in page.locator(".ae-said").inner_text()
    page.keyboard.press("End")
    assert state(page)["K"] == 100
    box = page.locator(".ae-drag").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.down()
    assert state(page)["mu"] == pytest.approx(0, abs=0.05)
    page.mouse.move(box["x"] + box["width"] * 0.625, box["y"] + 60)
    page.mouse.up()
    assert state(page)["mu"] == pytest.approx(1, abs=0.06)
    page.mouse.move(box["x"] + 5, box["y"] + 60)
    assert state(page)["mu"] == pytest.approx(1, abs=0.06)
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.includes('below log p(x)')"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(
        explore.weighted_draws(
            0.0, 1.0, 100, presets={"Best for K = 1": (0.9, 0.3, 1), "Best for K = 50": (0, 1, 50)}
        ),
        tmp_path,
        color_scheme=theme,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for role, name in (
        ("slider", "mean of q"),
        ("slider", "standard deviation of q"),
        ("slider", "number of draws K"),
        ("button", "Draw again"),
        ("img", "The posterior has humps"),
        ("img", "The bound rises from"),
    ):
        assert page.get_by_role(role, name=name).count() == 1
    assert (
        page.get_by_role("slider", name="number of draws K").get_attribute("aria-valuetext")
        == "100"
    )
    assert (
        min(
            page.evaluate(
                "[...document.querySelectorAll('.ae-weighted-draws button')].map(node => node.offsetHeight)"
            )
        )
        >= 24
    )
