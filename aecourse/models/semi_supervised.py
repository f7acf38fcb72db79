"""The semi-supervised VAE: class and style are both latent, and a label, where there is one, makes the class certain."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import nets, require
from aecourse.models.base import LatentModel
from aecourse.models.posterior import Posterior
from aecourse.models.vae import kl_divergence, reparameterize


def _labels_given(model, batch: Tensor, y) -> None:
    """Raises an error where y is no class for each entry of the batch; reads values only where that can be done."""
    if not isinstance(y, Tensor) or y.dtype != torch.int64 or y.shape != (len(batch),):
        raise ValueError(
            f"y: got {require.described(y)}; accepted is a tensor of shape [{len(batch)}], int64: one class each"
        )
    if y.is_cuda and torch.cuda.is_current_stream_capturing():
        return
    low, high = (bound.item() for bound in torch.aminmax(y))
    if low < 0 or high >= model.classes:
        raise ValueError(
            f"y: got classes from {low} to {high}; accepted is 0 to {model.classes - 1}"
        )


class M2(LatentModel):
    """p(y) p(z) p(x|y, z): images without a label teach it, too (Kingma, Rezende, Mohamed & Welling 2014, model M2).

    net         `nets.mlp(...)` or `nets.conv(...)`, for q(y|x), for q(z|x, y) and for the decoder
    classes     how many there are, equally probable: p(y) = 1 / classes. A label is 0 to classes - 1, or -1 where none is known
    alpha       weight of the cross-entropy that teaches q(y|x) the labels: the bound of a labelled image does not contain q(y|x)
    likelihood  p(x|y, z), as in `VAE`

    The encoder answers for all classes at once: q(z|x, y) are `classes` Gaussians. On the codes of a VAE, with `shape=(k,)`
    and `likelihood=Gaussian(...)`, this is the paper's M1+M2.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        classes: int = 10,
        alpha: float = 10.0,
        likelihood="bernoulli",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape, likelihood)
        self.classes = require.integer("classes", classes, low=2)
        self.alpha = require.number("alpha", alpha, low=0)
        net = nets.given(net, nets.mlp(hidden=(256,)))
        self.classifier = net.encoder(self.shape, self.classes)
        self.encoder = net.encoder(self.shape, self.classes * 2 * self.latent_dim)
        self.decoder = net.decoder(self.latent_dim + self.classes, self.shape)

    @property
    def accepts(self) -> dict:
        """What labels must be: whole numbers below the number of classes, or -1 where none is known."""
        return {"labels": (torch.int64, -1, self.classes - 1)}

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log-variance of q(z|x, y) for every class y, each [B, classes, latent_dim], for x [B, C, H, W]."""
        mu, log_var = self.encoder(x).view(len(x), self.classes, -1).chunk(2, dim=2)
        return mu, log_var

    @require.checked(_labels_given)
    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Logits [B, C, H, W] for codes z [B, latent_dim] and classes y [B]."""
        return self.decoder(torch.cat([z, F.one_hot(y, self.classes).to(z.dtype)], 1))

    def class_bounds(self, x: Tensor) -> Tensor:
        """Bounds on log p(x, y) for every class y, with one draw of z each: x [B, C, H, W] -> nats [B, classes]."""
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var).flatten(0, 1)
        y = torch.eye(self.classes, device=z.device, dtype=z.dtype).repeat(len(x), 1)
        logits = self.decoder(torch.cat([z, y], 1))
        log_px = self.likelihood.log_prob(logits, x.repeat_interleave(self.classes, 0))
        kl = kl_divergence(mu, log_var).sum(2)
        return log_px.view(len(x), self.classes) - math.log(self.classes) - kl

    def loss(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Minus the bound on log p(x, y), or on log p(x) where the label is -1, plus alpha times the cross-entropy of q(y|x).

        Returns "loss" = "bound" + alpha * "cross_entropy", in nats per image; the second is averaged over those of the
        batch that have a label, and 0 where none has.
        """
        known = labels >= 0
        label = F.one_hot(labels.clamp_min(0), self.classes).to(x.dtype)
        log_q = self.classifier(x).log_softmax(1)
        weights = torch.where(known[:, None], label, log_q.exp())
        entropy = torch.where(known, 0.0, -(log_q.exp() * log_q).sum(1))
        bound = -((weights * self.class_bounds(x)).sum(1) + entropy).mean()
        wrong = -(label * log_q).sum(1) * known
        cross_entropy = wrong.sum() / known.sum().clamp_min(1)
        loss = bound + self.alpha * cross_entropy
        return {"loss": loss, "bound": bound, "cross_entropy": cross_entropy}

    def probabilities(self, x: Tensor) -> Tensor:
        """q(y|x): x [B, C, H, W] -> [B, classes]."""
        return self.classifier(x).softmax(1)

    @require.checked(_labels_given)
    def posterior(self, x: Tensor, y: Tensor) -> Posterior:
        """q(z|x, y) for x [B, C, H, W] and classes y [B]."""
        mu, log_var = self.encode(x)
        rows = torch.arange(len(x), device=x.device)
        return Posterior(mu[rows, y], log_var[rows, y])

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, y, z) - log q(y, z|x) for draws of y and z from q: x [B, C, H, W] -> [samples, B], nats."""
        samples = require.integer("samples", samples)
        log_q = self.classifier(x).log_softmax(1)
        y = torch.multinomial(log_q.exp(), samples, replacement=True).T  # [samples, B]
        repeated = x.repeat(samples, *[1] * (x.dim() - 1))
        z, log_qz = self.posterior(repeated, y.flatten()).draw(1)
        logits = self.decode(z[0], y.flatten())
        log_pz = torch.distributions.Normal(0.0, 1.0).log_prob(z[0]).sum(1)
        inner = self.likelihood.log_prob(logits, repeated) + log_pz - log_qz[0]
        return inner.view(samples, -1) - math.log(self.classes) - log_q.T.gather(0, y)

    def code(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean of q(z|x, y) [B, latent_dim]: what is left to say of each image, given its class."""
        return self.posterior(x, y).mu

    def reconstruct(self, x: Tensor, y: Tensor) -> Tensor:
        """x [B, C, H, W] -> code -> image [B, C, H, W], without noise, for classes y [B]."""
        return self.pixels(self.decode(self.code(x, y), y))

    @torch.no_grad()
    def sample(self, n: int, y: int | None = None) -> Tensor:
        """`n` images [n, C, H, W], of the class y, or each of a class drawn from p(y)."""
        first = next(self.parameters())
        z = torch.randn(
            require.integer("n", n), self.latent_dim, device=first.device, dtype=first.dtype
        )
        if y is None:
            chosen = torch.randint(self.classes, (n,)).to(first.device)
        else:
            chosen = torch.full((n,), require.integer("y", y, low=0), device=first.device)
        return self.pixels(self.decode(z, chosen))
