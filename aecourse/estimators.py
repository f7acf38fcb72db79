"""Gradients of expectations: two estimators of d/dtheta E[f(z)] for z ~ q_theta, and a VAE trained with the noisier one.

Both return one estimate per draw; their mean estimates the gradient, their variance says how well one draw does.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from aecourse import require
from aecourse.models.vae import VAE, kl_divergence, reparameterize

Function = Callable[[Tensor], Tensor]  # f: draws [n] -> values [n]
Family = Callable[[Tensor], Distribution]  # theta [n] -> n distributions q_theta


def pathwise(f: Function, q: Family, theta: Tensor, n: int) -> Tensor:
    """df(z)/dtheta through the draw z itself, for `n` draws from q(theta) with theta a scalar: [n].

    Needs an f with a derivative and a q with `rsample`. Source: Kingma & Welling 2014, section 2.4.
    """
    thetas = _copies(theta, n)
    z = q(thetas).rsample()
    return torch.autograd.grad(f(z).sum(), thetas)[0]


def score_function(f: Function, q: Family, theta: Tensor, n: int, baseline: float = 0.0) -> Tensor:
    """(f(z) - baseline) dlog q(z)/dtheta, for `n` draws from q(theta) with theta a scalar: [n].

    Needs only the values of f and a q with `log_prob`. Source: Williams 1992 (REINFORCE).
    """
    thetas = _copies(theta, n)
    z = q(thetas).sample()
    score = torch.autograd.grad(q(thetas).log_prob(z).sum(), thetas)[0]
    return (f(z) - baseline) * score


def _copies(theta: Tensor, n: int) -> Tensor:
    """One copy of theta per draw, so that the gradients of the draws stay apart: [n]."""
    return theta.detach().expand(require.integer("n", n)).clone().requires_grad_()


class ScoreFunctionVAE(VAE):
    """The VAE, except that its encoder learns of the reconstruction by the score function, as if z could not be differentiated.

    baseline: "none", or "others" for the mean of log p(x|z) over the other images of the batch. The KL term keeps its
    closed form, and the decoder its ordinary gradient (Mnih & Gregor 2014, with a simpler baseline).
    net, likelihood, shape: as in `VAE`.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        baseline: str = "others",
        likelihood="bernoulli",
        shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__(latent_dim, net, likelihood=likelihood, shape=shape)
        self.baseline = require.choice("baseline", baseline, ("none", "others"))

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-ELBO in nats per image, as in `VAE.loss`; only the gradient of the encoder is estimated otherwise."""
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var).detach()  # a mere draw
        log_px = self.likelihood.log_prob(self.decode(z), x)
        log_qz = Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).sum(1)
        signal = log_px.detach()
        if self.baseline == "others":
            others = (signal.sum() - signal) / max(len(x) - 1, 1)
            signal = signal - others
        estimator = (signal * (log_qz - log_qz.detach())).mean()
        reconstruction = -log_px.mean()
        kl = kl_divergence(mu, log_var).sum() / len(x)
        return {"loss": reconstruction - estimator + kl, "reconstruction": reconstruction, "kl": kl}
