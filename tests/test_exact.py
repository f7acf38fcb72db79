"""The linear-Gaussian model against brute force, and the identities it exists to demonstrate."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from aecourse import evaluate, exact, models, nets


@pytest.fixture
def model():
    torch.manual_seed(0)
    return exact.LinearGaussian(torch.randn(5, 2), torch.randn(5), sigma=0.6)


def test_log_prob_is_the_marginal_gaussian(model):
    x = model.sample(20)
    cov = model.W @ model.W.T + 0.36 * torch.eye(5, dtype=torch.float64)
    assert torch.allclose(model.log_prob(x), MultivariateNormal(model.b, cov).log_prob(x))


def test_log_prob_agrees_with_integration_on_a_grid():
    model = exact.LinearGaussian(torch.tensor([[1.0], [0.5]]), torch.tensor([0.2, -0.1]), sigma=0.5)
    x = torch.tensor([[0.7, 0.3], [-2.0, 1.0]], dtype=torch.float64)
    z = torch.linspace(-9, 9, 20_001, dtype=torch.float64)
    mean = z[:, None] * model.W[:, 0] + model.b
    log_joint = (
        torch.distributions.Normal(mean[:, None], 0.5).log_prob(x).sum(2)
        + torch.distributions.Normal(0.0, 1.0).log_prob(z)[:, None]
    )
    assert torch.allclose(
        torch.trapezoid(log_joint.exp(), z, dim=0).log(), model.log_prob(x), atol=1e-8
    )


def test_posterior_is_bayes_rule(model):
    x, z = model.sample(4), torch.randn(4, 2, dtype=torch.float64)
    log_joint = torch.distributions.Normal(z @ model.W.T + model.b, 0.6).log_prob(x).sum(
        1
    ) + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    assert torch.allclose(model.posterior(x).log_prob(z), log_joint - model.log_prob(x))


def test_log_p_is_elbo_plus_kl_to_the_posterior_for_any_q(model):
    x, mu, log_var = model.sample(50), torch.randn(50, 2), torch.randn(50, 2)
    gap = model.log_prob(x) - model.elbo(x, mu, log_var)
    assert (
        torch.allclose(gap, model.kl_to_posterior(x, mu, log_var), atol=1e-9) and (gap >= 0).all()
    )


def test_elbo_is_the_average_of_the_log_weights(model):
    torch.manual_seed(1)
    x, mu, log_var = model.sample(1), torch.randn(1, 2).double(), torch.randn(1, 2).double()
    q = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    z = q.sample((400_000,))
    weights = (
        torch.distributions.Normal(z @ model.W.T + model.b, 0.6).log_prob(x).sum(2)
        + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(2)
        - q.log_prob(z).sum(2)
    )
    error = weights.std() / math.sqrt(len(z))
    assert abs(weights.mean() - model.elbo(x, mu, log_var)) < 5 * error


def test_sample_has_the_moments_of_the_model(model):
    torch.manual_seed(0)
    x = model.sample(300_000)
    cov = model.W @ model.W.T + 0.36 * torch.eye(5, dtype=torch.float64)
    assert torch.allclose(x.mean(0), model.b, atol=0.02) and torch.allclose(
        torch.cov(x.T), cov, atol=0.05
    )


def test_closed_form_fit_is_a_maximum():
    torch.manual_seed(0)
    x = exact.LinearGaussian(torch.randn(6, 2), torch.randn(6), 0.5).sample(2000)
    best = exact.LinearGaussian.fit(x, 2)
    top = best.log_prob(x).mean()
    for _ in range(20):
        other = exact.LinearGaussian(
            best.W + 0.05 * torch.randn(6, 2),
            best.b + 0.05 * torch.randn(6),
            best.sigma * math.exp(0.1 * torch.randn(()).item()),
        )
        assert other.log_prob(x).mean() < top
    assert best.sigma == pytest.approx(0.5, rel=0.05)


def test_from_vae_reads_the_decoder_and_importance_sampling_reaches_its_truth():
    torch.manual_seed(0)
    vae = models.VAE(
        2, nets.mlp(()), shape=(1, 2, 3), likelihood=models.Gaussian(0.8, squash=False)
    )
    truth = exact.LinearGaussian.from_vae(vae)
    x = truth.sample(40).float().view(-1, 1, 2, 3)
    exactly = truth.log_prob(x)
    bound, five, many = (
        evaluate.elbo(vae, x, 200),
        evaluate.log_likelihood(vae, x, 5),
        evaluate.log_likelihood(vae, x, 5000),
    )
    with torch.no_grad():
        assert torch.allclose(bound.mean().double(), truth.elbo(x, *vae.encode(x)).mean(), atol=0.1)
    assert bound.mean() < five.mean() < many.mean() < exactly.mean() + 0.02
    assert abs(many.mean() - exactly.mean()) < 0.1 and (many - exactly).abs().median() < 0.05


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: exact.LinearGaussian(torch.randn(3), torch.randn(3), 1.0),
            r"W: got a tensor of shape \[3\]",
        ),
        (
            lambda: exact.LinearGaussian(torch.randn(3, 2), torch.randn(2), 1.0),
            r"b: got .*accepted is a tensor \[3\]",
        ),
        (lambda: exact.LinearGaussian(torch.randn(3, 2), torch.randn(3), 0), "sigma: got 0"),
        (
            lambda: exact.LinearGaussian.fit(torch.randn(9, 3), 3),
            "latent_dim: got 3; accepted is fewer than the 3",
        ),
        (
            lambda: exact.LinearGaussian(torch.randn(3, 2), torch.randn(3), 1.0).log_prob(
                torch.randn(2, 4)
            ),
            "x: got 4 numbers",
        ),
        (
            lambda: exact.LinearGaussian.from_vae(models.VAE(2)),
            "vae: got a decoder with 3 linear layers",
        ),
        (lambda: exact.pca(torch.randn(9, 3), 4), "latent_dim: got 4; accepted is at most the 3"),
        (lambda: exact.principal_angles(torch.randn(4, 2), torch.randn(5, 2)), "B: got"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# --- subspaces ------------------------------------------------------------------------------------------------------


def test_pca_is_sklearns():
    from sklearn.decomposition import PCA

    torch.manual_seed(0)
    x = torch.randn(200, 7, dtype=torch.float64) * torch.linspace(3, 1, 7) + 2
    mean, directions = exact.pca(x, 3)
    theirs = PCA(3).fit(x.numpy())
    assert torch.allclose(mean, torch.from_numpy(theirs.mean_))
    cosines = (directions.T @ torch.from_numpy(theirs.components_).T).abs()
    assert torch.allclose(cosines, torch.eye(3, dtype=torch.float64), atol=1e-8)


def test_principal_angles_with_known_answers():
    e = torch.eye(4, dtype=torch.float64)
    turned = torch.stack([math.cos(0.3) * e[0] + math.sin(0.3) * e[2], e[1]], 1)
    assert torch.allclose(
        exact.principal_angles(e[:, :2], turned),
        torch.tensor([0.0, 0.3], dtype=torch.float64),
        atol=1e-7,
    )
    assert torch.allclose(
        exact.principal_angles(e[:, :2], e[:, 2:]),
        torch.full((2,), math.pi / 2, dtype=torch.float64),
    )
    mixed = e[:, :2] @ torch.tensor([[1.0, 5.0], [2.0, -3.0]], dtype=torch.float64)
    assert (
        exact.principal_angles(e[:, :2], mixed).max() < 1e-7
    )  # the same space in other coordinates
    tiny = torch.stack([e[0] + 1e-9 * e[3], e[1]], 1)
    assert exact.principal_angles(e[:, :2], tiny).max().item() == pytest.approx(1e-9, rel=1e-3)
    assert len(exact.principal_angles(e[:, :3], e[:, :1])) == 1
