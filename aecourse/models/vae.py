"""The variational autoencoder: a latent-variable model and the encoder that makes it trainable."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import nets, require
from aecourse.models.base import LatentModel
from aecourse.models.posterior import Posterior


def kl_divergence(mu: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) || N(0, 1)) of every latent: [B, latent_dim] -> nats [B, latent_dim].

    Source: Kingma & Welling 2014, appendix B.
    """
    return -0.5 * (1 + log_var - mu.square() - log_var.exp())


def reparameterize(mu: Tensor, log_var: Tensor) -> Tensor:
    """A draw from N(mu, exp(log_var)) through which gradients pass: z = mu + sigma * eps, eps ~ N(0, I)."""
    return mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)


class VAE(LatentModel):
    """p(z) = N(0, I), p(x|z) by the decoder, q(z|x) = N(mu, diag(sigma^2)) by the encoder (Kingma & Welling 2014).

    net: `nets.mlp(...)` or `nets.conv(...)`. likelihood: "bernoulli", "continuous_bernoulli", "gaussian", or an
    instance of a likelihood class. beta: the weight of the KL term; 1 is the ELBO, more is a looser bound on
    log p(x), less is none (Higgins et al. 2017). free_bits: nats that each latent may spend, on average over the batch, before its
    KL is charged: sum_j max(free_bits, mean_b KL_j) takes the place of the KL term (Kingma et al. 2016);
    0 is the ELBO.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        likelihood: object = "bernoulli",
        beta: float = 1.0,
        free_bits: float = 0.0,
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape, likelihood)
        self.beta = require.number("beta", beta, low=0)
        self.free_bits = require.number("free_bits", free_bits, low=0)
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        self.encoder = net.encoder(self.shape, 2 * self.latent_dim)
        self.decoder = net.decoder(self.latent_dim, self.shape)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, C, H, W] -> mu and log-variance of q(z|x), each [B, latent_dim]."""
        mu, log_var = self.encoder(x).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, C, H, W]."""
        return self.decoder(z)

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x) for x [B, C, H, W]."""
        return Posterior(*self.encode(x))

    def loss(self, x: Tensor, beta=None) -> dict[str, Tensor]:
        """-ELBO with one draw of z per image, in nats per image.

        beta: the weight of the KL term where it changes during training (a number or a scalar tensor); None takes
        the model's own. Returns "loss" = reconstruction + beta * kl (with free bits, their floor under the KL),
        "reconstruction" = -log p(x|z) and "kl", which is always the true one.
        """
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var)
        reconstruction = -self.likelihood.log_prob(self.decode(z), x).mean()
        per_latent = kl_divergence(mu, log_var)
        kl = per_latent.sum() / len(x)
        floored = per_latent.mean(0).clamp_min(self.free_bits)
        charged = floored.sum() if self.free_bits else kl
        return {
            "loss": reconstruction + (self.beta if beta is None else beta) * charged,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, z) - log q(z|x) for `samples` draws of z from q(z|x): x [B, C, H, W] -> [samples, B], nats.

        Their mean is the ELBO; the log of the mean of their exponentials is an estimate of log p(x) (Burda, Grosse &
        Salakhutdinov 2016, equation 8).
        """
        mu, log_var = self.encode(x)
        eps = torch.randn(samples, *mu.shape, device=mu.device, dtype=torch.float32)
        z = (mu + torch.exp(0.5 * log_var) * eps).to(mu.dtype)
        logits = self.decode(z.flatten(0, 1))
        log_px = self.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1))).view(
            samples, len(x)
        )
        log_pz_minus_qz = 0.5 * (eps.square() + log_var - z.square()).sum(2)
        return log_px + log_pz_minus_qz
