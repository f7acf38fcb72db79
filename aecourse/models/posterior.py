"""q(z|x), the encoder's answer: draws from a Gaussian, bent step by step or not, with the density still known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from aecourse import require


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

    @property
    def gaussian(self) -> bool:
        """Whether nothing is bent, so that mu and log_var are q's mean and log-variance."""
        return self.u is None or not len(self.u)

    def draw(self, samples: int) -> tuple[Tensor, Tensor]:
        """`samples` draws per image and what they are worth: z [samples, B, k], log q(z|x) [samples, B]."""
        e = torch.randn(samples, *self.mu.shape, device=self.mu.device, dtype=self.mu.dtype)
        log_q = Normal(0.0, 1.0).log_prob(e).sum(2) - 0.5 * self.log_var.sum(1)
        bends = (
            () if self.u is None or self.w is None or self.b is None else (self.u, self.w, self.b)
        )
        for u, w, b in zip(*bends):
            e, log_det = planar(e, u, w, b)
            log_q = log_q - log_det  # stretched space is thinner
        return self.mu + torch.exp(0.5 * self.log_var) * e, log_q


def log_weights(model, x: Tensor, q: Posterior, samples: int) -> Tensor:
    """log p(x, z) - log q(z|x) for draws from any `q`, with the model's decoder: x [B, C, H, W] -> [samples, B], nats."""
    z, log_q = q.draw(require.integer("samples", samples))
    logits = model.decode(z.flatten(0, 1))
    log_px = model.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1))).view(
        samples, len(x)
    )
    return log_px + Normal(0.0, 1.0).log_prob(z).sum(2) - log_q
