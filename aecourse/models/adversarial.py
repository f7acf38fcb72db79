"""The adversarial autoencoder: all codes together are compared with draws of a prior, by a judge that learns or by a kernel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets, require
from aecourse.models import priors
from aecourse.models.autoencoder import ERRORS, Autoencoder
from aecourse.models.discrepancy import inverse_multiquadratic, mmd

PENALTIES = ("adversarial", "mmd")


class Reversal(torch.autograd.Function):
    """Nothing on the way forward, minus `strength` on the way back."""

    @staticmethod
    def forward(ctx, z, strength):
        ctx.strength = strength
        return z.view_as(z)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def reverse_gradient(z: Tensor, strength: float | Tensor = 1.0) -> Tensor:
    """z itself on the way forward; on the way back the gradient, times -strength (a number, or one for each row [N, 1]).

    What comes after it descends a loss, what comes before it ascends the same loss, in one backward pass.
    Source: Ganin & Lempitsky 2015; Ganin et al. 2016, section 4.2.
    """
    return Reversal.apply(z, strength)


def judge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The judge's cross-entropy in nats, from its logits for real [N] and fake [M]: log 2 = 0.693 where it can only guess.

    softplus(-l) is -log sigmoid(l), the surprise at "real"; softplus(l) that at "fake". Each kind counts half.
    """
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def judge(inputs: int, hidden: tuple[int, ...] = (256, 256)) -> nn.Sequential:
    """A discriminator: points [N, inputs] -> one logit each, positive for "real" [N, 1]."""
    widths = [inputs, *require.sizes("judge", hidden), 1]
    layers = [m for a, b in zip(widths, widths[1:]) for m in (nn.Linear(a, b), nn.GELU())]
    return nn.Sequential(*layers[:-1])


class AdversarialAutoencoder(Autoencoder):
    """An autoencoder whose codes, all together, are to look like draws of a prior (Makhzani et al. 2015).

    latent_dim   how many numbers a code has; 2 for the priors that lie in the plane
    net          `nets.mlp(...)` or `nets.conv(...)`
    prior        "gaussian" (N(0, I)), "mixture" (ten clouds), "swiss_roll", or any function n -> codes [n, latent_dim]
    penalty      "adversarial": a judge learns to tell codes from draws of the prior, and the encoder to deceive it;
                 "mmd": the maximum mean discrepancy of the two, without a judge (the WAE-MMD of Tolstikhin et al. 2018)
    weight       how strongly the encoder is pulled to the prior, beside the reconstruction in nats
    judge        hidden widths of the judge
    error        "bce", "mse" or "l1", as in `Autoencoder`
    shape        of one image, (C, H, W)
    """

    def __init__(
        self,
        latent_dim: int = 2,
        net=None,
        *,
        prior="gaussian",
        penalty: str = "adversarial",
        weight: float | None = None,
        judge: tuple[int, ...] = (256, 256),
        error: str = "bce",
        shape: tuple[int, int, int] = (1, 28, 28),
    ):
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        super().__init__(latent_dim, net, error=error, shape=shape)
        self.prior = priors.given(prior, self.latent_dim)
        self.penalty = require.choice("penalty", penalty, PENALTIES)
        default = {"adversarial": 30.0, "mmd": 100.0}[self.penalty]
        self.weight = default if weight is None else require.number("weight", weight, low=0)
        if self.penalty == "adversarial":
            self.judge = globals()["judge"](self.latent_dim, judge)

    def draw(self, n: int) -> Tensor:
        """`n` codes of the prior [n, latent_dim], on the model's device."""
        like = next(self.parameters())
        return priors.draw(self.prior, require.integer("n", n), self.latent_dim, like)

    def reconstruction(self, z: Tensor, x: Tensor) -> Tensor:
        """The error of what the decoder makes of codes z [B, latent_dim], summed over pixels, averaged over the batch."""
        logits = self.decode(z)
        if self.error == "bce":
            return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        return ERRORS[self.error](self.pixels(logits), x) / len(x)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Reconstruction in nats, and how the codes compare with the prior, for x [B, C, H, W].

        "judge" is the judge's cross-entropy, which the judge lowers and the encoder raises, or "mmd" the squared
        discrepancy. With a judge, "loss" is no number that falls: two players pull at it.
        """
        z = self.encode(x)
        reconstruction = self.reconstruction(z, x)
        wanted = self.draw(len(z))
        if self.penalty == "mmd":
            apart = mmd(z, wanted, inverse_multiquadratic(2 * self.latent_dim))
            return {
                "loss": reconstruction + self.weight * apart,
                "reconstruction": reconstruction,
                "mmd": apart,
            }
        fake = self.judge(reverse_gradient(z, self.weight))
        told = judge_loss(self.judge(wanted), fake)
        return {"loss": reconstruction + told, "reconstruction": reconstruction, "judge": told}

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` images [n, C, H, W] decoded from codes drawn from the model's own prior."""
        return self.pixels(self.decode(self.draw(n)))
