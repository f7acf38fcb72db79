"""The anatomy of a VAE: its numbers against torch's, its boxes against the code, its controls by mouse and keyboard."""

import re
from importlib import resources

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from aecourse import explore, models, nets
from aecourse.explore.anatomy import BOXES, SOURCES, listing, place

ROOT = "document.querySelector('.ae-anatomy').aecourse"
WIDE = {"viewport": {"width": 900, "height": 1200}}


def vae(latents=3, shape=(1, 12, 9), hidden=(40, 10), activation="gelu", **options):
    """A small random model whose logits are well away from 0, on images off the square."""
    torch.manual_seed(0)
    model = models.VAE(latents, nets.mlp(hidden, activation), shape=shape, **options)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.5)
    return model


def digits(n=4, shape=(1, 12, 9)):
    return torch.bernoulli(torch.full((n, *shape), 0.4), generator=torch.Generator().manual_seed(1))


def state(page):
    return page.evaluate(f"{ROOT}.state")


def move(page, name, value):
    """Puts a slider where a reader would have dragged it."""
    page.get_by_role("slider", name=name, exact=True).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def numbers(text):
    return [float(found) for found in re.findall(r"-?\d+\.\d+", text.replace("−", "-"))]


def near(seen, truth, **tolerance):
    return torch.allclose(
        torch.tensor(seen),
        torch.as_tensor(truth).detach().flatten().float(),
        **{"atol": 2e-3, "rtol": 1e-3, **tolerance},
    )


def check_against_torch(model, now, mu=None, log_var=None):
    """Every number of the page is torch's, from the image, eps and beta that the page says it has."""
    x = torch.tensor(now["x"], dtype=torch.float32).view(1, *model.shape)
    with torch.no_grad():
        said = model.encode(x)
    mu, log_var = (
        torch.as_tensor(s if by_hand is None else by_hand, dtype=torch.float32)
        .clone()
        .requires_grad_()
        for s, by_hand in zip(said, (mu, log_var))
    )
    z = mu + torch.exp(0.5 * log_var) * torch.tensor([now["eps"]], dtype=torch.float32)
    z.retain_grad()
    logits = model.decode(z)
    nats = cross_entropy(logits, x, reduction="none")
    kl = models.kl_divergence(mu, log_var)
    reconstruction = -model.likelihood.log_prob(logits, x)[0]
    loss = reconstruction + now["beta"] * kl.sum()
    by_reconstruction = torch.autograd.grad(reconstruction, (z, mu, log_var), retain_graph=True)
    by_kl = torch.autograd.grad(now["beta"] * kl.sum(), (mu, log_var), retain_graph=True)
    assert near(now["mu"], mu) and near(now["logVar"], log_var) and near(now["z"], z)
    assert (torch.tensor(now["mean"]) - torch.sigmoid(logits).flatten()).abs().max() <= 2 / 255
    assert near(now["a"], logits, atol=0.01) and near(now["nats"], nats, atol=0.01)
    assert near(now["kl"], kl) and near([now["totalKL"]], kl.sum())
    assert near([now["reconstruction"]], reconstruction, atol=0.02) and near(
        [now["loss"]], loss, atol=0.02
    )
    assert near(now["g"], by_reconstruction[0], atol=0.02)
    for name, i in (("mu", 0), ("logVar", 1)):
        assert near([pull[name][0] for pull in now["pulls"]], by_reconstruction[1 + i], atol=0.02)
        assert near([pull[name][1] for pull in now["pulls"]], by_kl[i], atol=0.02)
    assert sum(now["nats"]) == pytest.approx(now["reconstruction"]) and sum(
        now["kl"]
    ) == pytest.approx(now["totalKL"])
    assert now["loss"] == pytest.approx(now["reconstruction"] + now["beta"] * now["totalKL"])


# ---- Python ------------------------------------------------------------------------------------------------


def test_every_box_points_to_a_line_of_the_package_as_it_stands():
    listings = {name: listing(thing) for name, thing in SOURCES.items()}
    for key, box in BOXES.items():
        assert box.code, key
        for name, text in box.code:
            found, line, column, length = place(listings, name, text)
            assert listings[found][line][column : column + length] == text
    assert set(SOURCES) == {name for box in BOXES.values() for name, _ in box.code}
    assert '"""' not in "".join(line for lines in listings.values() for line in lines)


def test_a_line_that_is_gone_or_stands_twice_is_an_error(monkeypatch):
    def loss(self, x):
        mu, log_var = self.encode(x)
        mu, log_var = self.encode(x)

    monkeypatch.setitem(SOURCES, "VAE.loss", loss)
    with pytest.raises(
        LookupError, match=re.escape("'self.encode(x)' stands on 2 lines of VAE.loss")
    ):
        explore.anatomy(vae(), digits())
    with pytest.raises(LookupError, match="stands on 0 lines of VAE.loss"):
        place({"VAE.loss": listing(loss)}, "VAE.loss", "z = reparameterize(mu, log_var)")


class Other(models.VAE):
    def loss(self, x):
        return super().loss(x)


@pytest.mark.parametrize(
    "model, error, message",
    [
        (
            models.Autoencoder(3, nets.mlp((8,)), shape=(1, 12, 9)),
            TypeError,
            "model: got Autoencoder",
        ),
        (Other(3, nets.mlp((8,)), shape=(1, 12, 9)), TypeError, "model: got Other"),
        (vae(likelihood="gaussian"), ValueError, "model: got the likelihood Gaussian"),
        (
            vae(likelihood="continuous_bernoulli"),
            ValueError,
            "model: got the likelihood ContinuousBernoulli",
        ),
        (vae(free_bits=0.5), ValueError, "model: got free_bits 0.5"),
        (vae(latents=7), ValueError, "model: got 7 latents"),
        (vae(hidden=()), ValueError, "model: got no hidden layers"),
        (vae(hidden=(4000,)), ValueError, "model: got weights that take"),
        (models.VAE(3, nets.conv((4,)), shape=(1, 12, 9)), TypeError, "model: got Conv2d"),
    ],
)
def test_a_model_that_it_cannot_show_is_refused(model, error, message):
    with pytest.raises(error, match=re.escape(message)):
        explore.anatomy(model, digits())


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(images=digits(21)), "images: got shape [21, 1, 12, 9]"),
        (dict(images=digits(shape=(1, 9, 12))), "images: got shape"),
        (dict(images=digits() * 0.5), "images: got values from 0 to 0.5"),
        (dict(labels=["a"]), "labels: got 1; accepted are 4"),
        (dict(eps_seed=-1), "eps_seed: got -1"),
        (dict(beta=-1), "beta: got -1"),
        (dict(beta=11), "beta: got 11"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        explore.anatomy(vae(), **{"images": digits(), **change})


def test_it_says_in_words_the_numbers_at_the_start(open_page, tmp_path):
    figure = explore.anatomy(vae(beta=2.0), digits(), labels=list("abcd"), eps_seed=5)
    now = state(open_page(figure, tmp_path))
    assert now["beta"] == 2 and "the image called a" in repr(figure)
    for j in range(3):
        assert (
            f"latent {j + 1}: mean {now['mu'][j]:.2f}, standard deviation {now['sigma'][j]:.2f}"
            in repr(figure)
        )
        assert f"z {now['z'][j]:.2f}, KL {now['kl'][j]:.2f} nats" in repr(figure)
    assert (
        f"Reconstruction {now['reconstruction']:.2f} nats, KL {now['totalKL']:.2f} nats, and with beta = 2 a loss of {now['loss']:.2f}"
        in repr(figure)
    )
    assert repr(explore.anatomy(vae(), digits(), description="My words.")) == "My words."
    assert (
        figure.html
        == explore.anatomy(vae(beta=2.0), digits(), labels=list("abcd"), eps_seed=5).html
    )


def test_the_vae_of_the_lesson_stays_below_360_kB():
    figure = explore.anatomy(models.VAE(4, nets.mlp((64, 32))), digits(12, (1, 28, 28)))
    assert figure.nbytes < 360_000


# ---- In a browser ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "gelu", "tanh"])
def test_every_number_is_torchs(open_page, tmp_path, activation):
    model = vae(activation=activation)
    page = open_page(explore.anatomy(model, digits(), beta=0.7), tmp_path)
    check_against_torch(model, state(page))
    page.get_by_role("button", name="image 3: 3").click()
    page.get_by_role("button", name="New draw of ε").click()
    now = state(page)
    assert now["x"] == digits()[2].flatten().tolist()
    check_against_torch(model, now)
    hidden = [digits()[2:3].flatten(1)]
    for layer in list(model.encoder)[1:-1]:
        hidden.append(layer(hidden[-1]))
    assert [len(values) for values in now["encoder"]] == [40, 10] and [
        len(values) for values in now["decoder"]
    ] == [10, 40]
    assert near(now["encoder"][0], hidden[2]) and near(now["encoder"][1], hidden[4])
    first = list(model.decoder)[1](
        list(model.decoder)[0](torch.tensor([now["z"]], dtype=torch.float32))
    )
    assert near(now["decoder"][0], first)


def test_what_is_set_by_hand_takes_the_place_of_the_encoders(open_page, tmp_path):
    model = vae()
    page = open_page(explore.anatomy(model, digits()), tmp_path)
    start = state(page)
    page.get_by_role("button", name="2", exact=True).click()
    move(page, "mu", 0)
    move(page, "sigma", 0)
    now = state(page)
    assert now["latent"] == 1 and now["kl"][1] == 0 and now["z"][1] == now["eps"][1]
    assert now["mu"][0] == start["mu"][0] and now["kl"][0] == start["kl"][0]
    check_against_torch(model, now, mu=[now["mu"]], log_var=[now["logVar"]])
    move(page, "eps", -1.5)
    assert state(page)["z"][1] == -1.5
    move(page, "beta", 4)
    assert state(page)["loss"] == pytest.approx(
        state(page)["reconstruction"] + 4 * state(page)["totalKL"]
    )
    page.get_by_role("button", name="reset μ and σ").click()
    assert state(page)["mu"] == start["mu"] and state(page)["logVar"] == start["logVar"]
    page.get_by_role("button", name="No noise").click()
    assert state(page)["eps"] == [0, 0, 0] and state(page)["z"] == start["mu"]


def test_numbers_shown_add_up(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(latents=5), digits()), tmp_path, **WIDE)
    for image in range(4):
        page.get_by_role("button", name=f"image {image + 1}:").click()
        for beta in (1, 0.3):
            move(page, "beta", beta)
            total, ones, zeros = numbers(page.locator(".ae-box-nats .ae-value").inner_text())
            assert total == pytest.approx(ones + zeros, abs=1e-9) and total == pytest.approx(
                state(page)["reconstruction"], abs=0.005001
            )
            (kl,) = numbers(page.locator(".ae-box-kl .ae-value").inner_text())
            assert kl == pytest.approx(
                sum(numbers(page.locator(".ae-box-kl .ae-inside").inner_text())[1:]), abs=1e-9
            )
            assert kl == pytest.approx(state(page)["totalKL"], abs=0.005001)
            *terms, loss, bits = numbers(page.locator(".ae-equation").inner_text())
            assert (
                terms[0] == total
                and terms[-1] == kl
                and loss == pytest.approx(total + beta * kl, abs=0.005001)
            )
            assert bits == pytest.approx(loss * 1.442695, abs=0.06)


def test_painting_changes_the_image_and_all_that_follows(open_page, tmp_path):
    model = vae()
    page = open_page(explore.anatomy(model, digits()), tmp_path, **WIDE)
    page.get_by_role("button", name="x blank").click()
    assert sum(state(page)["x"]) == 0
    area = page.locator(".ae-stage canvas").bounding_box()
    spot = lambda row, column: (
        area["x"] + (column + 0.5) * area["width"] / 9,
        area["y"] + (row + 0.5) * area["height"] / 12,
    )  # noqa: E731
    page.mouse.move(*spot(3, 2))
    page.mouse.down()
    page.mouse.move(*spot(3, 6), steps=20)
    page.mouse.up()
    now = state(page)
    drawn = torch.tensor(now["x"]).view(12, 9)
    assert drawn[3, 2:8].all() and drawn[2, 3:7].all() and drawn[4, 3:7].all() and drawn.sum() == 14
    check_against_torch(model, now)
    page.mouse.move(*spot(3, 4))
    page.mouse.down()
    page.mouse.up()
    assert sum(state(page)["x"]) == 13  # where there is ink, a click is a rubber of one pixel
    assert now["pixel"] == [3, 6] and "Row 4, column 5" in page.locator(".ae-reading").inner_text()
    page.get_by_role("button", name="x as it was").click()
    assert state(page)["x"] == digits()[0].flatten().tolist()


def test_pixels_by_keyboard(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path)
    page.get_by_role("application").focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    assert state(page)["pixel"] == [4, 3]  # from the middle
    i, now = 4 * 9 + 3, state(page)
    shown = page.locator(".ae-reading").inner_text()
    assert f"x = {now['x'][i]:.0f}" in shown and numbers(shown) == pytest.approx(
        [now["a"][i], now["mean"][i], now["nats"][i]], abs=0.00501
    )
    page.keyboard.press("Space")
    assert state(page)["x"][i] == 1 - now["x"][i]
    page.keyboard.press("Escape")
    assert state(page)["pixel"] is None


def test_dragging_a_bell_moves_the_draw(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, **WIDE)
    bell = page.locator(".ae-box-q svg").nth(2)
    area, now = bell.bounding_box(), state(page)
    to = now["mu"][2] + 0.5 * now["sigma"][2]
    bell.dispatch_event("pointerover")
    page.mouse.move(area["x"] + area["width"] * (to + 4) / 8, area["y"] + 10)
    assert (
        page.locator(".ae-box-kl .ae-row")
        .nth(2)
        .evaluate("node => node.classList.contains('ae-lit')")
    )
    page.mouse.down()
    page.mouse.up()
    assert state(page)["latent"] == 2 and state(page)["eps"][2] == pytest.approx(
        0.5, abs=0.05 / now["sigma"][2]
    )
    assert (
        page.locator(".ae-box-kl .ae-row")
        .nth(2)
        .evaluate("node => node.classList.contains('ae-chosen')")
    )


def test_each_box_shows_its_formula_and_marks_its_code(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, **WIDE)
    for key, box in BOXES.items():
        page.locator(f".ae-box-{key} .ae-name").click()
        assert state(page)["box"] == key and page.locator(".ae-selected").count() == 1
        told = page.locator(".ae-told").inner_text()
        assert box.symbol in told and box.title in told and "{" not in told
        marks = page.locator(".ae-anatomy mark").all_inner_texts()
        assert sorted(marks) == sorted(text for _, text in box.code)
        shown = page.locator(".ae-anatomy pre").text_content()
        assert all("\n".join(listing(SOURCES[name])) + "\n" in shown for name, _ in box.code)


def test_boxes_by_keyboard(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path)
    page.get_by_role("button", name="x: the image").focus()
    keys = list(BOXES)
    for i in range(1, len(keys)):
        page.keyboard.press("ArrowRight")
        assert state(page)["box"] == keys[i]
    page.keyboard.press("ArrowRight")
    assert state(page)["box"] == keys[-1]  # the end holds
    page.keyboard.press("Home")
    assert (
        state(page)["box"] == "x"
        and page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    )
    page.get_by_role("button", name="Next box").press("Enter")
    assert state(page)["box"] == keys[1]


def test_play_walks_through_the_boxes(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path)
    page.clock.install()
    page.get_by_role("button", name="Play").press("Enter")
    assert state(page)["playing"] and page.locator(".ae-ahead").count() == len(BOXES) - 1
    for key in list(BOXES)[1:4]:
        page.clock.run_for(7100)
        assert state(page)["box"] == key
    page.get_by_role("button", name="Pause").press("Enter")
    page.clock.run_for(20_000)
    assert state(page)["box"] == list(BOXES)[3] and not state(page)["playing"]
    page.get_by_role("button", name="Play").press("Enter")
    page.clock.run_for(90_000)
    assert state(page)["box"] == list(BOXES)[-1] and not state(page)["playing"]


def test_with_reduced_motion_nothing_moves_by_itself(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, reduced_motion="reduce")
    page.get_by_role("button", name="Next step").press("Enter")
    assert state(page)["box"] == list(BOXES)[1] and not state(page)["playing"]


def test_arrows_are_the_pulls_on_mu(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, **WIDE)
    assert page.locator(".ae-pull").count() == 0
    page.evaluate(f"{ROOT}.select('gradient')")
    lengths = page.evaluate("""[...document.querySelectorAll('.ae-pull')].map(node => {
        const [, x1, x2] = node.getAttribute('d').match(/^M(\\S+) \\S+L(\\S+) /); return x2 - x1; })""")
    pulls = [value for pull in state(page)["pulls"] for value in pull["mu"]]
    assert len(lengths) == 6
    longest = max(range(6), key=lambda i: abs(pulls[i]))
    for length, pull in zip(lengths, pulls):
        assert length * pull <= 0  # downhill
        assert (
            abs(length) <= abs(pull / pulls[longest]) * abs(lengths[longest]) + 1
            or abs(lengths[longest]) < 5
        )
    move(page, "mu", 1.25)
    cells = numbers(page.locator(".ae-box-gradient tbody").inner_text())
    pulls = state(page)["pulls"][0]
    assert cells == pytest.approx(
        [v for name in ("mu", "logVar") for v in (*pulls[name], sum(pulls[name]))], abs=0.0101
    )
    assert [cells[2], cells[5]] == pytest.approx(
        [cells[0] + cells[1], cells[3] + cells[4]], abs=1e-9
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1000])
def test_it_fits_the_screen_has_names_and_no_barrier(open_page, tmp_path, theme, width):
    figure = explore.anatomy(models.VAE(6, nets.mlp((64, 32))), digits(12, (1, 28, 28)))
    page = open_page(figure, tmp_path, color_scheme=theme, viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for role, name in (
        ("slider", "mu"),
        ("slider", "sigma"),
        ("slider", "eps"),
        ("slider", "beta"),
        ("img", "Latent 6: mean"),
        ("img", "Reconstruction"),
        ("img", "Nats of all pixels"),
        ("button", "loss: minus the ELBO"),
    ):
        assert page.get_by_role(role, name=name, exact=role == "slider").count() == 1
    sizes = page.evaluate(
        "[...document.querySelectorAll('.ae-anatomy :is(button, input)')].map(node => Math.min(node.offsetHeight, node.offsetWidth))"
    )
    assert min(sizes) >= 24
    package = pytest.importorskip("axe_playwright_python")
    page.evaluate((resources.files(package) / "axe.min.js").read_text("utf-8"))
    found = page.evaluate(
        "axe.run('.ae-anatomy', { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })"
    )["violations"]
    assert not [
        f"{fault['id']}: {node['html'][:120]}" for fault in found for node in fault["nodes"]
    ]


def lengths(page):
    """Widths of the loss bar's parts and what stands at the ends of its scale."""
    return page.evaluate("""() => {
        const bar = document.querySelector(".ae-box-loss svg");
        return { whole: [...bar.querySelectorAll("rect")].slice(1).reduce((sum, part) => sum + Number(part.getAttribute("width")), 0),
          scale: [...bar.querySelectorAll("text")].map((text) => text.textContent) }; }""")


def test_a_greater_loss_is_a_longer_bar_on_one_scale(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, **WIDE)
    first, drawn = lengths(page)["scale"], []
    for beta in (0, 1, 2, 4, 8, 10):
        move(page, "beta", beta)
        found = lengths(page)
        drawn.append((state(page)["loss"], found["whole"]))
        assert found["scale"][:-1] == first[:-1]
        assert found["scale"][-1].strip("beyond ›") == first[-1]
    shares = [whole / loss for loss, whole in drawn]
    assert max(shares) == pytest.approx(min(shares)) and drawn[-1][1] > drawn[0][1]


def test_what_is_said_stands_under_play(open_page, tmp_path):
    figure = explore.anatomy(models.VAE(4, nets.mlp((64, 32))), digits(12, (1, 28, 28)))
    page = open_page(figure, tmp_path, viewport={"width": 1366, "height": 768})
    play, told, box = (
        page.locator(name).bounding_box() for name in (".ae-main", ".ae-told", ".ae-box-x")
    )
    assert play["y"] + play["height"] <= told["y"] and told["y"] + told["height"] <= box["y"]
    assert box["y"] + box["height"] < 768  # words, image and layers on one screen
    heights = set()
    for key in BOXES:  # and nothing below moves while it plays
        page.evaluate(f"{ROOT}.select('{key}')")
        heights.add(page.locator(".ae-box-x").bounding_box()["y"])
    assert len(heights) == 1
    phone = open_page(figure, tmp_path, viewport={"width": 390, "height": 844})
    assert phone.locator(".ae-anatomy").bounding_box()["height"] < 2100


@pytest.mark.parametrize("width", [580, 640, 720])
def test_every_number_stays_in_its_box(open_page, tmp_path, width):
    page = open_page(
        explore.anatomy(models.VAE(4, nets.mlp((64, 32))), digits(12, (1, 28, 28))),
        tmp_path,
        viewport={"width": width, "height": 900},
    )
    move(page, "sigma", -6)
    assert (
        page.evaluate("""[...document.querySelectorAll(".ae-path .ae-row span")].filter((text) => {
        const box = text.closest(".ae-box").getBoundingClientRect(), { left, right } = text.getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(text);
        return range.getBoundingClientRect().left < box.left - 1 || range.getBoundingClientRect().right > box.right + 1; }).length""")
        == 0
    )


def test_a_fast_stroke_on_the_image_is_one_line_and_the_border_stays_clean(open_page, tmp_path):
    page = open_page(explore.anatomy(vae(), digits()), tmp_path, **WIDE)
    page.get_by_role("button", name="x blank").click()
    area = page.locator(".ae-stage canvas").bounding_box()
    at = lambda row, column: (  # noqa: E731
        area["x"] + (column + 0.5) * area["width"] / 9,
        area["y"] + (row + 0.5) * area["height"] / 12,
    )
    page.mouse.move(*at(2, 1))
    page.mouse.down()
    page.mouse.move(*at(9, 1))  # in one jump
    page.mouse.move(*at(9, -4))
    page.mouse.move(*at(2, -4))  # outside, along the border
    page.mouse.up()
    drawn = torch.tensor(state(page)["x"]).view(12, 9)
    assert drawn[2:10, 1].all()
    assert drawn[3:10, 0].all() and not drawn[:3, 0].any()
