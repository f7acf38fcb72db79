"""When a code falls silent: what is known of it in closed form, and how to tell."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, gaussian, measuring
from aecourse.models import reparameterize


@require.checked(
    eigenvalues=lambda name, value: _vector(name, value),
    level=partial(require.number, low=0, above=True),
)
def rates(eigenvalues: Tensor, level: float) -> Tensor:
    """KL of each latent of the best linear VAE, averaged over the data: [k] -> nats [k].

    eigenvalues: the variances of the data along its principal directions. level: beta * sigma^2, the decoder's noise
    variance times the weight of the KL term. A latent carries log(eigenvalue / level) / 2 nats where its eigenvalue is
    above the level, and nothing below. Source: from Tipping & Bishop 1999, equation 7; Lucas et al. 2019.
    """
    return 0.5 * torch.log(eigenvalues / level).clamp_min(0)


def swapped(model, x: Tensor, *, seed: int = 0) -> Tensor:
    """What log p(x|z) loses when each image is decoded from another's code: x [N, C, H, W] -> nats per image [N].

    Codes are drawn from q(z|x), and image i gets that of image i - 1. Where the decoder ignores its code, nothing is lost.
    """
    if len(fitting(model, x, "posterior(x)", "decode(z)", "likelihood")) < 2:
        raise ValueError("x: got 1 image; accepted are 2 or more, to swap codes")
    with measuring(model, seed) as device:
        x = x.to(device)
        own = reparameterize(*gaussian(model, x))
        others = own.roll(1, dims=0)
        gain = [model.likelihood.log_prob(model.decode(z), x) for z in (own, others)]
        return (gain[0] - gain[1]).cpu()


def _vector(name: str, value) -> Tensor:
    if not isinstance(value, Tensor) or value.dim() != 1 or not (value >= 0).all():
        raise ValueError(
            f"{name}: got {require.described(value)}; accepted is a tensor [k] without negative entries"
        )
    return value
