"""Likelihoods and their bounds, in nats per image; one figure per image where that is possible."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, gaussian, measuring
from aecourse.models import kl_divergence


def log_likelihood(
    model, x: Tensor, samples: int = 500, *, seed: int = 0, rows: int = 10_000
) -> Tensor:
    """An importance-sampled estimate of log p(x): x [N, C, H, W] -> nats per image [N].

    log 1/K sum_k p(x, z_k) / q(z_k|x) with z_k from the encoder's q: on average a lower bound that rises to log p(x)
    as `samples` grows (Burda, Grosse & Salakhutdinov 2016, equation 8). For binary pixels give binary images. `rows`:
    how many decoded images are held in memory at a time.
    """
    samples, rows = require.integer("samples", samples), require.integer("rows", rows)
    fitting(model, x, "log_weights(x, samples)")
    draws, images = min(samples, rows), max(1, rows // samples)
    with measuring(model, seed) as device:
        return torch.cat(
            [
                torch.cat(
                    [
                        torch.logsumexp(
                            model.log_weights(part.to(device), min(draws, samples - done)), 0
                        )[None]
                        for done in range(0, samples, draws)
                    ]
                )
                .logsumexp(0)
                .cpu()
                - math.log(samples)
                for part in x.split(images)
            ]
        )


def elbo(model, x: Tensor, samples: int = 20, *, seed: int = 0, rows: int = 10_000) -> Tensor:
    """The evidence lower bound, averaged over `samples` draws of z: x [N, C, H, W] -> nats per image [N]."""
    samples, rows = require.integer("samples", samples), require.integer("rows", rows)
    fitting(model, x, "log_weights(x, samples)")
    with measuring(model, seed) as device:
        return torch.cat(
            [
                model.log_weights(part.to(device), samples).mean(0).cpu()
                for part in x.split(max(1, rows // samples))
            ]
        )


def kl_per_latent(model, x: Tensor) -> Tensor:
    """KL(q(z_j|x) || p(z_j)) averaged over images: x [N, C, H, W] -> nats [latent_dim]."""
    fitting(model, x, "posterior(x)")
    with measuring(model, 0) as device:
        return torch.cat(
            [kl_divergence(*gaussian(model, part.to(device))).cpu() for part in x.split(2000)]
        ).mean(0)
