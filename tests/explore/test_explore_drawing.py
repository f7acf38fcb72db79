"""A digit drawn in the page is brought to size, encoded as torch encodes it, and placed on the plane."""

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore, models, nets

ROOT = "document.querySelector('.ae-latent-plane').aecourse"


def plane(latents=2, **options):
    torch.manual_seed(0)
    vae = models.VAE(latents, nets.mlp((24,), "tanh"), shape=(1, 28, 28))
    codes = torch.randn(20, 2)
    return vae, explore.latent_plane(
        vae.decoder, codes, np.arange(20) % 10, encoder=vae.encoder, **options
    )


TALL = {"viewport": {"width": 390, "height": 1400}}  # figure and pad on one screen


def stroke(page, points):
    """Draws a line with the mouse; points are shares of the pad."""
    pad = page.get_by_label("Pad to draw a digit on").bounding_box()
    spots = [(pad["x"] + x * pad["width"], pad["y"] + y * pad["height"]) for x, y in points]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=4)
    page.mouse.up()


def drawn(page):
    return page.evaluate(
        f"(({{ image, mu, sigma }}) => ({{ image: [...image], mu, sigma }}))({ROOT}.drawn)"
    )


def test_a_drawing_is_encoded_as_torch_encodes_it(open_page, tmp_path):
    vae, figure = plane()
    page = open_page(figure, tmp_path, **TALL)
    stroke(page, [(0.3, 0.3), (0.6, 0.3), (0.4, 0.7)])
    found = drawn(page)
    with torch.no_grad():
        mu, log_var = vae.encode(torch.tensor(found["image"]).view(1, 1, 28, 28))
    assert torch.allclose(torch.tensor(found["mu"]), mu[0], atol=0.02)
    assert torch.allclose(torch.tensor(found["sigma"]), torch.exp(0.5 * log_var[0]), atol=0.02)
    assert page.evaluate(f"{ROOT}.position") == pytest.approx(found["mu"])


def test_a_drawing_is_centred_and_sized_wherever_it_is_drawn(open_page, tmp_path):
    page = open_page(plane()[1], tmp_path, **TALL)
    images = []
    for shift, scale in ((0.1, 0.3), (0.5, 0.4)):
        page.get_by_role("button", name="Clear").click()
        stroke(page, [(shift, shift), (shift + scale, shift + scale)])
        images.append(np.array(drawn(page)["image"]).reshape(28, 28))
    assert np.abs(images[0] - images[1]).max() < 0.2
    rows, columns = np.nonzero(images[0] > 0.5)
    assert (
        abs(rows.mean() - 13.5) < 0.6
        and abs(columns.mean() - 13.5) < 0.6
        and 18 <= np.ptp(rows) + 1 <= 22
    )
    assert images[0].max() == 1 and images[0].min() == 0


def test_clear_and_have_it_drawn_by_keyboard(open_page, tmp_path):
    page = open_page(plane()[1], tmp_path, **TALL)
    assert page.evaluate(f"{ROOT}.drawn") is None
    page.get_by_label("Have a digit drawn").focus()
    page.keyboard.press("ArrowDown")
    first = drawn(page)
    page.keyboard.press("ArrowDown")
    assert first["image"] != drawn(page)["image"]
    assert "its code is" in page.locator(".ae-seen").get_attribute("aria-label")
    page.get_by_role("button", name="Clear").click()
    assert page.evaluate(f"{ROOT}.drawn") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_autoencoder_has_a_code_and_no_spread(open_page, tmp_path):
    torch.manual_seed(1)
    model = models.Autoencoder(2, nets.mlp((24,)))
    page = open_page(
        explore.latent_plane(
            model.decoder,
            torch.randn(20, 2),
            np.arange(20) % 10,
            encoder=model.encoder,
            prior=False,
        ),
        tmp_path,
        **TALL,
    )
    stroke(page, [(0.3, 0.3), (0.6, 0.6)])
    assert drawn(page)["sigma"] is None


def test_an_encoder_that_does_not_fit_is_refused():
    for encoder in (nn.Sequential(nn.Linear(700, 4)), nn.Sequential(nn.Linear(784, 3))):
        with pytest.raises(ValueError, match="encoder: got a map from"):
            explore.latent_plane(
                plane()[0].decoder, torch.randn(20, 2), np.arange(20) % 10, encoder=encoder
            )
    with pytest.raises(TypeError, match="encoder: got Conv2d"):
        explore.latent_plane(
            plane()[0].decoder, torch.randn(20, 2), np.arange(20) % 10, encoder=nn.Conv2d(1, 4, 28)
        )
    with pytest.raises(ValueError, match="encoder: got weights that take"):
        explore.latent_plane(
            plane()[0].decoder,
            torch.randn(20, 2),
            np.arange(20) % 10,
            encoder=nn.Sequential(
                nn.Flatten(), nn.Linear(784, 2000), nn.ReLU(), nn.Linear(2000, 4)
            ),
        )


def test_a_digit_that_is_drawn_for_the_reader_is_nearest_to_its_own_class(open_page, tmp_path):
    """Where the upright hand reads as a 0, another hand is taken."""
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp((24,), "tanh"), shape=(1, 28, 28))
    select = lambda page: page.get_by_label("Have a digit drawn").select_option("1")  # noqa: E731
    page = open_page(
        explore.latent_plane(vae.decoder, np.zeros((1, 2)), [0], encoder=vae.encoder),
        tmp_path,
        **TALL,
    )
    select(page)
    upright = torch.tensor(drawn(page)["mu"])
    ticks = torch.linspace(-0.4, 0.4, 41)
    around = torch.cartesian_prod(ticks, ticks)
    around = around[around.norm(dim=1) > 0.03]
    codes = torch.cat([0.001 * torch.randn(20, 2), around]) + upright
    labels = np.array([0] * 20 + [1] * len(around))
    page = open_page(
        explore.latent_plane(vae.decoder, codes, labels, encoder=vae.encoder), tmp_path, **TALL
    )
    select(page)
    assert "nearest code: 1," in page.locator(".ae-reading").inner_text()
    assert drawn(page)["mu"] != pytest.approx(upright.tolist(), abs=0.01)


def test_a_fast_stroke_outside_the_pad_breaks_the_line(open_page, tmp_path):
    page = open_page(plane()[1], tmp_path, **TALL)
    stroke(page, [(0.5, 0.2), (0.5, 0.8)])
    upright = np.array(drawn(page)["image"]).reshape(28, 28)
    page.get_by_role("button", name="Clear").click()
    stroke(page, [(0.5, 0.2), (0.5, 0.8), (0.5, 1.4), (1.4, 1.4), (1.4, 0.5)])
    assert np.abs(np.array(drawn(page)["image"]).reshape(28, 28)[6:22] - upright[6:22]).max() < 0.3


def test_the_plane_stays_where_it_is_while_a_finger_moves(open_page, tmp_path):
    page = open_page(plane()[1], tmp_path, has_touch=True, **TALL)
    heights = set()
    for point in ((0, 0), (-3.21, -3.21), (1, 2.345), (3.5, -3.5), (-0.001, 0.001)):
        page.evaluate(f"{ROOT}.moveTo({list(point)})")
        heights.add(page.locator(".ae-stage").bounding_box()["y"])
    assert len(heights) == 1
    assert page.locator(".ae-stage").evaluate("node => getComputedStyle(node).touchAction") == (
        "pan-y pinch-zoom"
    )
