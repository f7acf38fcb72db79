"""When a code falls silent: what is known of it in closed form, and how to tell."""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
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


def log_likelihood(model, x: Tensor, samples: int = 500, *, seed: int = 0) -> Tensor:
    """An importance-sampled estimate of log p(x), as `evaluate.log_likelihood`: x [N, C, H, W] -> nats per image [N].

    For a VAE over binary pixels, independent or autoregressive. The autoregressive network does not see the code, so it
    is asked once per image and not once per draw: many draws cost little more than without it.
    """
    fitting(model, x, "posterior(x)", "decode(z)", "likelihood")
    samples = require.integer("samples", samples)
    with measuring(model, seed):
        parts = x.split(max(1, 4000 // samples))
        return torch.cat([_log_weights(model, part, samples).logsumexp(0) for part in parts]) - (
            math.log(samples)
        )


def posterior_means(model, x: Tensor, *, reach: float = 6.0, points: int = 241) -> Tensor:
    """The mean of the model's posterior p(z|x) and that of q(z|x), for a VAE of one latent: x [N, C, H, W] -> [N, 2].

    p(z|x) is proportional to p(x|z) p(z), summed over `points` values of z from -reach to reach. Source: He, Spokoyny,
    Neubig & Berg-Kirkpatrick 2019, section 3.
    """
    fitting(model, x, "posterior(x)", "decode(z)", "likelihood")
    if getattr(model, "latent_dim", None) != 1:
        raise ValueError("model: got more latents than one; accepted is a VAE of one latent")
    with measuring(model, 0):
        z = torch.linspace(-reach, reach, require.integer("points", points, low=2)).to(x)
        decoded = model.decode(z[:, None]).flatten(1)
        log_joint = _given(decoded[:, None], _alone(model, x), x.flatten(1)) - 0.5 * z[:, None] ** 2
        exact = (log_joint.softmax(0) * z[:, None]).sum(0)
        return torch.stack([exact, gaussian(model, x)[0][:, 0]], 1)


def _log_weights(model, x: Tensor, samples: int) -> Tensor:
    """log p(x, z) - log q(z|x) for draws of z from q: x [N, C, H, W] -> [samples, N]."""
    mu, log_var = gaussian(model, x)
    eps = torch.randn(samples, *mu.shape, dtype=mu.dtype)
    z = mu + torch.exp(0.5 * log_var) * eps
    decoded = model.decode(z.flatten(0, 1)).view(samples, len(x), -1)
    log_p = _given(decoded, _alone(model, x), x.flatten(1))
    return log_p + 0.5 * (eps.square() + log_var - z.square()).sum(2)


def _alone(model, x: Tensor) -> Tensor:
    """What the likelihood's network adds to the logits, whatever the code is: x [N, C, H, W] -> [N, pixels]."""
    network = getattr(model.likelihood, "network", None)
    return torch.zeros_like(x).flatten(1) if network is None else network(x).flatten(1)


def _given(decoded: Tensor, alone: Tensor, x: Tensor) -> Tensor:
    """log p(x|z) of binary pixels: decoded [S, N or 1, pixels], alone and x [N, pixels] -> nats [S, N]."""
    logits = (one + alone for one in decoded)
    return torch.stack([(x * each - F.softplus(each)).sum(-1) for each in logits])


def _vector(name: str, value) -> Tensor:
    if not isinstance(value, Tensor) or value.dim() != 1 or not (value >= 0).all():
        raise ValueError(
            f"{name}: got {require.described(value)}; accepted is a tensor [k] without negative entries"
        )
    return value
