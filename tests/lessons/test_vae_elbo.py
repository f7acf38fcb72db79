"""What lesson 05 says without showing a claim for it."""

import math

import torch

from aecourse import evaluate, exact, models, nets


def test_squared_error_is_a_gaussian_of_variance_one_half():
    """-log p(x|z) is the squared error plus 784 (log sigma + log(2 pi) / 2)."""
    torch.manual_seed(0)
    logits, x = torch.randn(2, 3, 1, 28, 28, dtype=torch.float64)
    squared = (torch.sigmoid(logits) - x).square().sum((1, 2, 3))
    nll = -models.Gaussian(sigma=math.sqrt(0.5)).double().log_prob(logits, x)
    assert torch.allclose(nll, squared + 392 * math.log(math.pi), rtol=1e-6)


def test_the_sampled_loss_averages_to_minus_the_exact_elbo():
    torch.manual_seed(0)
    vae = models.VAE(
        2, nets.mlp(()), shape=(1, 2, 3), likelihood=models.Gaussian(0.8, squash=False)
    ).double()
    model = exact.LinearGaussian.from_vae(vae)
    x = model.sample(50).view(-1, 1, 2, 3)
    with torch.no_grad():
        losses = torch.stack([vae.loss(x)["loss"] for _ in range(400)])
        truth = -model.elbo(x, *vae.encode(x)).mean()
    assert abs(losses.mean() - truth) < 5 * losses.std() / 20


def test_elbo_importance_sampling_and_truth_come_in_this_order():
    torch.manual_seed(0)
    vae = models.VAE(
        2, nets.mlp(()), shape=(1, 2, 3), likelihood=models.Gaussian(0.8, squash=False)
    )
    model = exact.LinearGaussian.from_vae(vae)
    x = model.sample(500).float().view(-1, 1, 2, 3)
    with torch.no_grad():
        bound = model.elbo(x, *vae.encode(x)).mean()
    five, many = (evaluate.log_likelihood(vae, x, samples=k).mean() for k in (5, 500))
    assert bound < five < many < model.log_prob(x).mean() + 0.01
