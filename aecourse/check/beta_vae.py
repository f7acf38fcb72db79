"""Checkers of lesson 11."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import models
from aecourse.check.core import Answer, compare


def rate_in_bits(function) -> Answer:
    """function(mu, log_var) -> the average KL(q || N(0, I)) of the images in bits, [B, k], [B, k] -> a scalar tensor."""
    def nats(mu: Tensor, log_var: Tensor) -> Tensor:
        return models.kl_divergence(mu, log_var).sum(1).mean()

    def reference(mu: Tensor, log_var: Tensor) -> Tensor:
        return nats(mu, log_var) / math.log(2)

    mistakes = {
        "that is the rate in nats: a bit is log 2 nats, so divide by log 2.": nats,
        "multiplied by log 2: a bit is smaller than a nat, so there must be more of them. Divide.":
            lambda m, v: nats(m, v) * math.log(2),
        "that averages over the latents: the rate of an image is the sum over its latents.":
            lambda m, v: reference(m, v) / m.shape[1],
        "that is the sum over the images: the rate is the average.": lambda m, v: reference(m, v) * len(m),
        "that is one number per image: average over the batch.": lambda m, v: models.kl_divergence(m, v).sum(1) / math.log(2),
        "that is one number per latent: add the latents up.": lambda m, v: models.kl_divergence(m, v).mean(0) / math.log(2),
        "divided by log 10: that is a unit of decimal digits.": lambda m, v: nats(m, v) / math.log(10),
        "the sign is wrong: a rate is never negative.": lambda m, v: -reference(m, v),
    }
    generator = torch.Generator().manual_seed(11)
    cases = [tuple(torch.randn(2, b, k, generator=generator)) for b, k in ((5, 3), (3, 7), (4, 2))]
    wide = torch.randn(2, 6, 5, generator=generator) * torch.tensor([30.0, 6.0])[:, None, None]
    hard = {"one image": tuple(torch.randn(2, 1, 4, generator=generator)),
            "means around 30, log-variances around 6": tuple(wide),
            "a code that is the prior": (torch.zeros(3, 2), torch.zeros(3, 2))}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="summed over latents, averaged over images, in bits.")


def mig(function) -> Answer:
    """function(information, entropies) -> the mutual information gap, [k, f], [f] -> a scalar tensor; k at least 2."""
    def gaps(information: Tensor, place: int = 1) -> Tensor:
        ranked = information.sort(0, descending=True).values
        return ranked[0] - ranked[place]

    def reference(information: Tensor, entropies: Tensor) -> Tensor:
        return (gaps(information) / entropies).mean()

    def of_latents(information: Tensor, entropies: Tensor) -> Tensor:
        ranked = (information / entropies).sort(1, descending=True).values
        return (ranked[:, 0] - ranked[:, 1]).mean()

    def to_the_mean(information: Tensor, entropies: Tensor) -> Tensor:
        return ((information.max(0).values - information.mean(0)) / entropies).mean()

    mistakes = {
        "the division by the entropy of the factor is missing: a factor with more values has more to be known.":
            lambda i, h: gaps(i).mean(),
        "the gap is taken to the mean of all code numbers; it is the distance to the second best.": to_the_mean,
        "the best and the second best are sought among the factors of a code number; they should be sought among the code numbers "
        "(dimension 0) of each factor.": of_latents,
        "that is the share that the best code number knows; subtract what the second best knows.":
            lambda i, h: (i.max(0).values / h).mean(),
        "that is the distance from the best to the worst code number; the second best is meant.":
            lambda i, h: (gaps(i, -1) / h).mean(),
        "the gaps are added up over the factors; the score is their mean.": lambda i, h: (gaps(i) / h).sum(),
        "one number per factor is left: take the mean.": lambda i, h: gaps(i) / h,
        "divided once by the sum of the entropies: each factor's gap is divided by its own.": lambda i, h: gaps(i).sum() / h.sum(),
        "the sign is wrong: the best comes first.": lambda i, h: -reference(i, h),
    }
    generator = torch.Generator().manual_seed(12)
    cases = []
    for k, f in ((6, 3), (3, 5), (4, 4)):
        entropies = 0.5 + 2 * torch.rand(f, generator=generator)
        cases.append((torch.rand(k, f, generator=generator) * entropies, entropies))
    entropies = torch.tensor([0.7, 2.0, 1.2])
    best = torch.tensor([[0.1, 0.4, 0.0], [0.5, 1.9, 0.0], [0.5, 0.2, 0.0], [0.3, 1.9, 0.9]])
    hard = {"a table in which two code numbers know a factor equally well": (best, entropies),
            "two code numbers": (best[:2], entropies), "one factor": (best[:, 2:], entropies[2:])}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="the best ahead of the second best, as a share of what there is to know.")


def total_correlation(function) -> Answer:
    """function(cov) -> the total correlation in nats of a Gaussian with that covariance, [k, k] -> a scalar tensor."""
    def reference(cov: Tensor) -> Tensor:
        return 0.5 * (torch.log(torch.diagonal(cov)).sum() - torch.logdet(cov))

    def correlations(cov: Tensor) -> Tensor:
        width = torch.diagonal(cov).sqrt()
        return cov / width[:, None] / width

    mistakes = {
        "the sign is wrong: a total correlation is never negative.": lambda c: -reference(c),
        "the factor 1/2 is missing.": lambda c: 2 * reference(c),
        "that is the entropy-like term alone: the logarithms of the variances are missing.": lambda c: -0.5 * torch.logdet(c),
        "only the logarithms of the variances are there: subtract the logarithm of the determinant.":
            lambda c: 0.5 * torch.log(torch.diagonal(c)).sum(),
        "the determinant and the variances stand there without their logarithms.":
            lambda c: 0.5 * (torch.diagonal(c).sum() - torch.det(c)),
        "the logarithm is missing around the determinant.": lambda c: 0.5 * (torch.log(torch.diagonal(c)).sum() - torch.det(c)),
        "the logarithm of the sum of the variances is taken; the sum of their logarithms is meant.":
            lambda c: 0.5 * (torch.log(torch.diagonal(c).sum()) - torch.logdet(c)),
        "averaged over the latents; the logarithms of the variances are added up.":
            lambda c: 0.5 * (torch.log(torch.diagonal(c)).mean() - torch.logdet(c)),
        "that is in bits; the natural logarithm gives nats.": lambda c: reference(c) / math.log(2),
        "that adds up correlations of pairs; with more than two latents the determinant knows more than the pairs.":
            lambda c: -0.25 * torch.log(1 - correlations(c).square() + torch.eye(len(c), dtype=c.dtype)).sum(),
    }
    generator = torch.Generator().manual_seed(13)
    cases = []
    for k in (3, 2, 5):
        a = torch.randn(k, k + 2, generator=generator)
        cases.append((a @ a.T / k + 0.2 * torch.eye(k),))
    hard = {"independent latents": (torch.tensor([0.2, 3.0, 1.5]).diag(),), "one latent": (torch.tensor([[2.5]]),)}
    for k, scale, said in ((150, 1e-4, "underflow"), (150, 1e4, "overflow")):
        a = torch.randn(k, 3 * k, generator=generator)
        hard[f"{k} latents, whose determinant would {said}"] = (scale * (a @ a.T / k + 0.2),)
    hard["two latents that are nearly copies"] = (torch.tensor([[1.0, -1.98], [-1.98, 4.0]]),)
    return compare(function, reference, cases, mistakes, hard=hard, gradient=None,
                   praise="zero for independent latents, growing without limit as one becomes a copy of others.")
