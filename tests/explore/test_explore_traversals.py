"""The figure of sliders: a page decodes as torch does, every slider moves its own latent, by pointer and by keys."""

import re

import pytest
import torch
from torch import nn

from aecourse import explore

SHAPE, LATENTS = (9, 12), 3


def decoder(seed=0, gain=2.0, latents=LATENTS, pixels=SHAPE[0] * SHAPE[1], activation=nn.GELU):
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(latents, 14), activation(), nn.Linear(14, pixels), nn.Unflatten(1, (1, -1, 1))
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(gain)
    return net


KL = torch.tensor([0.02, 2.5, 1.1])
STARTS = torch.tensor([[0.1, -1.0, 0.5], [0.0, 1.5, -2.0]])


def figure(models=None, **changes):
    entries = (
        {"beta 1": (decoder(0), KL, STARTS), "beta 4": (decoder(1), KL.flip(0), -STARTS)}
        if models is None
        else models
    )
    return explore.traversals(entries, **{"shape": SHAPE, "names": ["a", "b"], **changes})


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(models={}), "models: got {}"),
        (
            dict(models={"one": (decoder(), KL[:2], STARTS)}),
            "models['one']: got starts of shape [2, 3] and kl of shape [2]",
        ),
        (
            dict(models={"one": (decoder(latents=4), KL, STARTS)}),
            "models['one']: got a map from 4 to 108 numbers; accepted is one from 3",
        ),
        (
            dict(models={"one": (decoder(), KL, STARTS), "two": (decoder(), KL, STARTS[:1])}),
            "models: got [1, 2] starting codes",
        ),
        (dict(names=["a"]), "names: got 1; accepted are 2"),
        (dict(extent=0), "extent: got 0"),
        (dict(steps=4), "steps: got 4"),
        (dict(steps=17), "steps: got 17"),
        (dict(models={"one": (decoder(), KL / 0, STARTS)}), "nan or infinite"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        figure(**change)


def test_decoders_that_a_page_cannot_run_or_carry_are_refused():
    with pytest.raises(TypeError, match="Softplus"):
        figure({"one": (nn.Sequential(nn.Linear(3, 108), nn.Softplus()), KL, STARTS)})
    with pytest.raises(ValueError, match="narrower"):
        figure(
            {
                "one": (
                    nn.Sequential(nn.Linear(3, 12_000), nn.ReLU(), nn.Linear(12_000, 108)),
                    KL,
                    STARTS,
                )
            }
        )


def test_it_says_in_words_what_it_shows():
    assert (
        "beta 1: 2.5, 1.1, 0.0; beta 4: 2.5" in repr(figure())
        and repr(figure(description="Mine.")) == "Mine."
    )
    assert figure().html == figure().html


# ---- In a browser ------------------------------------------------------------------------------------------

FIGURE = "document.querySelector('.ae-traversals').aecourse"


def strips(page):
    return page.evaluate("[...document.querySelectorAll('.ae-strip')].map(c => c.toDataURL())")


@pytest.mark.parametrize("gain", [0.7, 3.0])
def test_a_page_decodes_what_torch_decodes(open_page, tmp_path, gain):
    nets = [decoder(0, gain), decoder(1, gain, activation=nn.ReLU)]
    page = open_page(figure({str(i): (net, KL, STARTS) for i, net in enumerate(nets)}), tmp_path)
    z = 5 * torch.rand(30, LATENTS, generator=torch.Generator().manual_seed(1)) - 2.5
    for m, net in enumerate(nets):
        seen = torch.tensor(
            page.evaluate(f"zs => zs.map(z => [...{FIGURE}.decode({m}, z)])", z.tolist())
        )
        with torch.no_grad():
            truth = torch.sigmoid(net(z)).flatten(1)
        assert (seen - truth).abs().max() <= 2 / 255 and truth.std() > 0.01


def test_sliders_are_ordered_by_kl_and_start_at_the_image(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    names = [page.get_by_role("slider").nth(i).get_attribute("aria-label") for i in range(3)]
    assert names == ["Latent 1, 2.5 nats", "Latent 2, 1.1 nats", "Latent 3, 0.0 nats"]
    assert page.evaluate(f"{FIGURE}.z") == pytest.approx(STARTS[0].tolist(), abs=1e-3)
    assert float(page.get_by_role("slider").first.input_value()) == pytest.approx(-1.0, abs=0.01)
    page.get_by_role("button", name="b", exact=True).click()
    page.get_by_role("button", name="beta 4").click()
    assert page.evaluate(f"{FIGURE}.model") == 1
    assert page.evaluate(f"{FIGURE}.z") == pytest.approx((-STARTS[1]).tolist(), abs=1e-3)
    assert page.locator("[aria-pressed=true]").all_inner_texts() == ["beta 4", "b"]


def test_a_slider_moves_its_own_latent_and_leaves_its_own_strip(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    before, picture = (
        strips(page),
        page.evaluate("document.querySelector('.ae-decoded').toDataURL()"),
    )
    first = page.get_by_role("slider").first
    first.fill("2")
    assert page.evaluate(f"{FIGURE}.z") == pytest.approx([0.1, 2, 0.5], abs=1e-3)
    after = strips(page)
    assert after[0] == before[0] and after[1] != before[1] and after[2] != before[2]
    assert page.evaluate("document.querySelector('.ae-decoded').toDataURL()") != picture
    first.focus()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{FIGURE}.z[1]") == pytest.approx(1.99)
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.startsWith('beta 1, started from a; code 2.0')"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_has_names(open_page, tmp_path, theme):
    page = open_page(figure(), tmp_path, color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("img", name="Image decoded by beta 1").count() == 1
    heights = page.evaluate(
        "[...document.querySelectorAll('.ae-traversals button, .ae-traversals input')].map(node => node.offsetHeight)"
    )
    assert min(heights) >= 24


def test_names_are_text_not_markup(open_page, tmp_path):
    hostile = '</script><img src="http://example.com/x" onerror="alert(1)">'
    page = open_page(figure({hostile: (decoder(), KL, STARTS)}, names=[hostile, "b"]), tmp_path)
    assert page.locator("img").count() == 0
