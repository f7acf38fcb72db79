"""Exercises of lesson 14."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from aecourse import evaluate, models
from aecourse.check.core import Mistake, exercise, like
from aecourse.check.vae_elbo import levels

# ---- The bound of weighted draws -----------------------------------------------------------------


def iwae_bound(log_px, log_pz, log_qz) -> torch.Tensor:
    """log p(x|z), log p(z), log q(z|x), each [K, B] -> the bound of K draws, [B]."""
    log_w = log_px + log_pz - log_qz
    return torch.logsumexp(log_w, dim=0) - math.log(len(log_w))


def _log_w(log_px, log_pz, log_qz):
    return log_px + log_pz - log_qz


def _of(weight, reduce=models.log_mean_weight):
    """A function of the three parts: `reduce` of the log-weights that `weight` makes of them."""
    return lambda log_px, log_pz, log_qz: reduce(weight(log_px, log_pz, log_qz))


def _bound_numpy(log_px, log_pz, log_qz):
    log_w = _log_w(log_px, log_pz, log_qz).numpy()
    top = log_w.max(0)
    return like(top + np.log(np.exp(log_w - top).mean(0)), log_px)


def _parts(log_w: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    log_pz = 2 * torch.randn(log_w.shape, generator=generator) - 3
    log_qz = 2 * torch.randn(log_w.shape, generator=generator) + 9
    return log_w - log_pz + log_qz, log_pz, log_qz


exercise(
    iwae_bound,
    cases=lambda generator: [
        _parts(4 * torch.randn(k, b, generator=generator), generator) for k, b in ((5, 3), (4, 6))
    ],
    hard=lambda generator: {
        said: _parts(log_w, generator) for said, log_w in levels(generator).items()
    },
    gradient=None,
    mistakes=[
        Mistake(
            "exp first",
            _of(_log_w, lambda w: w.exp().mean(0).log()),
            "exp() underflows: the weights of an image are around exp(-100) to exp(-1000). "
            "Subtract the largest log-weight first, or use torch.logsumexp.",
        ),
        Mistake(
            "the ELBO",
            _of(_log_w, lambda w: w.mean(0)),
            "that is the mean of the log-weights, the ELBO; here the mean is taken of the "
            "weights, inside the logarithm.",
        ),
        Mistake(
            "no log K",
            _of(_log_w, lambda w: torch.logsumexp(w, 0)),
            "log K is missing: the sum of the weights is divided by K, and the bound does not "
            "grow by log K from adding draws.",
        ),
        Mistake(
            "log K added",
            _of(_log_w, lambda w: torch.logsumexp(w, 0) + math.log(len(w))),
            "log K is added; dividing the sum by K subtracts it.",
        ),
        Mistake(
            "divided by K outside",
            _of(_log_w, lambda w: torch.logsumexp(w, 0) / len(w)),
            "divided by K after the logarithm: the division belongs inside, where it becomes - "
            "log K.",
        ),
        Mistake(
            "over the images",
            _of(_log_w, lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1])),
            "the mean is over the images; it should be over the K draws, the first dimension.",
        ),
        Mistake(
            "plus log q",
            _of(lambda a, b, c: a + b + c),
            "the sign of log q is wrong: a draw that q favours must count less, so log_qz is "
            "subtracted.",
        ),
        Mistake(
            "no prior",
            _of(lambda a, b, c: a - c),
            "the prior is missing: the weight is p(x|z) p(z) / q(z|x).",
        ),
        Mistake(
            "no q",
            _of(lambda a, b, c: a + b),
            "q is missing: without dividing by q the draws are not weighted for where they come "
            "from.",
        ),
        Mistake(
            "the maximum", _of(_log_w, lambda w: w.amax(0)), "that is the largest log-weight alone."
        ),
        Mistake(
            "mean over images",
            _of(_log_w, lambda w: models.log_mean_weight(w).mean()),
            "that is averaged over the images as well; keep one figure per image.",
        ),
        Mistake(
            "the sign",
            _of(_log_w, lambda w: -models.log_mean_weight(w)),
            "the sign is wrong: the bound is wanted, not the loss.",
        ),
        Mistake(
            "the largest not added back",
            _of(_log_w, lambda w: (w - w.amax(0)).exp().mean(0).log()),
            "the largest log-weight is subtracted, but not added back after the logarithm.",
        ),
        Mistake(
            "log of the images",
            _of(_log_w, lambda w: torch.logsumexp(w, 0) - math.log(w.shape[1])),
            "the logarithm of the number of images is subtracted; it should be that of the K "
            "draws.",
        ),
        Mistake(
            "the weighted mean",
            _of(_log_w, lambda w: (w.softmax(0) * w).sum(0)),
            "that is the mean of the log-weights, weighted by the weights themselves; the plain "
            "mean of the weights is wanted, and its logarithm.",
        ),
        Mistake(
            "the mean of the penalty",
            lambda a, b, c: models.log_mean_weight(a) + (b - c).mean(0),
            "p(x|z) alone is averaged inside the logarithm; each draw's p(z) / q(z|x) belongs to "
            "its weight.",
        ),
        Mistake(
            "minus log p(z)",
            _of(lambda a, b, c: a - b - c),
            "the sign of log p(z) is wrong: the prior multiplies the weight.",
        ),
        Mistake(
            "prior and q exchanged",
            _of(lambda a, b, c: a - b + c),
            "prior and q are exchanged: the weight is p(x|z) p(z) / q(z|x).",
        ),
    ],
    also_right={
        "the course's own": _of(_log_w),
        "NumPy": _bound_numpy,
        "the largest subtracted": _of(
            _log_w, lambda w: (w - w.amax(0)).exp().mean(0).log() + w.amax(0)
        ),
        "log K inside": _of(_log_w, lambda w: torch.logsumexp(w - math.log(len(w)), 0)),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda a, b, c: iwae_bound(a, b, c.detach()),
            "no gradient reaches log_qz",
        ),
        Mistake(
            "the batch's maximum",
            _of(_log_w, lambda w: (w - w.max()).exp().mean(0).log() + w.max()),
            "different levels",
        ),
        Mistake("detached", lambda a, b, c: iwae_bound(a, b, c).detach(), "no gradient"),
    ],
    praise="a weight per draw, their mean inside the logarithm, stable at any magnitude.",
)


# ---- How many draws count ------------------------------------------------------------------------


def effective_sample_size(log_w: torch.Tensor) -> torch.Tensor:
    """Log-weights [K, B] -> between 1 and K for every image, [B]."""
    return 1 / torch.softmax(log_w, dim=0).square().sum(dim=0)


def _count(log_w, by):
    """The direct way, after `by` is subtracted: exp overflows or underflows where `by` is not near the largest."""
    w = (log_w - by).exp()
    return w.sum(0) ** 2 / (w * w).sum(0)


def _count_numpy(log_w):
    w = np.exp(log_w.numpy() - log_w.numpy().max(0))
    return like(w.sum(0) ** 2 / (w * w).sum(0), log_w)


exercise(
    effective_sample_size,
    cases=lambda generator: [
        (torch.randn(k, b, generator=generator),) for k, b in ((5, 3), (7, 4))
    ],
    hard=lambda generator: {
        **{said: (log_w,) for said, log_w in levels(generator).items()},
        "equal weights": (torch.full((6, 2), -900.0),),
    },
    gradient=None,
    tolerance=2e-3,
    mistakes=[
        Mistake(
            "exp first",
            lambda w: w.exp().sum(0).square() / w.exp().square().sum(0),
            "exp() underflows and leaves 0 / 0: only ratios of weights matter here, so subtract "
            "the largest log-weight first, or normalise with torch.softmax.",
        ),
        Mistake(
            "logarithms as weights",
            lambda w: w.sum(0).square() / w.square().sum(0),
            "log_w holds logarithms: weigh with exp(log_w), suitably shifted.",
        ),
        Mistake(
            "reciprocal",
            lambda w: 1 / evaluate.effective_samples(w),
            "that is 1 for one draw and 1/K for equal weights, the reciprocal of what is wanted.",
        ),
        Mistake(
            "share",
            lambda w: evaluate.effective_samples(w) / len(w),
            "that is a share between 0 and 1; the number of draws that count is K times as large.",
        ),
        Mistake(
            "over the images",
            lambda w: evaluate.effective_samples(w.T),
            "the sum is over the images; it should be over the K draws, the first dimension.",
        ),
        Mistake(
            "root",
            lambda w: 1 / torch.softmax(w, 0).square().sum(0).sqrt(),
            "the sum is not squared: normalised or not, equal weights should give K.",
        ),
        Mistake(
            "entropy",
            lambda w: torch.exp(
                -torch.special.xlogy(torch.softmax(w, 0), torch.softmax(w, 0)).sum(0)
            ),
            "that is the exponential of the entropy of the weights: a measure of the same thing, "
            "but another one.",
        ),
        Mistake(
            "largest share",
            lambda w: 1 / torch.softmax(w, 0).amax(0),
            "that is 1 over the largest share, a lower figure than the effective sample size.",
        ),
        Mistake(
            "normalised over the batch",
            lambda w: (
                (p := torch.softmax(w.flatten(), 0).view_as(w)).sum(0).square() / p.sum().square()
            ),
            "that counts each image's draws with weights normalised over the whole batch; every "
            "image has its own sum.",
        ),
        Mistake(
            "mean over images",
            lambda w: evaluate.effective_samples(w).mean(),
            "that is averaged over the images; keep one figure per image.",
        ),
        Mistake(
            "the batch's maximum",
            lambda w: (w - w.max()).exp().sum(0).square() / (w - w.max()).exp().square().sum(0),
            "the largest of the whole batch is subtracted: each image has its own level, so take "
            "the maximum over the first dimension.",
        ),
        Mistake(
            "a mean for the sum",
            lambda w: 1 / torch.softmax(w, 0).square().mean(0),
            "the squares of the shares are averaged; add them up, or equal weights give K squared.",
        ),
        Mistake(
            "shares over the images",
            lambda w: 1 / torch.softmax(w, 1).square().sum(0),
            "the weights are normalised over the images; every image's K draws sum to 1.",
        ),
        Mistake(
            "the sum not squared",
            lambda w: w.exp().sum(0) / w.exp().square().sum(0),
            "the sum of the weights is not squared, so that the result depends on their common "
            "factor.",
        ),
        Mistake(
            "counted",
            lambda w: (torch.softmax(w, 0) > 1 / len(w)).sum(0).to(w.dtype),
            "that counts the draws above the average weight; the squares of the shares weigh all "
            "of them.",
        ),
    ],
    also_right={
        "the course's own": evaluate.effective_samples,
        "two logarithms": lambda w: torch.exp(
            2 * torch.logsumexp(w, 0) - torch.logsumexp(2 * w, 0)
        ),
        "NumPy": _count_numpy,
        "the largest subtracted": lambda w: _count(w, w.amax(0)),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda w: 1 / (w.softmax(0) * w.softmax(0).detach()).sum(0),
            "the gradient is not",
        ),
        Mistake("the mean subtracted", lambda w: _count(w, w.mean(0)), "is NaN"),
    ],
    praise="K for equal weights, 1 where one draw outweighs the rest, and no matter how small "
    "they all are.",
)
