"""The figure "spoil a digit": a page repairs as torch does, by pointer and by keys."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore

SHAPE = (9, 12)


def repairer(seed=0, gain=1.5, activation=nn.ReLU, pixels=SHAPE[0] * SHAPE[1]):
    """A small random network from images to images."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Sequential(nn.Flatten(), nn.Linear(pixels, 11), activation(), nn.Linear(11, 5)),
        nn.Sequential(
            nn.Linear(5, 11), activation(), nn.Linear(11, pixels), nn.Unflatten(1, (1, -1, 1))
        ),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(gain)
    return net


def figure(models=None, **changes):
    images = torch.rand(3, 1, *SHAPE, generator=torch.Generator().manual_seed(0))
    return explore.denoise(
        {"one": repairer(0), "two": repairer(1)} if models is None else models,
        **{"images": images, "labels": "abc", "brush": 1.6, **changes},
    )


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=np.zeros((3, 9))), "images: got shape"),
        (dict(images=np.full((3, *SHAPE), 2.0)), "images: got values from 2 to 2"),
        (dict(labels="ab"), "labels: got 2; accepted are 3"),
        (dict(models={}), "models: got {}"),
        (dict(models=[repairer()]), "models: got ["),
        (
            dict(models={"one": repairer(pixels=100)}),
            "models['one']: got a map from 100 to 100 numbers; accepted is one from 108",
        ),
        (dict(noises=()), "noises: got none"),
        (dict(noises=("gauss",)), "noises: got 'gauss'"),
        (dict(output="softmax"), "output: got 'softmax'"),
        (dict(brush=0), "brush: got 0"),
        (dict(level=1.5), "level: got 1.5"),
        (dict(seed=-1), "seed: got -1"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        figure(**change)


def test_networks_that_a_page_cannot_run_or_carry_are_refused():
    with pytest.raises(TypeError, match="Softplus"):
        figure({"one": nn.Sequential(nn.Linear(108, 108), nn.Softplus())})
    with pytest.raises(ValueError, match="narrower"):
        figure({"one": nn.Sequential(nn.Linear(108, 9000), nn.ReLU(), nn.Linear(9000, 108))})
    broken = repairer()
    with torch.no_grad():
        broken[0][1].bias[0] = torch.nan
    with pytest.raises(ValueError, match="nan or infinite"):
        figure({"one": broken})


def test_two_denoisers_of_the_lesson_stay_below_700_kB():
    net = lambda: nn.Sequential(
        nn.Linear(784, 72),
        nn.ReLU(),
        nn.Linear(72, 32),
        nn.Linear(32, 72),
        nn.ReLU(),
        nn.Linear(72, 784),
    )  # noqa: E731
    wild = {"one": net(), "two": net()}
    for model in wild.values():
        for parameter in model.parameters():
            parameter.data *= 3  # so that 16 bits are needed
    drawn = explore.denoise(wild, torch.rand(10, 28, 28))
    assert set(re.findall(r'"bits":(\d+)', drawn.html)) == {"16"} and drawn.nbytes < 700_000


def test_it_says_in_words_what_it_shows():
    assert (
        "one and two" in repr(figure())
        and "erases" in repr(figure())
        and repr(figure(description="Mine.")) == "Mine."
    )
    assert figure().html == figure().html != figure(seed=1).html


# ---- In a browser ------------------------------------------------------------------------------------------

FIGURE = "document.querySelector('.ae-figure').aecourse"


def spoiled(page):
    return torch.tensor(page.evaluate(f"[...{FIGURE}.spoiled()]"))


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("gain", [0.7, 1.5])
def test_a_page_repairs_what_torch_repairs(open_page, tmp_path, output, gain):
    nets = {"one": repairer(0, gain), "two": repairer(1, gain, nn.GELU)}
    page = open_page(figure(nets, output=output), tmp_path)
    x = torch.rand(20, 108, generator=torch.Generator().manual_seed(1)) * 1.5 - 0.25
    for m, net in enumerate(nets.values()):
        seen = torch.tensor(
            page.evaluate(
                f"xs => xs.map(x => [...{FIGURE}.repair({m}, Float32Array.from(x))])", x.tolist()
            )
        )
        with torch.no_grad():
            logits = net(x).flatten(1)
        truth = {
            "sigmoid": torch.sigmoid(logits),
            "tanh": (torch.tanh(logits) + 1) / 2,
            "identity": logits,
        }[output]
        assert (seen - truth).abs().max() <= 2 / 255
        assert truth.std() > 0.02


def test_noise_is_seeded_and_has_the_strength_that_the_slider_says(open_page, tmp_path):
    drawn = figure(
        images=torch.full((3, 40, 50), 0.5),
        models={"one": nn.Sequential(nn.Linear(2000, 4), nn.Linear(4, 2000))},
    )
    page, again = open_page(drawn, tmp_path), open_page(drawn, tmp_path)
    middle = round(0.5 * 255) / 255
    assert torch.allclose(spoiled(page), torch.full((2000,), middle))
    slider = page.get_by_role("slider", name="Strength of the noise")
    slider.fill("0.4")
    again.get_by_role("slider").fill("0.4")
    first = spoiled(page)
    assert (
        torch.equal(first, spoiled(again))
        and abs((first - middle).std() - 0.4) < 0.03
        and abs((first - middle).mean()) < 0.04
    )
    page.get_by_role("button", name="other noise").click()
    assert not torch.equal(first, spoiled(page))
    page.get_by_label("Kind of noise").select_option("missing pixels")
    assert (
        abs((spoiled(page) == 0).float().mean() - 0.36) < 0.04
    )  # the slider keeps its place: 0.4 of 0.9
    page.get_by_label("Kind of noise").select_option("salt and pepper")
    shares = [(spoiled(page) == value).float().mean().item() for value in (0, 1)]
    assert shares == pytest.approx([0.12, 0.12], abs=0.03)
    page.get_by_role("button", name="restore").click()
    assert (
        torch.allclose(spoiled(page), torch.full((2000,), middle)) and slider.input_value() == "0"
    )


def test_it_may_open_with_noise(open_page, tmp_path):
    page = open_page(figure(level=0.5), tmp_path)
    assert page.get_by_role("slider").input_value() == "0.5"
    noisy = spoiled(page)
    page.get_by_role("button", name="restore").click()
    assert not torch.equal(noisy, spoiled(page)) and page.get_by_role("slider").input_value() == "0"
    page.get_by_role("slider").fill("0.5")
    assert torch.equal(noisy, spoiled(page))


def test_pointer_erases_and_draws(open_page, tmp_path):
    page = open_page(figure(images=torch.full((3, *SHAPE), 0.6)), tmp_path)
    box = page.get_by_role("application").bounding_box()
    at = lambda row, column: (
        box["x"] + box["width"] * (column + 0.5) / 12,
        box["y"] + box["height"] * (row + 0.5) / 9,
    )  # noqa: E731
    page.mouse.move(*at(4, 2))
    assert (spoiled(page) == 0).sum() == 0  # hovering paints nothing
    page.mouse.down()
    page.mouse.move(*at(4, 9))  # one quick stroke, no pixel of it left out
    page.mouse.up()
    page.mouse.move(*at(0, 0))
    image = spoiled(page).view(SHAPE)
    assert (
        (image[4, 2:10] == 0).all()
        and (image[3, 2:10] == 0).all()
        and (image[:2] > 0).all()
        and (image[7:] > 0).all()
    )
    page.get_by_role("button", name="draw", exact=True).click()
    page.mouse.click(*at(4, 6))
    image = spoiled(page).view(SHAPE)
    assert image[4, 6] == 1 and image[4, 4] == 0 and image[2, 6] not in (0, 1)
    page.get_by_role("button", name="lower half gone").click()
    assert (spoiled(page).view(SHAPE)[5:] == 0).all()
    page.get_by_role("button", name="b", exact=True).click()
    assert (spoiled(page) > 0.5).all()  # another image starts unspoiled


def test_keys_alone_suffice(open_page, tmp_path):
    page = open_page(figure(images=torch.full((3, *SHAPE), 0.6)), tmp_path)
    repaired = lambda: page.evaluate(
        "[...document.querySelectorAll('canvas')].slice(2).map(c => c.toDataURL())"
    )  # noqa: E731
    before = repaired()
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate(f"{FIGURE}.place") == [3, 11]
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{FIGURE}.place") == [3, 11]  # the edge holds
    page.keyboard.press("Space")
    image = spoiled(page).view(SHAPE)
    assert (image[2:5, 10:] == 0).all() and (image[:, :9] > 0).all()
    page.keyboard.press("d")
    assert (
        page.get_by_role("button", name="draw", exact=True).get_attribute("aria-pressed") == "true"
    )
    page.keyboard.press("Enter")
    assert spoiled(page).view(SHAPE)[3, 11] == 1
    assert all(a != b for a, b in zip(before, repaired()))  # both answers follow
    page.wait_for_function(
        "/Image a: spoiled .* dB, one .* dB, two .* dB/.test(document.querySelector('[role=status]').textContent)"
    )


def test_figures_that_are_shown_are_the_decibels_of_the_images(open_page, tmp_path):
    page = open_page(figure(images=torch.full((3, *SHAPE), 0.6)), tmp_path)
    assert page.locator(".ae-decibel").nth(1).inner_text() == "no error"
    page.get_by_role("button", name="lower half gone").click()
    clean = torch.full((108,), round(0.6 * 255) / 255)
    shown = float(page.locator(".ae-decibel").nth(1).inner_text().removesuffix(" dB"))
    assert shown == pytest.approx(
        -10 * torch.log10((spoiled(page) - clean).square().mean()).item(), abs=0.06
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_is_visible_in_both_themes_and_shows_where_the_focus_is(
    browser, tmp_path, theme
):
    page = browser.new_page(color_scheme=theme, viewport={"width": 390, "height": 900})
    ends = torch.tensor([0.0, 1.0]).repeat(3, 9, 6)
    page.goto(figure(images=ends).save(tmp_path / "figure.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (
        page.evaluate("""() => { const c = document.querySelector("canvas").getContext("2d");
        return [0, 1].map(x => [...c.getImageData(x, 0, 1, 1).data.slice(0, 3)]); }""")
    )
    assert abs(np.mean(first) - np.mean(second)) > 180 and (np.mean(first) > np.mean(second)) == (
        theme == "light"
    )
    page.keyboard.press("Tab")
    names = []
    for _ in range(14):
        outline = page.evaluate(
            "[document.activeElement.getAttribute('aria-label') || document.activeElement.innerText, "
            "getComputedStyle(document.activeElement).outlineStyle]"
        )
        names.append(outline[0])
        assert outline[1] != "none", outline
        page.keyboard.press("Tab")
        if page.evaluate(
            "document.activeElement === document.body || document.activeElement.tagName === 'SUMMARY'"
        ):
            break
    page.close()
    assert (
        any(name.startswith("The image to spoil") for name in names)
        and "Strength of the noise" in names
    )


def test_names_are_text_not_markup(open_page, tmp_path):
    hostile = '</script><img src="http://example.com/x" onerror="alert(1)">'
    page = open_page(
        figure({hostile: repairer()}, labels=[hostile] * 3, description=hostile), tmp_path
    )
    assert page.locator("img").count() == 0
