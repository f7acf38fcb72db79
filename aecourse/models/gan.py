"""A small GAN: a decoder without an encoder, trained by nothing but a judge's opinion of its samples."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from aecourse import nets, require
from aecourse.models.adversarial import judge_loss
from aecourse.models.base import Model


def frozen(network: nn.Module, x: Tensor) -> Tensor:
    """network(x), through which gradients reach x and what comes before it, but not the network's own weights."""
    weights = {name: value.detach() for name, value in network.named_parameters()}
    return functional_call(network, weights, (x,))


class GAN(Model):
    """A generator that draws from noise, and a judge that tells its samples from data (Goodfellow et al. 2014).

    latent_dim   how many numbers of noise, N(0, I), an image is drawn from
    net          `nets.mlp(...)` or `nets.conv(...)`: its decoder is the generator, its encoder, with one output, the judge
    calm         weight of a penalty on the judge's slope at the data, which keeps the two players from circling each other
                 and the judge from being too sure (Mescheder et al. 2018); 0 is the plain GAN
    output       "sigmoid" for images in [0, 1], "identity" for anything
    shape        of one image, (C, H, W), or of one row, (D,)

    Both players are trained in one loop by one loss: each has a term of its own, and no other term reaches it. There is no
    encoder: `encode` raises TypeError.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        calm: float = 0.0,
        output: str = "sigmoid",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape)
        net = nets.given(net, nets.mlp(hidden=(512, 256)))
        self.calm = require.number("calm", calm, low=0)
        self.output = require.choice("output", output, ("sigmoid", "identity"))
        self.decoder = net.decoder(self.latent_dim, self.shape)
        self.judge = net.encoder(self.shape, 1)

    def encode(self, x: Tensor):
        """Raises TypeError: a GAN cannot say which noise an image would come from."""
        raise TypeError("model: got GAN, which has no encoder; accepted is a model that has one")

    def decode(self, z: Tensor) -> Tensor:
        """Noise z [B, latent_dim] -> logits [B, C, H, W]."""
        return self.decoder(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The generator's image."""
        return torch.sigmoid(logits) if self.output == "sigmoid" else logits

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The two players' losses in nats, for data x [B, C, H, W]: "loss" is their sum.

        "judge": cross-entropy of the judge, log 2 where it can only guess; the samples are detached, so that the generator
        does not hear of it. "generator": -log of the chance that the judge gives a sample for being real (the
        non-saturating loss); the judge is frozen, so that only the generator learns from it.
        """
        z = torch.randn(len(x), self.latent_dim, device=x.device, dtype=x.dtype)
        samples = self.pixels(self.decode(z))
        told = judge_loss(self.judge(x), self.judge(samples.detach()))
        deceived = F.softplus(-frozen(self.judge, samples)).mean()
        terms = {"loss": told + deceived, "judge": told, "generator": deceived}
        if self.calm and torch.is_grad_enabled():
            terms["loss"] = terms["loss"] + self.calm / 2 * self.steepness(x)
        return terms

    def steepness(self, x: Tensor) -> Tensor:
        """The squared length of the judge's gradient at the data, averaged: mean |d logit / d x|^2, a scalar."""
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.judge(x).sum(), x, create_graph=True)
        return slope.square().flatten(1).sum(1).mean()
