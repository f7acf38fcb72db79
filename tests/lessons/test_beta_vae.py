"""What lesson 13 says and no longer measures: the slope of the curve, a code turned, the parts of the KL in closed form."""

import math

import pytest
import torch

from aecourse import collapse, models
from aecourse.exact import LinearGaussian

DOUBLE = torch.float64


def rotated(degrees, strengths):
    """Two factors in eight pixels, the code turned by an angle."""
    directions = torch.eye(8, dtype=DOUBLE)[:, :2]
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[c, -s], [s, c]], dtype=DOUBLE)
    return LinearGaussian(
        directions * torch.tensor(strengths, dtype=DOUBLE) @ turn, torch.zeros(8, dtype=DOUBLE), 0.5
    )


def best_elbo(model, x):
    p = model.posterior(x)
    return model.elbo(x, p.mean, -torch.diagonal(p.precision_matrix, dim1=-2, dim2=-1).log())


@pytest.mark.parametrize("strengths", [(2.0, 2.0), (3.0, 1.0)])
def test_a_rotated_code_has_the_same_likelihood(strengths):
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    straight = rotated(0, strengths).log_prob(x)
    for angle in (5, 45, 70):
        assert torch.allclose(rotated(angle, strengths).log_prob(x), straight, rtol=0, atol=1e-9)


def test_the_best_elbo_pays_for_a_rotation_only_where_strengths_differ():
    """For strengths 3 and 1 and noise 0.5 the precisions are 37 and 5, at 45 degrees 21 and 21: log(441 / 185) / 2 nats."""
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    for strengths, cost in (((2.0, 2.0), 0.0), ((3.0, 1.0), math.log(441 / 185) / 2)):
        lost = best_elbo(rotated(0, strengths), x) - best_elbo(rotated(45, strengths), x)
        assert torch.allclose(lost, torch.full_like(lost, cost), rtol=0, atol=1e-9)


def test_the_rate_falls_the_distortion_rises_and_the_slope_is_minus_beta():
    """The best linear VAE of noise variance 1: what is left of a direction is its eigenvalue, at most beta."""
    eigenvalues = torch.tensor([30.0, 12.0, 5.0, 0.7], dtype=DOUBLE)
    for beta in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        below, above = beta * (1 - 1e-5), beta * (1 + 1e-5)
        rate = [collapse.rates(eigenvalues, level).sum() for level in (below, above)]
        distortion = [eigenvalues.clamp_max(level).sum() / 2 for level in (below, above)]
        assert rate[0] > rate[1] and distortion[0] < distortion[1]
        assert ((distortion[1] - distortion[0]) / (rate[0] - rate[1])).item() == pytest.approx(
            beta, rel=1e-4
        )


def test_the_parts_of_the_kl_agree_with_the_closed_forms_of_gaussians():
    """1,500 images in pairs of numbers that go together, their means Gaussian, so that q(z) is nearly a Gaussian too."""
    torch.manual_seed(0)
    pair = torch.tensor([[1.0, 0.8], [0.8, 1.0]], dtype=DOUBLE)
    mu = (
        torch.randn(1500, 4, dtype=DOUBLE)
        @ torch.linalg.cholesky(torch.block_diag(pair, pair / 2)).T
    )
    log_var = torch.full_like(mu, -1.0)
    cov = mu.T.cov(correction=0) + torch.diag(log_var[0].exp())
    v = cov.diagonal()
    known = {
        "information": (torch.logdet(cov) - log_var[0].sum()) / 2,
        "total_correlation": (v.log().sum() - torch.logdet(cov)) / 2,
        "dimension_wise": (v + mu.mean(0) ** 2 - 1 - v.log()).sum() / 2,
    }
    draws = [
        models.kl_parts(models.reparameterize(mu, log_var), mu, log_var, 1500) for _ in range(4)
    ]
    for part, value in known.items():
        assert abs(torch.stack([draw[part] for draw in draws]).mean() - value) < 0.1, part
