"""Latent variables on several levels: each level is drawn given the one above it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from aecourse import nets, require
from aecourse.models.base import Model
from aecourse.models.likelihoods import likelihood as as_likelihood
from aecourse.models.vae import reparameterize


def gaussian_kl(mu: Tensor, log_var: Tensor, prior_mu: Tensor, prior_log_var: Tensor) -> Tensor:
    """KL(N(mu, exp(log_var)) || N(prior_mu, exp(prior_log_var))) of every latent, elementwise, in nats."""
    excess = log_var - prior_log_var
    return 0.5 * (excess.exp() + (mu - prior_mu).square() * torch.exp(-prior_log_var) - 1 - excess)


def merge(
    mu_a: Tensor, log_var_a: Tensor, mu_b: Tensor, log_var_b: Tensor
) -> tuple[Tensor, Tensor]:
    """Two Gaussian estimates of one number as one: precisions (1 / variance) add up, means are weighted by them.

    It is the normalised product of the densities. Source: Sønderby et al. 2016, equations 17 to 19.
    """
    log_var = -torch.logaddexp(-log_var_a, -log_var_b)
    share = torch.exp(log_var - log_var_a)  # what the first has of the precision
    return share * mu_a + (1 - share) * mu_b, log_var


class LadderVAE(Model):
    """p(z_L) = N(0, I), p(z_i | z_i+1) Gaussian, p(x | z_1); q goes down the same ladder (Sønderby et al. 2016).

    latent_dims: how many latents on each level, the lowest (which the decoder reads) first. On the way up mean
    and variance of each level's latents are predicted from the image; on the way down they are merged with what the level
    above predicts, precision by precision. widths: features per level on the way up, which are batch-normalised; without
    this, ladders train badly. net: from the image to the lowest features, and
    from z_1 to the image. `latent_dim` is that of z_1. beta: the weight of the KL term, of all levels alike.
    """

    def __init__(
        self,
        latent_dims: tuple[int, ...] = (20, 10),
        net=None,
        *,
        widths: tuple[int, ...] | None = None,
        likelihood="bernoulli",
        beta: float = 1.0,
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        dims = require.sizes("latent_dims", latent_dims, empty=False)
        widths = require.sizes("widths", (200,) * len(dims) if widths is None else widths)
        if len(widths) != len(dims):
            raise ValueError(
                f"widths: got {len(widths)} numbers; accepted is one for each of the {len(dims)} levels"
            )
        super().__init__(dims[0], shape)
        self.latent_dims, self.beta = dims, require.number("beta", beta, low=0)
        self.likelihood = as_likelihood(likelihood)
        self.input_range = getattr(self.likelihood, "input_range", None)
        net = nets.given(net, nets.mlp(hidden=(200,)))
        up = [
            net.encoder(self.shape, widths[0]),
            *(nn.Linear(a, b) for a, b in zip(widths, widths[1:])),
        ]
        self.up = nn.ModuleList(
            nn.Sequential(part, nn.BatchNorm1d(width), nn.ReLU()) for part, width in zip(up, widths)
        )
        self.opinion = nn.ModuleList(nn.Linear(width, 2 * k) for width, k in zip(widths, dims))
        self.down = nn.ModuleList(
            nn.Sequential(nn.Linear(above, width), nn.ReLU(), nn.Linear(width, 2 * k))
            for k, above, width in zip(dims, dims[1:], widths[1:])
        )
        self.decoder = net.decoder(dims[0], self.shape)

    def opinions(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The way up: what the image alone says of each level, (mu, log_var), lowest first."""
        features, said = x, []
        for up, opinion in zip(self.up, self.opinion):
            features = up(features)
            said.append(tuple(opinion(features).chunk(2, dim=-1)))
        return said

    def prior(self, level: int, above: Tensor | None, like: Tensor) -> tuple[Tensor, Tensor]:
        """p(z_level | z above): mu and log-variance; the top level's is N(0, I), shaped as `like`."""
        if above is None:
            return torch.zeros_like(like), torch.zeros_like(like)
        mu, log_var = self.down[level](above).chunk(2, dim=-1)
        return mu, log_var

    def descend(self, opinions, draw=reparameterize) -> list[dict[str, Any]]:
        """The way down, top first: per level z, and mu, log_var of q and of the prior it is held against.

        draw: how z comes from mu and log_var; `lambda mu, log_var: mu` takes the mean.
        """
        steps: list[dict[str, Any]] = []
        above: Any = None
        for level in reversed(range(len(opinions))):
            prior = self.prior(level, above, opinions[level][0])
            q = (
                opinions[level] if above is None else merge(*opinions[level], *prior)  # pyright: ignore[reportCallIssue]
            )
            above = draw(*q)
            steps.append({"z": above, "q": q, "prior": prior})
        return steps

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log-variance of q(z_1 | x, z_2), with the levels above at their means: each [B, latent_dim]."""
        return self.descend(self.opinions(x), lambda mu, log_var: mu)[-1]["q"]

    def code(self, x: Tensor) -> Tensor:
        """The mean of z_1 [B, latent_dim]."""
        return self.encode(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """z_1 [B, latent_dim] -> logits [B, C, H, W]."""
        return self.decoder(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The mean image of p(x|z_1)."""
        return self.likelihood.mean(logits)

    def loss(self, x: Tensor, beta=None) -> dict[str, Tensor]:
        """-ELBO with one draw per image and level, in nats per image; "kl_1", "kl_2", ... say what each level costs."""
        steps = self.descend(self.opinions(x))
        reconstruction = -self.likelihood.log_prob(self.decode(steps[-1]["z"]), x).mean()
        kls = {
            f"kl_{len(steps) - i}": gaussian_kl(*step["q"], *step["prior"]).sum() / len(x)
            for i, step in enumerate(steps)
        }
        kl = sum(kls.values(), start=reconstruction.new_zeros(()))
        return {
            "loss": reconstruction + (self.beta if beta is None else beta) * kl,
            "reconstruction": reconstruction,
            "kl": kl,
            **dict(sorted(kls.items())),
        }

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, z_1, .., z_L) - log q(z_1, .., z_L | x) for `samples` draws of all levels: [samples, B], nats."""
        many = [
            tuple(part.expand(samples, *part.shape) for part in pair) for pair in self.opinions(x)
        ]
        steps = self.descend(many)
        logits = self.decode(steps[-1]["z"].flatten(0, 1))
        log_w = self.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1))).view(
            samples, len(x)
        )
        for step in steps:
            for sign, (mu, log_var) in ((1, step["prior"]), (-1, step["q"])):
                log_w = log_w + sign * Normal(mu, torch.exp(0.5 * log_var)).log_prob(step["z"]).sum(
                    2
                )
        return log_w

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` images [n, C, H, W], drawn level by level from the top."""
        first = next(self.parameters())
        noise = [
            torch.randn(require.integer("n", n), k, device=first.device, dtype=first.dtype)
            for k in self.latent_dims
        ]
        return self.pixels(self.decode(self._fall(noise)))

    @torch.no_grad()
    def redraw(self, x: Tensor, level: int) -> Tensor:
        """The image with one level's chance drawn anew and every other level's kept: x [B, C, H, W] -> [B, C, H, W].

        Each level is z = prior mean + prior sigma * e, with an e that is N(0, I) under the prior. The e of the image are
        read off q's means; that of `level` (1 is the lowest) is replaced by a fresh one, and all fall down the ladder again.
        """
        if require.integer("level", level) > len(self.latent_dims):
            raise ValueError(
                f"level: got {level}; accepted is a level from 1 to {len(self.latent_dims)}"
            )
        steps = self.descend(self.opinions(x), lambda mu, log_var: mu)[::-1]
        noise = [
            (step["z"] - step["prior"][0]) * torch.exp(-0.5 * step["prior"][1]) for step in steps
        ]
        noise[level - 1] = torch.randn_like(noise[level - 1])
        return self.pixels(self.decode(self._fall(noise)))

    def _fall(self, noise: list[Tensor]) -> Tensor:
        """z_1 from the noise of every level, lowest first."""
        above = None
        for level in reversed(range(len(noise))):
            mu, log_var = self.prior(level, above, noise[level])
            above = mu + torch.exp(0.5 * log_var) * noise[level]
        assert above is not None, "a ladder has one level at least"
        return above
