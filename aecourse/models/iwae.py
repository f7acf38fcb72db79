"""Several draws per image: the importance-weighted bound, and the gradient that its encoder should get."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Normal

from aecourse import require
from aecourse.models.vae import VAE


def log_mean_weight(log_w: Tensor) -> Tensor:
    """log 1/K sum_k w_k from log-weights [K, B]: nats [B]. On average a lower bound on log p(x) that rises with K.

    Source: Burda, Grosse & Salakhutdinov 2016, equation 8. Nothing under- or overflows.
    """
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


class IWAE(VAE):
    """A VAE trained on the bound of `samples` weighted draws per image (Burda, Grosse & Salakhutdinov 2016).

    estimator: where the encoder's gradient comes from. "iwae" differentiates the bound itself. "dreg" has the same
    mean: it follows the draws only, with their normalised weights squared (Tucker et al. 2019, equation 8). The decoder's
    gradient is the bound's own in both. net, likelihood, shape: as in `VAE`. Both `samples` and `estimator`
    may be changed on the model.
    """

    samples = require.Setting(require.integer)
    estimator = require.Setting(partial(require.choice, options=("iwae", "dreg")))

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        samples: int = 5,
        estimator: str = "iwae",
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, net, likelihood=likelihood, shape=shape)
        self.samples, self.estimator = samples, estimator

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Minus the bound, in nats per image; "elbo_loss" is what the same draws say of -ELBO, for comparison."""
        log_w = self._draw(x, along_path=self.estimator == "dreg")
        bound = log_mean_weight(log_w).mean()
        elbo_loss = -log_w.detach().mean()
        if self.estimator == "iwae":
            return {"loss": -bound, "elbo_loss": elbo_loss}
        share = torch.softmax(log_w.detach(), 0)  # [K, B], each image's sum to 1
        surrogate = (share * log_w).sum(0).mean()  # the bound's gradient, not its value
        loss = -(bound.detach() + surrogate - surrogate.detach())
        return {"loss": loss, "elbo_loss": elbo_loss}

    def _draw(self, x: Tensor, along_path: bool) -> Tensor:
        """log-weights [samples, B]. Along the path: q's own parameters get no gradient but through z, and that is
        multiplied, on its way back to the encoder, by the share that the draw has in the sum of weights."""
        mu, log_var = self.encode(x)
        eps = torch.randn((self.samples, *mu.shape), device=mu.device, dtype=mu.dtype)
        z = mu + torch.exp(0.5 * log_var) * eps
        if along_path:
            mu, log_var = mu.detach(), log_var.detach()
        repeated = x.repeat(self.samples, *[1] * (x.dim() - 1))
        log_px = self.likelihood.log_prob(self.decode(z.flatten(0, 1)), repeated)
        log_pz = Normal(0.0, 1.0).log_prob(z).sum(2)
        log_qz = Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).sum(2)
        log_w = log_px.view_as(log_pz) + log_pz - log_qz
        if along_path and z.requires_grad:
            share = torch.softmax(log_w.detach(), 0)
            z.register_hook(lambda grad: (grad * share[:, :, None]).to(grad.dtype))
        return log_w
