"""Interactive figures: what they refuse, and that a page computes what torch computes."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import explore
from aecourse.page import network


def decoder(shape=(20, 28), hidden=12, activation=nn.ReLU, gain=3.0, seed=0):
    """A small random decoder with pixels well away from grey."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Linear(2, hidden),
        activation(),
        nn.Sequential(nn.Linear(hidden, hidden), activation()),
        nn.Linear(hidden, shape[0] * shape[1]),
        nn.Unflatten(1, (1, *shape)),
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.mul_(gain)
    return net


def plane(net=None, n=30, shape=(20, 28), **options):
    generator = np.random.default_rng(0)
    return explore.latent_plane(
        decoder(shape) if net is None else net,
        generator.normal(size=(n, 2)),
        np.arange(n) % 10,
        shape=shape,
        **options,
    )


def sizes(**changes):
    generator = np.random.default_rng(0)
    arguments = {
        "originals": generator.random((5, 9, 6)),
        "sizes": [2, 8, 32],
        "labels": list("abcde"),
        "reconstructions": {
            "PCA": generator.random((3, 5, 9, 6)),
            "autoencoder": generator.random((3, 5, 9, 6)),
        },
        "errors": {"PCA": [9.0, 4.0, 1.0], "autoencoder": [6.0, 3.0, 0.5]},
        **changes,
    }
    return explore.code_size(
        arguments.pop("originals"), arguments.pop("reconstructions"), **arguments
    )


# ---- Python ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 16])
def test_rounding_stays_within_half_a_step_of_every_weight(bits):
    weight = torch.randn(7, 5) * torch.logspace(-3, 3, 7)[:, None]
    integers, scale = network.quantise(weight, bits)
    assert integers.dtype == (torch.int8 if bits == 8 else torch.int16)
    assert integers.abs().amax(1).tolist() == [2 ** (bits - 1) - 1] * 7
    assert ((integers * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()


def test_a_row_of_zeros_stays_zero():
    integers, scale = network.quantise(torch.zeros(2, 3))
    assert not integers.any() and torch.isfinite(scale).all()


def test_weights_are_sent_in_16_bits_where_8_would_show():
    bits = lambda figure: set(re.findall(r'"bits":(\d+)', figure.html.split('"output"')[0]))  # noqa: E731
    assert bits(plane(decoder(gain=1))) == {"8"}
    assert bits(plane(decoder(gain=3))) == {"16"}


def test_figures_say_in_words_what_they_show():
    figure = plane(extent=0.5)
    assert (
        "30 test images" in repr(figure)
        and "7 around (" in repr(figure)
        and "outside the part shown" in repr(figure)
    )
    assert figure._repr_mimebundle_()["text/plain"] == figure.description
    assert "2 numbers: PCA 9, autoencoder 6" in repr(sizes())
    assert repr(sizes(description="My words.")) == "My words."


def test_equal_figures_are_equal_text_and_different_ones_have_different_ids():
    ids = [
        re.search(r'id="(ae-\w+)"', figure.html)[1]
        for figure in (plane(), plane(), plane(extent=2))
    ]
    assert plane().html == plane().html and ids[0] == ids[1] != ids[2]


def test_ten_images_eight_sizes_two_models_stay_below_300_kB():
    figure = explore.code_size(
        torch.rand(10, 1, 28, 28),
        {"PCA": torch.rand(8, 10, 1, 28, 28), "AE": torch.rand(8, 10, 28, 28)},
        sizes=[2**i for i in range(8)],
        errors={"PCA": torch.rand(8), "AE": np.ones(8)},
    )
    assert figure.nbytes < 300_000


def test_a_decoder_too_large_for_a_page_is_refused():
    with pytest.raises(ValueError, match="narrower decoder"):
        plane(decoder(hidden=2000, gain=1))


def test_drawing_leaves_the_decoder_as_it_was():
    net = nn.Sequential(decoder(), nn.Dropout(0.5)).train()
    plane(net)
    assert net.training


class Doubled(nn.Module):
    """A module whose one child is not all that it computes."""

    def __init__(self):
        super().__init__()
        self.net = decoder()

    def forward(self, z):
        return 2 * self.net(z)


@pytest.mark.parametrize(
    "net, message",
    [
        (nn.Sequential(nn.Linear(2, 560), nn.Softplus()), "Softplus"),
        (nn.Sequential(nn.Linear(2, 20), nn.BatchNorm1d(20), nn.Linear(20, 560)), "BatchNorm1d"),
        (Doubled(), "Doubled"),
        (lambda z: z, "function"),
    ],
)
def test_a_decoder_that_a_page_cannot_run_is_a_type_error_that_names_the_layer(net, message):
    with pytest.raises(TypeError, match=message):
        plane(net)


def test_a_sequential_inside_another_module_is_found():
    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = decoder()

        def forward(self, z):
            return self.net(z)

    assert '"layers"' in plane(Wrapped()).html


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(codes=np.zeros((3, 3))), "codes: got shape"),
        (dict(codes=np.full((30, 2), np.nan)), "codes: got entries that are nan"),
        (dict(labels=np.arange(29)), "labels: got"),
        (dict(labels=np.arange(30)), "labels: got 0 to 29; accepted is 0 to 9"),
        (dict(labels=np.zeros(30)), "labels: got float64"),
        (dict(shape=(28, 28)), "from 2 to 784"),
        (dict(extent=0), "extent: got 0"),
        (dict(output="softmax"), "output: got 'softmax'"),
        (dict(show=("points",)), "show: got 'points'"),
        (dict(grid=1), "grid: got 1"),
        (dict(names="abc"), "accepted is 0 to 2"),
    ],
)
def test_latent_plane_names_the_argument_that_does_not_fit(change, message):
    arguments = {
        "codes": np.zeros((30, 2)),
        "labels": np.arange(30) % 10,
        "shape": (20, 28),
        **change,
    }
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.latent_plane(
            decoder(), arguments.pop("codes"), arguments.pop("labels"), **arguments
        )


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(originals=np.zeros((5, 9))), "originals: got shape"),
        (dict(originals=np.full((5, 9, 6), 2.0)), "originals: got values from 2 to 2"),
        (dict(sizes=[2, 8]), "reconstructions['PCA']: got shape [3, 5, 9, 6]"),
        (dict(sizes=[8, 2, 32]), "sizes: got [8, 2, 32]"),
        (dict(errors={"PCA": [1, 2, 3]}), "errors: got PCA"),
        (dict(errors={"PCA": [1, 2], "autoencoder": [1, 2, 3]}), "errors['PCA']: got [1, 2]"),
        (dict(labels=["a"]), "labels: got 1"),
        (dict(reconstructions={}), "reconstructions: got 0"),
    ],
)
def test_code_size_names_the_argument_that_does_not_fit(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        sizes(**change)


# ---- In a browser ------------------------------------------------------------------------------------------

GELU_TANH = lambda: nn.GELU(approximate="tanh")  # noqa: E731


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, GELU_TANH, nn.Tanh, nn.SiLU, nn.Sigmoid])
@pytest.mark.parametrize(
    "output, gain", [("sigmoid", 3), ("sigmoid", 1), ("tanh", 2), ("identity", 1)]
)  # 1: in 8 bits
def test_a_page_decodes_what_torch_decodes(open_page, tmp_path, activation, output, gain):
    net = decoder(activation=activation, gain=gain)
    page = open_page(plane(net, output=output), tmp_path)
    z = torch.randn(25, 2, generator=torch.Generator().manual_seed(1)) * 1.5
    seen = page.evaluate(
        """codes => codes.map(z => [...document.querySelector(".ae-figure").aecourse.decode(z)])""",
        z.tolist(),
    )
    with torch.no_grad():
        logits = net(z).flatten(1)
    truth = {
        "sigmoid": torch.sigmoid(logits),
        "tanh": (torch.tanh(logits) + 1) / 2,
        "identity": logits,
    }[output]
    assert (torch.tensor(seen) - truth).abs().max() <= 2 / 255
    assert truth.std() > 0.02  # the comparison is of images, not of flat grey


def test_an_image_is_drawn_the_right_way_round(open_page, tmp_path):
    net = nn.Sequential(nn.Linear(2, 20 * 28))
    with torch.no_grad():
        net[0].weight.zero_()
        net[0].bias.fill_(-20)
        net[0].bias[3 * 28 + 17] = 20  # row 3, column 17
    page = open_page(plane(net), tmp_path)
    page.wait_for_function("document.querySelector('.ae-decoded').width === 28")
    drawn = page.evaluate("""() => {
        const canvas = document.querySelector(".ae-decoded"), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const odd = []; for (let i = 0; i < canvas.width * canvas.height; i++) if (data[4 * i] !== data[0]) odd.push(i);
        return { size: [canvas.height, canvas.width], odd };
    }""")
    assert drawn == {"size": [20, 28], "odd": [3 * 28 + 17]}


def test_keys_and_pointer_move_the_place_and_the_image_follows(open_page, tmp_path):
    page = open_page(plane(extent=3.0), tmp_path)
    position = lambda: page.evaluate("document.querySelector('.ae-figure').aecourse.position")  # noqa: E731
    image = lambda: page.evaluate("document.querySelector('.ae-decoded').toDataURL()")  # noqa: E731
    stage = page.get_by_role("application")
    stage.focus()
    page.keyboard.press("Home")
    assert position() == [0, 0]
    before = image()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert position() == pytest.approx([0.06, 0.6])
    assert image() != before
    for _ in range(7):
        page.keyboard.press("Shift+ArrowLeft")
    assert position()[0] == -3.0  # the edge holds
    assert "z = (−3.00, 0.60)" in page.locator(".ae-reading").inner_text()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4)
    assert position() == pytest.approx([0, 1.5], abs=0.05)


def test_the_plane_shows_what_is_switched_on(open_page, tmp_path):
    page = open_page(plane(grid=3), tmp_path)
    drawn = lambda: page.evaluate("document.querySelector('.ae-stage canvas').toDataURL()")  # noqa: E731
    seen = {drawn()}
    for name in ("test codes", "prior", "decoded images"):
        page.get_by_label(name).click()
        page.wait_for_timeout(200)
        seen.add(drawn())
    page.get_by_label("test codes").click()
    seen.add(drawn())
    page.get_by_role("button", name="7").click()
    assert page.get_by_role("button", name="7").get_attribute("aria-pressed") == "true"
    assert len(seen | {drawn()}) == 6


def test_without_a_prior_nothing_is_said_of_one(open_page, tmp_path):
    page = open_page(plane(prior=False, center=(5, -2)), tmp_path)
    text = page.locator(".ae-figure").inner_text()
    assert "p(z)" not in text and "prior" not in text


def test_the_slider_changes_images_figures_and_chart(open_page, tmp_path):
    page = open_page(sizes(), tmp_path)
    slider = page.get_by_role("slider", name="Code size")
    image = lambda: page.evaluate("document.querySelectorAll('canvas')[1].toDataURL()")  # noqa: E731
    before = image()
    assert "PCA 9.00" in " ".join(page.locator(".ae-row").nth(1).inner_text().split())
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "8 numbers" and image() != before
    assert "autoencoder 3.00" in " ".join(page.locator(".ae-row").nth(2).inner_text().split())
    page.wait_for_function(
        "document.querySelector('[role=status]').textContent.startsWith('Code of 8 numbers: PCA 4.00')"
    )
    assert page.get_by_role("img", name="Originals: a, b, c, d, e").count() == 1


def test_figures_on_one_page_do_not_disturb_each_other(new_page, tmp_path):
    figures = [plane(), plane(), plane(extent=2.0), sizes(), sizes()]  # two of them twice
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><meta charset=utf-8><title>page</title>" + "".join(f.html for f in figures),
        encoding="utf-8",
    )
    page = new_page()
    page.goto(path.as_uri())
    assert page.locator(".ae-figure[data-ready]").count() == 5
    page.get_by_role("application").nth(1).focus()
    page.keyboard.press("Home")
    moved = page.evaluate(
        "[...document.querySelectorAll('.ae-latent-plane')].map(root => Math.hypot(...root.aecourse.position) === 0)"
    )
    assert moved == [False, True, False]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_names_are_text_not_markup(open_page, tmp_path):
    hostile = '</script><img src="http://example.com/x" onerror="alert(1)">'
    page = open_page(plane(names=[hostile] * 10, description=hostile), tmp_path)
    assert (
        page.locator("img").count() == 0
        and hostile in page.get_by_role("button").first.inner_text()
    )
    page = open_page(sizes(labels=[hostile] * 5, unit=hostile), tmp_path)
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_images_stand_out_in_both_themes(browser, tmp_path, theme):
    page = browser.new_page(color_scheme=theme)
    page.goto(
        sizes(originals=np.tile([0.0, 1.0], (5, 9, 3))).save(tmp_path / "figure.html").as_uri()
    )
    first, second = page.evaluate("""() => {
        const pixel = x => [...document.querySelector("canvas").getContext("2d").getImageData(x, 0, 1, 1).data.slice(0, 3)];
        return [pixel(0), pixel(1)]; }""")
    page.close()
    assert abs(np.mean(first) - np.mean(second)) > 180
    assert (np.mean(first) > np.mean(second)) == (theme == "light")  # ink on paper
