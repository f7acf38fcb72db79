"""A posterior richer than a Gaussian: draws from one, bent step by step, with the density still known."""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from aecourse import _arguments as check
from aecourse import nets
from aecourse.models.vae import VAE


def planar(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """One planar step: z + u tanh(w.z + b) and log |det dz'/dz|. z, u, w [..., k], b [...] -> [..., k], [...].

    Along w, space is stretched or squeezed beside a plane. u is first moved along w until w.u > -1, which makes the step
    invertible. Source: Rezende & Mohamed 2015, equations 10 to 12 and appendix A.1, with the softplus there shifted so
    that u = 0 stays 0 and the step with parameters 0 is the identity.
    """
    along = (w * u).sum(-1, keepdim=True)
    allowed = F.softplus(along + math.log(math.e - 1)) - 1  # above -1, and 0 at 0
    u = u + (allowed - along) * w / (w.square().sum(-1, keepdim=True) + 1e-12)
    bend = torch.tanh((w * z).sum(-1, keepdim=True) + b[..., None])
    slope = 1 + (1 - bend.square()) * (w * u).sum(-1, keepdim=True)
    return z + u * bend, slope.log().squeeze(-1)


@dataclass(frozen=True)
class Posterior:
    """q(z|x) of B images: N(0, I), bent by planar steps, then stretched by sigma and moved to mu.

    mu, log_var [B, k]; u, w [steps, B, k], b [steps, B], or None for the Gaussian. Bending before stretching is the same
    family as after, with parameters that do not depend on how narrow q is.
    """
    mu: Tensor
    log_var: Tensor
    u: Tensor | None = None
    w: Tensor | None = None
    b: Tensor | None = None

    def draw(self, samples: int) -> tuple[Tensor, Tensor]:
        """`samples` draws per image and what they are worth: z [samples, B, k], log q(z|x) [samples, B]."""
        e = torch.randn(samples, *self.mu.shape, device=self.mu.device, dtype=self.mu.dtype)
        log_q = Normal(0.0, 1.0).log_prob(e).sum(2) - 0.5 * self.log_var.sum(1)
        for step in range(0 if self.u is None else len(self.u)):
            e, log_det = planar(e, self.u[step], self.w[step], self.b[step])
            log_q = log_q - log_det                                          # stretched space is thinner
        return self.mu + torch.exp(0.5 * self.log_var) * e, log_q


def log_weights(model: VAE, x: Tensor, q: Posterior, samples: int) -> Tensor:
    """log p(x, z) - log q(z|x) for draws from any `q`, with the model's decoder: x [B, C, H, W] -> [samples, B], nats."""
    z, log_q = q.draw(check.integer("samples", samples))
    logits = model.decode(z.flatten(0, 1))
    log_px = model.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1))).view(samples, len(x))
    return log_px + Normal(0.0, 1.0).log_prob(z).sum(2) - log_q


class FlowVAE(VAE):
    """A VAE whose q(z|x) is a Gaussian bent by `steps` planar steps (Rezende & Mohamed 2015).

    The encoder says for every image where the planes lie and how far each pushes. steps=0 is the VAE. net, likelihood,
    shape: as in `VAE`. `encode` and `code` give mu and log-variance, which without steps would be q's.
    """

    def __init__(self, latent_dim: int, net=None, *, steps: int = 8, likelihood="bernoulli",
                 shape: tuple[int, int, int] = (1, 28, 28)):
        net = nets.mlp(hidden=(512, 256)) if net is None else net
        super().__init__(latent_dim, net, likelihood=likelihood, shape=shape)
        self.steps = check.integer("steps", steps, low=0)
        self.encoder = net.encoder(self.shape, 2 * self.latent_dim + self.steps * (2 * self.latent_dim + 1))

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x) for x [B, C, H, W]."""
        k = self.latent_dim
        gaussian, rest = self.encoder(x).split([2 * k, self.steps * (2 * k + 1)], dim=1)
        rest = rest.view(len(x), self.steps, 2 * k + 1).transpose(0, 1)
        return Posterior(*gaussian.chunk(2, dim=1), rest[..., :k], rest[..., k:2 * k], rest[..., 2 * k])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Where q is moved to and how far it is stretched, each [B, latent_dim]."""
        q = self.posterior(x)
        return q.mu, q.log_var

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-ELBO with one draw per image, in nats per image; the KL is that of the draw, as no closed form exists."""
        z, log_q = (part[0] for part in self.posterior(x).draw(1))
        reconstruction = -self.likelihood.log_prob(self.decode(z), x).mean()
        kl = (log_q - Normal(0.0, 1.0).log_prob(z).sum(1)).mean()
        return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, z) - log q(z|x) for `samples` draws: [samples, B], nats."""
        return log_weights(self, x, self.posterior(x), samples)
