"""The layers of the latent plane: q(z) as torch has it, its lines where they are known, the judge's ground, and quiet while moving."""

import base64
import math

import numpy as np
import pytest
import torch
from torch import nn

from aecourse import evaluate, explore, models, nets

ROOT = "document.querySelector('.ae-latent-plane').aecourse"


def flat_vae(seed=0):
    torch.manual_seed(seed)
    return models.VAE(2, nets.mlp((24,), "tanh"), shape=(1, 20, 28))


def plane(vae=None, **options):
    vae = flat_vae() if vae is None else vae
    codes = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
    return explore.latent_plane(vae.decoder, codes, np.arange(20) % 10, shape=(20, 28), **options)


def gaussian(mu, sigma):
    """(mean, log-variance) of one component, as often as an encoder would say it."""
    return torch.tensor([mu]), torch.tensor([sigma]).square().log()


def drawn(page):
    """The plane's canvas: [height, width, 4]."""
    size, values = page.evaluate("""() => {
        const canvas = document.querySelector(".ae-stage canvas"), { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let text = ""; // as text, since a list of a million numbers takes seconds to come over
        for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
        return [[canvas.height, canvas.width, 4], btoa(text)]; }""")
    return np.frombuffer(base64.b64decode(values), np.uint8).astype(int).reshape(size)


def line(text, page):
    return next(row for row in page.locator(".ae-reading").inner_text().splitlines() if text in row)


# ---- The aggregated posterior ------------------------------------------------------------------------------


def test_the_page_says_the_log_q_that_torch_says(open_page, tmp_path):
    vae = flat_vae()
    with torch.no_grad():
        vae.encoder[-1].weight.mul_(20)  # codes apart from each other
        x = torch.rand(300, 1, 20, 28, generator=torch.Generator().manual_seed(2))
        posterior = vae.encode(x)
    z = torch.randn(40, 2, generator=torch.Generator().manual_seed(3)) * 1.5
    truth = evaluate.aggregated_log_prob(vae, z, x)
    page = open_page(plane(vae, posterior=posterior), tmp_path)
    found = torch.tensor(page.evaluate(f"codes => codes.map({ROOT}.density)", z.tolist()))
    assert truth.std() > 0.5  # the comparison is not of one value with itself
    assert torch.allclose(found, truth.float(), atol=0.01, rtol=1e-3)


def test_the_reading_has_both_densities_of_a_place(open_page, tmp_path):
    page = open_page(plane(posterior=gaussian([0.5, -1.0], [0.2, 0.4])), tmp_path)
    page.evaluate(f"{ROOT}.moveTo([0.7, -1.4])")  # one sigma off in both
    log_p = -(0.7**2 + 1.4**2) / 2 - math.log(2 * math.pi)
    log_q = -1 - math.log(2 * math.pi) - math.log(0.2) - math.log(0.4)
    assert line("log p(z)", page) == f"log p(z) = {log_p:.2f} nats".replace("-", "−")
    assert line("log q(z)", page) == f"log q(z) = {log_q:.2f} nats".replace("-", "−")


def test_a_far_place_has_a_finite_log_q(open_page, tmp_path):
    page = open_page(plane(posterior=gaussian([0.0, 0.0], [0.01, 0.01])), tmp_path)
    found = page.evaluate(f"{ROOT}.density([3, 3])")
    assert found == pytest.approx(-9e4 - math.log(2 * math.pi) + 2 * math.log(100), rel=1e-3)


def test_lines_of_q_lie_where_it_is_as_dense_as_the_prior_on_its_circles(open_page, tmp_path):
    """One Gaussian of width s around (1, 0.5): its lines are circles of known radii there."""
    s, mu, extent = 0.6, np.array([1.0, 0.5]), 3.0
    figure = plane(posterior=gaussian(mu.tolist(), [s, s]), extent=extent, show=())
    page = open_page(figure, tmp_path, viewport={"width": 900, "height": 900})
    before = drawn(page)
    page.get_by_label("aggregated posterior").click()
    after = drawn(page)
    rows, columns = np.nonzero((before != after).any(-1))
    side = len(after)
    x = (columns + 0.5) / side * 2 * extent - extent - mu[0]
    y = extent - (rows + 0.5) / side * 2 * extent - mu[1]
    radii = [
        s * math.sqrt(sigma**2 - 4 * math.log(s)) for sigma in (1, 2, 3)
    ]  # log N(r; s) = log p(sigma)
    off = np.abs(np.hypot(x, y)[:, None] - radii)
    assert off.min(1).max() < 0.05
    assert all((off[:, i] < 0.02).sum() > 100 for i in range(3))  # and all three are there


def test_without_a_posterior_nothing_is_said_of_one(open_page, tmp_path):
    page = open_page(plane(), tmp_path)
    assert "q(z)" not in page.locator(".ae-figure").inner_text()
    assert page.evaluate(f"{ROOT}.density") is None


# ---- The judge ---------------------------------------------------------------------------------------------


class Judge(nn.Linear):
    """A classifier whose probabilities are given as a function of the images."""

    def __init__(self, probabilities):
        super().__init__(1, 1)
        self.probabilities = probabilities


def left_or_right(images):
    """Sure of a 1 where the first pixel is white, of a 0 where it is black, and of nothing in between."""
    one = ((images[:, 0, 0, 0] - 0.5) * 4 + 0.5).clamp(0, 1)
    return torch.stack([1 - one, one], 1)


def bright_on_the_right():
    """A decoder whose pixels are white where z1 is large."""
    net = nn.Sequential(nn.Linear(2, 20 * 28))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, 0.0]))
        net[0].bias.zero_()
    return net


def test_ground_is_tinted_where_the_judge_is_sure_in_the_colour_of_its_class(open_page, tmp_path):
    figure = explore.latent_plane(
        bright_on_the_right(),
        torch.zeros(2, 2),
        np.arange(2),
        shape=(20, 28),
        judge=Judge(left_or_right),
        extent=2.0,
        show=(),
    )
    page = open_page(figure, tmp_path, viewport={"width": 900, "height": 900}, color_scheme="light")
    before = drawn(page)
    page.get_by_label("what a classifier recognises").click()
    tinted = (drawn(page) != before).any(-1)
    columns = tinted.mean(0) > 0.5
    x = (np.arange(len(columns)) + 0.5) / len(columns) * 4 - 2
    edge = math.log(0.6 / 0.4)  # sigmoid(edge) = 0.6, where it is 90 % sure
    assert not columns[np.abs(x) < edge - 0.05].any() and columns[np.abs(x) > edge + 0.05].all()
    left, right = (drawn(page)[60, i, :3] for i in (10, -10))
    assert left[2] > left[0] and right[0] > right[2]  # 0 is blue and 1 is orange
    page.evaluate(f"{ROOT}.moveTo([2, 0])")
    assert line("classifier", page) == "a classifier: 1, 100 % sure"
    page.evaluate(f"{ROOT}.moveTo([0, 0])")
    assert "50 % sure" in line("classifier", page)


def test_words_say_how_much_of_the_part_shown_is_recognised():
    figure = explore.latent_plane(
        bright_on_the_right(),
        torch.zeros(2, 2),
        np.arange(2),
        shape=(20, 28),
        judge=Judge(left_or_right),
        extent=2.0,
    )
    assert f"{64 / 81:.0%} of the part shown" in repr(
        figure
    )  # of 81 columns, 32 lie further than log(0.6 / 0.4) out on each side


def test_every_layer_can_be_switched_on_and_off(open_page, tmp_path):
    page = open_page(
        plane(
            posterior=gaussian([0.0, 0.0], [0.5, 0.5]),
            grid=3,
            show=(),
            judge=Judge(lambda x: torch.tensor([[0.0] * 7 + [1.0]]).expand(len(x), -1)),
        ),
        tmp_path,
    )
    empty, seen = drawn(page), []
    for name in (
        "test codes",
        "prior, 1 to 3 σ",
        "aggregated posterior q(z)",
        "what a classifier recognises",
        "decoded images",
    ):
        box = page.get_by_label(name)
        box.click()
        page.wait_for_timeout(200)
        seen.append(drawn(page).tobytes())
        box.click()
        assert (drawn(page) == empty).all()
    assert len(set(seen)) == 5 and empty.tobytes() not in seen


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(posterior=torch.zeros(3, 2)), "posterior: got a tensor of shape [3, 2]"),
        (
            dict(posterior=(torch.zeros(3, 2), torch.zeros(4, 2))),
            "posterior: got shapes [3, 2] and [4, 2]",
        ),
        (dict(posterior=(torch.zeros(3, 3), torch.zeros(3, 3))), "posterior: got shapes [3, 3]"),
        (
            dict(posterior=(torch.zeros(3, 2), torch.full((3, 2), -math.inf))),
            "posterior: got entries that are nan or infinite",
        ),
        (
            dict(posterior=(torch.zeros(3, 2), torch.zeros(3, 2)), prior=False),
            "posterior: got one for a code without a prior",
        ),
        (dict(judge=Judge(lambda x: x.flatten(1))), "judge: got a tensor of shape [6561, 560]"),
        (dict(judge=Judge(lambda x: torch.full((len(x), 10), 2.0))), "judge: got a tensor"),
        (dict(judge=Judge(lambda x: torch.zeros(3, 10))), "judge: got a tensor of shape [3, 10]"),
        (dict(show=("posterior",)), "show: got 'posterior'"),
        (dict(show=("judge",)), "show: got 'judge'"),
    ],
)
def test_layers_name_what_does_not_fit(options, message):
    with pytest.raises(ValueError) as fault:
        plane(**options)
    assert str(fault.value).startswith(message)


# ---- Under the pointer -------------------------------------------------------------------------------------


def test_many_events_in_one_frame_are_one_drawing_and_the_last_place_counts(open_page, tmp_path):
    page = open_page(plane(extent=2.0), tmp_path)
    found = page.evaluate("""async () => {
        const root = document.querySelector(".ae-latent-plane"), stage = root.querySelector(".ae-stage"), box = stage.getBoundingClientRect();
        const kept = CanvasRenderingContext2D.prototype.drawImage;
        let drawings = 0;
        CanvasRenderingContext2D.prototype.drawImage = function (...rest) { drawings++; return kept.apply(this, rest); };
        for (const share of [0.1, 0.3, 0.5, 0.75])
            stage.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + share * box.width, clientY: box.top + box.height / 2, bubbles: true }));
        const position = root.aecourse.position;
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        return { drawings, position, text: root.querySelector(".ae-reading").innerText };
    }""")
    assert found["position"] == pytest.approx([1.0, 0.0], abs=0.03)
    assert found["drawings"] == 1 and f"z = ({found['position'][0]:.2f}, " in found["text"]


def test_moving_leaves_the_plane_itself_alone(open_page, tmp_path):
    """Codes, lines and tints are drawn once; only the image beside them follows the pointer."""
    page = open_page(
        plane(posterior=gaussian([0.0, 0.0], [0.5, 0.5]), show=("codes", "circles", "posterior")),
        tmp_path,
    )
    page.wait_for_timeout(100)
    strokes = page.evaluate("""async () => {
        const stage = document.querySelector(".ae-stage"), plane = stage.querySelector("canvas"), box = stage.getBoundingClientRect();
        let touched = 0;
        for (const name of ["fill", "stroke", "drawImage", "clearRect"]) {
            const kept = CanvasRenderingContext2D.prototype[name];
            CanvasRenderingContext2D.prototype[name] = function (...rest) { touched += this.canvas === plane; return kept.apply(this, rest); };
        }
        for (let i = 0; i < 5; i++) {
            stage.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + 20 * i, clientY: box.top + 30, bubbles: true }));
            await new Promise(requestAnimationFrame);
        }
        return touched; }""")
    assert strokes == 0
