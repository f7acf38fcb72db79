"""The figure "from one digit to another": a page walks as torch does, by pointer and by keys."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore, interpolation

SHAPE, COUNT = (9, 12), 5
ROOT = "document.querySelector('.ae-interpolate').aecourse"


def decoder(seed=0, codes=4, gain=1.5, activation=nn.ReLU, width=11):
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(codes, width),
        activation(),
        nn.Linear(width, SHAPE[0] * SHAPE[1]),
        nn.Unflatten(1, (1, *SHAPE)),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(gain)
    return net


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


IMAGES = (
    torch.rand(COUNT, 1, *SHAPE, generator=torch.Generator().manual_seed(0)) * 255
).round() / 255
ONE, TWO = decoder(0), decoder(1, codes=3, activation=nn.GELU)
CODES, OTHER = draw(COUNT, 4), draw(COUNT, 3, seed=1)
METHODS = {
    "blend": None,
    "one": (ONE, CODES, "linear"),
    "two": (TWO, OTHER, "linear"),
    "two, arc": (TWO, OTHER, "slerp"),
}


def figure(**changes):
    return explore.interpolate(
        **{"images": IMAGES, "methods": METHODS, "labels": "abcde", **changes}
    )


def state(page):
    return page.evaluate(f"{ROOT}.state")


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=np.zeros((3, 9))), "images: got shape"),
        (dict(images=IMAGES[:1]), "images: got shape"),
        (dict(images=IMAGES * 2), "images: got values"),
        (dict(labels="ab"), "labels: got 2; accepted are 5"),
        (dict(methods={}), "methods: got {}"),
        (dict(methods={"one": (ONE, CODES)}), "methods['one']: got"),
        (dict(methods={"one": (ONE, CODES, "round")}), "way of 'one': got 'round'"),
        (dict(methods={"one": (ONE, CODES[:3], "linear")}), "codes of 'one': got shape [3, 4]"),
        (
            dict(methods={"one": (ONE, OTHER, "linear")}),
            "decoder: got a map from 4 to 108 numbers; accepted is one from 3",
        ),
        (dict(ends=(0, 5)), "ends: got (0, 5)"),
        (dict(ends=(-1, 2)), "ends[0]: got -1"),
        (dict(t=1.5), "t: got 1.5"),
        (dict(output="softmax"), "output: got 'softmax'"),
    ],
)
def test_the_argument_that_does_not_fit_is_named(change, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        figure(**change)


def test_decoders_that_a_page_cannot_run_or_carry_are_refused():
    with pytest.raises(TypeError, match="Softplus"):
        figure(methods={"one": (nn.Sequential(nn.Linear(4, 108), nn.Softplus()), CODES, "linear")})
    with pytest.raises(ValueError, match="narrower"):
        figure(methods={"one": (decoder(width=9000), CODES, "linear")})
    broken = decoder()
    with torch.no_grad():
        broken[0].bias[0] = torch.nan
    with pytest.raises(ValueError, match="nan or infinite"):
        figure(methods={"one": (broken, CODES, "linear")})


def test_a_decoder_used_twice_travels_once():
    once = figure(methods={"two": METHODS["two"]})
    assert (
        figure(methods={"two": METHODS["two"], "two, arc": METHODS["two, arc"]}).nbytes
        < once.nbytes + 1_000
    )


def test_two_decoders_of_the_lesson_stay_below_800_kB():
    net = lambda: nn.Sequential(
        nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 784)
    )  # noqa: E731
    wild = [net(), net()]
    for model in wild:
        for parameter in model.parameters():
            parameter.data *= 4  # so that 16 bits are needed
    drawn = explore.interpolate(
        torch.rand(24, 28, 28),
        {"a": (wild[0], draw(24, 20), "linear"), "b": (wild[1], draw(24, 20), "slerp")},
    )
    assert set(re.findall(r'"bits":(\d+)', drawn.html)) == {"16"} and drawn.nbytes < 800_000


def test_it_says_in_words_what_it_shows():
    assert (
        "blend, one, two, two, arc" in repr(figure())
        and repr(figure(description="Mine.")) == "Mine."
    )
    assert figure().html == figure().html != figure(t=0.25).html


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "identity"])
@pytest.mark.parametrize("gain", [0.7, 1.5])
def test_a_page_draws_what_torch_draws(open_page, tmp_path, output, gain):
    one, two = decoder(0, gain=gain), decoder(1, codes=3, gain=gain, activation=nn.GELU)
    methods = {"blend": None, "one": (one, CODES, "linear"), "two": (two, OTHER, "slerp")}
    page = open_page(figure(methods=methods, output=output), tmp_path)
    ways = [
        (None, IMAGES.flatten(1), interpolation.linear),
        (one, CODES, interpolation.linear),
        (two, OTHER, interpolation.slerp),
    ]
    for a, b in ((0, 1), (3, 2), (4, 4)):
        page.evaluate(f"{ROOT}.choose({a}, {b})")
        for m, (net, points, way) in enumerate(ways):
            t = torch.linspace(0, 1, 7)
            seen = torch.tensor(
                page.evaluate(f"ts => ts.map(t => {ROOT}.image({m}, t))", t.tolist())
            )
            with torch.no_grad():
                truth = way(points[[a]], points[[b]], t)[:, 0]
                if net is not None:
                    logits = net(truth).flatten(1)
                    truth = {
                        "sigmoid": torch.sigmoid(logits),
                        "tanh": (torch.tanh(logits) + 1) / 2,
                        "identity": logits,
                    }[output]
            assert (seen - truth).abs().max() <= 2 / 255


def test_lengths_and_largest_steps_are_those_of_torch(open_page, tmp_path):
    page = open_page(figure(ends=(1, 3)), tmp_path)
    t = torch.linspace(0, 1, 41)
    wanted = [interpolation.linear(IMAGES[[1]], IMAGES[[3]], t)]
    with torch.no_grad():
        wanted += [
            interpolation.decoded(
                lambda z: torch.sigmoid(net(z)),
                getattr(interpolation, way)(points[[1]], points[[3]], t),
            )
            for net, points, way in list(METHODS.values())[1:]
        ]
    for found, path, card in zip(state(page)["speeds"], wanted, page.locator("figure").all()):
        length, jump = interpolation.path_length(path).item(), interpolation.jumpiness(path).item()
        assert found["length"] == pytest.approx(length, rel=5e-3) and found[
            "jump"
        ] == pytest.approx(jump, rel=2e-2)
        assert (
            f"{found['jump']:.2f} × mean" in card.inner_text()
            and f"length {found['length']:.1f}" in card.inner_text()
        )


def test_pointer_chooses_both_ends_and_the_place(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    shown = lambda: page.evaluate(
        "[...document.querySelectorAll('figure canvas')].map(c => c.toDataURL())"
    )  # noqa: E731
    before = shown()
    page.get_by_role("radio", name="From image 3: c").click()
    page.get_by_role("radio", name="To image 5: e").click()
    assert (state(page)["from"], state(page)["to"]) == (2, 4)
    after = shown()
    assert all(a != b for a, b in zip(before, after))
    page.get_by_role("slider").fill("0")
    ends = [page.evaluate(f"{ROOT}.image({m}, 0)") for m in range(4)]
    assert state(page)["t"] == 0 and ends[0] == pytest.approx(
        IMAGES[2].flatten().tolist(), abs=1e-6
    )
    page.get_by_role("radio", name="To image 3: c").click()  # nowhere to go
    assert page.locator("figure").nth(1).inner_text().endswith("no way to go")


def test_keys_alone_suffice(open_page, tmp_path):
    page = open_page(figure(), tmp_path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "From image 1: a"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert (state(page)["from"], state(page)["to"]) == (2, 2)
    page.keyboard.press("ArrowRight")
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert state(page)["to"] == 3 and state(page)["t"] == pytest.approx(0.51)
    page.wait_for_function(
        "/^From c to d, t 0.51. blend: fastest 1.00 times/.test(document.querySelector('[role=status]').textContent)"
    )


def test_it_plays_to_and_fro_and_pauses(open_page, tmp_path):
    page = open_page(figure(t=0.9), tmp_path)
    assert not state(page)["running"]  # nothing moves unasked
    button = page.get_by_role("button", name=re.compile("Play|Pause"))
    button.click()
    page.wait_for_function(f"{ROOT}.state.t === 1")
    page.wait_for_function(f"{ROOT}.state.t < 0.95")
    button.click()
    stopped = state(page)["t"]
    page.wait_for_timeout(150)
    assert state(page)["t"] == stopped and button.inner_text() == "Play"


def test_with_reduced_motion_the_button_takes_single_steps(open_page, tmp_path):
    page = open_page(figure(t=0.85), tmp_path, reduced_motion="reduce")
    button = page.get_by_role("button", name="Step")
    places = []
    for _ in range(3):
        button.click()
        places.append(state(page)["t"])
    assert places == pytest.approx([1.0, 0.0, 0.1]) or places == pytest.approx([0.9, 1.0, 0.0])
    assert not state(page)["running"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_is_visible_in_both_themes(open_page, tmp_path, theme):
    ends = torch.tensor([0.0, 1.0]).repeat(24, 9, 6)
    page = open_page(
        explore.interpolate(ends, {"blend": None, "another with a long name": None}),
        tmp_path,
        color_scheme=theme,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (
        page.evaluate("""() => { const c = document.querySelector("figure canvas").getContext("2d");
        return [0, 1].map(x => [...c.getImageData(x, 0, 1, 1).data.slice(0, 3)]); }""")
    )
    assert abs(np.mean(first) - np.mean(second)) > 180 and (np.mean(first) > np.mean(second)) == (
        theme == "light"
    )
    sizes = page.evaluate(
        "[...document.querySelectorAll('.ae-choices label, button')].map(node => [node.offsetWidth, node.offsetHeight])"
    )
    assert np.min(sizes) >= 24
    page.keyboard.press("Tab")
    assert (
        page.evaluate("getComputedStyle(document.activeElement.parentElement).outlineStyle")
        == "solid"
    )


def test_names_are_text_not_markup(open_page, tmp_path):
    hostile = '</script><img src="http://example.com/x" onerror="alert(1)">'
    page = open_page(
        explore.interpolate(IMAGES, {hostile: None}, labels=[hostile] * 5, description=hostile),
        tmp_path,
    )
    assert page.locator("img").count() == 0
