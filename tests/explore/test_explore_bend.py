"""A Gaussian bent in the page: draws, densities and the ELBO, against PyTorch."""

import math
import re

import pytest
import torch

from aecourse import bending, explore
from aecourse.models import Posterior

ROOT = "document.querySelector('.ae-bend').aecourse"


def straight():
    return Posterior(torch.tensor([[0.2, 0.5]]).double(), torch.tensor([[-1.0, -1.5]]).double())


def bent(steps):
    generator = torch.Generator().manual_seed(steps)
    u, w = torch.randn(2, steps, 1, 2, generator=generator, dtype=torch.float64)
    b = torch.randn(steps, 1, generator=generator, dtype=torch.float64)
    return Posterior(straight().mu, straight().log_var, u, w, b)


def families():
    return {
        "banana": {0: straight(), 1: bent(1), 3: bent(3)},
        "two humps": {0: straight(), 1: bent(1)},
    }


def state(page):
    return page.evaluate(f"{ROOT}.state")


# ---- Python ------------------------------------------------------------------------------------------------


def test_it_says_in_words_what_it_shows():
    figure = explore.bend(families())
    lost = bending.divergence(bent(3)).item()
    assert "log p(x) is -1.33 nats" in repr(figure)
    assert f"{lost:.2f} nats for the best with 3 steps" in repr(figure)
    assert figure.html == explore.bend(families()).html and figure.nbytes < 60_000
    assert repr(explore.bend(families(), description="My words.")) == "My words."


def test_the_grey_shapes_hold_what_they_say():
    from aecourse.explore.bend import HELD, _shape

    z, _ = bending.grid(3.0, 121)
    density = torch.exp(-0.5 * z.square().sum(-1)) / (2 * math.pi)
    for held in HELD[1:]:
        (ring,) = _shape(density, held)
        reach = torch.tensor(ring).double().norm(dim=1) / 100
        assert reach.mean().item() == pytest.approx(math.sqrt(-2 * math.log(1 - held)), abs=0.05)


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "families: got"),
        ({"apple": {0: straight()}}, "families: got 'apple'"),
        ({"banana": {1: bent(1)}}, "families['banana']: got"),
        ({"banana": {0: straight(), 2: bent(1)}}, "families['banana'][2]: got 1 steps"),
        ({"banana": {0: straight(), 4: bent(4)}}, "families['banana'][4]: got 4 steps"),
        ({"banana": {0: "a Gaussian"}}, "families['banana'][0]: got"),
    ],
)
def test_it_names_what_does_not_fit(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.bend(given)


# ---- In a browser ------------------------------------------------------------------------------------------


def test_draws_densities_and_elbos_are_those_of_pytorch(open_page, tmp_path):
    page = open_page(explore.bend(families()), tmp_path)
    for target, button, q in (
        ("banana", "Best Gaussian", straight()),
        ("banana", "Best with 1 step", bent(1)),
        ("banana", "Best with 3 steps", bent(3)),
        ("two humps", "Best with 1 step", bent(1)),
    ):
        page.get_by_role("button", name=target).click()
        page.get_by_role("button", name=button).click()
        now = state(page)
        assert now["target"] == target
        bound = bending.log_evidence(target) - bending.divergence(q, target, side=61).item()
        assert now["elbo"] == pytest.approx(bound, abs=1e-6)
        e = torch.tensor([each["e"] for each in now["lands"]]).double()
        z, log_q = bending.push(e[:, None], q)
        assert torch.allclose(torch.tensor([each["z"] for each in now["lands"]]).double(), z[:, 0])
        assert [each["logq"] for each in now["lands"]] == pytest.approx(log_q[:, 0].tolist())


def test_sliders_tabs_and_dragging_bend_and_move_q(open_page, tmp_path):
    page = open_page(explore.bend(families()), tmp_path)
    first = state(page)
    page.get_by_role("slider", name="u 1 of step 1").focus()
    page.keyboard.press("End")
    now = state(page)
    assert now["steps"][0]["u"] == [4, 0] and now["elbo"] != first["elbo"]
    assert page.locator(".ae-fold").count() == 1 and page.locator(".ae-ring").count() == 2
    assert page.get_by_role("slider", name="b of step 2").count() == 0
    page.get_by_role("button", name="Step 2").click()
    page.get_by_role("slider", name="b of step 2").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["steps"][1]["b"] == pytest.approx(0.05)
    page.get_by_role("button", name="Unbend").click()
    now = state(page)
    assert now["elbo"] == pytest.approx(first["elbo"], abs=1e-9) and now["mu"] == first["mu"]
    page.get_by_role("button", name="Gaussian", exact=True).click()
    assert page.locator(".ae-fold").count() == 0
    page.get_by_role("slider", name="standard deviation 2 of q").focus()
    page.keyboard.press("End")
    assert state(page)["sigma"][1] == 2
    page.locator(".ae-drag").scroll_into_view_if_needed()
    box = page.locator(".ae-drag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 2 / 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.up()
    assert state(page)["mu"] == pytest.approx([1, 0], abs=0.06)
    assert "below log p(x)" in page.locator(".ae-said").inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(explore.bend(families()), tmp_path, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for role, name in (
        ("slider", "w 2 of step 1"),
        ("button", "Step 3"),
        ("img", "The banana in grey"),
        ("img", "nats lost"),
    ):
        assert page.get_by_role(role, name=name).count() == 1
    heights = "[...document.querySelectorAll('.ae-bend button')].map(node => node.offsetHeight)"
    assert min(page.evaluate(heights)) >= 24
