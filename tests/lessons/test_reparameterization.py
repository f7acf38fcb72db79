"""What lesson 06 says without showing a claim for it."""

import math

import pytest
import torch
from torch.distributions import Normal

from aecourse import estimators, models


def off(estimates, truth):
    """How far the average is from the truth, in standard errors."""
    return abs((estimates.mean() - truth) / (estimates.std() / math.sqrt(len(estimates)))).item()


def test_autograd_through_a_draw_equals_finite_differences():
    torch.manual_seed(0)
    at = [torch.full((1000,), v, dtype=torch.float64, requires_grad=True) for v in (2.0, 0.5)]

    def squared(mu, log_var):
        torch.manual_seed(1)  # the same noise at every evaluation
        return models.reparameterize(mu, log_var).square()

    gradients = torch.autograd.grad(squared(*at).sum(), at)
    for i, gradient in enumerate(gradients):
        up, down = (
            squared(*[p.detach() + (j == i) * h for j, p in enumerate(at)]) for h in (1e-4, -1e-4)
        )
        assert torch.allclose(gradient, (up - down) / 2e-4, atol=1e-6)


@pytest.mark.parametrize("baseline", [0.0, 5.0, 14.0])
def test_a_baseline_adds_no_bias(baseline):
    torch.manual_seed(0)
    estimates = estimators.score_function(
        torch.square, lambda t: Normal(t, 1.0), torch.tensor(2.0), 200_000, baseline=baseline
    )
    assert off(estimates, 4.0) < 4.5


@pytest.mark.parametrize("D", [1, 10, 50])
def test_noise_of_one_component_grows_with_the_code(D):
    """f the sum of D squares, theta = 1: flat along the path, 12 + 6 D with a baseline, quadratic in D without."""
    torch.manual_seed(0)
    eps = torch.randn(100_000, D)
    z = 1 + eps
    f = z.square().sum(1)
    assert (2 * z[:, 0]).var().item() == pytest.approx(4, rel=0.03)
    assert ((f - 2 * D) * eps[:, 0]).var().item() == pytest.approx(12 + 6 * D, rel=0.06)
    rest = D - 1  # the other squares: mean 2 and variance 6 each
    raw = 34 + 2 * 4 * 2 * rest + 4 * rest**2 + 6 * rest - 4
    assert (f * eps[:, 0]).var().item() == pytest.approx(raw, rel=0.06)


def test_gumbel_max_draws_the_softmax():
    torch.manual_seed(0)
    logits, n = torch.tensor([0.5, 0.0, -0.5]), 300_000
    winner = (logits - torch.log(-torch.log(torch.rand(n, 3)))).argmax(1)
    p, share = logits.softmax(0), torch.bincount(winner, minlength=3) / n
    assert ((share - p).abs() / (p * (1 - p) / n).sqrt()).max() < 4.5


def test_half_precision_keeps_sigma_and_loses_its_square():
    log_var = torch.tensor(-20.0, dtype=torch.float16)
    variance = torch.exp(log_var)
    assert torch.exp(0.5 * log_var) > 0 and variance == 0 and torch.isinf(torch.log(variance))


def test_the_kl_is_steep_in_sigma_and_flat_in_its_logarithm():
    """Slopes sigma - 1 / sigma and (sigma^2 - 1) / 2."""
    sigma = torch.tensor([1e-4, 1e-2, 0.5], dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(models.kl_divergence(torch.zeros(3), 2 * sigma.log()).sum(), sigma)[
        0
    ]
    assert torch.allclose(slope, sigma - 1 / sigma)
    log_var = (2 * sigma.detach().log()).requires_grad_()
    slope = torch.autograd.grad(models.kl_divergence(torch.zeros(3), log_var).sum(), log_var)[0]
    assert torch.allclose(slope, (log_var.exp() - 1) / 2) and slope.abs().max() <= 0.5
