"""The wall of strokes: a page codes and redraws as torch does, by pointer and by keys."""

import re

import numpy as np
import pytest
import torch

from aecourse import explore, models

SHAPE = (9, 12)


def sparse(seed=0, units=14, **settings):
    torch.manual_seed(seed)
    settings = {"penalty": "l1", "output": "identity", "shape": (1, *SHAPE), **settings}
    model = models.SparseAutoencoder(units, **settings)
    if settings["output"] == "identity":
        model.begin_at_mean(torch.rand(20, *settings["shape"]))
    return model


def figure(several=None, **changes):
    images = torch.rand(3, 1, *SHAPE, generator=torch.Generator().manual_seed(0))
    several = {0.1: sparse(0), 1.0: sparse(1), 3.0: sparse(2)} if several is None else several
    return explore.strokes(several, **{"images": images, "labels": "abc", **changes})


FIGURE = "document.querySelector('.ae-figure').aecourse"


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=np.zeros((3, 9))), "images: got shape"),
        (dict(labels="ab"), "labels: got 2; accepted are 3"),
        (dict(several={}), "models: got {}"),
        (dict(several={1: sparse()}), "models: got {"),
        (dict(several={1: sparse(), 2: sparse(units=15)}), "models: got codes of 14, 15 numbers"),
        (dict(several={1: sparse(penalty="kl"), 2: sparse()}), "models[1]: got"),
        (dict(several={1: sparse(output="sigmoid"), 2: sparse()}), "models[1]: got"),
        (
            dict(several={1: sparse(shape=(1, 4, 4)), 2: sparse()}),
            "models[1]: got a map from 16 to 14 numbers",
        ),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        figure(**change)


def test_four_walls_of_64_features_stay_below_a_megabyte():
    made = {p: models.SparseAutoencoder(64, penalty="l1", output="identity") for p in (1, 2, 3, 4)}
    assert explore.strokes(made, torch.rand(5, 28, 28)).nbytes < 1_300_000


def test_it_says_in_words_what_it_shows():
    assert "14 features" in repr(figure()) and "light up" in repr(figure())
    assert repr(figure(description="Mine.")) == "Mine."
    assert figure().html == figure().html


def test_a_page_codes_and_redraws_as_torch_does(open_page, tmp_path):
    several = {0.1: sparse(0), 1.0: sparse(1)}
    page = open_page(figure(several), tmp_path)
    x = torch.rand(10, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    for place, model in enumerate(several.values()):
        page.get_by_role("slider").fill(str(place))
        inks = x.flatten(1).tolist()
        z = torch.tensor(page.evaluate(f"xs => xs.map({FIGURE}.code)", inks))
        with torch.no_grad():
            assert (z - model.encode(x)).abs().max() < 0.08 and (z > 0).any()
            image = model.decode(model.encode(x)).flatten(1)
        page_image = torch.tensor(page.evaluate(f"zs => zs.map({FIGURE}.decode)", z.tolist()))
        assert (page_image - image).abs().max() < 0.1


def test_the_pointer_draws_and_the_reading_follows(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    page.get_by_role("button", name="clear").click()
    assert page.evaluate(f"Math.max(...{FIGURE}.state.ink)") == 0
    before = page.locator(".ae-reading").inner_text()
    box = page.get_by_role("application").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5)
    page.mouse.up()
    ink = torch.tensor(page.evaluate(f"[...{FIGURE}.state.ink]")).view(SHAPE)
    assert (ink[4, 3:9] == 1).all() and (ink[0] == 0).all()
    assert page.locator(".ae-reading").inner_text() != before
    page.get_by_role("button", name="b", exact=True).click()
    assert page.evaluate(f"{FIGURE}.state.image") == 1


def test_leaving_a_feature_out_takes_its_share_from_the_image(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    before = torch.tensor(page.evaluate(f"{FIGURE}.image()"))
    strongest = page.locator(".ae-best .ae-button").first
    j = int(strongest.get_attribute("data-unit"))
    strongest.click()
    assert strongest.get_attribute("aria-pressed") == "true"
    z = page.evaluate(f"{FIGURE}.code({FIGURE}.state.ink)")
    z = [v if i == j else 0 for i, v in enumerate(z)]
    alone = torch.tensor(page.evaluate(f"z => {FIGURE}.decode(z)", z))
    none = torch.tensor(page.evaluate(f"z => {FIGURE}.decode(z)", [0] * 14))
    after = torch.tensor(page.evaluate(f"{FIGURE}.image()"))
    assert torch.allclose(before - after, alone - none, atol=1e-4)
    strongest.click()
    assert strongest.get_attribute("aria-pressed") == "false"


def test_keys_alone_suffice(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    page.get_by_role("button", name="clear").click()
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    ink = torch.tensor(page.evaluate(f"[...{FIGURE}.state.ink]")).view(SHAPE)
    assert ink[4, 6] == 1
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    ink = torch.tensor(page.evaluate(f"[...{FIGURE}.state.ink]")).view(SHAPE)
    assert ink[4, 6] == 0
    slider = page.get_by_role("slider", name="price of activity")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{FIGURE}.state.model") == 2
    assert slider.get_attribute("aria-valuetext") == "3.0"
    page.wait_for_function(
        "/price of activity 3.0: .* of 14 features active/.test("
        "document.querySelector('[role=status]').textContent)"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_is_visible_in_both_themes(browser, tmp_path, theme):
    page = browser.new_page(color_scheme=theme, viewport={"width": 390, "height": 900})
    page.goto(figure().save(tmp_path / "figure.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    spread = page.evaluate("""() => { const c = document.querySelector(".ae-wall"), d = c.getContext("2d")
        .getImageData(0, 0, c.width, c.height).data; const v = d.filter((_, i) => i % 4 === 0 && d[i + 3] > 200);
        return Math.max(...v) - Math.min(...v); }""")
    assert spread > 80
    page.close()


def test_names_are_text_not_markup(open_page, tmp_path):
    hostile = '</script><img src="http://example.com/x" onerror="alert(1)">'
    page = open_page(
        figure({hostile: sparse(0), "b": sparse(1)}, labels=[hostile] * 3, price=hostile), tmp_path
    )
    assert page.locator("img").count() == 0
