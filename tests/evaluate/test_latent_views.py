"""Measures of pictures and of the aggregated posterior on inputs whose answers are known: lessons 07 and 08."""

import math
import re

import pytest
import torch

from aecourse import evaluate, models, nets, plots


def normal(n, k, seed=0):
    return torch.randn(n, k, generator=torch.Generator().manual_seed(seed))


class Given(models.VAE):
    """A VAE whose q(z|x_n) are given: an image's first pixel is its number n, in 2048ths."""

    def __init__(self, mu, log_var):
        super().__init__(mu.shape[1], nets.mlp(()), shape=(1, 2, 3))
        self.register_buffer("table", torch.stack([mu, log_var]))

    def encode(self, x):
        return tuple(self.table[:, (2048 * x[:, 0, 0, 0]).round().long()])


def numbered(n):
    return torch.arange(float(n)).view(-1, 1, 1, 1).expand(-1, 1, 2, 3) / 2048


# ---- Pictures ----------------------------------------------------------------------------------------------


def test_a_faithful_picture_scores_one_whatever_its_scale_and_side():
    points = normal(60, 2)
    turned = 7 * points.flip(1) - 3
    for measure in (evaluate.trustworthiness, evaluate.continuity):
        assert measure(points, points) == 1.0 and measure(points, turned) == 1.0
        assert measure(points.view(60, 1, 2, 1), turned, k=29) == 1.0


def test_a_shuffled_picture_scores_a_half():
    points = normal(400, 5)
    shuffled = points[torch.randperm(400, generator=torch.Generator().manual_seed(1))]
    assert evaluate.trustworthiness(points, shuffled) == pytest.approx(0.5, abs=0.03)
    assert evaluate.continuity(points, shuffled) == pytest.approx(0.5, abs=0.03)


def test_trustworthiness_by_its_formula():
    """Venna & Kaski 2001, written again; continuity exchanges the two."""
    points, picture, n, k = normal(23, 4), normal(23, 2, seed=2), 23, 5
    ranks = lambda p: torch.cdist(p, p).fill_diagonal_(-1).argsort(1).argsort(1)  # noqa: E731  0 is the point itself
    true, drawn = ranks(points), ranks(picture)
    cost = ((true - k).clamp(min=0) * (drawn <= k) * (drawn > 0)).sum().item()
    assert evaluate.trustworthiness(points, picture, k) == pytest.approx(
        1 - 2 / (n * k * (2 * n - 3 * k - 1)) * cost
    )
    assert evaluate.continuity(points, picture, k) == evaluate.trustworthiness(picture, points, k)


def test_folding_costs_trust_and_tearing_costs_continuity():
    line = torch.linspace(-1, 1, 100)[:, None]
    folded, torn = line.abs(), torch.where(line < 0, line + 9, line)
    assert evaluate.trustworthiness(line, folded) < 0.9 < evaluate.continuity(line, folded)
    assert evaluate.continuity(line, torn) < evaluate.trustworthiness(line, torn)


def test_neighbour_accuracy_leaves_the_point_itself_out():
    labels = torch.arange(2).repeat_interleave(10)
    points = normal(20, 3) + 50 * labels[:, None]
    assert evaluate.neighbour_accuracy(points, labels) == 1.0
    assert (
        evaluate.neighbour_accuracy(torch.arange(20.0)[:, None], torch.arange(20), k=1) == 0.0
    )  # nobody else of the class
    pairs = torch.arange(10.0).repeat(2)[:, None]  # duplicated points
    assert evaluate.neighbour_accuracy(pairs, torch.arange(10).repeat(2), k=1) == 1.0
    tied = torch.tensor([[0.0], [1.0], [-1.1]])  # a vote each for 1 and 2
    assert evaluate.neighbour_accuracy(tied, torch.tensor([1, 1, 2]), k=2) == pytest.approx(2 / 3)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(3))
    noisy = torch.arange(20) % 2
    assert evaluate.neighbour_accuracy(
        points[order], noisy[order], k=3
    ) == evaluate.neighbour_accuracy(points, noisy, k=3)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: evaluate.trustworthiness(normal(20, 3), normal(19, 2)),
            "picture: got a tensor of shape [19, 2]",
        ),
        (
            lambda: evaluate.trustworthiness(normal(20, 3), normal(20, 2), k=10),
            "k: got 10 for 20 points",
        ),
        (
            lambda: evaluate.continuity(normal(20, 3), torch.full((20, 2), math.nan), k=3),
            "picture: got entries that are nan",
        ),
        (
            lambda: evaluate.neighbour_accuracy(normal(5, 3), torch.zeros(5).long(), k=5),
            "points: got a tensor of shape [5, 3]",
        ),
        (lambda: evaluate.neighbour_accuracy(normal(5, 3), torch.zeros(4).long()), "points: got"),
        (lambda: evaluate.index_code_information(models.VAE(2), torch.rand(2, 1, 3, 3)), "x: got"),
        (
            lambda: evaluate.kl_aggregated(models.VAE(2), torch.rand(2, 1, 28, 28), 0),
            "samples: got 0",
        ),
        (
            lambda: evaluate.aggregated_log_prob(
                models.VAE(2), torch.rand(4, 3), torch.rand(2, 1, 28, 28)
            ),
            "z: got",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_the_aggregated_posterior_needs_a_vae():
    with pytest.raises(TypeError, match="model: got Autoencoder"):
        evaluate.index_code_information(
            models.Autoencoder(2, nets.mlp(())), torch.rand(2, 1, 28, 28)
        )


def test_clouds_are_drawn_with_and_without_classes():
    points = normal(12, 2)
    fig = plots.clouds(
        {"a": points, "b": points, "c": points, "d": points},
        torch.arange(12) % 3,
        description="Four.",
    )
    assert [ax.get_title() for ax in fig.axes][:4] == ["a", "b", "c", "d"] and len(fig.axes) == 6
    assert "Four." in fig.svg() and len(plots.clouds({"a": points}, description="One.").axes) == 1


# ---- The aggregated posterior ------------------------------------------------------------------------------


def test_one_posterior_for_all_says_nothing():
    mu, log_var = (
        torch.tensor([[0.5, -1.0]]).expand(30, 2),
        torch.tensor([[0.2, -0.7]]).expand(30, 2),
    )
    vae, x = Given(mu, log_var), numbered(30)
    assert evaluate.index_code_information(vae, x, 20).abs().max() < 1e-5
    known = models.kl_divergence(mu, log_var).sum(1).mean().item()
    assert evaluate.kl_aggregated(vae, x, 2000).mean().item() == pytest.approx(known, abs=0.05)
    assert evaluate.total_correlation(vae, x, 20).abs().max() < 1e-5  # a product of its marginals


def test_posteriors_far_apart_name_the_image():
    vae, x = (
        Given(100 * torch.arange(17.0)[:, None].expand(17, 3), torch.zeros(17, 3)),
        numbered(17),
    )
    assert torch.allclose(evaluate.index_code_information(vae, x, 5), torch.tensor(math.log(17)))
    assert torch.allclose(
        evaluate.total_correlation(vae, x, 5), torch.tensor(2 * math.log(17))
    )  # each latent says it alone


def test_two_in_a_place_and_none_else_tell_log_of_half():
    vae = Given(100 * torch.arange(6.0).repeat(2)[:, None], torch.zeros(12, 1))
    assert torch.allclose(
        evaluate.index_code_information(vae, numbered(12), 3), torch.tensor(math.log(6))
    )


def test_one_dimension_agrees_with_quadrature():
    mu, log_var = torch.tensor([[-1.0], [0.3], [2.0]]), torch.tensor([[-1.0], [0.5], [-2.0]])
    vae, x = Given(mu, log_var), numbered(3)
    z = torch.linspace(-12, 12, 40_001, dtype=torch.float64)
    each = torch.distributions.Normal(mu.double(), (0.5 * log_var.double()).exp()).log_prob(
        z
    )  # [3, grid]
    mixture, prior = each.logsumexp(0) - math.log(3), -0.5 * (z.square() + math.log(2 * math.pi))
    assert torch.allclose(
        evaluate.aggregated_log_prob(vae, z[::50, None].float(), x).double(),
        mixture[::50],
        atol=1e-4,
        rtol=1e-4,
    )
    information = torch.trapezoid(each.exp() * (each - mixture), z).mean().item()
    kl = torch.trapezoid(mixture.exp() * (mixture - prior), z).item()
    for measure, known in (
        (evaluate.index_code_information, information),
        (evaluate.kl_aggregated, kl),
    ):
        per_image = torch.stack([measure(vae, x, 20_000, seed=seed).mean() for seed in (0, 1)])
        assert per_image.mean().item() == pytest.approx(known, abs=0.02)
    assert evaluate.total_correlation(vae, x, 10).abs().max() < 1e-6  # one latent has no other


def test_the_parts_sum_to_the_average_kl():
    torch.manual_seed(0)
    vae, x = Given(1.5 * torch.randn(40, 3), torch.randn(40, 3) - 1), numbered(40)
    information, rest = (
        f(vae, x, 500, seed=4) for f in (evaluate.index_code_information, evaluate.kl_aggregated)
    )
    mu, log_var = (t.double() for t in vae.encode(x))
    z = mu + (0.5 * log_var).exp() * torch.randn(
        500, 40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4)
    )
    own = torch.distributions.Normal(mu, (0.5 * log_var).exp()).log_prob(z).sum(2)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(2)
    assert torch.allclose(
        (information + rest).double(), (own - prior).mean(0), atol=1e-4
    )  # the same draws: exactly
    closed = models.kl_divergence(mu, log_var).sum().item() / 40
    assert (information + rest).mean().item() == pytest.approx(
        closed, abs=0.1
    )  # fresh ones: up to chance
    assert information.max() <= math.log(40) + 1e-4 and rest.mean() > 0


def test_neither_order_nor_cutting_up_matters():
    torch.manual_seed(0)
    vae, x = Given(torch.randn(25, 4), torch.randn(25, 4) - 2), numbered(25)
    z, order = torch.randn(11, 4), torch.randperm(25)
    whole = evaluate.aggregated_log_prob(vae, z, x)
    assert torch.allclose(whole, evaluate.aggregated_log_prob(vae, z, x[order], rows=3), atol=1e-5)
    for measure in (
        evaluate.index_code_information,
        evaluate.kl_aggregated,
        evaluate.total_correlation,
    ):
        assert measure(vae, x, 2).shape == (25,)
        assert torch.allclose(measure(vae, x, 2), measure(vae, x, 2, rows=7), atol=1e-5)
        assert torch.equal(measure(vae, x, 2), measure(vae, x, 2)) and not torch.equal(
            measure(vae, x, 2), measure(vae, x, 2, seed=1)
        )
        assert measure(vae, x[order], 400).mean().item() == pytest.approx(
            measure(vae, x, 400).mean().item(), abs=0.1
        )


def test_narrow_posteriors_keep_their_precision():
    """sigma = 0.001 around means of size 3: the multiplied-out square must not lose the difference."""
    mu = 3 * torch.eye(4)
    vae, x = Given(mu, torch.full((4, 4), 2 * math.log(1e-3))), numbered(4)
    at_mean = -4 * (math.log(1e-3) + 0.5 * math.log(2 * math.pi)) - math.log(4)
    assert torch.allclose(
        evaluate.aggregated_log_prob(vae, mu, x), torch.tensor(at_mean), atol=1e-3
    )


def test_total_correlation_of_a_correlated_gaussian():
    """Many narrow posteriors along a correlated cloud: -1/2 log(1 - rho^2)."""
    rho, n = 0.8, 1500
    first, noise = normal(n, 1), normal(n, 1, seed=9)
    mu = torch.cat([first, rho * first + math.sqrt(1 - rho**2) * noise], 1)
    vae = Given(mu, torch.full((n, 2), 2 * math.log(0.15)))
    found = evaluate.total_correlation(vae, numbered(n)).mean().item()
    spread = 1 + 0.15**2
    assert found == pytest.approx(-0.5 * math.log(1 - (rho / spread) ** 2), abs=0.08)


# ---- Figures -----------------------------------------------------------------------------------------------


def test_maps_share_one_scale_unless_signs_differ():
    ticks = torch.linspace(-1, 1, 5)
    peak = torch.zeros(5, 5)
    peak[2, 2] = 9.0
    fig = plots.maps(
        {"flat": torch.ones(5, 5), "peak": peak, "both": ticks.expand(5, 5)},
        ticks,
        description="Three maps.",
    )
    scales = [ax.images[0].get_clim() for ax in fig.axes if ax.images]
    assert scales == [(0, 1), (0, 1), (-1, 1)] and "Three maps." in fig.svg()


def test_places_on_maps_have_a_letter_each_and_their_images_beside_them():
    places: dict[str, tuple] = {
        "A, here": (torch.tensor([0.5, -0.5]), torch.rand(1, 4, 4)),
        "B": ((0, 0), torch.ones(1, 4, 4)),
    }
    one = {"one": torch.ones(5, 5)}
    fig = plots.maps(one, torch.linspace(-1, 1, 5), places=places, description="A map.")
    letters = [text.get_text() for ax in fig.axes for text in ax.texts]
    named = [ax.get_title(loc="left") for ax in fig.axes]
    assert letters == ["A", "B"] and "A, here" in named and "B" in named
    assert fig.svg().count("fill: #111111") >= 2  # on white discs, so not in the page's colour
    assert "A map." in fig.svg()
