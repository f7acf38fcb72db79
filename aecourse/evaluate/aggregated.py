"""The aggregated posterior q(z) = 1/N sum_n q(z|x_n): what the codes of a whole data set do together.

The data set is the finite one that is given, and the mixture over it is exact: N components for N images. For an index n
drawn uniformly and z ~ q(z|x_n), the average KL term of the ELBO splits into two parts (Hoffman & Johnson 2016):

    1/N sum_n KL(q(z|x_n) || p(z)) = I(n; z) + KL(q(z) || p(z)).

Functions return one figure per image, an average over `samples` draws from its q(z|x_n); the mean over images is the
quantity. Equal seeds give equal draws.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, gaussian, measuring


def aggregated_log_prob(model, z: Tensor, x: Tensor, *, rows: int = 1000) -> Tensor:
    """log q(z), the mixture of the q(z|x_n) of all of x [N, C, H, W], at the points z [M, latent_dim]: nats [M].

    rows: how many of the M points are held against all N components at a time.
    """
    fitting(model, x, "posterior(x)")
    require.batch("z", z, (model.latent_dim,))
    rows = require.integer("rows", rows)
    with measuring(model, 0):
        mu, log_var = _posteriors(model, x)
        return log_mixture(z.cpu().double(), mu, log_var, rows).float()


def index_code_information(
    model, x: Tensor, samples: int = 1, *, seed: int = 0, rows: int = 1000
) -> Tensor:
    """How much a code tells about which image it came from: x [N, C, H, W] -> nats per image [N], mean I(n; z).

    E[log q(z|x_n) - log q(z)] over z ~ q(z|x_n). No draw gives more than log N, the price of naming one image of N.
    """
    own, together, _ = log_densities(*_draws(model, x, samples, seed, rows), rows)
    return (own - together).mean(0).float()


def kl_aggregated(model, x: Tensor, samples: int = 1, *, seed: int = 0, rows: int = 1000) -> Tensor:
    """How far the codes together are from the prior: x [N, C, H, W] -> nats per image [N], mean KL(q(z) || p(z)).

    E[log q(z) - log p(z)] over z ~ q(z|x_n). A single image's part may be negative, their mean is not, up to chance.
    """
    _, together, prior = log_densities(*_draws(model, x, samples, seed, rows), rows)
    return (together - prior).mean(0).float()


def total_correlation(
    model, x: Tensor, samples: int = 1, *, seed: int = 0, rows: int = 100
) -> Tensor:
    """How far the latents are from independent of each other: x -> nats per image [N], mean KL(q(z) || prod_j q(z_j)).

    q(z_j) is the exact mixture of one latent's marginals (Chen et al. 2018, equation 2).
    """
    mu, log_var, z = _draws(model, x, samples, seed, rows)
    parts = []
    for part in z.flatten(0, 1).split(rows):
        each = _each(part[:, None], mu, log_var)  # [rows, N, k]
        log_n = math.log(len(mu))
        parts.append(each.sum(2).logsumexp(1) - log_n - (each.logsumexp(1) - log_n).sum(1))
    return torch.cat(parts).view(z.shape[:2]).mean(0).float()


def log_mixture(z: Tensor, mu: Tensor, log_var: Tensor, rows: int) -> Tensor:
    """log 1/N sum_n q(z|x_n) at the points z [M, k], for mu and log_var [N, k]: nats [M]."""
    parts = [_pairs(part, mu, log_var).logsumexp(1) for part in z.split(rows)]
    return torch.cat(parts) - math.log(len(mu))


def log_densities(mu: Tensor, log_var: Tensor, z: Tensor, rows: int) -> tuple:
    """log q(z|x_n), log q(z) and log p(z) at draws z ~ q(z|x_n) [samples, N, k]: each [samples, N]."""
    own = _each(z, mu, log_var).sum(2)
    together = log_mixture(z.flatten(0, 1), mu, log_var, rows)
    prior = _each(z, torch.zeros_like(mu), torch.zeros_like(mu)).sum(2)
    return own, together.view(own.shape), prior


def _draws(model, x, samples, seed, rows) -> tuple[Tensor, Tensor, Tensor]:
    """mu, log-variance [N, k] and draws z [samples, N, k], in float64 on the CPU."""
    fitting(model, x, "posterior(x)")
    samples = require.integer("samples", samples)
    require.integer("rows", rows)
    with measuring(model, seed):
        mu, log_var = _posteriors(model, x)
        return (
            mu,
            log_var,
            mu + torch.exp(0.5 * log_var) * torch.randn(samples, *mu.shape, dtype=torch.float64),
        )


def _posteriors(model, x: Tensor) -> tuple[Tensor, Tensor]:
    """mu and log-variance of every image, [N, latent_dim] in float64 on the CPU."""
    device = next(model.parameters()).device
    halves = [gaussian(model, part.to(device)) for part in x.split(2000)]
    mu, log_var = (torch.cat(half).cpu().double() for half in zip(*halves))
    return mu, log_var


def _each(z: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """log N(z; mu, exp(log_var)) of every latent by itself."""
    return -0.5 * ((z - mu).square() / log_var.exp() + log_var + math.log(2 * math.pi))


def _pairs(z: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """log q(z_m|x_n) of every point under every component: [M, k], [N, k] -> [M, N]; the square is multiplied out.

    For widths so small that the product would lose the digits of the square, it is not.
    """
    precision = (-log_var).exp()
    if precision.max() * max(z.abs().max(), mu.abs().max(), mu.new_ones(())).square() > 1e8:
        return torch.stack([_each(z, *one).sum(1) for one in zip(mu, log_var)], 1)
    square = (
        z.square() @ precision.T - 2 * z @ (mu * precision).T + (mu.square() * precision).sum(1)
    )
    return -0.5 * (square + log_var.sum(1) + z.shape[1] * math.log(2 * math.pi))
