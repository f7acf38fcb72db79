"""The figure "what each layer sees": the page's maps are torch's, by mouse, touch and keys."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import convolution, explore, nets

SHAPE = (9, 12)


def encoder(activation="relu", shape=SHAPE):
    torch.manual_seed(0)
    return nets.conv((3, 5), activation=activation).encoder((1, *shape), 2)


def figure(net=None, **changes):
    images = torch.rand(3, 1, *SHAPE, generator=torch.Generator().manual_seed(0))
    options = {"images": images, "labels": "abc", **changes}
    return explore.receptive_field(encoder() if net is None else net, **options)


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=np.zeros((3, 9))), "images: got shape"),
        (dict(images=np.full((3, *SHAPE), 2.0)), "images: got values from 2 to 2"),
        (dict(labels="ab"), "labels: got 2; accepted are 3"),
        (dict(net=nn.Sequential(nn.Flatten(), nn.Linear(108, 2))), "begins with a torch.nn.Conv2d"),
        (dict(net=nn.Sequential(nn.Conv2d(3, 2, 3))), "convolutions of one channel at first"),
        (dict(net=nn.Sequential(nn.Conv2d(1, 2, (3, 5)))), "square"),
        (dict(net=nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2))), "without groups or dilation"),
        (dict(net=nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))), "got BatchNorm2d"),
        (dict(net=3), "encoder: got 'int'"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        figure(**change)


def test_it_says_in_words_what_it_shows_and_stays_small():
    shown = explore.receptive_field(
        nets.conv((8, 16)).encoder((1, 28, 28), 16), torch.rand(10, 28, 28)
    )
    assert "8 maps whose units see 3 by 3 pixels and 16 maps whose units see 7 by 7" in repr(shown)
    assert shown.nbytes < 100_000


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_the_page_computes_the_maps_that_torch_computes(open_page, tmp_path, activation):
    net = encoder(activation)
    page = open_page(figure(net), tmp_path)
    found = page.evaluate("document.querySelector('.ae-figure').aecourse.maps")
    image = torch.tensor(page.evaluate("document.querySelector('.ae-figure').aecourse.image"))
    with torch.no_grad():
        x = image.view(1, 1, *SHAPE)
        first, second = net[:2](x), net[:4](x)
    for maps, right in zip(found, (first, second)):
        torch.testing.assert_close(
            torch.tensor(maps).view_as(right[0]), right[0], atol=2e-4, rtol=1e-3
        )


def test_hovering_names_the_unit_and_the_pixels_it_sees(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    map_ = page.locator(".ae-map").nth(2)
    box = map_.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.99, box["y"] + box["height"] * 0.01)
    state = page.evaluate("document.querySelector('.ae-figure').aecourse.state")
    assert state["map"] == 2 and state["unit"] == [0, 2] and state["layer"] == 1
    field = convolution.receptive_fields(encoder())[1]
    (top, bottom), (left, right) = field.pixels(0, SHAPE[0]), field.pixels(2, SHAPE[1])
    said = page.locator(".ae-reading").inner_text()
    assert "Second layer, map 3, row 1, column 3" in said
    assert f"It sees rows {top + 1} to {bottom}, columns {left + 1} to {right}." in said
    outline = page.locator(".ae-stage .ae-box").evaluate("node => node.style.left")
    assert float(outline[:-1]) == pytest.approx(100 * left / SHAPE[1], abs=0.01)


def test_keys_move_the_unit_and_change_the_map(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    page.locator(".ae-maps").focus()
    start = page.evaluate("document.querySelector('.ae-figure').aecourse.state")
    for key in ("ArrowRight", "ArrowUp", "PageDown", "PageUp", "PageUp"):
        page.keyboard.press(key)
    state = page.evaluate("document.querySelector('.ae-figure').aecourse.state")
    assert (
        state["unit"] == [start["unit"][0] - 1, start["unit"][1] + 1]
        and state["map"] == (start["map"] - 1) % 5
    )
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.querySelector('.ae-figure').aecourse.state.unit")[1] == 0


def test_layers_digits_and_the_pen(open_page, tmp_path):
    page = open_page(figure(), tmp_path, viewport={"width": 1200, "height": 900})
    page.get_by_role("button", name="First layer: 3 maps").click()
    assert page.locator(".ae-map").count() == 3
    page.get_by_role("button", name="c", exact=True).click()
    third = torch.rand(3, 1, *SHAPE, generator=torch.Generator().manual_seed(0))[2].flatten()
    image = page.evaluate("document.querySelector('.ae-figure').aecourse.image")
    torch.testing.assert_close(torch.tensor(image), third, atol=1 / 255, rtol=0)
    page.get_by_role("button", name="clear").click()
    assert sum(page.evaluate("document.querySelector('.ae-figure').aecourse.image")) == 0
    page.locator(".ae-stage").focus()
    page.keyboard.press("Space")
    drawn = page.evaluate("document.querySelector('.ae-figure').aecourse.image")
    assert sum(drawn) >= 1 and page.locator(".ae-spoken").count() == 1
    page.get_by_role("button", name="erase").click()
    page.locator(".ae-stage").focus()
    page.keyboard.press("Enter")
    assert sum(page.evaluate("document.querySelector('.ae-figure').aecourse.image")) == 0


def test_touch_chooses_a_unit(open_page, tmp_path):
    page = open_page(figure(), tmp_path, has_touch=True)
    box = page.locator(".ae-map").nth(1).bounding_box()
    page.touchscreen.tap(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    state = page.evaluate("document.querySelector('.ae-figure').aecourse.state")
    assert state["map"] == 1 and state["unit"] == [2, 2]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_is_drawn_in_the_colours_of_the_page(open_page, tmp_path, scheme):
    page = open_page(figure(), tmp_path, color_scheme=scheme)
    page.get_by_role("button", name="clear").click()
    shade = page.locator(".ae-stage canvas").evaluate(
        "node => node.getContext('2d').getImageData(0, 0, 1, 1).data[0]"
    )
    assert (shade > 128) == (scheme == "light")
