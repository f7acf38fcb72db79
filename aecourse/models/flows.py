"""A VAE with a posterior richer than a Gaussian."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Normal

from aecourse import nets, require
from aecourse.models.posterior import Posterior, log_weights
from aecourse.models.vae import VAE


class FlowVAE(VAE):
    """A VAE whose q(z|x) is a Gaussian bent by `steps` planar steps (Rezende & Mohamed 2015).

    The encoder says for every image where the planes lie and how far each pushes. steps=0 is the VAE. net, likelihood,
    shape: as in `VAE`. `encode` and `code` give mu and log-variance, which without steps would be q's.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        steps: int = 8,
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        super().__init__(latent_dim, net, likelihood=likelihood, shape=shape)
        self.steps = require.integer("steps", steps, low=0)
        self.encoder = net.encoder(
            self.shape, 2 * self.latent_dim + self.steps * (2 * self.latent_dim + 1)
        )

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x) for x [B, C, H, W]."""
        k = self.latent_dim
        gaussian, rest = self.encoder(x).split([2 * k, self.steps * (2 * k + 1)], dim=1)
        rest = rest.view(len(x), self.steps, 2 * k + 1).transpose(0, 1)
        return Posterior(
            *gaussian.chunk(2, dim=1),
            rest[..., :k],  # pyright: ignore[reportCallIssue]
            rest[..., k : 2 * k],  # pyright: ignore[reportCallIssue]
            rest[..., 2 * k],  # pyright: ignore[reportCallIssue]
        )

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
