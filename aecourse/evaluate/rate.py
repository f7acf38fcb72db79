"""Rate and distortion: the two terms of the ELBO as what a code costs and what it leaves unsaid."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, gaussian, measuring
from aecourse.models import kl_divergence


class RateDistortion(NamedTuple):
    """rate: the average KL(q(z|x) || p(z)). distortion: the average of -log p(x|z). Both in nats per image."""

    rate: float
    distortion: float

    @property
    def bits(self) -> tuple[float, float]:
        """Both in bits per image: nats divided by log 2."""
        return self.rate / math.log(2), self.distortion / math.log(2)

    @property
    def elbo(self) -> float:
        """-(rate + distortion), in nats per image."""
        return -(self.rate + self.distortion)


@require.checked(samples=require.integer)
def rate_distortion(model, x: Tensor, samples: int = 5, *, seed: int = 0) -> RateDistortion:
    """The rate and the distortion of a VAE with a Gaussian q(z|x) on x [N, C, H, W].

    The distortion is averaged over `samples` draws of z per image. For binary pixels give binary images.
    Source: Alemi et al. 2018, section 2.
    """
    fitting(model, x, "posterior(x)", "decode(z)", "likelihood")
    rate = distortion = 0.0
    with measuring(model, seed) as device:
        for part in x.split(2000):
            part = part.to(device)
            mu, log_var = gaussian(model, part)
            rate += kl_divergence(mu, log_var).sum().item()
            for _ in range(samples):
                z = mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)
                log_px = model.likelihood.log_prob(model.decode(z), part)
                distortion -= log_px.sum().item() / samples
    return RateDistortion(rate / len(x), distortion / len(x))
