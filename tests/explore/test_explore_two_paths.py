"""Two paths: lengths and search against those of the package, known answers, and what a reader can do."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore, interpolation

ROOT = "document.querySelector('.ae-two-paths').aecourse"
SHAPE, FINER, PLACES = (9, 12), 4, 25
SCREEN = {"viewport": {"width": 390, "height": 1400}, "reduced_motion": "reduce"}
PAIRS = [((-2.0, -1.0), (2.0, 1.5)), ((-1.5, 2.0), (1.0, -2.5)), ((0.2, 0.1), (0.3, 0.1))]


def decoder(gain=1.0, width=16):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(2, width),
        nn.GELU(),
        nn.Linear(width, width),
        nn.GELU(),
        nn.Linear(width, SHAPE[0] * SHAPE[1]),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(2 * gain)
    return net


def flat():
    """A linear decoder, on whose images straight lines of codes are straight."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, SHAPE[0] * SHAPE[1]))


def figure(net=None, **change):
    rng = np.random.default_rng(0)
    given = dict(codes=rng.normal(size=(20, 2)), labels=np.arange(20) % 10, ends=PAIRS[0])
    return explore.two_paths(
        decoder() if net is None else net, **{**given, "shape": SHAPE, **change}
    )


def state(page):
    return page.evaluate(f"{ROOT}.state")


def joined(page, pair):
    """The state once a path between two places is found."""
    for i, place in enumerate(pair):
        page.evaluate(f"{ROOT}.go({i}, {list(place)})")
    return state(page)


def length(picture, path):
    path = interpolation.refined(torch.as_tensor(path)[:, None], FINER)
    return interpolation.path_length(interpolation.decoded(picture, path)).item()


@pytest.mark.parametrize("pair", PAIRS)
def test_lengths_energy_and_path_are_those_of_the_package(open_page, tmp_path, pair):
    net = decoder().requires_grad_(False)
    page = open_page(figure(net), tmp_path, **SCREEN)
    seen = joined(page, pair)

    def picture(z):
        return torch.sigmoid(net(z))

    a, b = (torch.tensor(end)[None] for end in pair)
    line = interpolation.linear(a, b, torch.linspace(0, 1, PLACES))
    best = interpolation.geodesic(picture, a, b, places=PLACES, steps=400)
    path = torch.tensor(seen["path"])
    assert seen["straight"] == pytest.approx(length(picture, line[:, 0]), rel=2e-3)
    assert seen["found"] == pytest.approx(length(picture, path), rel=2e-3)
    energy = interpolation.energy(interpolation.decoded(picture, path[:, None])).item()
    assert seen["energy"] == pytest.approx(energy, rel=4e-3)
    assert seen["found"] == pytest.approx(length(picture, best[:, 0]), rel=3e-3)
    assert path[0].tolist() == pytest.approx(pair[0]) and path[-1].tolist() == pytest.approx(
        pair[1]
    )
    assert seen["apart"] <= seen["found"] <= seen["straight"] * (1 + 1e-6)


def test_one_of_the_pairs_has_something_to_save(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    saved = [1 - seen["found"] / seen["straight"] for seen in (joined(page, p) for p in PAIRS)]
    assert max(saved) > 0.02 and 0 <= saved[2] < 0.01  # the last pair is a short step


def test_for_a_linear_decoder_the_straight_line_is_shortest(open_page, tmp_path):
    page = open_page(figure(flat(), output="identity"), tmp_path, **SCREEN)
    for start in ("on the line", "left of it", "right of it"):
        page.get_by_role("button", name=start).click()
        seen = state(page)
        assert seen["found"] == pytest.approx(seen["straight"], rel=1e-5)
        assert seen["found"] == pytest.approx(seen["apart"], rel=1e-5)
        line = np.linspace(*PAIRS[0], PLACES)
        assert np.abs(np.array(seen["path"]) - line).max() < 1e-3


def test_the_search_begins_where_it_is_told(open_page, tmp_path):
    page = open_page(figure(), tmp_path, viewport=SCREEN["viewport"])
    page.evaluate("window.requestAnimationFrame = () => 1")  # no frame, no step
    for name, sign in (("left of it", 1), ("right of it", -1)):
        page.get_by_role("button", name=name).click()
        (a, b), middle = np.array(PAIRS[0]), np.array(state(page)["path"][PLACES // 2])
        aside = np.array([a[1] - b[1], b[0] - a[0]])
        assert np.allclose(middle, (a + b) / 2 + sign * 0.3 * aside)


def test_the_ground_is_how_far_a_small_step_moves_the_image():
    from aecourse.explore.two_paths import _speed

    net, h = decoder().double().requires_grad_(False), 1e-4

    def picture(z):
        return torch.sigmoid(net(z.double()))

    speed = _speed(picture, 3.0)
    for row, column in ((0, 0), (10, 45), (60, 3)):  # row 0 is the top
        z = torch.tensor([[-3 + column / 10, 3 - row / 10]], dtype=torch.float64)
        ways = [(picture(z + h * way) - picture(z)).norm() / h for way in torch.eye(2).double()]
        assert speed[row, column].item() == pytest.approx(torch.stack(ways).norm().item(), rel=1e-3)


# ---- What a reader does ------------------------------------------------------------------------------------


def test_a_pointer_moves_the_nearer_end(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    box = page.locator(".ae-stage").bounding_box()
    at = lambda x, y: (
        box["x"] + box["width"] * (x / 6.4 + 0.5),
        box["y"] + box["height"] * (0.5 - y / 6.4),
    )  # noqa: E731
    page.mouse.move(*at(1.8, 1.4))
    page.mouse.down()
    page.mouse.move(*at(1.0, -2.0))
    page.mouse.up()
    seen = state(page)
    assert seen["chosen"] == 1 and seen["ends"][1] == pytest.approx([1, -2], abs=0.03)
    assert seen["ends"][0] == list(PAIRS[0][0])
    assert page.get_by_role("button", name="Move end B").get_attribute("aria-pressed") == "true"
    text = page.locator("table").inner_text()
    assert f"{seen['straight']:.2f}" in text and f"{seen['found']:.2f}" in text


def test_a_tap_moves_the_nearer_end(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN, has_touch=True)
    box = page.locator(".ae-stage").bounding_box()
    page.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
    seen = state(page)
    assert seen["chosen"] == 0 and seen["ends"][0] == pytest.approx([-2.56, -2.56], abs=0.03)


def test_keys_move_an_end_change_it_and_put_both_back(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    seen = state(page)
    assert seen["ends"][0] == pytest.approx([-2 + 0.064, -1 + 0.32])
    assert seen["ends"][1] == pytest.approx([2 - 0.064, 1.5]) and seen["chosen"] == 1
    page.keyboard.press("Home")
    assert state(page)["ends"] == [list(end) for end in PAIRS[0]]


def test_the_search_moves_by_frames_and_comes_to_rest(open_page, tmp_path):
    page = open_page(figure(), tmp_path, viewport=SCREEN["viewport"])
    page.evaluate(f"{ROOT}.go(0, [2.5, -2.5])")
    page.wait_for_function(f"!{ROOT}.state.running")
    moved, still = state(page), open_page(figure(), tmp_path, **SCREEN)
    still.evaluate(f"{ROOT}.go(0, [2.5, -2.5])")
    assert state(still)["path"] == moved["path"]  # with reduced motion it is the same path, at once
    assert (
        f"After {moved['steps']} steps the path found is"
        in page.locator(".ae-reading").inner_text()
    )


def test_equal_ends_are_a_path_of_no_length(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    seen = joined(page, [(1.0, 1.0), (1.0, 1.0)])
    assert (
        seen["straight"] == seen["found"] == 0
        and "0.0 %" in page.locator(".ae-reading").inner_text()
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure(), tmp_path, color_scheme=theme, **SCREEN)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("img", name=re.compile("^9 images on the straight line")).count() == 1
    assert page.get_by_role("img", name=re.compile("^9 images on the path found")).count() == 1


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(codes=np.zeros((20, 3))), "codes: got shape [20, 3]"),
        (dict(labels=np.zeros(20)), "labels: got float64"),
        (dict(labels=np.arange(20)), "labels: got 0 to 19"),
        (dict(ends=[(0, 0)]), "ends: got shape [1, 2]; accepted are two codes, [2, 2]"),
        (dict(shape=(1, 9, 12)), "shape: got (1, 9, 12)"),
        (dict(shape=(9, 9)), "decoder: got a map from 2 to 108 numbers"),
        (dict(extent=0), "extent: got 0"),
        (dict(output="softmax"), "output: got 'softmax'"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(**change)


def test_the_plane_holds_both_ends():
    extent = lambda made: float(re.search(r'"extent":([\d.]+)', made.html)[1])  # noqa: E731
    assert extent(figure()) == 3.2 and extent(figure(ends=[(0, 0), (0, -4)])) == pytest.approx(4.2)


def test_it_is_said_in_words_and_weighs_little():
    made = figure()
    assert made.html == figure().html and "Two ends, A and B, can be moved" in repr(made)
    assert repr(figure(description="My words.")) == "My words." and made.nbytes < 60_000
