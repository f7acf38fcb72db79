"""Asking for a digit in the page: it computes what torch computes, one code serves all classes, a drawing gives its hand."""

import re

import pytest
import torch

from aecourse import explore, models, nets

ROOT = "document.querySelector('.ae-ask').aecourse"
TALL = {"viewport": {"width": 390, "height": 1600}}
CODES = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor(
    [0.2, 1.5, 0.9]
)


def made(net=None, **options):
    torch.manual_seed(0)
    return models.ConditionalVAE(3, net or nets.mlp((24, 12), "gelu"), **options)


def figure(model=None, codes=CODES, **options):
    return explore.ask(model or made(), codes, **options)


@pytest.mark.parametrize("embed", ["embedding", "one_hot"])
def test_the_page_decodes_and_encodes_as_torch_does(open_page, tmp_path, embed):
    model = made(embed=embed)
    page = open_page(figure(model), tmp_path, **TALL)
    z, y = torch.tensor([[0.4, -1.2, 2.0]]), torch.tensor([6])
    with torch.no_grad():
        wanted = model.pixels(model.decode(z, y)).flatten()
        found = torch.tensor(page.evaluate(f"[...{ROOT}.decode({z[0].tolist()}, 6)]"))
        assert (found - wanted).abs().max() < 2.1 / 255
        image = torch.rand(784, generator=torch.Generator().manual_seed(1))
        code = model.code(image.view(1, 1, 28, 28), y)[0]
    assert torch.allclose(
        torch.tensor(page.evaluate(f"{ROOT}.encode({image.tolist()}, 6)")), code, atol=0.03
    )


def test_the_class_changes_and_the_hand_stays(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    page.get_by_role("button", name="Another hand").click()
    z = page.evaluate(f"{ROOT}.z")
    assert any(z)
    page.get_by_role("button", name="Ask for 4").click()
    assert page.evaluate(f"{ROOT}.z") == z and page.evaluate(f"{ROOT}.asked") == 4
    assert "Asked for 4" in page.locator(".ae-reading").inner_text()
    page.get_by_role("button", name="Typical hand").click()
    assert page.evaluate(f"{ROOT}.z") == [0, 0, 0]


def test_sliders_move_the_latents_that_vary_most_by_keys(open_page, tmp_path):
    page = open_page(figure(sliders=2), tmp_path, **TALL)
    assert page.get_by_role("slider").count() == 2
    page.get_by_role("slider", name="Style 1").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{ROOT}.z") == pytest.approx([0, 0.05, 0])
    page.get_by_role("slider", name="Style 2").focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{ROOT}.z") == pytest.approx([0, 0.05, -0.05])


def test_a_drawing_gives_its_hand_to_all_classes(open_page, tmp_path):
    model = made()
    page = open_page(figure(model), tmp_path, **TALL)
    assert page.evaluate(f"{ROOT}.drawn") is None
    box = page.get_by_label("Pad to draw a digit on").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    page.mouse.up()
    found = page.evaluate(f"(({{ image, label, mu }}) => [[...image], label, mu])({ROOT}.drawn)")
    image, label, mu = found
    with torch.no_grad():
        code = model.code(torch.tensor(image).view(1, 1, 28, 28), torch.tensor([label]))[0]
    assert torch.allclose(torch.tensor(mu), code, atol=0.03) and page.evaluate(f"{ROOT}.z") == mu
    page.get_by_label("Which digit the drawing is").select_option("8")
    assert page.evaluate(f"{ROOT}.drawn.label") == 8 and page.evaluate(f"{ROOT}.z") != mu
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate(f"{ROOT}.drawn") is None


def test_a_digit_is_drawn_for_those_who_do_not_draw(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    page.get_by_label("Have a digit drawn").select_option("5")
    assert page.evaluate(f"{ROOT}.drawn.label") == 5
    assert "your 5" in page.locator(".ae-reading").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_by_keyboard_alone(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    page.get_by_label("Pad to draw a digit on").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.evaluate(f"{ROOT}.drawn") is not None
    page.get_by_role("button", name="Ask for 0").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ROOT}.asked") == 0


def test_dark_pages_show_light_ink(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL, color_scheme="dark")
    first = "document.querySelector('.ae-large').getContext('2d').getImageData(0, 0, 28, 28).data"
    light = open_page(figure(), tmp_path, **TALL, color_scheme="light")
    assert page.evaluate(f"[...{first}]") != light.evaluate(f"[...{first}]")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: figure(models.VAE(3, nets.mlp((5,)))), "model: got 'VAE'"),
        (lambda: figure(made(nets.conv((3,)))), "accepted is a ConditionalVAE with nets.mlp"),
        (lambda: figure(made(prior="learned")), "model: got a learned prior"),
        (lambda: figure(made(prior="learned", decoder_label=False)), "decoder is told the label"),
        (lambda: figure(made(classes=12)), "12 classes"),
        (lambda: figure(codes=CODES[:, :2]), "codes: got shape [40, 2]; accepted is [N, 3]"),
        (lambda: figure(names=["a"]), "names: got 1; accepted are 10"),
        (lambda: figure(extent=0), "extent: got 0"),
        (lambda: figure(made(nets.mlp((2000,)))), "model: got weights that take"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()


def test_it_is_said_in_words_and_weighs_little():
    made_figure = figure()
    assert "written in one hand" in repr(made_figure) and made_figure.nbytes < 200_000
    assert repr(figure(description="My words.")) == "My words."


@pytest.mark.parametrize("width", [390, 900])
def test_all_digits_stand_directly_below_the_pad(open_page, tmp_path, width):
    page = open_page(figure(), tmp_path, viewport={"width": width, "height": 1600})
    board = page.get_by_label("Pad to draw a digit on").bounding_box()
    row = page.get_by_role("button", name="Ask for 0").bounding_box()
    sliders = page.get_by_role("slider", name="Style 1").bounding_box()
    assert board["y"] + board["height"] < row["y"] < board["y"] + board["height"] + 200
    assert row["y"] < sliders["y"]
