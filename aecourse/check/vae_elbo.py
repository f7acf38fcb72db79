"""Exercises of lesson 05."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from aecourse import models
from aecourse.check.core import Mistake, exercise

# ---- The KL divergence ----------------------------------------------------------------------------


def kl_divergence(mu: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor:
    """KL(N(mu, exp(log_var)) || N(0, I)): [B, k], [B, k] -> [B]."""
    return -0.5 * (1 + log_var - mu.square() - log_var.exp()).sum(dim=1)


def _kl_one_by_one(mu, log_var, half=0.5):
    out = mu.new_zeros(len(mu))
    for i, (m, v) in enumerate(zip(mu, log_var)):
        out[i] = half * (m**2 + v.exp() - 1 - v).sum()
    return out


exercise(
    kl_divergence,
    cases=lambda generator: [
        tuple(torch.randn(2, b, k, generator=generator)) for b, k in ((5, 3), (1, 7), (4, 1))
    ],
    hard=lambda generator: {
        "means around 30, log-variances around 5, 20 latents": (
            30 * torch.randn(6, 20, generator=generator),
            5 * torch.randn(6, 20, generator=generator),
        ),
        "a code that is the prior": (torch.zeros(3, 2), torch.zeros(3, 2)),
        "as many images as latents": tuple(torch.randn(2, 4, 4, generator=generator)),
    },
    mistakes=[
        Mistake(
            "the sign",
            lambda m, v: -kl_divergence(m, v),
            "the sign is wrong: a KL divergence is never negative.",
        ),
        Mistake("the half", lambda m, v: 2 * kl_divergence(m, v), "the factor 1/2 is missing."),
        Mistake(
            "mean over latents",
            lambda m, v: models.kl_divergence(m, v).mean(1),
            "that averages over the latents: a KL divergence adds up over independent dimensions.",
        ),
        Mistake(
            "mean over the batch",
            lambda m, v: kl_divergence(m, v).mean(),
            "that is one number for the whole batch; keep one per image.",
        ),
        Mistake(
            "sum over the batch",
            lambda m, v: kl_divergence(m, v).sum(),
            "that is summed over the batch as well; keep one number per image.",
        ),
        Mistake(
            "no sum",
            lambda m, v: models.kl_divergence(m, v),
            "that is one number per latent; add the latents of an image up.",
        ),
        Mistake(
            "log_var as sigma",
            lambda m, v: -0.5 * (1 + torch.log(v.square()) - m.square() - v.square()).sum(1),
            "log_var is used as if it were the standard deviation: the variance is exp(log_var).",
        ),
        Mistake(
            "log_var as log sigma",
            lambda m, v: -0.5 * (1 + 2 * v - m.square() - (2 * v).exp()).sum(1),
            "log_var is used as if it were the log of the standard deviation: log sigma^2 is "
            "log_var itself, not 2 log_var.",
        ),
        Mistake(
            "sigma for the variance",
            lambda m, v: -0.5 * (1 + v - m.square() - (v / 2).exp()).sum(1),
            "the variance is exp(log_var), not exp(log_var / 2), which is the standard deviation.",
        ),
        Mistake(
            "arguments swapped",
            lambda m, v: 0.5 * (v + (1 + m.square()) / v.exp() - 1).sum(1),
            "that is KL(N(0, I) || q): the arguments are swapped.",
        ),
        Mistake(
            "mu not squared", lambda m, v: -0.5 * (1 + v - m - v.exp()).sum(1), "mu is not squared."
        ),
        Mistake(
            "no 1",
            lambda m, v: -0.5 * (v - m.square() - v.exp()).sum(1),
            "the 1 is missing: at mu = 0 and log_var = 0 the divergence is 0.",
        ),
        Mistake(
            "1 taken off once",
            lambda m, v: 0.5 * ((m.square() + v.exp() - v).sum(1) - 1),
            "the 1 is taken off once for the image; it belongs to every latent.",
        ),
        Mistake(
            "plus log_var",
            lambda m, v: 0.5 * (m.square() + v.exp() - 1 + v).sum(1),
            "the sign of log_var is wrong: it is subtracted, so that a narrow posterior costs.",
        ),
        Mistake(
            "half of mu alone",
            lambda m, v: (0.5 * m.square() + v.exp() - 1 - v).sum(1),
            "the factor 1/2 stands at mu^2 only; it belongs to the whole sum.",
        ),
        Mistake(
            "the variance squared",
            lambda m, v: 0.5 * (m.square() + (2 * v).exp() - 1 - v).sum(1),
            "exp(log_var) is the variance already; it is not squared.",
        ),
    ],
    also_right={
        "the course's own": lambda m, v: models.kl_divergence(m, v).sum(1),
        "image by image, into a buffer": _kl_one_by_one,
        "einsum": lambda m, v: (
            0.5 * (torch.einsum("bk,bk->b", m, m) + (v.exp() - v).sum(1) - m.shape[1])
        ),
    },
    also_wrong=[
        Mistake(
            "half of log_var's gradient",
            lambda m, v: 0.5 * (m**2 + v.exp().detach() - 1 - v).sum(1),
            "respect to log_var, entry [0, 0]",
        ),
        Mistake(
            "half of mu's gradient",
            lambda m, v: 0.5 * (m * m.detach() + v.exp() - 1 - v).sum(1),
            "respect to mu",
        ),
        Mistake(
            "through NumPy",
            lambda m, v: torch.from_numpy(models.kl_divergence(m, v).detach().numpy().sum(1)),
            "no gradient flows",
        ),
        Mistake(
            "a float32 buffer",
            lambda m, v: torch.zeros(len(m)).copy_(kl_divergence(m, v)),
            "should be torch.float64",
        ),
        Mistake(
            "sum over images, not latents",
            lambda m, v: models.kl_divergence(m, v).sum(0),
            "shape should be",
        ),
    ],
    praise="zero where q is the prior, positive everywhere else, one figure per image, in nats.",
)


# ---- The log of a mean of exponentials ------------------------------------------------------------


def log_mean_exp(log_w: torch.Tensor) -> torch.Tensor:
    """log of the mean of exp(log_w) over the first dimension: [K, B] -> [B]."""
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _lowered(log_w, by):
    """The direct way, after `by` is subtracted: exp overflows or underflows where `by` is not near the largest."""
    return (log_w - by).exp().mean(0).log() + by


def _lme_numpy(log_w):
    a = log_w.numpy()
    top = a.max(0)
    return torch.as_tensor(top + np.log(np.exp(a - top).mean(0))).to(log_w.dtype)


def _lme_python(log_w):
    def one(column):
        top = max(column)
        return top + math.log(sum(math.exp(v - top) for v in column) / len(column))

    return torch.tensor([one(column) for column in log_w.T.tolist()])


exercise(
    log_mean_exp,
    cases=lambda generator: [
        (torch.randn(k, b, generator=generator) * 3,) for k, b in ((5, 3), (4, 6))
    ],
    hard=lambda generator: {said: (w,) for said, w in levels(generator).items()},
    gradient=None,
    mistakes=[
        Mistake(
            "exp first",
            lambda w: w.exp().mean(0).log(),
            "exp() underflows: log-weights of images are around -100 to -1000, and exp(-800) is 0. "
            "Subtract the largest first, or use torch.logsumexp.",
        ),
        Mistake(
            "the mean of the logarithms",
            lambda w: w.mean(0),
            "that is the mean of the log-weights, the ELBO; the mean belongs inside the logarithm.",
        ),
        Mistake(
            "no log K",
            lambda w: torch.logsumexp(w, 0),
            "that is the log of the sum: divide by the number of samples, that is, subtract log K.",
        ),
        Mistake(
            "over the images",
            lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1]),
            "the mean is over the images; it should be over the K samples, the first dimension.",
        ),
        Mistake(
            "log K added",
            lambda w: torch.logsumexp(w, 0) + math.log(len(w)),
            "log K is added; dividing by K subtracts it.",
        ),
        Mistake(
            "divided by K outside",
            lambda w: torch.logsumexp(w, 0) / len(w),
            "divided by K after the logarithm: the division belongs inside, where it becomes - log K.",
        ),
        Mistake(
            "the batch's maximum",
            lambda w: _lowered(w, w.max()),
            "the largest of the whole batch is subtracted: each image has its own level, so take "
            "the maximum over the first dimension.",
        ),
        Mistake(
            "the largest not added back",
            lambda w: (w - w.amax(0)).exp().mean(0).log(),
            "the largest is subtracted, but not added back after the logarithm.",
        ),
        Mistake(
            "the largest alone",
            lambda w: w.amax(0),
            "that is the largest alone, which is close only where one outweighs the rest.",
        ),
        Mistake(
            "log of the images",
            lambda w: torch.logsumexp(w, 0) - math.log(w.shape[1]),
            "the logarithm of the number of images is subtracted; it should be that of the K "
            "samples.",
        ),
        Mistake(
            "the weighted mean",
            lambda w: (w.softmax(0) * w).sum(0),
            "that is the mean of the log-weights, weighted by the weights themselves; the plain "
            "mean of the weights is wanted, and its logarithm.",
        ),
    ],
    also_right={
        "the course's own": models.log_mean_weight,
        "lowered by a detached maximum": lambda w: _lowered(w, w.amax(0).detach()),
        "NumPy": _lme_numpy,
        "plain Python": _lme_python,
    },
    also_wrong=[
        Mistake(
            "lowered by the mean",
            lambda w: _lowered(w, w.mean(0)),
            "from -900 to 900 your result at [0] is inf",
        ),
        Mistake("lowered by the smallest", lambda w: _lowered(w, w.amin(0)), "is inf"),
        Mistake("lowered by the first", lambda w: _lowered(w, w[0]), "is inf"),
        Mistake(
            "lowered by the largest size",
            lambda w: _lowered(w, w.abs().amax(0)),
            "around -800 your result at [0] is -inf",
        ),
        Mistake("exp in float64", lambda w: w.double().exp().mean(0).log().to(w.dtype), "-inf"),
        Mistake(
            "clamped", lambda w: log_mean_exp(w.clamp(max=80)), "around +950 entry [0] should be 95"
        ),
        Mistake(
            "half a gradient",
            lambda w: w.amax(0) + (log_mean_exp(w) - w.amax(0)).detach(),
            "respect to log_w",
        ),
    ],
    praise="stable at any magnitude, and never below the mean of the log-weights.",
)


def levels(generator: torch.Generator) -> dict[str, Tensor]:
    """Log-weights [K, B] at levels whose exponentials neither float32 nor float64 can hold, by what they are."""

    def weights(k: int, b: int) -> Tensor:
        return 3 * torch.randn(k, b, generator=generator)

    spread = torch.tensor([-900.0, 540.0, 900.0, -540.0, 180.0, -180.0])
    return {
        "log-weights around -800": weights(4, 6) - 800,
        "log-weights around +950": weights(5, 3) + 950,
        "one draw (K = 1)": weights(1, 2) - 90,
        "images at different levels, from -1000 to 1000": weights(5, 6)
        + torch.tensor([-1000.0, 1000.0, 0.0, -90.0, 130.0, -400.0]),
        "an image whose log-weights run from -900 to 900": torch.stack(
            [spread, spread / 9, spread.flip(0)], 1
        ),
        "300 draws": weights(300, 2),
    }
