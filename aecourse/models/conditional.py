"""The conditional VAE: a model of p(x|y), which is asked for a class and draws it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal

from aecourse import nets, require
from aecourse.models.base import LatentModel
from aecourse.models.ladder import gaussian_kl
from aecourse.models.posterior import Posterior
from aecourse.models.vae import reparameterize


class OneHot(nn.Module):
    """Labels as rows of zeros with a single one: int64 [B] -> float32 [B, classes]."""

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes

    def forward(self, y: Tensor) -> Tensor:
        return F.one_hot(y, self.classes).float()


def _labels_fit(model, batch: Tensor, y=None) -> None:
    """Raises an error where y is no label for each entry of the batch; reads values only where that can be done."""
    if y is None and model.decoder_label:
        raise ValueError(
            f"y: got None; {type(model).__name__} needs a label for each of the {len(batch)}"
        )
    if y is None:
        return
    if not isinstance(y, Tensor) or y.dtype != torch.int64 or y.shape != (len(batch),):
        raise ValueError(
            f"y: got {require.described(y)}; accepted is a tensor of shape [{len(batch)}], int64: one label each"
        )
    if y.is_cuda and torch.cuda.is_current_stream_capturing():
        return
    low, high = (bound.item() for bound in torch.aminmax(y))
    if low < 0 or high >= model.classes:
        raise ValueError(
            f"y: got labels from {low} to {high}; accepted is 0 to {model.classes - 1}"
        )


class ConditionalVAE(LatentModel):
    """p(z|y), p(x|z, y) and q(z|x, y): a VAE in which every part is told the label y (Sohn, Lee & Yan 2015).

    net            `nets.mlp(...)` or `nets.conv(...)`; the label joins an image as further pixels or as further channels
    classes        how many labels there are, 0 to classes - 1
    embed          how a label becomes numbers: "embedding" (a row of `classes` numbers that is learned), or "one_hot"
    prior          "standard": p(z|y) = N(0, I) for every class. "learned": N(m_y, diag(s_y^2)) with a mean and a variance
                   of its own for each
    decoder_label  whether the decoder is told the label. False needs a learned prior: else nothing would depend on y
    likelihood     p(x|z, y), as in `VAE`
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        classes: int = 10,
        embed: str = "embedding",
        prior: str = "standard",
        decoder_label: bool = True,
        likelihood="bernoulli",
        shape: tuple[int, int, int] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape, likelihood)
        self.classes = require.integer("classes", classes, low=2)
        self.learned = require.choice("prior", prior, ("standard", "learned")) == "learned"
        self.decoder_label = require.choice("decoder_label", decoder_label, (True, False))
        if not self.learned and not decoder_label:
            raise ValueError(
                "decoder_label: got False with a standard prior, so that nothing would depend on the label; "
                "accepted is True, or prior='learned'"
            )
        one_hot = require.choice("embed", embed, ("one_hot", "embedding")) == "one_hot"
        self.label = OneHot(classes) if one_hot else nn.Embedding(classes, classes)
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        self.as_channels = not isinstance(net, nets.MLP)
        joined = (
            (self.shape[0] + classes, *self.shape[1:])
            if self.as_channels
            else (torch.Size(self.shape).numel() + classes,)
        )
        self.encoder = net.encoder(joined, 2 * self.latent_dim)
        self.decoder = net.decoder(self.latent_dim + classes * self.decoder_label, self.shape)
        if self.learned:
            self.prior_mu = nn.Parameter(torch.zeros(classes, self.latent_dim))
            self.prior_log_var = nn.Parameter(torch.zeros(classes, self.latent_dim))

    @property
    def accepts(self) -> dict:
        """What labels must be: whole numbers below the number of classes."""
        return {"labels": (torch.int64, 0, self.classes - 1)}

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        """Image and label as one input: [B, pixels + classes], or for convolutions [B, C + classes, H, W]."""
        label = self.label(y).to(x.dtype)
        if self.as_channels:
            label = label[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x if self.as_channels else x.flatten(1), label], 1)

    @require.checked(_labels_fit)
    def encode(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log-variance of q(z|x, y), each [B, latent_dim], for x [B, C, H, W] and labels y [B]."""
        mu, log_var = self.encoder(self.join(x, y)).chunk(2, dim=1)
        return mu, log_var

    @require.checked(_labels_fit)
    def decode(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """Logits [B, C, H, W] for codes z [B, latent_dim] and labels y [B]."""
        if self.decoder_label:
            z = torch.cat([z, self.label(y).to(z.dtype)], 1)
        return self.decoder(z)

    def prior_of(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of p(z|y), each [B, latent_dim], for labels y [B]: zeros for the standard prior."""
        if self.learned:
            return self.prior_mu[y], self.prior_log_var[y]
        zeros = next(self.parameters()).new_zeros(len(y), self.latent_dim)
        return zeros, zeros

    def posterior(self, x: Tensor, y: Tensor) -> Posterior:
        """q(z|x, y) for x [B, C, H, W] and labels y [B]."""
        return Posterior(*self.encode(x, y))

    def loss(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Minus the conditional ELBO, a bound on -log p(x|y), with one draw of z per image, in nats per image.

        Returns "loss" = "reconstruction" + "kl", where kl is that of q(z|x, y) to p(z|y).
        """
        mu, log_var = self.encode(x, labels)
        z = reparameterize(mu, log_var)
        reconstruction = -self.likelihood.log_prob(self.decode(z, labels), x).mean()
        kl = gaussian_kl(mu, log_var, *self.prior_of(labels)).sum() / len(x)
        return {"loss": reconstruction + kl, "reconstruction": reconstruction, "kl": kl}

    def log_weights(self, x: Tensor, samples: int, labels: Tensor) -> Tensor:
        """log p(x, z|y) - log q(z|x, y) for `samples` draws of z from q: x [B, C, H, W] -> [samples, B], nats."""
        z, log_q = self.posterior(x, labels).draw(require.integer("samples", samples))
        logits = self.decode(z.flatten(0, 1), labels.repeat(samples))
        log_px = self.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1)))
        mean, log_var = self.prior_of(labels)
        log_pz = Normal(mean, torch.exp(0.5 * log_var)).log_prob(z).sum(2)
        return log_px.view(samples, len(x)) + log_pz - log_q

    def code(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean of q(z|x, y) [B, latent_dim]: the style of each image, given its label."""
        return self.encode(x, y)[0]

    def reconstruct(self, x: Tensor, y: Tensor) -> Tensor:
        """x [B, C, H, W] -> code -> image [B, C, H, W], without noise, for labels y [B]."""
        return self.pixels(self.decode(self.code(x, y), y))

    @torch.no_grad()
    def sample(self, n: int, y=None) -> Tensor:
        """`n` images [n, C, H, W] of the class that is asked for: y one label, or labels [n], one for each image."""
        n = require.integer("n", n)
        if y is None:
            raise ValueError(
                f"y: got None; accepted is a label from 0 to {self.classes - 1}, or n labels"
            )
        if not isinstance(y, Tensor) or y.dim() == 0:
            y = torch.full((n,), self._class(y))
        elif y.dim() != 1 or len(y) != n:
            raise ValueError(
                f"y: got {require.described(y)} for n = {n}; accepted is one label, or a tensor [{n}]"
            )
        y = y.to(next(self.parameters()).device)
        codes = next(self.parameters()).new_zeros(n, self.latent_dim)
        _labels_fit(self, codes, y)
        return self.pixels(self.decode(reparameterize(*self.prior_of(y)), y))

    def given(self, y: int) -> GivenClass:
        """p(x|y) for one fixed label: an ordinary model with a standard prior, which every measure takes."""
        return GivenClass(self, self._class(y))

    def _class(self, y) -> int:
        y = require.integer("y", y, low=0)
        if y >= self.classes:
            raise ValueError(f"y: got {y}; accepted is a label from 0 to {self.classes - 1}")
        return y


class GivenClass(LatentModel):
    """A `ConditionalVAE` with the label fixed: p(z) = N(0, I), p(x|z, y), q(z|x, y).

    Where p(z|y) = N(m, s^2) is learned, codes are counted from its mean in units of its width, z = m + s e. No nat
    changes by that: with the label given to the decoder, a Gaussian prior per class is a change of units.
    """

    def __init__(self, model: ConditionalVAE, y: int):
        super().__init__(model.latent_dim, model.shape, model.likelihood)
        self.model, self.y = model, y

    def labels(self, n: int) -> Tensor:
        """The fixed label `n` times, [n]."""
        return torch.full((n,), self.y, device=next(self.model.parameters()).device)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log-variance of q(e|x, y), each [B, latent_dim]."""
        y = self.labels(len(x))
        (mu, log_var), (mean, spread) = self.model.encode(x, y), self.model.prior_of(y)
        return (mu - mean) * torch.exp(-0.5 * spread), log_var - spread

    def decode(self, e: Tensor) -> Tensor:
        """e [B, latent_dim] -> logits [B, C, H, W]."""
        y = self.labels(len(e))
        mean, spread = self.model.prior_of(y)
        return self.model.decode(mean + torch.exp(0.5 * spread) * e, y)

    def posterior(self, x: Tensor) -> Posterior:
        """q(e|x, y) for x [B, C, H, W]."""
        return Posterior(*self.encode(x))

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The terms of the conditional bound for x [B, C, H, W], nats per image."""
        return self.model.loss(x, self.labels(len(x)))

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, z|y) - log q(z|x, y): x [B, C, H, W] -> [samples, B], nats."""
        return self.model.log_weights(x, samples, self.labels(len(x)))
