"""The linear VAE under water: its figures against closed forms, its images against the exact model, its sliders."""

import math
import re

import numpy as np
import pytest
import torch

from aecourse import collapse, exact, explore

ROOT = "document.querySelector('.ae-waterline').aecourse"


@pytest.fixture(scope="module")
def pictures():
    """Smooth images off the square, [300, 1, 9, 6]."""
    generator = torch.Generator().manual_seed(4)
    rough = torch.rand(300, 1, 4, 3, generator=generator)
    return torch.nn.functional.interpolate(rough, size=(9, 6), mode="bilinear").clamp(0, 1)


def components(x):
    x = x.flatten(1).double()
    values, vectors = torch.linalg.eigh((x - x.mean(0)).T @ (x - x.mean(0)) / len(x))
    return x.mean(0), values.flip(0), vectors.flip(1)


def state(page):
    return page.evaluate(f"{ROOT}.state")


def move(page, name, value):
    """Puts a slider, which goes by hundredths of a natural logarithm, where a reader would have dragged it."""
    page.get_by_role("slider", name=name).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        round(100 * math.log(value)),
    )


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=torch.rand(3, 8, 8)), "images: got shape [3, 8, 8]"),
        (dict(images=torch.rand(13, 9, 6)), "images: got shape"),
        (dict(x=torch.rand(20, 9)), "x: got shape [20, 9]"),
        (dict(x=torch.rand(20, 9, 6) + 1), "x: got values from 1"),
        (dict(latents=65), "latents: got 65"),
        (dict(latents=54), "latents: got 54"),
        (dict(sigma=0.01), "sigma: got 0.01"),
        (dict(beta=31), "beta: got 31"),
        (dict(labels=[1]), "labels: got 1"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(pictures, change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.waterline(**{"x": pictures, "images": pictures[:3], "latents": 8, **change})


def test_it_says_in_words_what_it_shows(pictures):
    figure = explore.waterline(pictures, pictures[:3], latents=8)
    nats = collapse.rates(components(pictures)[1][:8], 0.1)
    assert (
        f"at 0.1, {int((nats > 0).sum())} of 8 latents are active, with {nats.sum():.1f} nats"
        in repr(figure)
    )
    assert (
        figure.html == explore.waterline(pictures, pictures[:3], latents=8).html
        and figure.nbytes < 40_000
    )
    assert (
        repr(explore.waterline(pictures, pictures[:3], latents=8, description="My words."))
        == "My words."
    )


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma, beta", [(0.05, 1.0), (0.3, 1.0), (0.3, 4.0), (3.0, 30.0)])
def test_figures_and_images_are_those_of_the_exact_model(
    pictures, open_page, tmp_path, sigma, beta
):
    page = open_page(
        explore.waterline(pictures, pictures[:4], latents=8, sigma=sigma, beta=beta), tmp_path
    )
    now, level = state(page), beta * sigma**2
    mean, values, vectors = components(pictures)
    nats = collapse.rates(values[:8], level)
    assert now["level"] == pytest.approx(level) and now["active"] == int((nats > 0).sum())
    assert now["rates"] == pytest.approx(nats.tolist(), abs=1e-9) and now["kl"] == pytest.approx(
        nats.sum().item(), abs=1e-9
    )

    model = exact.LinearGaussian(
        vectors[:, :8] * (values[:8] - level).clamp_min(0).sqrt(), mean, level**0.5
    )
    expected = model.posterior(pictures[:4]).mean @ model.W.T + mean
    drawn = np.array([page.evaluate(f"{ROOT}.redrawn({n})") for n in range(4)])
    assert np.abs(drawn - expected.numpy()).max() < 1 / 255

    posterior = model.posterior(pictures)  # drawn from a draw of the code: the error that is told
    spread = (posterior.variance[0] * model.W.square().sum(0)).sum()
    error = (pictures.flatten(1) - mean - posterior.mean @ model.W.T).square().sum(
        1
    ).mean() + spread
    assert now["error"] == pytest.approx(error.item(), rel=1e-5)


def test_sliders_raise_the_water(pictures, open_page, tmp_path):
    page = open_page(
        explore.waterline(
            pictures, pictures[:4], latents=8, sigma=0.3, beta=1.0, labels=list("abcd")
        ),
        tmp_path,
    )
    before = state(page)
    move(page, "beta", 9.0)
    after = state(page)
    assert (
        after["level"] == pytest.approx(9 * before["level"], rel=0.02)
        and after["active"] < before["active"]
    )
    assert f"{after['active']} of 8 latents active" in page.locator(".ae-reading").inner_text()
    move(page, "beta", 1.0)
    move(page, "sigma", 0.9)
    assert state(page)["rates"] == pytest.approx(
        after["rates"], abs=0.02
    )  # beta and sigma squared: one knob
    move(page, "sigma", 3.0)
    assert state(page)["active"] == 0 and state(page)["kl"] == 0
    assert page.evaluate(f"{ROOT}.redrawn(0)") == page.evaluate(f"{ROOT}.redrawn(3)")
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.startsWith('0 of 8 latents active')"
    )


def test_dry_bars_are_as_high_as_twice_the_nats(pictures, open_page, tmp_path):
    page = open_page(explore.waterline(pictures, pictures[:2], latents=8, sigma=0.2), tmp_path)
    heights = page.evaluate(
        "[...document.querySelectorAll('.ae-dry')].map(bar => Number(bar.getAttribute('height')))"
    )
    ratios = [height / nats for height, nats in zip(heights, state(page)["rates"]) if nats > 0]
    assert len(ratios) >= 3 and max(ratios) == pytest.approx(min(ratios), rel=1e-6)
    assert all(height == 0 for height, nats in zip(heights, state(page)["rates"]) if nats == 0)


def test_by_keyboard(pictures, open_page, tmp_path):
    page = open_page(explore.waterline(pictures, pictures[:2], latents=8), tmp_path)
    slider, before = page.get_by_role("slider", name="sigma"), state(page)["sigma"]
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert state(page)["sigma"] == pytest.approx(before * math.exp(0.05), rel=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_narrow_screen_and_has_names(pictures, open_page, tmp_path, theme):
    page = open_page(
        explore.waterline(pictures, pictures[:10], latents=24), tmp_path, color_scheme=theme
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for role, name in (
        ("slider", "sigma"),
        ("slider", "beta"),
        ("img", "Bars of 24 eigenvalues"),
        ("img", "10 images"),
        ("img", "The same images, redrawn"),
    ):
        assert page.get_by_role(role, name=name).count() == 1
