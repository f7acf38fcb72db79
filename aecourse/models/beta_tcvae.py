"""The KL term taken apart: what a code says, how its numbers depend on each other, how each departs from the prior."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import require
from aecourse.models.vae import VAE, kl_divergence, reparameterize


def _enough_images(z: Tensor, mu: Tensor, log_var: Tensor, images: int) -> None:
    if images < len(z):
        raise ValueError(
            f"images: got {images}; accepted is at least {len(z)}, the size of the batch"
        )


@require.checked(_enough_images, images=require.integer)
def kl_parts(z: Tensor, mu: Tensor, log_var: Tensor, images: int) -> dict[str, Tensor]:
    """log q(z|x) - log p(z) of one draw per image, in three parts, each [B] in nats, which add up to it exactly.

    z, mu, log_var [B, k], z[i] drawn from q(z|x_i). images: how many the batch was taken from, B at least.
    "information" = log q(z|x) - log q(z), "total_correlation" = log q(z) - sum_j log q(z_j), and
    "dimension_wise" = sum_j (log q(z_j) - log p(z_j)), where q(z) is the average of q(z|x) over all images.

    Source: Chen et al. 2018, equation 2. q(z_i) is estimated from the batch: its own image counts for 1 / images, the
    others share the rest equally. That is unbiased for q(z), as their stratified sampling is, and exact where the batch
    is the whole data set; the logarithm of an average of few is still too low, or too high, on average.
    """
    batch = len(z)
    share = mu.new_full((batch, batch), (images - 1) / (images * max(batch - 1, 1)))
    log_share = share.fill_diagonal_(1 / images if batch > 1 else 1.0).log()
    # [latent, i, j]: the log-density of z_i under q(.|x_j)
    of_z, of_mu, of_log_var = (part.T.contiguous() for part in (z, mu, log_var))  # twice as fast
    of_each = _log_normal(of_z[:, :, None], of_mu[:, None, :], of_log_var[:, None, :])
    log_q = torch.logsumexp(of_each.sum(0) + log_share, 1)
    log_q_each = torch.logsumexp(of_each + log_share, 2).sum(0)
    log_p = _log_normal(z, torch.zeros_like(z), torch.zeros_like(z)).sum(1)
    return {
        "information": _log_normal(z, mu, log_var).sum(1) - log_q,
        "total_correlation": log_q - log_q_each,
        "dimension_wise": log_q_each - log_p,
    }


def _log_normal(z: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return -0.5 * (
        ((z - mu) * torch.exp(-0.5 * log_var)).square() + (log_var + math.log(2 * math.pi))
    )


class BetaTCVAE(VAE):
    """A VAE whose beta weighs one part of the KL only, the total correlation (Chen et al. 2018).

    images: the number of training images, which the estimate of q(z) needs. net, likelihood, shape: as in `VAE`; with
    beta = 1 the loss is the VAE's.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        images: int,
        beta: float = 1.0,
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, net, beta=beta, likelihood=likelihood, shape=shape)
        self.images = require.integer("images", images)

    def loss(self, x: Tensor, beta=None) -> dict[str, Tensor]:
        """-ELBO + (beta - 1) * total correlation, in nats per image, for x [B, C, H, W].

        Returns "loss", "reconstruction", "kl" and "total_correlation". The KL is the closed form, not the sum of the
        three sampled parts, which has the same mean and more noise.
        """
        beta = self.beta if beta is None else beta
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var)
        reconstruction = -self.likelihood.log_prob(self.decode(z), x).mean()
        kl = kl_divergence(mu, log_var).sum() / len(x)
        correlation = kl_parts(z, mu, log_var, max(self.images, len(x)))["total_correlation"].mean()
        return {
            "loss": reconstruction + kl + (beta - 1) * correlation,
            "reconstruction": reconstruction,
            "kl": kl,
            "total_correlation": correlation,
        }


class CapacityVAE(VAE):
    """A VAE that is told how many nats its code shall cost, instead of the price of a nat (Burgess et al. 2018).

    gamma: the price of every nat that the KL is away from the capacity, above or below. The capacity is a schedule:
    `train.fit(model, images, weights={"capacity": train.warmup(0.8, to=25)})`. net, likelihood, shape: as in `VAE`.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        gamma: float = 30.0,
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, net, likelihood=likelihood, shape=shape)
        self.gamma = require.number("gamma", gamma, low=0)

    def loss(self, x: Tensor, capacity=0.0) -> dict[str, Tensor]:
        """Reconstruction + gamma * |kl - capacity|, in nats per image, for x [B, C, H, W]."""
        terms = super().loss(x, beta=1.0)
        return {
            **terms,
            "loss": terms["reconstruction"] + self.gamma * (terms["kl"] - capacity).abs(),
        }
