"""Checkers of lesson 05."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import models
from aecourse.check.core import Answer, compare


def kl_divergence(function) -> Answer:
    """function(mu, log_var) -> KL(N(mu, exp(log_var)) || N(0, I)) in nats, [B, k] -> summed over latents, [B]."""
    def reference(mu: Tensor, log_var: Tensor) -> Tensor:
        return models.kl_divergence(mu, log_var).sum(1)

    mistakes = {
        "the sign is wrong: a KL divergence is never negative.": lambda m, v: -reference(m, v),
        "the factor 1/2 is missing.": lambda m, v: 2 * reference(m, v),
        "that averages over the latents: a KL divergence adds up over independent dimensions.":
            lambda m, v: models.kl_divergence(m, v).mean(1),
        "that is one number for the whole batch; keep one per image.": lambda m, v: reference(m, v).mean(),
        "that is summed over the batch as well; keep one number per image.": lambda m, v: reference(m, v).sum(),
        "that is one number per latent; add the latents of an image up.": lambda m, v: models.kl_divergence(m, v),
        "log_var is used as if it were the standard deviation: the variance is exp(log_var).":
            lambda m, v: -0.5 * (1 + torch.log(v.square()) - m.square() - v.square()).sum(1),
        "log_var is used as if it were the log of the standard deviation: log sigma^2 is log_var itself, not 2 log_var.":
            lambda m, v: -0.5 * (1 + 2 * v - m.square() - (2 * v).exp()).sum(1),
        "the variance is exp(log_var), not exp(log_var / 2), which is the standard deviation.":
            lambda m, v: -0.5 * (1 + v - m.square() - (v / 2).exp()).sum(1),
        "that is KL(N(0, I) || q): the arguments are swapped.":
            lambda m, v: 0.5 * (v + (1 + m.square()) / v.exp() - 1).sum(1),
        "mu is not squared.": lambda m, v: -0.5 * (1 + v - m - v.exp()).sum(1),
        "the 1 is missing: at mu = 0 and log_var = 0 the divergence is 0.":
            lambda m, v: -0.5 * (v - m.square() - v.exp()).sum(1),
    }
    generator = torch.Generator().manual_seed(5)
    cases = [tuple(torch.randn(2, b, k, generator=generator)) for b, k in ((5, 3), (1, 7), (4, 1))]
    wide = torch.randn(2, 6, 20, generator=generator) * torch.tensor([30.0, 5.0])[:, None, None]
    hard = {"means around 30, log-variances around 5, 20 latents": tuple(wide),
            "a code that is the prior": (torch.zeros(3, 2), torch.zeros(3, 2)),
            "as many images as latents": tuple(torch.randn(2, 4, 4, generator=generator))}
    return compare(function, reference, cases, mistakes, hard=hard,
                   praise="zero where q is the prior, positive everywhere else, one figure per image, in nats.")


def log_mean_exp(function) -> Answer:
    """function(log_w) -> log of the mean over the first dimension of exp(log_w), [K, B] -> [B], without overflow."""
    def reference(log_w: Tensor) -> Tensor:
        return torch.logsumexp(log_w, 0) - math.log(len(log_w))

    mistakes = {
        "exp() underflows: log-weights of images are around -100 to -1000, and exp(-800) is 0. Subtract the largest "
        "first, or use torch.logsumexp.": lambda w: w.exp().mean(0).log(),
        "that is the mean of the log-weights, the ELBO; the mean belongs inside the logarithm.": lambda w: w.mean(0),
        "that is the log of the sum: divide by the number of samples, that is, subtract log K.": lambda w: torch.logsumexp(w, 0),
        "the mean is over the images; it should be over the K samples, the first dimension.":
            lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1]),
        "log K is added; dividing by K subtracts it.": lambda w: torch.logsumexp(w, 0) + math.log(len(w)),
        "divided by K after the logarithm: the division belongs inside, where it becomes - log K.":
            lambda w: torch.logsumexp(w, 0) / len(w),
        "the largest of the whole batch is subtracted: each image has its own level, so take the maximum over the "
        "first dimension.":
            lambda w: (w - w.max()).exp().mean(0).log() + w.max(),
    }
    generator = torch.Generator().manual_seed(7)
    cases = [(torch.randn(k, b, generator=generator) * 3,) for k, b in ((5, 3), (4, 6))]
    hard = {said: (w,) for said, w in levels(generator).items()}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="stable at any magnitude, and never below the mean.")


def levels(generator: torch.Generator) -> dict[str, Tensor]:
    """Log-weights [K, B] at levels whose exponentials neither float32 nor float64 can hold, by what they are."""
    def weights(k: int, b: int) -> Tensor:
        return 3 * torch.randn(k, b, generator=generator)
    spread = torch.tensor([-900.0, 540.0, 900.0, -540.0, 180.0, -180.0])
    return {"log-weights around -800": weights(4, 6) - 800, "log-weights around +950": weights(5, 3) + 950,
            "one draw (K = 1)": weights(1, 2) - 90, "images at different levels, from -1000 to 1000":
                weights(5, 6) + torch.tensor([-1000.0, 1000.0, 0.0, -90.0, 130.0, -400.0]),
            "an image whose log-weights run from -900 to 900": torch.stack([spread, spread / 9, spread.flip(0)], 1),
            "300 draws": weights(300, 2)}
