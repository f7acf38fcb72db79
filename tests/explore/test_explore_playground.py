"""Training in the page: its gradients and its optimiser are PyTorch's, its controls work, and it learns."""

import re
from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from aecourse import data, explore, models, nets

ROOT = "document.querySelector('.ae-playground').aecourse"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return explore.playground().save(tmp_path_factory.mktemp("playground") / "figure.html")


@pytest.fixture
def open_page(new_page, file):
    """A function that opens the playground in a fresh page."""

    def opened(address="", width=1000, **options):
        page = new_page(viewport={"width": width, "height": 1200}, **options)
        page.goto(file.as_uri() + address)
        return page

    return opened


def torch_model(settings):
    """The same model in PyTorch, in float64."""
    net = nets.mlp((settings["width"],) * settings["layers"], settings["activation"])
    if settings["model"] == "vae":
        return models.VAE(settings["code"], net, shape=(1, 8, 8)).double()
    return models.Autoencoder(settings["code"], net, error="bce", shape=(1, 8, 8)).double()


def torch_loss(model, settings, x, corruption, eps):
    """The objective that the settings ask for, from the model's own layers, written as in the lessons."""
    seen = x + corruption
    if settings["model"] == "vae":
        mu, log_var = model.encode(seen)
        z = mu + torch.exp(0.5 * log_var) * eps
        extra = settings["beta"] * models.kl_divergence(mu, log_var).sum() / len(x)
    else:
        z = model.encode(seen)
        extra = settings["sparsity"] * z.abs().sum() / len(x)
    return -models.Bernoulli().log_prob(model.decode(z), x).mean() + extra


@pytest.mark.parametrize(
    "settings",
    [
        {
            "model": "vae",
            "code": 2,
            "width": 16,
            "layers": 1,
            "activation": "relu",
            "beta": 1,
            "noise": 0,
            "sparsity": 0,
        },
        {
            "model": "vae",
            "code": 3,
            "width": 8,
            "layers": 2,
            "activation": "tanh",
            "beta": 4,
            "noise": 0.3,
            "sparsity": 0,
        },
        {
            "model": "vae",
            "code": 4,
            "width": 8,
            "layers": 0,
            "activation": "relu",
            "beta": 0.1,
            "noise": 0,
            "sparsity": 0,
        },
        {
            "model": "autoencoder",
            "code": 8,
            "width": 16,
            "layers": 1,
            "activation": "sigmoid",
            "beta": 1,
            "noise": 0.5,
            "sparsity": 0.3,
        },
    ],
    ids=["vae", "deep-vae", "linear-vae", "sparse-denoiser"],
)
def test_gradients_and_ten_steps_of_adam_are_pytorchs(open_page, settings):
    page, rate = open_page(), 0.003
    weights = page.evaluate(
        f"s => {{ Object.assign({ROOT}.settings, s, {{ rate: {rate} }}); {ROOT}.restart(); return [...{ROOT}.model.weights]; }}",
        settings,
    )
    model = torch_model(settings)
    vector_to_parameters(torch.tensor(weights, dtype=torch.float64), model.parameters())
    generator = torch.Generator().manual_seed(1)
    batches = [
        (
            torch.rand(5, 64, generator=generator),
            settings["noise"] * torch.randn(5, 64, generator=generator),
            torch.randn(5, settings["code"], generator=generator),
        )
        for _ in range(10)
    ]
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for step, (x, corruption, eps) in enumerate(batches):
        batch = [part.double().flatten().tolist() for part in (x, corruption, eps)]
        in_page = page.evaluate(
            f"""([x, corruption, eps]) => {{ const m = {ROOT}.model, f = Float64Array.from.bind(Float64Array);
            const terms = m.gradient(f(x), 5, f(corruption), f(eps)), g = [...m.gradients]; m.update(); return [terms, g]; }}""",
            batch,
        )
        optimizer.zero_grad()
        loss = torch_loss(
            model,
            settings,
            x.double().view(-1, 1, 8, 8),
            corruption.double().view(-1, 1, 8, 8),
            eps.double(),
        )
        loss.backward()
        assert in_page[0]["loss"] == pytest.approx(loss.item(), rel=1e-6), step
        gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
        assert torch.allclose(
            torch.tensor(in_page[1], dtype=torch.float64), gradient, atol=1e-6, rtol=1e-4
        ), step
        optimizer.step()
    after = torch.tensor(page.evaluate(f"[...{ROOT}.model.weights]"), dtype=torch.float64)
    assert (after - parameters_to_vector(model.parameters())).abs().max() < 1e-4


def test_it_learns_the_held_out_digits_of_the_course(open_page):
    page = open_page()
    assert page.evaluate(f"{ROOT}.history.length") == 1
    page.evaluate(f"() => {{ for (let i = 0; i < 20; i++) {ROOT}.epochOnce(); }}")
    first, last = page.evaluate(f"[{ROOT}.history[0], {ROOT}.history.at(-1)]")
    floor, average = page.evaluate(f"[{ROOT}.floor, {ROOT}.average]")
    assert floor < last["held"] < average < first["held"]
    assert last["loss"] == pytest.approx(last["reconstruction"] + last["kl"])
    assert page.evaluate(f"{ROOT}.epoch") == 20
    images = data.load("digits")
    assert (
        page.evaluate(f"{ROOT}.model.encoder.layers[0].inputs") == 64
        and f"{len(images.test)} held-out" in explore.playground().description
    )


def test_buttons_train_pause_step_and_start_again(open_page):
    page = open_page()
    page.get_by_role("button", name="Train").click()
    page.wait_for_function(f"{ROOT}.epoch >= 2")
    page.get_by_role("button", name="Pause").click()
    epoch = page.evaluate(f"{ROOT}.epoch")
    page.wait_for_timeout(300)
    assert page.evaluate(f"{ROOT}.epoch") == epoch
    page.get_by_role("button", name="One epoch").click()
    assert page.evaluate(f"{ROOT}.epoch") == epoch + 1
    assert f"epoch {epoch + 1}" in page.locator(".ae-state").inner_text()
    page.get_by_role("button", name="Start again").click()
    assert page.evaluate(f"[{ROOT}.epoch, {ROOT}.history.length]") == [0, 1]


def test_the_same_seed_trains_the_same_model(open_page):
    page = open_page()
    runs = [
        page.evaluate(
            f"() => {{ {ROOT}.restart(); {ROOT}.epochOnce(); return [...{ROOT}.model.weights]; }}"
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    page.get_by_label("seed").select_option("3")
    assert (
        page.evaluate(f"() => {{ {ROOT}.epochOnce(); return [...{ROOT}.model.weights]; }}")
        != runs[0]
    )


def test_settings_travel_in_the_address(open_page):
    page = open_page("#model=autoencoder&code=8&noise=0.3&rate=7&nonsense=1")
    assert page.evaluate(
        f"(({{ model, code, noise, rate }}) => [model, code, noise, rate])({ROOT}.settings)"
    ) == ["autoencoder", 8, 0.3, 0.003]
    assert (
        page.get_by_label("model").input_value() == "autoencoder"
        and page.get_by_label("code size").input_value() == "8"
    )
    assert page.get_by_label("β").is_disabled() and page.get_by_label("weight of |z|").is_enabled()


def test_an_address_that_holds_no_setting_is_none_of_its_business(open_page):
    page = open_page("#constructor=1&__proto__=2")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('h2'), { id: 'below' }))"
    )
    page.evaluate(f"for (let i = 0; i < 3; i++) {ROOT}.epochOnce()")
    for anchor in ("#below", "#constructor=1", "#nonsense=1", "#"):
        page.evaluate(f"location.hash = '{anchor}'")
        page.wait_for_timeout(50)
        assert page.evaluate(f"{ROOT}.epoch") == 3
        assert page.evaluate("location.hash") == anchor.rstrip("#")  # nor is it overwritten
    page.evaluate("location.hash = '#code=8'")
    page.wait_for_function(f"{ROOT}.epoch === 0 && {ROOT}.settings.code === 8")


def test_a_changed_architecture_starts_again_and_a_changed_weight_does_not(open_page):
    page = open_page()
    page.get_by_role("button", name="One epoch").click()
    page.get_by_label("β").select_option("4")
    assert page.evaluate(f"[{ROOT}.epoch, {ROOT}.settings.beta]") == [1, 4]
    page.get_by_label("code size").select_option("16")
    assert page.evaluate(f"[{ROOT}.epoch, {ROOT}.model.settings.code]") == [0, 16]


@pytest.mark.parametrize("kind", ["vae", "autoencoder"])
def test_every_setting_trains(open_page, kind):
    page = open_page(f"#model={kind}")
    for select in page.locator(".ae-settings select:enabled").all()[1:]:
        start = select.input_value()
        for value in select.evaluate("s => [...s.options].map(o => o.value)"):
            select.select_option(value)
            before = page.evaluate(f"{ROOT}.epoch")
            page.get_by_role("button", name="One epoch").click()
            assert page.evaluate(f"{ROOT}.epoch") == before + 1, page.locator(
                ".ae-state"
            ).inner_text()
        select.select_option(start)


def test_a_rate_that_is_too_large_is_said_to_be(open_page):
    page = open_page("#model=autoencoder")
    page.evaluate(f"{ROOT}.settings.rate = 1e200")
    page.get_by_role("button", name="One epoch").click()
    assert "learning rate is too large" in page.locator(".ae-state").inner_text()


def test_keyboard_alone_and_narrow_pages(open_page):
    page = open_page(width=390)
    page.get_by_role("button", name="One epoch").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"{ROOT}.epoch") == 1
    page.get_by_label("hidden layers").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(f"{ROOT}.settings.layers") == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "nats per image" in page.locator("canvas").first.get_attribute("aria-label")


SETTINGS = (
    f"(({{ model, code, beta, noise, rate }}) => [model, code, beta, noise, rate])({ROOT}.settings)"
)
TRIES = {
    "1 Two numbers": [("vae", 2, 1, 0, 0.003)],
    "2 Take the price away": [("vae", 2, 0, 0, 0.003), ("vae", 2, 1, 0, 0.003)],
    "3 Raise the price": [("vae", 2, 64, 0, 0.003)],
    "4 More room": [("vae", 16, 1, 0, 0.003), ("autoencoder", 16, 1, 0, 0.003)],
    "5 Grow the code": [("autoencoder", k, 1, 0, 0.003) for k in (1, 2, 4, 8, 16)],
    "6 Spoil the input": [("vae", 2, 1, 0.5, 0.003)],
    "7 Break it": [("vae", 2, 1, 0, rate) for rate in (0.01, 0.03, 0.1)],
}


def test_seven_tries_set_the_controls_and_begin_again_after_the_last(open_page):
    page = open_page("#width=16&seed=3")
    for name, stages in TRIES.items():
        for wanted in [*stages, stages[0]]:
            page.get_by_role("button", name=name).click()
            assert tuple(page.evaluate(SETTINGS)) == wanted, name
            assert page.get_by_label("code size").input_value() == str(wanted[1])
        assert page.get_by_role("button", name=name).get_attribute("aria-pressed") == "true"
        assert "Set: " in page.locator(".ae-try").inner_text()
    assert page.evaluate(f"[{ROOT}.settings.width, {ROOT}.settings.seed]") == [64, 3]
    page.get_by_label("seed").select_option("1")  # what a reader sets is none of the seven
    assert page.locator("[aria-pressed=true]").count() == 0
    page.get_by_role("button", name="7 Break it").click()
    assert tuple(page.evaluate(SETTINGS)) == TRIES["7 Break it"][0]


def test_a_try_that_changes_live_settings_keeps_the_trained_model(open_page):
    page = open_page()
    page.evaluate(f"{ROOT}.epochOnce()")
    page.get_by_role("button", name="2 Take the price away").click()
    assert page.evaluate(f"{ROOT}.epoch") == 1
    page.get_by_role("button", name="4 More room").click()
    assert page.evaluate(f"{ROOT}.epoch") == 0
    page.evaluate(f"{ROOT}.epochOnce()")
    page.get_by_role("button", name="7 Break it").click()  # rates are compared from one start
    page.evaluate(f"{ROOT}.epochOnce()")
    page.get_by_role("button", name="7 Break it").click()
    assert page.evaluate(f"{ROOT}.epoch") == 0


def test_the_buttons_are_named_as_the_page_lists_them():
    text = (Path(__file__).parents[2] / "book" / "playground.md").read_text("utf-8")
    listed = re.findall(r"^(\d)\. \*\*(.+?)\.\*\*", text, re.MULTILINE)
    assert [f"{number} {name}" for number, name in listed] == list(TRIES)


def test_the_last_try_breaks_training(open_page):
    page, ends = open_page(), []
    for _ in TRIES["7 Break it"]:
        page.get_by_role("button", name="7 Break it").click()
        page.evaluate(f"() => {{ for (let i = 0; i < 8; i++) {ROOT}.epochOnce(); }}")
        ends.append(page.evaluate(f"{ROOT}.history.at(-1).held"))
    assert ends[2] > max(ends[:2]) + 1
