"""Filling in, in the page: it encodes, decodes and weighs as torch does, keeps what is left, by pointer and by keys."""

import re

import pytest
import torch

from aecourse import explore, models, nets
from aecourse.models.incomplete import observed_log_prob

ROOT = "document.querySelector('.ae-fill-in').aecourse"
TALL = {"viewport": {"width": 390, "height": 1600}}
SHAPE = (1, 8, 6)
IMAGES = torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0))


def made(net=None, likelihood=None, shape=SHAPE):
    torch.manual_seed(0)
    return models.MIWAE(
        3,
        net or nets.mlp((12,), "gelu"),
        likelihood=likelihood or models.Gaussian(0.2),
        shape=shape,
    )


def figure(model=None, images=IMAGES, **options):
    return explore.fill_in(model or made(), images, **{"pool": 5, "brush": 1.2, **options})


def test_the_page_encodes_decodes_and_weighs_as_torch_does(open_page, tmp_path):
    model, page = made(), open_page(figure(), tmp_path, **TALL)
    x = IMAGES[1:2]
    mask = torch.rand(x.shape, generator=torch.Generator().manual_seed(1)) < 0.6
    with torch.no_grad():
        mu, log_var = model.encode(x, mask)
        eps = torch.tensor([[0.3, -1.0, 0.7]])
        z = mu + torch.exp(0.5 * log_var) * eps
        logits = model.decode(z)
        q = torch.distributions.Normal(mu, torch.exp(0.5 * log_var))
        p = torch.distributions.Normal(0.0, 1.0)
        weight = observed_log_prob(model.likelihood, logits[None], x, mask)[0]
        weight = weight + (p.log_prob(z) - q.log_prob(z)).sum(1)
        constant = mask.sum() * (
            torch.tensor(0.2).log() + 0.5 * torch.log(torch.tensor(2 * torch.pi))
        )
    values, on = x.flatten().tolist(), mask.flatten().int().tolist()
    found = page.evaluate(f"(([m, v]) => [...m, ...v])({ROOT}.encode({values}, {on}))")
    assert torch.allclose(torch.tensor(found), torch.cat([mu, log_var], 1)[0], atol=2e-3)
    drawn = torch.tensor(page.evaluate(f"[...{ROOT}.decode({z[0].tolist()})]"))
    assert torch.allclose(drawn, model.pixels(logits).flatten(), atol=2e-3)
    arguments = (values, on, drawn.tolist(), z[0].tolist(), eps[0].tolist(), log_var[0].tolist())
    found = page.evaluate(f"{ROOT}.logWeight({', '.join(map(str, arguments))})")
    assert found == pytest.approx((weight + constant).item(), abs=0.1)


def test_the_mean_of_many_draws_is_torchs(open_page, tmp_path):
    model, page = made(), open_page(figure(pool=400), tmp_path, **TALL)
    page.get_by_role("button", name="lower half").click()
    mask = torch.ones(1, *SHAPE, dtype=torch.bool)
    mask[:, :, 4:] = False
    torch.manual_seed(0)
    with torch.no_grad():
        wanted = model.impute(IMAGES[:1], mask, 20_000).flatten()
    found = torch.tensor(page.evaluate(f"[...{ROOT}.last.mean]"))
    assert (found - wanted).abs().max() < 0.03


def test_what_is_left_stays_in_every_completion(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    assert "Nothing is missing" in page.locator(".ae-reading").inner_text()
    page.get_by_role("button", name="right half").click()
    observed = torch.tensor(page.evaluate(f"{ROOT}.observed")).view(8, 6)
    assert observed[:, :3].all() and not observed[:, 3:].any()
    drawn = torch.tensor(page.evaluate(f"{ROOT}.last.chosen.map((values) => [...values])"))
    drawn = drawn.view(6, 8, 6)
    assert (drawn[:, :, :3] - IMAGES[0, 0, :, :3]).abs().max() < 1.1 / 255
    assert (drawn[:, :, 3:].std(0) > 0).all()
    assert "24 of 48 pixels are missing" in page.locator(".ae-reading").inner_text()
    again = page.evaluate(f"{ROOT}.last.chosen.map((values) => [...values])")
    page.get_by_role("button", name="other draws").click()
    assert page.evaluate(f"{ROOT}.last.chosen.map((values) => [...values])") != again
    page.get_by_role("button", name="give back all").click()
    assert all(page.evaluate(f"{ROOT}.observed"))


def test_pointer_and_keys_erase(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    stage = page.get_by_role("application")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"], steps=4)
    page.mouse.up()
    observed = torch.tensor(page.evaluate(f"{ROOT}.observed")).view(8, 6)
    assert not observed[0].any() and observed[4:].all()
    page.get_by_role("button", name="give back all").click()
    stage.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert page.evaluate(f"{ROOT}.place") == [5, 3]
    assert not torch.tensor(page.evaluate(f"{ROOT}.observed")).view(8, 6)[5, 3]


def test_the_truth_is_shown_when_asked_for_and_all_may_be_erased(open_page, tmp_path):
    page = open_page(figure(), tmp_path, **TALL)
    assert not page.get_by_text("what stood there", exact=True).is_visible()
    page.get_by_label("show what stood there").check()
    assert page.get_by_text("what stood there", exact=True).is_visible()
    page.get_by_role("button", name="lower half").click()
    page.get_by_role("button", name="2", exact=True).click()
    assert not all(page.evaluate(f"{ROOT}.observed"))  # holes stay when the image changes
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: figure(models.VAE(3, nets.mlp((5,)))), "model: got 'VAE'; accepted is a MIWAE"),
        (lambda: figure(made(likelihood=models.Bernoulli())), "accepted is a MIWAE"),
        (lambda: figure(made(likelihood=models.Gaussian(squash=False))), "accepted is a MIWAE"),
        (lambda: figure(made(nets.conv((3,)))), "model.encoder: got Conv2d"),
        (lambda: figure(images=torch.rand(2, 9, 9)), "images: got [9, 9]; accepted are"),
        (lambda: figure(labels=["a"]), "labels: got 1; accepted are 3"),
        (lambda: figure(shown=1), "shown: got 1"),
        (lambda: figure(pool=0), "pool: got 0"),
        (lambda: figure(brush=0), "brush: got 0"),
        (lambda: figure(made(nets.mlp((9000,)))), "model: got weights that take"),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        make()


def test_it_is_said_in_words():
    assert "erases parts" in repr(figure()) and repr(figure(description="Mine.")) == "Mine."
