"""Models of data with holes: what was observed is scored, and what is missing is filled in.

A batch has two columns, x [B, ...] and mask [B, ...] of the same shape, torch.bool, True where x was observed. What stands
in x where the mask is False is never read.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Normal

from aecourse import nets, require
from aecourse.models.autoencoder import OUTPUTS
from aecourse.models.autoregressive import Autoregressive
from aecourse.models.base import LatentModel, Model
from aecourse.models.denoising import Masking
from aecourse.models.iwae import log_mean_weight
from aecourse.models.likelihoods import Multinomial
from aecourse.models.posterior import Posterior

COLUMNS = {"mask": (torch.bool, False, True)}


def mask_fits(x, mask) -> None:
    """Raises an error where `mask` is no mask of `x`, or leaves a row without a single observed value."""
    accepted = "a tensor of the shape of x, torch.bool, True where x was observed"
    if not isinstance(mask, Tensor):
        raise TypeError(f"mask: got {require.described(mask)}; accepted is {accepted}")
    if mask.dtype != torch.bool or mask.shape != x.shape:
        raise ValueError(
            f"mask: got {require.described(mask)} for x of shape {list(x.shape)}; accepted is {accepted}"
        )
    if mask.is_cuda and torch.cuda.is_current_stream_capturing():
        return
    if empty := int((mask.flatten(1).sum(1) == 0).sum()):
        raise ValueError(
            f"mask: got {empty} of {len(mask)} rows without an observed value; accepted is at least one in each row"
        )


def _given(model, x, mask, *_, **__) -> None:
    mask_fits(x, mask)


def seen(x: Tensor, mask: Tensor) -> Tensor:
    """What a network is shown of x [B, C, ...]: zeros in the holes, and the mask behind it: [B, 2 C, ...]."""
    return torch.cat([torch.where(mask, x, 0.0), mask.to(x.dtype)], 1)


def observed_log_prob(likelihood, logits: Tensor, x: Tensor, mask: Tensor) -> Tensor:
    """log p(x_observed | z), a sum over what was observed: logits [K, B, ...], x and mask [B, ...] -> nats [K, B]."""
    x = torch.where(mask, x, 0.0).expand_as(logits)
    each = likelihood.log_prob(logits.reshape(-1, 1), x.reshape(-1, 1)).view(*logits.shape[:2], -1)
    return (each * mask.flatten(1)).sum(2)


class MIWAE(LatentModel):
    """A VAE of rows with holes, trained on the bound of log p(x_observed) with `samples` weighted draws.

    net, likelihood, shape: as in `VAE`; for tables `models.Gaussian(learned=True, squash=False)`. The encoder is shown
    `seen(x, mask)`. `samples` may be changed on the model.

    Source: Mattei & Frellsen 2019, equation 4 (the bound), 11 and 12 (single imputation) and section 3.3 (multiple).
    There the encoder is shown the zeros without the mask.
    """

    samples = require.Setting(require.integer)
    accepts = COLUMNS

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        samples: int = 5,
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape, likelihood)
        if isinstance(self.likelihood, (Multinomial, Autoregressive)):
            raise ValueError(
                f"likelihood: got {type(self.likelihood).__name__}, whose entries depend on each other; accepted is one that "
                "treats every entry on its own, so that those in the holes can be left out"
            )
        self.samples = samples
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        self.encoder = net.encoder((2 * self.shape[0], *self.shape[1:]), 2 * self.latent_dim)
        self.decoder = net.decoder(self.latent_dim, self.shape)

    def encode(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log-variance of q(z|x_observed), each [B, latent_dim], for x and mask [B, ...]."""
        mu, log_var = self.encoder(seen(x, mask)).chunk(2, dim=1)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, ...], of the observed and of the missing alike."""
        return self.decoder(z)

    @require.checked(_given)
    def posterior(self, x: Tensor, mask: Tensor) -> Posterior:
        """q(z|x_observed) for x and mask [B, ...]."""
        return Posterior(*self.encode(x, mask))

    def loss(self, x: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Minus the bound on log p(x_observed), in nats per row; "elbo_loss" is what the same draws say of -ELBO."""
        log_w = self.log_weights(x, self.samples, mask)
        return {"loss": -log_mean_weight(log_w).mean(), "elbo_loss": -log_w.detach().mean()}

    def log_weights(self, x: Tensor, samples: int, mask: Tensor) -> Tensor:
        """log p(x_observed, z) - log q(z|x_observed) for `samples` draws of z: nats [samples, B]."""
        return self.weighted(x, mask, samples)[0]

    def weighted(self, x: Tensor, mask: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """Draws of z from q(z|x_observed): their log-weights [samples, B] and logits [samples, B, ...]."""
        z, log_q = self.posterior(x, mask).draw(require.integer("samples", samples))
        logits = self.decode(z.flatten(0, 1)).view(*z.shape[:2], *x.shape[1:])
        log_px = observed_log_prob(self.likelihood, logits, x, mask)
        return log_px + Normal(0.0, 1.0).log_prob(z).sum(2) - log_q, logits

    def impute(self, x: Tensor, mask: Tensor, samples: int = 200) -> Tensor:
        """x [B, ...] with the mean of p(x_missing|x_observed) in the holes, by `samples` weighted draws."""
        log_w, logits = self.weighted(x, mask, samples)
        share = torch.softmax(log_w, 0)
        mean = torch.einsum("kb,kb...->b...", share, self.pixels(logits))
        return torch.where(mask, x, mean)

    def draw(
        self, x: Tensor, mask: Tensor, draws: int = 10, samples: int = 200, noise: bool = True
    ) -> Tensor:
        """`draws` completions of x, as p(x_missing|x_observed) has them: [draws, B, ...].

        Of `samples` codes, `draws` are chosen with their weights as chances. noise: whether the holes get a draw from
        p(x|z); without it they get its mean, for pictures without grain.
        """
        log_w, logits = self.weighted(x, mask, samples)
        draws = require.integer("draws", draws)
        chosen = torch.multinomial(torch.softmax(log_w, 0).T, draws, replacement=True).T
        logits = logits[chosen, torch.arange(len(x), device=x.device)]
        fill = self.likelihood.sample if noise else self.pixels
        return torch.where(mask, x, fill(logits))

    def code(self, x: Tensor, *, mask: Tensor) -> Tensor:
        """The mean of q(z|x_observed) [B, latent_dim]."""
        return self.encode(x, mask)[0]

    def reconstruct(self, x: Tensor, mask: Tensor) -> Tensor:
        """x and mask [B, ...] -> code -> every entry [B, ...], without noise."""
        return self.pixels(self.decode(self.code(x, mask=mask)))


class MaskDenoiser(Model):
    """A denoising autoencoder of rows with holes: it hides more of what was observed, and is asked for that.

    hide: which share of a row is hidden at each visit, a `Masking`; for rows that are no images every column on its own.
    output: "sigmoid", "tanh" or "identity", as in `Autoencoder`. The network is shown `seen(x, mask)`, gives every entry,
    and is scored by the squared error of those that were observed and hidden. What it learns is the mean of an entry
    given what is left of the row (Vincent et al. 2008; for tables Gondara & Wang 2018).
    """

    accepts = COLUMNS

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        hide: Masking | None = None,
        output: str = "sigmoid",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape)
        if hide is not None and not isinstance(hide, Masking):
            raise TypeError(
                f"hide: got {require.described(hide)}; accepted is a Masking such as Masking(0.5)"
            )
        self.hide = Masking((0.1, 0.9)) if hide is None else hide
        self.output = require.choice("output", output, OUTPUTS)
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        self.encoder = net.encoder((2 * self.shape[0], *self.shape[1:]), self.latent_dim)
        self.decoder = net.decoder(self.latent_dim, self.shape)

    def encode(self, x: Tensor, mask: Tensor) -> Tensor:
        """x and mask [B, ...] -> codes [B, latent_dim]."""
        return self.encoder(seen(x, mask))

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, ...]."""
        return self.decoder(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The logits, passed through the output function."""
        return OUTPUTS[self.output](logits)

    @require.checked(_given)
    def loss(self, x: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The squared error of what was observed and is now hidden, summed over a row."""
        image = x if x.dim() == 4 else x.flatten(1)[:, None, None]
        kept = mask & (self.hide.kept(image) > 0).expand_as(image).reshape(x.shape)
        error = (self.reconstruct(x, kept) - torch.where(mask, x, 0.0)).square()
        return {"loss": torch.where(mask & ~kept, error, 0.0).sum() / len(x)}

    @require.checked(_given)
    def impute(self, x: Tensor, mask: Tensor) -> Tensor:
        """x [B, ...] with the network's answers in the holes."""
        return torch.where(mask, x, self.reconstruct(x, mask))

    def code(self, x: Tensor, *, mask: Tensor) -> Tensor:
        """The code [B, latent_dim] of what was observed."""
        return self.encode(x, mask)

    def reconstruct(self, x: Tensor, mask: Tensor) -> Tensor:
        """x and mask [B, ...] -> code -> every entry [B, ...]."""
        return self.pixels(self.decode(self.encode(x, mask)))
