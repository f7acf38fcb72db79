"""Checkers of lesson 12."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import evaluate, models
from aecourse.check.core import Answer, compare
from aecourse.check.elbo import levels


def iwae_bound(function) -> Answer:
    """function(log_px, log_pz, log_qz) -> the bound of K weighted draws: three tensors [K, B] -> nats per image [B]."""
    def reference(log_px: Tensor, log_pz: Tensor, log_qz: Tensor) -> Tensor:
        return models.log_mean_weight(log_px + log_pz - log_qz)

    def of(weight, reduce=models.log_mean_weight):
        return lambda px, pz, qz: reduce(weight(px, pz, qz))

    def log_w(px, pz, qz):
        return px + pz - qz

    mistakes = {
        "exp() underflows: the weights of an image are around exp(-100) to exp(-1000). Subtract the largest log-weight first, or use "
        "torch.logsumexp.": of(log_w, lambda w: w.exp().mean(0).log()),
        "that is the mean of the log-weights, the ELBO; here the mean is taken of the weights, inside the logarithm.":
            of(log_w, lambda w: w.mean(0)),
        "log K is missing: the sum of the weights is divided by K, and the bound does not grow by log K from adding draws.":
            of(log_w, lambda w: torch.logsumexp(w, 0)),
        "log K is added; dividing the sum by K subtracts it.": of(log_w, lambda w: torch.logsumexp(w, 0) + math.log(len(w))),
        "divided by K after the logarithm: the division belongs inside, where it becomes - log K.":
            of(log_w, lambda w: torch.logsumexp(w, 0) / len(w)),
        "the mean is over the images; it should be over the K draws, the first dimension.":
            of(log_w, lambda w: torch.logsumexp(w, 1) - math.log(w.shape[1])),
        "the sign of log q is wrong: a draw that q favours must count less, so log_qz is subtracted.": of(lambda a, b, c: a + b + c),
        "the prior is missing: the weight is p(x|z) p(z) / q(z|x).": of(lambda a, b, c: a - c),
        "q is missing: without dividing by q the draws are not weighted for where they come from.": of(lambda a, b, c: a + b),
        "that is the largest log-weight alone.": of(log_w, lambda w: w.amax(0)),
        "that is averaged over the images as well; keep one figure per image.":
            of(log_w, lambda w: models.log_mean_weight(w).mean()),
        "the sign is wrong: the bound is wanted, not the loss.": of(log_w, lambda w: -models.log_mean_weight(w)),
    }
    generator = torch.Generator().manual_seed(12)
    def parts(log_w: Tensor) -> tuple[Tensor, ...]:
        log_pz, log_qz = 2 * torch.randn(2, *log_w.shape, generator=generator)
        log_pz, log_qz = log_pz - 3, log_qz + 9
        return log_w - log_pz + log_qz, log_pz, log_qz

    cases = [parts(4 * torch.randn(k, b, generator=generator)) for k, b in ((5, 3), (4, 6))]
    hard = {said: parts(log_w) for said, log_w in levels(generator).items()}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="a weight per draw, their mean inside the logarithm, stable at any magnitude.")


def effective_sample_size(function) -> Answer:
    """function(log_w) -> (sum w)^2 / sum w^2 over the first dimension: log-weights [K, B] -> [B]."""
    mistakes = {
        "exp() underflows and leaves 0 / 0: only ratios of weights matter here, so subtract the largest log-weight first, or normalise "
        "with torch.softmax.": lambda w: w.exp().sum(0).square() / w.exp().square().sum(0),
        "log_w holds logarithms: weigh with exp(log_w), suitably shifted.": lambda w: w.sum(0).square() / w.square().sum(0),
        "that is 1 for one draw and 1/K for equal weights, the reciprocal of what is wanted.":
            lambda w: 1 / evaluate.effective_samples(w),
        "that is a share between 0 and 1; the number of draws that count is K times as large.":
            lambda w: evaluate.effective_samples(w) / len(w),
        "the sum is over the images; it should be over the K draws, the first dimension.":
            lambda w: evaluate.effective_samples(w.T),
        "the sum is not squared: normalised or not, equal weights should give K.":
            lambda w: 1 / torch.softmax(w, 0).square().sum(0).sqrt(),
        "that is the exponential of the entropy of the weights: a measure of the same thing, but another one.":
            lambda w: torch.exp(-torch.special.xlogy(torch.softmax(w, 0), torch.softmax(w, 0)).sum(0)),
        "that is 1 over the largest share, a lower figure than the effective sample size.": lambda w: 1 / torch.softmax(w, 0).amax(0),
        "that counts each image's draws with weights normalised over the whole batch; every image has its own sum.":
            lambda w: (p := torch.softmax(w.flatten(), 0).view_as(w)).sum(0).square() / p.sum().square(),
        "that is averaged over the images; keep one figure per image.": lambda w: evaluate.effective_samples(w).mean(),
        "the largest of the whole batch is subtracted: each image has its own level, so take the maximum over the "
        "first dimension.":
            lambda w: (w - w.max()).exp().sum(0).square() / (w - w.max()).exp().square().sum(0),
    }
    generator = torch.Generator().manual_seed(13)
    cases = [(torch.randn(k, b, generator=generator),) for k, b in ((5, 3), (7, 4))]
    hard = {said: (w,) for said, w in levels(generator).items()} | {"equal weights": (torch.full((6, 2), -900.0),)}
    return compare(function, evaluate.effective_samples, cases, mistakes, hard=hard, gradient=None, tolerance=2e-3,
                   praise="K for equal weights, 1 where one draw outweighs the rest, and no matter how small they all are.")


def planar_flow(function) -> Answer:
    """function(z, u, w, b) -> log |det dz'/dz| of z' = z + u tanh(w.z + b), for w.u > -1: [B, k], [k], [k], scalar -> [B]."""
    def reference(z: Tensor, u: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return torch.log1p((1 - torch.tanh(z @ w + b).square()) * (u @ w))

    def log_det(slope, det=lambda t: torch.log(t.abs())):
        return lambda z, u, w, b: det(1 + slope(torch.tanh(z @ w + b)) * (u @ w))

    mistakes = {
        "that is the determinant; its logarithm is wanted.": log_det(lambda t: 1 - t.square(), lambda d: d),
        "the sign is wrong. It is log q that *loses* log |det|; the log-determinant itself is positive where space is stretched.":
            log_det(lambda t: 1 - t.square(), lambda d: -d.log()),
        "the derivative of tanh is missing: it is 1 - tanh^2.": log_det(torch.ones_like),
        "tanh itself stands where its derivative belongs: 1 - tanh^2.": log_det(lambda t: t),
        "the derivative of tanh is 1 - tanh^2, not 1 - tanh.": log_det(lambda t: 1 - t),
        "the derivative of tanh is 1 - tanh^2, not 1 + tanh^2.": log_det(lambda t: 1 + t.square()),
        "the 1 is missing: z itself has the derivative 1, so that u = 0 changes nothing.":
            lambda z, u, w, b: torch.log((1 - torch.tanh(z @ w + b).square()) * (u @ w).abs()),
        "b is missing inside the tanh.": lambda z, u, w, b: reference(z, u, w, 0 * b),
        "u and w are multiplied entry by entry and their logarithms added: the Jacobian I + slope u w^T is not diagonal, and its determinant is "
        "1 + slope w.u.": lambda z, u, w, b: torch.log((1 + (1 - torch.tanh(z @ w + b).square())[:, None] * u * w).abs()).sum(1),
        "u and w have changed places: w is inside the tanh.": lambda z, u, w, b: reference(z, w, u, b),
        "that is summed over the batch; keep one figure per image.": lambda z, u, w, b: reference(z, u, w, b).sum(),
    }
    generator = torch.Generator().manual_seed(14)
    cases = {}
    for batch, k in ((5, 3), (1, 7), (4, 1)):
        z, (u, w), b = torch.randn(batch, k, generator=generator), torch.randn(2, k, generator=generator), torch.randn((), generator=generator)
        cases[f"w.u > 0, z of shape {list(z.shape)}"] = z, u * torch.sign(u @ w), w, b
    zeros = torch.zeros(3)
    z = torch.randn(2, 3, generator=generator)
    cases["w.u = -0.6"] = z, zeros - 0.2, zeros + 1, torch.tensor(0.3)
    hard = {"w.u = -0.96": (z, zeros - 0.32, zeros + 1, torch.tensor(0.1)),
            "u = 0": (z, zeros, zeros + 1, torch.tensor(0.3)),
            "w.z + b from -500 to 500": (
                torch.tensor([[500.0], [-500.0], [6.0]]), zeros[:1] + 0.5, zeros[:1] + 1, torch.tensor(0.4)),
            "a batch as large as a code": (
                torch.randn(3, 3, generator=generator), zeros + 0.4, torch.tensor([1.0, -0.5, 2.0]), b)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="one dot product and one tanh, where a general determinant would cost k cubed.")
