"""Codes on their way into a prior: what the page decodes, and what a reader can do with it."""

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore

ROOT = "document.querySelector('.ae-prior-pull').aecourse"
N, M, T = 12, 9, 3


def decoder(seed=0, pixels=20):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 6), nn.GELU(), nn.Linear(6, pixels))


def inputs(**change):
    rng = np.random.default_rng(0)
    runs = {
        name: (decoder(seed), rng.normal(size=(M, 2)), rng.normal(size=(T, N, 2)))
        for seed, name in enumerate(("roll", "flower"))
    }
    given = dict(runs=runs, labels=np.arange(N) % 10, moments=["start", "epoch 1", "end"])
    return {**given, "shape": (4, 5), **change}


def state(page):
    return page.evaluate(f"{ROOT}.state")


def test_it_is_the_same_every_time_and_says_what_it_shows():
    made = explore.prior_pull(**inputs())
    assert made.html == explore.prior_pull(**inputs()).html
    assert "codes of 12 digits" in repr(made) and "roll, flower" in repr(made)
    assert repr(explore.prior_pull(**inputs(description="My words."))) == "My words."


def test_the_page_decodes_what_torch_decodes(open_page, tmp_path):
    given = inputs()
    page = open_page(explore.prior_pull(**given), tmp_path)
    for i, (network, _, _) in enumerate(given["runs"].values()):
        page.evaluate(f"{ROOT}.choose({i})")
        with torch.no_grad():
            expected = torch.sigmoid(network(torch.tensor([[0.7, -1.1]])))[0]
        found = torch.tensor(page.evaluate(f"{ROOT}.decode([0.7, -1.1])"))
        assert (found - expected).abs().max() < 2 / 255


def test_codes_move_from_moment_to_moment(open_page, tmp_path):
    given = inputs()
    page = open_page(explore.prior_pull(**given), tmp_path)
    codes = given["runs"]["roll"][2]
    for t, expected in ((0, codes[0, 3]), (2, codes[2, 3]), (1.5, (codes[1, 3] + codes[2, 3]) / 2)):
        page.evaluate(f"{ROOT}.seek({t})")
        assert page.evaluate(f"{ROOT}.code(3)") == pytest.approx(list(expected), abs=1e-3)
    page.evaluate(f"{ROOT}.go([0.3, 0.1])")
    assert state(page)["nearest"][1] == pytest.approx(
        np.linalg.norm((codes[1] + codes[2]) / 2 - [0.3, 0.1], axis=1).min(), abs=1e-3
    )


def test_by_keyboard(open_page, tmp_path):
    page = open_page(explore.prior_pull(**inputs()), tmp_path)
    page.locator(".ae-stage").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert state(page)["z"] == pytest.approx([0.1, 0.5])
    page.keyboard.press("Home")
    assert state(page)["z"] == [0, 0]
    for _ in range(60):
        page.keyboard.press("Shift+ArrowLeft")
    assert state(page)["z"][0] == -4  # the edge
    page.get_by_role("button", name="flower").focus()
    page.keyboard.press("Enter")
    assert state(page)["chosen"] == 1


def test_by_pointer_and_slider(open_page, tmp_path):
    page = open_page(explore.prior_pull(**inputs()), tmp_path)
    box = page.locator(".ae-stage").bounding_box()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    assert state(page)["z"] == pytest.approx([2, 0], abs=0.05)
    page.get_by_role("slider", name="Moment of training").fill("1")
    assert state(page)["at"] == 1 and "epoch 1" in page.locator(".ae-slider").inner_text()


def test_play_runs_from_the_start_to_the_end_and_stops(open_page, tmp_path):
    page = open_page(explore.prior_pull(**inputs()), tmp_path)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{ROOT}.state.at < 1.9 && {ROOT}.state.running")
    page.wait_for_function(f"!{ROOT}.state.running", timeout=15_000)
    assert state(page)["at"] == T - 1


def test_without_motion_play_is_a_step(open_page, tmp_path):
    page = open_page(explore.prior_pull(**inputs(moment=0)), tmp_path, reduced_motion="reduce")
    page.get_by_role("button", name="Step").click()
    assert state(page)["at"] == 1 and not state(page)["running"]


def test_light_and_dark_and_no_wider_than_the_page(open_page, tmp_path):
    for scheme in ("light", "dark"):
        page = open_page(explore.prior_pull(**inputs()), tmp_path, color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate(
            "(() => { const c = document.querySelector('.ae-stage canvas');"
            " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0); })()"
        )


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(runs={}), "runs: got {}"),
        (dict(runs={"a": (decoder(), np.zeros((3, 2)))}), r"runs\['a'\]: got"),
        (dict(labels=np.full(N, 10)), "labels: got shape"),
        (dict(labels=np.zeros(5)), "codes of 'roll': got shape"),
        (dict(moments=["start"]), "codes of 'roll': got shape"),
        (dict(moment=7), "moment: got 7"),
        (dict(extent=0), "extent: got 0"),
        (dict(shape=(5, 5)), "decoder: got a map from 2 to 20 numbers"),
        (dict(output="relu"), "output: got 'relu'"),
    ],
)
def test_bad_input_gets_one_clear_line(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        explore.prior_pull(**inputs(**change))
