"""Answers of the self-quiz that are computed, each by the code that the lessons use.

A function returns {"answer": a number or a shape}, and further entries where the question quotes them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from aecourse import exact, models, nets


def kl_of_a_wide_latent() -> dict:
    """The KL term of one latent with mu = 1.5 and sigma = 2."""
    mu, log_var = torch.tensor(1.5), torch.tensor(2 * math.log(2.0))
    at = {"mu": 1.5, "sigma": 2.0}
    return {"answer": models.kl_divergence(mu, log_var).item(), "at": at}


def gap_to_the_posterior() -> dict:
    """One point x under a linear model, and an encoder that answers mu = 1 and sigma^2 = 1/2."""
    W, b = torch.tensor([[2.0], [1.0]]), torch.zeros(2)
    model = exact.LinearGaussian(W, b, sigma=1.0)
    x = torch.tensor([[1.0, 2.0]])
    mu, log_var = torch.tensor([[1.0]]), torch.tensor([[0.5]]).log()
    return {
        "answer": model.kl_to_posterior(x, mu, log_var).item(),
        "log_p": model.log_prob(x).item(),
        "elbo": model.elbo(x, mu, log_var).item(),
    }


def price_of_a_squared_error() -> dict:
    """How -log p(x|z) of a Gaussian with sigma = 0.2 grows per unit of squared error."""
    decoder = models.Gaussian(sigma=0.2, squash=False)
    image, off = torch.zeros(1, 784), torch.full((1, 784), 0.5)
    rise = decoder.log_prob(image, image) - decoder.log_prob(off, image)
    return {"answer": (rise / off.square().sum()).item()}


def shape_of_mu() -> dict:
    """What the encoder returns for 64 images."""
    vae = models.VAE(latent_dim=20, net=nets.mlp(hidden=(256, 256)))
    mu, log_var = vae.encode(torch.zeros(64, 1, 28, 28))
    assert mu.shape == log_var.shape
    return {"answer": tuple(mu.shape)}


def beta_of_a_pixel_mean() -> dict:
    """By how much PyTorch's default average shrinks the reconstruction term of [3, 32, 32] images."""
    logits, x = torch.zeros(5, 3, 32, 32), torch.ones(5, 3, 32, 32)
    per_image = -models.Bernoulli().log_prob(logits, x)
    averaged = F.binary_cross_entropy_with_logits(logits, x)
    return {"answer": (per_image.mean() / averaged).item()}


def slope_in_the_log_variance() -> dict:
    """The slope of the KL term in the log-variance at mu = 1 and sigma = 1/2."""
    at = {"mu": 1.0, "log_var": math.log(0.25)}
    log_var = torch.tensor(at["log_var"], requires_grad=True)
    kl = models.kl_divergence(torch.tensor(at["mu"]), log_var)
    (slope,) = torch.autograd.grad(kl, log_var)
    return {"answer": slope.item(), "at": at}


def gradient_past_a_choice() -> dict:
    """What arrives at an encoder's output of 1 where the nearest word is 0.8."""
    at = {"u": 1.0, "w": 0.8, "a": 1.5, "x": 0.3, "beta": 0.25}
    u, w = torch.tensor(at["u"], requires_grad=True), torch.tensor(at["w"])
    q = u + (w - u).detach()
    loss = (at["x"] - at["a"] * q).square() + at["beta"] * (u - w).square()
    (slope,) = torch.autograd.grad(loss, u)
    return {"answer": slope.item(), "at": at}


def price_of_one_pass() -> dict:
    """Two latents whose posterior is known, and an encoder that is off in mean and width."""
    W, b = torch.tensor([[2.0, 2.0], [0.0, 1.0]]), torch.zeros(2)
    model = exact.LinearGaussian(W, b, sigma=1.0)
    x = torch.tensor([[2.0, 1.0]])
    posterior = model.posterior(x)
    log_var = -posterior.precision_matrix.diagonal(dim1=1, dim2=2).log()
    best = model.elbo(x, posterior.mean, log_var).item()
    elbo = model.elbo(x, posterior.mean - 0.3, log_var + 0.4).item()
    log_p = model.log_prob(x).item()
    return {"answer": best - elbo, "log_p": log_p, "best": best, "elbo": elbo}
