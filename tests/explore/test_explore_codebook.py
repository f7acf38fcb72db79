"""The codebook editor: a page decodes as torch does, and words are swapped by pointer and by keys."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore, nets

FIGURE = "document.querySelector('.ae-figure').aecourse"


def decoder(seed=0, shape=(1, 11, 18), activation="relu", dim=3, gain=3.0):
    """A small wild decoder whose image is neither square nor a multiple of its grid: 3 x 5 cells, 11 x 18 pixels."""
    torch.manual_seed(seed)
    made = nets.conv((4, 6), activation=activation).grid_decoder(dim, shape)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(gain)
    return made


def figure(net=None, *, k=7, grid=(3, 5), **changes):
    generator = torch.Generator().manual_seed(0)
    arguments = {
        "words": torch.randn(k, 3, generator=generator),
        "indices": torch.randint(k, (3, *grid), generator=generator),
        "labels": "abc",
        **changes,
    }
    return explore.codebook(decoder() if net is None else net, **arguments), arguments


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(words=np.zeros(7)), "words: got shape [7]"),
        (dict(words=np.zeros((300, 3))), "words: got shape [300, 3]"),
        (dict(words=np.zeros((7, 4))), "decoder: got one for 3 channels; accepted is one for 4"),
        (dict(indices=np.zeros((3, 5), dtype=int)), "indices: got"),
        (dict(indices=np.zeros((3, 3, 5))), "indices: got float64"),
        (dict(indices=np.full((3, 3, 5), 7)), "indices: got 7 to 7; accepted is 0 to 6"),
        (dict(typical=np.zeros((9, 5, 3), dtype=int)), "typical: got"),
        (dict(typical=np.full((9, 3, 5), -1)), "typical: got -1"),
        (dict(labels="ab"), "labels: got 2; accepted are 3"),
        (dict(output="tanh"), "output: got 'tanh'"),
        (dict(words=np.full((7, 3), np.nan)), "words: got entries that are nan"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        figure(**change)


@pytest.mark.parametrize(
    "net, error, message",
    [
        (nn.Sequential(nn.Linear(3, 3)), TypeError, "Linear"),
        (nn.Sequential(nn.Softplus()), TypeError, "Softplus"),
        (nn.Conv2d(3, 1, 3, stride=2), TypeError, "stride 1"),
        (nn.Conv2d(3, 1, 3, dilation=2), TypeError, "dilation"),
        (nn.Conv2d(3, 2, 1), ValueError, "draws 2 channels"),
        (nn.ReLU(), ValueError, "no channels"),
        (
            nn.Sequential(nn.Conv2d(3, 600, 9, padding=4), nn.Conv2d(600, 1, 7, padding=3)),
            ValueError,
            "narrower",
        ),
    ],
)
def test_decoders_that_a_page_cannot_run_or_carry_are_refused(net, error, message):
    with pytest.raises(error, match=message):
        figure(net)


def test_it_says_in_words_what_it_shows_and_is_small():
    drawn, _ = figure()
    assert (
        "3 by 5 words from a codebook of 7" in repr(drawn)
        and drawn.html == figure()[0].html
        and drawn.nbytes < 60_000
    )
    assert repr(figure(description="Mine.")[0]) == "Mine."
    torch.manual_seed(0)
    lesson = nets.conv((16, 32)).grid_decoder(8, (1, 28, 28))
    assert (
        explore.codebook(lesson, torch.randn(64, 8), torch.randint(64, (10, 7, 7))).nbytes < 120_000
    )


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("output", ["sigmoid", "identity"])
def test_a_page_decodes_what_torch_decodes(open_page, tmp_path, activation, output):
    net = decoder(activation=activation, gain=2.0 if output == "sigmoid" else 1.0)
    drawn, given = figure(net, output=output)
    page = open_page(drawn, tmp_path)
    grids = torch.randint(7, (20, 3, 5), generator=torch.Generator().manual_seed(1))
    seen = torch.tensor(
        page.evaluate(
            f"grids => grids.map(grid => [...{FIGURE}.decode(grid)])", grids.flatten(1).tolist()
        )
    )
    with torch.no_grad():
        truth = net(given["words"][grids].permute(0, 3, 1, 2)).flatten(1)
    truth = torch.sigmoid(truth) if output == "sigmoid" else truth
    assert (seen - truth).abs().max() <= 1 / 255 and truth.std() > 0.02


def test_other_kernels_and_strides(open_page, tmp_path):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, (1, 5), padding=2, bias=False),
        nn.Tanh(),
        nn.ConvTranspose2d(4, 1, (4, 2), stride=4, padding=1, output_padding=(2, 3)),
    )
    drawn, given = figure(net)
    page = open_page(drawn, tmp_path)
    seen = torch.tensor(
        page.evaluate(f"grid => [...{FIGURE}.decode(grid)]", given["indices"][1].flatten().tolist())
    )
    with torch.no_grad():
        truth = torch.sigmoid(
            net(given["words"][given["indices"][1:2]].permute(0, 3, 1, 2))
        ).flatten()
    assert seen.shape == truth.shape and (seen - truth).abs().max() <= 1 / 255


def test_a_word_is_shown_as_it_looks_on_average(open_page, tmp_path):
    net = nn.Sequential(
        nn.ConvTranspose2d(3, 1, 4, stride=4)
    )  # every cell draws its own four by four pixels
    typical = torch.randint(6, (2, 3, 5), generator=torch.Generator().manual_seed(2))
    typical[typical == 5] = 0
    typical[0, 1, 1] = typical[1, 0, 4] = (
        5  # word 5 stands inside once, and once in a corner; word 6 nowhere
    )
    drawn, given = figure(net, typical=typical)
    page = open_page(drawn, tmp_path)
    with torch.no_grad():
        images = torch.sigmoid(net(given["words"][typical].permute(0, 3, 1, 2)))[:, 0]
        around = torch.stack(
            [images[0, :12, :12], nn.functional.pad(images[1, :8, 12:], (0, 4, 4, 0))]
        ).mean(0)
        blank = typical.flatten().bincount().argmax()
        alone = given["words"][blank][None, :, None, None].repeat(1, 1, 3, 5)
        alone[0, :, 1, 2] = given["words"][6]
        empty = torch.sigmoid(net(alone))[0, 0, :, 4:16]
    seen = [torch.tensor(page.evaluate(f"[...{FIGURE}.looks[{k}]]")).view(12, 12) for k in (5, 6)]
    assert (seen[0] - around).abs().max() <= 1 / 255 and (seen[1] - empty).abs().max() <= 1 / 255


def pictures(page):
    return page.evaluate(
        "[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())"
    )


def test_pointer_chooses_a_cell_and_swaps_its_word(open_page, tmp_path):
    drawn, given = figure()
    page = open_page(drawn, tmp_path)
    start = given["indices"][0].flatten().tolist()
    assert page.evaluate(f"{FIGURE}.words") == start and page.evaluate(f"{FIGURE}.place") == 7
    image, shelf = page.locator(".ae-cells"), page.locator(".ae-shelf")
    box = image.bounding_box()
    image.click(position={"x": box["width"] * 3.5 / 5, "y": box["height"] * 0.5 / 3})
    assert page.evaluate(f"{FIGURE}.place") == 3 and page.evaluate(f"{FIGURE}.words") == start
    before = pictures(page)
    new = (start[3] + 1) % 6
    box = shelf.bounding_box()  # 7 words in rows of three
    shelf.click(
        position={
            "x": box["width"] * (new % 3 + 0.5) / 3,
            "y": box["height"] * (new // 3 + 0.5) / 3,
        }
    )
    assert page.evaluate(f"{FIGURE}.words") == start[:3] + [new] + start[4:]
    assert all(a != b for a, b in zip(before, pictures(page)))
    assert (
        page.locator(".ae-reading").inner_text()
        == f"Row 1, column 4: word {new} (it was {start[3]}). 1 of 15 words changed."
    )
    shelf.click(
        position={"x": box["width"] * 0.9, "y": box["height"] * 0.9}
    )  # the empty place after the last word
    assert page.evaluate(f"{FIGURE}.words")[3] == new
    page.get_by_role("button", name="restore").click()
    assert page.evaluate(f"{FIGURE}.words") == start


def test_buttons(open_page, tmp_path):
    drawn, given = figure()
    page = open_page(drawn, tmp_path)
    page.get_by_role("button", name="empty page").click()
    blank = given["indices"].flatten().bincount().argmax().item()
    assert page.evaluate(f"{FIGURE}.words") == [blank] * 15
    page.get_by_role("button", name="b", exact=True).click()
    assert page.evaluate(f"{FIGURE}.words") == given["indices"][1].flatten().tolist()
    page.get_by_role("button", name="words at random").click()
    drawn_words = page.evaluate(f"{FIGURE}.words")
    assert drawn_words != given["indices"][1].flatten().tolist() and set(drawn_words) <= set(
        range(7)
    )
    page.get_by_role("button", name="a", exact=True).click()
    assert page.evaluate(f"{FIGURE}.words") == [blank] * 15  # each image keeps its own changes


def test_keys_alone_suffice(open_page, tmp_path):
    drawn, given = figure(indices=torch.full((1, 3, 5), 4), labels="a")
    page = open_page(drawn, tmp_path)
    page.locator(".ae-cells").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.evaluate(f"{FIGURE}.place") == 1  # the edge holds
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")  # word 4 is the middle of three rows of three
    assert page.evaluate(f"{FIGURE}.words") == [4, 1] + [4] * 13
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{FIGURE}.words")[1] == 2
    page.wait_for_function(
        "/Row 1, column 2: word 2 \\(it was 4\\)/.test(document.querySelector('[role=status]').textContent)"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure()[0], tmp_path, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for role, name in (
        ("application", "Image as a grid of words"),
        ("application", re.compile("^Codebook")),
        ("button", "restore"),
    ):
        assert page.get_by_role(role, name=name).count() == 1
    assert (
        min(
            page.evaluate(
                "[...document.querySelectorAll('.ae-codebook button')].map(node => node.offsetHeight)"
            )
        )
        >= 24
    )
    page.locator(".ae-cells").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
