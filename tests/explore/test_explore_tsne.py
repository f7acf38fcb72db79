"""t-SNE in the page: its affinities, gradient and divergence against plain NumPy, its runs, and what a reader can do."""

import re

import numpy as np
import pytest

from aecourse import explore

ROOT = "document.querySelector('.ae-tsne').aecourse"
SCREEN = {"viewport": {"width": 390, "height": 1400}}
N, D = 60, 6


def inputs():
    rng = np.random.default_rng(0)
    labels = np.arange(N) % 3
    return dict(codes=rng.normal(size=(N, D)) + 6 * np.eye(D)[labels], labels=labels)


def figure(**change):
    return explore.tsne(**{**inputs(), "perplexity": 10, **change})


def state(page):
    return page.evaluate(f"{ROOT}.state")


# ---- The same in NumPy, as the formulas read ---------------------------------------------------------------


def plain_affinities(points, perplexity):
    """P by its definition, the width of every point found by a bisection of its own."""
    squared = ((points[:, None] - points[None]) ** 2).sum(-1)
    conditional = np.zeros((len(points), len(points)))
    for i in range(len(points)):
        others, low, high = np.arange(len(points)) != i, 1e-3, 1e3
        for _ in range(80):
            width = np.sqrt(low * high)
            p = np.exp(-(squared[i, others] - squared[i, others].min()) / (2 * width**2))
            p /= p.sum()
            entropy = -(p[p > 0] * np.log(p[p > 0])).sum()
            low, high = (width, high) if entropy < np.log(perplexity) else (low, width)
        conditional[i, others] = p
    return (conditional + conditional.T) / (2 * len(points))


def plain_q(y):
    kernel = 1 / (1 + ((y[:, None] - y[None]) ** 2).sum(-1))
    np.fill_diagonal(kernel, 0)
    return kernel / kernel.sum(), kernel


def plain_divergence(p, y):
    q, some = plain_q(y)[0], p > 0
    return (p[some] * np.log(p[some] / q[some])).sum()


def plain_gradient(p, y):
    """Equation 5 of van der Maaten & Hinton 2008."""
    q, kernel = plain_q(y)
    return 4 * (((p - q) * kernel)[:, :, None] * (y[:, None] - y[None])).sum(1)


def in_page(page):
    """The codes as the page has them, after their rounding to 16 bits: [N, D]."""
    return np.array(page.evaluate(f"[...{ROOT}.points]")).reshape(N, D)


@pytest.mark.parametrize("perplexity", [2, 10, 15])
def test_affinities_are_those_of_numpy(open_page, tmp_path, perplexity):
    page = open_page(figure(), tmp_path)
    points = in_page(page)
    assert np.abs(points - inputs()["codes"]).max() < 3e-4
    p = np.array(page.evaluate(f"{ROOT}.affinities({perplexity})")).reshape(N, N)
    assert np.abs(p - plain_affinities(points, perplexity)).max() < 1e-9  # p is about 1e-4
    assert p.sum() == pytest.approx(1, abs=1e-12) and (p == p.T).all() and not p.diagonal().any()


def test_gradient_and_divergence_are_those_of_numpy(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    p, y = plain_affinities(in_page(page), 10), np.random.default_rng(1).normal(size=(N, 2))
    found = page.evaluate(
        f"([p, y]) => {ROOT}.gradient(p, y)", [p.flatten().tolist(), y.flatten().tolist()]
    )
    slope = np.array(found["slope"]).reshape(N, 2)
    assert np.abs(slope - plain_gradient(p, y)).max() < 1e-9 < np.abs(slope).max() * 1e-4
    assert found["kl"] == pytest.approx(plain_divergence(p, y), abs=1e-9)
    for i, axis in ((0, 0), (7, 1)):  # and both are right: the slope is that of the divergence
        shift = np.zeros((N, 2))
        shift[i, axis] = 1e-5
        rise = plain_divergence(p, y + shift) - plain_divergence(p, y - shift)
        assert slope[i, axis] == pytest.approx(rise / 2e-5, abs=1e-7)


def test_a_width_is_found_whatever_the_scale_and_for_equal_codes(open_page, tmp_path):
    codes = 1e-4 * inputs()["codes"]
    codes[1] = codes[0]
    page = open_page(figure(codes=codes), tmp_path)
    p = np.array(page.evaluate(f"{ROOT}.affinities(10)")).reshape(N, N)
    assert np.abs(p - plain_affinities(1e4 * in_page(page), 10)).max() < 1e-9


def test_a_run_falls_to_what_scikit_learn_reaches_and_finds_the_clusters(open_page, tmp_path):
    from sklearn.manifold import TSNE

    page = open_page(figure(), tmp_path)
    page.evaluate(f"{ROOT}.advance(1)")
    first = state(page)["kl"]
    page.evaluate(f"{ROOT}.advance(9999)")
    end = state(page)
    assert end["steps"] == 750 and end["kl"] < first / 3
    other = TSNE(perplexity=10, method="exact", init="random", random_state=0)
    other.fit(in_page(page))
    assert end["kl"] == pytest.approx(other.kl_divergence_, rel=0.25)
    y, labels = np.array(end["y"]).reshape(N, 2), inputs()["labels"]
    far = ((y[:, None] - y[None]) ** 2).sum(-1) + 1e9 * np.eye(N)
    assert (labels[far.argmin(1)] == labels).all()  # the nearest in the picture is of the cluster
    assert end["kl"] == pytest.approx(plain_divergence(plain_affinities(in_page(page), 10), y))


def test_equal_starts_are_equal_runs_and_another_is_another(open_page, tmp_path):
    page, runs = open_page(figure(), tmp_path), []
    for seed in (1, 1, 2):
        page.evaluate(f"{ROOT}.restart({seed})")
        page.evaluate(f"{ROOT}.advance(30)")
        runs.append(state(page)["y"])
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_run_before_is_turned_onto_this_one(open_page, tmp_path, mirrored):
    page = open_page(figure(), tmp_path)
    y = np.random.default_rng(2).normal(size=(N, 2))
    turn = np.array([[np.cos(2), -np.sin(2)], [np.sin(2), np.cos(2)]]) @ np.diag(
        [1, -1 if mirrored else 1]
    )
    there = [part.flatten().tolist() for part in (y @ turn.T, y)]
    found = np.array(page.evaluate(f"([a, b]) => {ROOT}.turned(a, b)", there)).reshape(2, 2)
    assert np.allclose(found @ turn, np.eye(2), atol=1e-12)


# ---- What a reader does ------------------------------------------------------------------------------------


def test_play_pause_another_start_and_perplexity(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **SCREEN)
    assert state(page)["steps"] == 0 and not state(page)["running"]
    assert "Places by chance" in page.locator(".ae-reading").inner_text()
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"{ROOT}.state.steps > 110")
    page.get_by_role("button", name="Pause").click()
    paused = state(page)
    page.wait_for_timeout(100)
    assert state(page)["y"] == paused["y"] and not paused["running"]
    page.get_by_role("button", name="Another start").click()
    assert state(page)["seed"] == 2 and state(page)["running"]
    assert "The run before: start 1, perplexity 10" in page.locator(".ae-kept").inner_text()
    slider = page.get_by_role("slider", name="Perplexity")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert state(page)["perplexity"] == 7 and slider.get_attribute("aria-valuetext") == "7"
    page.wait_for_function(f"!{ROOT}.state.running", timeout=60_000)
    assert state(page)["steps"] == 750
    assert page.get_by_role("img", name=re.compile("start 2, perplexity 7.* 750 of 750")).count()
    page.get_by_role("button", name="Play").press("Enter")  # at the end: once more
    assert state(page)["steps"] < 750 and state(page)["seed"] == 2


def test_with_reduced_motion_a_press_is_fifty_steps(open_page, tmp_path):
    page = open_page(figure(), tmp_path, reduced_motion="reduce")
    page.get_by_role("button", name="Step").click()
    assert state(page)["steps"] == 50 and not state(page)["running"]
    page.get_by_role("button", name="Another start").click()
    assert state(page)["steps"] == 0 and not state(page)["running"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure(), tmp_path, color_scheme=theme)
    page.evaluate(f"{ROOT}.advance(120), {ROOT}.restart(2), {ROOT}.advance(20)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("img", name=re.compile("^KL.* in nats from step to step")).count() == 1
    assert page.get_by_role("img", name=re.compile("^60 codes as t-SNE places them")).count() == 1


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(codes=np.zeros((401, 2))), "codes: got shape [401, 2]"),
        (dict(codes=np.zeros((6, 2))), "codes: got shape [6, 2]"),
        (dict(codes=np.full((N, 2), np.nan)), "codes: got entries that are nan"),
        (dict(labels=np.zeros(N)), "labels: got float64"),
        (dict(labels=np.arange(N)), "labels: got 0 to 59 and 10 names"),
        (dict(perplexity=20), "perplexity: got 20; accepted is one of 2, 3, 5, 7, 10, 15"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(**change)


def test_it_is_said_in_words_and_weighs_little():
    made = figure()
    assert made.html == figure().html and "The perplexity can be set from 2 to 15" in repr(made)
    assert repr(figure(description="My words.")) == "My words." and made.nbytes < 50_000
