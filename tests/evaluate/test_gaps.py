"""Where the bound is lost: known weights, known gradients, and a model whose gaps have closed forms."""

import math

import pytest
import torch
from torch import nn

from aecourse import evaluate, exact, models, nets, plots


def test_equal_weights_all_count_and_one_that_dominates_alone():
    equal = torch.zeros(7, 3)
    assert torch.allclose(evaluate.effective_samples(equal), torch.full((3,), 7.0))
    alone = equal.clone()
    alone[2] += 60
    assert torch.allclose(evaluate.effective_samples(alone), torch.ones(3))
    two = torch.tensor([0.0, 0.0, -80.0, -80.0])
    assert evaluate.effective_samples(two).item() == pytest.approx(2.0)
    assert evaluate.effective_samples(torch.tensor([math.log(3), 0.0])).item() == pytest.approx(
        16 / 10
    )
    assert evaluate.effective_samples(torch.zeros(1, 4)).tolist() == [1.0] * 4


@pytest.mark.parametrize("level", [-1000.0, 0.0, 1000.0])
def test_only_ratios_of_weights_matter(level):
    log_w = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(
        evaluate.effective_samples(log_w + level), evaluate.effective_samples(log_w), rtol=1e-3
    )
    with pytest.raises(ValueError, match="log_w: got"):
        evaluate.effective_samples(torch.zeros(0, 3))


@pytest.fixture(scope="module")
def known():
    """A linear VAE with correlated posterior, points, and both gaps in closed form.

    For a posterior N(m, P^-1) the best diagonal Gaussian has mean m and variances 1 / P_jj; it misses
    1/2 (sum log P_jj - log det P).
    """
    torch.manual_seed(0)
    vae = models.VAE(
        3, nets.mlp(()), shape=(1, 2, 4), likelihood=models.Gaussian(0.8, squash=False)
    )
    with torch.no_grad():
        vae.decoder[0].weight.copy_(torch.randn(8, 3) * 0.3 + 0.3 * torch.randn(8, 1))
        vae.encoder[1].weight.mul_(0.3)
    truth = exact.LinearGaussian.from_vae(vae)
    x = truth.sample(60).float().view(-1, 1, 2, 4)
    precision = truth.M / truth.sigma**2
    approximation = 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision)).item()
    with torch.no_grad():
        amortization = truth.kl_to_posterior(x, *vae.encode(x)) - approximation
    return vae, truth, x, approximation, amortization


def test_both_gaps_are_those_of_the_closed_forms(known):
    vae, truth, x, approximation, amortization = known
    assert approximation > 0.1 and amortization.mean() > 1  # there is something to find
    found = evaluate.gaps(vae, x, steps=600, lr=0.1, draws=8, samples=4000)
    assert found.approximation.mean().item() == pytest.approx(approximation, abs=0.03)
    assert found.amortization.mean().item() == pytest.approx(amortization.mean().item(), rel=0.03)
    assert (found.log_p.double() - truth.log_prob(x)).abs().mean() < 0.1
    assert torch.allclose(
        found.approximation + found.amortization, found.log_p - found.elbo, atol=1e-4
    )


def test_a_perfect_encoder_has_no_amortization_gap(known):
    vae, truth, x, approximation, _ = known
    best = models.VAE(3, nets.mlp(()), shape=(1, 2, 4), likelihood=vae.likelihood)
    best.decoder.load_state_dict(vae.decoder.state_dict())
    gain = torch.linalg.inv(truth.M) @ truth.W.T
    with torch.no_grad():
        best.encoder[1].weight.zero_()
        best.encoder[1].weight[:3] = gain.float()
        best.encoder[1].bias[:3] = -(gain @ truth.b).float()
        best.encoder[1].bias[3:] = -(truth.M / truth.sigma**2).diagonal().log().float()
    found = evaluate.gaps(best, x, steps=100, lr=0.01, draws=8, samples=4000)
    assert abs(
        found.amortization.mean()
    ) < 0.02 and found.approximation.mean().item() == pytest.approx(approximation, abs=0.03)


@pytest.mark.slow
def test_a_richer_family_is_never_worse_and_nothing_is_left_changed(known):
    vae, _, x, approximation, _ = known
    before, state = (
        {name: value.clone() for name, value in vae.state_dict().items()},
        torch.get_rng_state(),
    )
    bent = evaluate.gaps(vae, x[:20], flow=4, steps=600, lr=0.1, draws=8, samples=2000)
    assert bent.approximation.mean() < approximation + 0.05
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state) and all(
        p.grad is None for p in vae.parameters()
    )
    again = evaluate.gaps(vae, x[:20], flow=4, steps=600, lr=0.1, draws=8, samples=2000)
    assert torch.equal(bent.best, again.best)


def test_a_flow_vae_is_searched_in_its_own_family():
    torch.manual_seed(0)
    model, x = (
        models.FlowVAE(2, nets.mlp((6,)), steps=2, shape=(1, 2, 3)),
        torch.rand(5, 1, 2, 3).round(),
    )
    found = evaluate.gaps(model, x, steps=200, lr=0.05, draws=8, samples=2000)
    assert found.amortization.mean() > -0.02 and found.approximation.mean() > -0.02
    assert evaluate.gaps(model, x, flow=0, steps=5, samples=50).elbo.shape == (5,)
    with pytest.raises(ValueError, match="flow: got -1"):
        evaluate.gaps(model, x, flow=-1)


class Noisy(models.Model):
    """Its encoder's gradient is known: slope plus noise of standard deviation sigma, for each of three weights."""

    def __init__(self, sigma):
        super().__init__(3, (1, 1, 1))
        self.encoder, self.sigma = nn.Linear(3, 1, bias=False), sigma

    def loss(self, x):
        return {
            "loss": (
                self.encoder.weight
                * (torch.tensor([[1.0, -2.0, 2.0]]) + self.sigma * torch.randn(1, 3))
            ).sum()
        }


def test_moments_and_ratio_of_a_known_gradient():
    x = torch.zeros(2, 1, 1, 1)
    mean, variance = evaluate.gradient_moments(Noisy(0.5), x, 4000)
    assert mean.tolist() == pytest.approx(
        [1, -2, 2], abs=0.05
    ) and variance.tolist() == pytest.approx([0.25] * 3, rel=0.1)
    assert evaluate.signal_to_noise(Noisy(0.5), x, 2000) == pytest.approx(
        3 / math.sqrt(0.75), rel=0.05
    )
    assert evaluate.signal_to_noise(Noisy(5.0), x, 2000) == pytest.approx(
        3 / math.sqrt(75), rel=0.2
    )
    with pytest.raises(ValueError, match="repeats: got 1"):
        evaluate.signal_to_noise(Noisy(0.5), x, 1)


def test_more_draws_blur_the_iwae_gradient_and_dreg_stays_clear(known):
    """Near the best encoder (Rainforth et al. 2018, Tucker et al. 2019)."""
    _, truth, x, _, _ = known
    gain, ratios = torch.linalg.solve(truth.M, truth.W.T), {}
    for name in ("iwae", "dreg"):
        model = models.IWAE(
            3,
            nets.mlp(()),
            estimator=name,
            shape=(1, 2, 4),
            likelihood=models.Gaussian(0.8, squash=False),
        )
        torch.manual_seed(0)
        with torch.no_grad():
            model.decoder[0].weight.copy_(truth.W)
            model.decoder[0].bias.copy_(truth.b)
            model.encoder[1].weight.copy_(torch.cat([gain, 0 * gain]))
            model.encoder[1].bias.copy_(
                torch.cat([-(gain @ truth.b), -(truth.M / truth.sigma**2).diagonal().log()])
            )
            for parameter in model.encoder.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        for model.samples in (1, 64):
            ratios[name, model.samples] = evaluate.signal_to_noise(model, x[:16], 300)
    assert (
        ratios["iwae", 64] < ratios["iwae", 1] / 1.5 and ratios["dreg", 64] > 2 * ratios["iwae", 64]
    ), ratios


def test_the_figure_of_stacked_bars_adds_its_parts():
    figure = plots.stacked(
        {"one": {"a": 1.0, "b": 2.0}, "two": {"a": torch.tensor(0.5), "b": 0.25}},
        x="nats",
        description="Two bars.",
    )
    (ax,) = figure.axes
    assert [bar.get_width() for bar in ax.patches] == [1.0, 0.5, 2.0, 0.25] and [
        bar.get_x() for bar in ax.patches
    ] == [0, 0, 1.0, 0.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert all(label in figure.svg() for label in ("1.00", "0.25"))
