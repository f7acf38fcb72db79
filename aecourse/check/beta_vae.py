"""Exercises of lesson 13."""

from __future__ import annotations

import math

import numpy as np
import torch

from aecourse import models
from aecourse.check.core import Mistake, exercise, like

# ---- The rate ------------------------------------------------------------------------------------


def rate_in_bits(mu: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor:
    """Average KL(N(mu, exp(log_var)) || N(0, I)), bits: [B, k], [B, k] -> scalar."""
    nats = models.kl_divergence(mu, log_var).sum(dim=1)
    return nats.mean() / math.log(2)


def _nats(mu, log_var):
    return models.kl_divergence(mu, log_var).sum(1).mean()


def _rate_numpy(mu, log_var):
    m, v = mu.numpy(), log_var.numpy()
    return like((0.5 * (m**2 + np.exp(v) - 1 - v)).sum(1).mean() / np.log(2), mu)


exercise(
    rate_in_bits,
    cases=lambda generator: [
        tuple(torch.randn(2, b, k, generator=generator)) for b, k in ((5, 3), (3, 7), (4, 2))
    ],
    hard=lambda generator: {
        "one image": tuple(torch.randn(2, 1, 4, generator=generator)),
        "means around 30, log-variances around 6": (
            30 * torch.randn(6, 5, generator=generator),
            6 * torch.randn(6, 5, generator=generator),
        ),
        "a code that is the prior": (torch.zeros(3, 2), torch.zeros(3, 2)),
    },
    gradient=None,
    mistakes=[
        Mistake(
            "nats", _nats, "that is the rate in nats: a bit is log 2 nats, so divide by log 2."
        ),
        Mistake(
            "times log 2",
            lambda m, v: _nats(m, v) * math.log(2),
            "multiplied by log 2: a bit is smaller than a nat, so there must be more of them. "
            "Divide.",
        ),
        Mistake(
            "mean over latents",
            lambda m, v: rate_in_bits(m, v) / m.shape[1],
            "that averages over the latents: the rate of an image is the sum over its latents.",
        ),
        Mistake(
            "sum over images",
            lambda m, v: rate_in_bits(m, v) * len(m),
            "that is the sum over the images: the rate is the average.",
        ),
        Mistake(
            "one per image",
            lambda m, v: models.kl_divergence(m, v).sum(1) / math.log(2),
            "that is one number per image: average over the batch.",
        ),
        Mistake(
            "one per latent",
            lambda m, v: models.kl_divergence(m, v).mean(0) / math.log(2),
            "that is one number per latent: add the latents up.",
        ),
        Mistake(
            "log 10",
            lambda m, v: _nats(m, v) / math.log(10),
            "divided by log 10: that is a unit of decimal digits.",
        ),
        Mistake(
            "the sign",
            lambda m, v: -rate_in_bits(m, v),
            "the sign is wrong: a rate is never negative.",
        ),
        Mistake(
            "the logarithm of the rate",
            lambda m, v: _nats(m, v).log2(),
            "the logarithm to base 2 of the rate is taken; nats become bits by a division.",
        ),
        Mistake(
            "the logarithm of each",
            lambda m, v: models.kl_divergence(m, v).sum(1).log2().mean(),
            "the logarithm to base 2 of each image's rate is taken; nats become bits by a "
            "division.",
        ),
        Mistake(
            "the average posterior",
            lambda m, v: models.kl_divergence(m.mean(0), v.mean(0)).sum() / math.log(2),
            "mu and log_var are averaged before the KL divergence; average the rates.",
        ),
    ],
    also_right={
        "NumPy": _rate_numpy,
        "written out": lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v).sum() / len(m) / math.log(2),
        "log2 of e": lambda m, v: _nats(m, v) * math.log2(math.e),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda m, v: _nats(m, v.detach()) / math.log(2),
            "no gradient reaches log_var",
        ),
        Mistake("item()", lambda m, v: rate_in_bits(m, v).item(), "a tensor is wanted"),
        Mistake("detached", lambda m, v: rate_in_bits(m, v).detach(), "no gradient"),
    ],
    praise="summed over latents, averaged over images, in bits.",
)


# ---- The mutual information gap ------------------------------------------------------------------


def mig(information: torch.Tensor, entropies: torch.Tensor) -> torch.Tensor:
    """The mutual information gap: [k, f] and [f], nats -> a scalar in [0, 1]."""
    best = information.topk(2, dim=0).values
    return ((best[0] - best[1]) / entropies).mean()


def _gaps(information, place=1):
    ranked = information.sort(0, descending=True).values
    return ranked[0] - ranked[place]


def _of_latents(information, entropies):
    ranked = (information / entropies).sort(1, descending=True).values
    return (ranked[:, 0] - ranked[:, 1]).mean()


def _to_the_mean(information, entropies):
    return ((information.max(0).values - information.mean(0)) / entropies).mean()


def _without_the_best(information, entropies):
    best = information.amax(0)
    return ((best - information.masked_fill(information == best, 0).amax(0)) / entropies).mean()


def _mig_python(information, entropies):
    columns = [sorted(column) for column in information.T.tolist()]
    gaps = [(c[-1] - c[-2]) / h for c, h in zip(columns, entropies.tolist())]
    return torch.tensor(sum(gaps) / len(gaps))


def _mig_cases(generator):
    def table(k, f):
        entropies = 0.5 + 2 * torch.rand(f, generator=generator)
        return torch.rand(k, f, generator=generator) * entropies, entropies

    return [table(6, 3), table(3, 5), table(4, 4)]


def _mig_hard(generator):
    entropies = torch.tensor([0.7, 2.0, 1.2])
    best = torch.tensor([[0.1, 0.4, 0.0], [0.5, 1.9, 0.0], [0.5, 0.2, 0.0], [0.3, 1.9, 0.9]])
    return {
        "a table in which two latents know a factor equally well": (best, entropies),
        "two latents": (best[:2], entropies),
        "one factor": (best[:, 2:], entropies[2:]),
    }


exercise(
    mig,
    cases=_mig_cases,
    hard=_mig_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "no entropy",
            lambda i, h: _gaps(i).mean(),
            "the division by the entropy of the factor is missing: a factor with more values has "
            "more to be known.",
        ),
        Mistake(
            "gap to the mean",
            _to_the_mean,
            "the gap is taken to the mean of all latents; it is the distance to the second best.",
        ),
        Mistake(
            "among the factors",
            _of_latents,
            "the best and the second best are sought among the factors of a latent; they "
            "should be sought among the latents (dimension 0) of each factor.",
        ),
        Mistake(
            "the best alone",
            lambda i, h: (i.max(0).values / h).mean(),
            "that is the share that the best latent knows; subtract what the second best knows.",
        ),
        Mistake(
            "best to worst",
            lambda i, h: (_gaps(i, -1) / h).mean(),
            "that is the distance from the best to the worst latent; the second best is meant.",
        ),
        Mistake(
            "sum over factors",
            lambda i, h: (_gaps(i) / h).sum(),
            "the gaps are added up over the factors; the score is their mean.",
        ),
        Mistake(
            "one per factor",
            lambda i, h: _gaps(i) / h,
            "one number per factor is left: take the mean.",
        ),
        Mistake(
            "one division",
            lambda i, h: _gaps(i).sum() / h.sum(),
            "divided once by the sum of the entropies: each factor's gap is divided by its own.",
        ),
        Mistake("the sign", lambda i, h: -mig(i, h), "the sign is wrong: the best comes first."),
        Mistake(
            "relative to the best",
            lambda i, h: (_gaps(i) / i.amax(0)).mean(),
            "the gap is divided by the best; divide it by the entropy of the factor.",
        ),
        Mistake(
            "the smallest",
            lambda i, h: ((i.sort(0).values[1] - i.sort(0).values[0]) / h).mean(),
            "those are the two that know least: sort from the largest down.",
        ),
        Mistake(
            "the first two",
            lambda i, h: ((i[0] - i[1]) / h).mean(),
            "those are the first two latents; the two that know most are wanted, others for "
            "each factor.",
        ),
        Mistake(
            "shares of the total",
            lambda i, h: (_gaps(i) / i.sum(0)).mean(),
            "the gap is divided by the sum over the latents; divide it by the entropy of the"
            " factor.",
        ),
        Mistake(
            "times the entropy",
            lambda i, h: (_gaps(i) * h).mean(),
            "multiplied by the entropy; divide.",
        ),
        Mistake(
            "the best factor",
            lambda i, h: (_gaps(i) / h).amax(),
            "that is the largest gap; the score is the mean over the factors.",
        ),
    ],
    also_right={
        "plain Python": _mig_python,
        "sorted": lambda i, h: (_gaps(i) / h).mean(),
        "sorted shares": lambda i, h: _gaps(i / h).mean(),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda i, h: (_gaps(i) / h.detach()).mean(),
            "no gradient reaches entropies",
        ),
        Mistake("ties", _without_the_best, "equally well"),
    ],
    praise="the best ahead of the second best, as a share of what there is to know.",
)


# ---- The total correlation -----------------------------------------------------------------------


def total_correlation(cov: torch.Tensor) -> torch.Tensor:
    """Total correlation in nats of a Gaussian with covariance [k, k] -> a scalar."""
    return 0.5 * (torch.diagonal(cov).log().sum() - torch.logdet(cov))


def _correlations(cov):
    width = torch.diagonal(cov).sqrt()
    return cov / width[:, None] / width


def _tc_numpy(cov):
    c = cov.numpy()
    return like((np.log(np.diag(c)).sum() - np.linalg.slogdet(c)[1]) / 2, cov)


def _covariance(k, rows, generator):
    a = torch.randn(k, rows, generator=generator)
    return a @ a.T / k


def _tc_hard(generator):
    large = _covariance(150, 450, generator) + 0.2
    return {
        "independent latents": (torch.tensor([0.2, 3.0, 1.5]).diag(),),
        "one latent": (torch.tensor([[2.5]]),),
        "150 latents, whose determinant would underflow": (1e-4 * large,),
        "150 latents, whose determinant would overflow": (1e4 * large,),
        "two latents that are nearly copies": (torch.tensor([[1.0, -1.98], [-1.98, 4.0]]),),
    }


exercise(
    total_correlation,
    cases=lambda generator: [
        (_covariance(k, k + 2, generator) + 0.2 * torch.eye(k),) for k in (3, 2, 5)
    ],
    hard=_tc_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "the sign",
            lambda c: -total_correlation(c),
            "the sign is wrong: a total correlation is never negative.",
        ),
        Mistake("no half", lambda c: 2 * total_correlation(c), "the factor 1/2 is missing."),
        Mistake(
            "no variances",
            lambda c: -0.5 * torch.logdet(c),
            "that is the entropy-like term alone: the logarithms of the variances are missing.",
        ),
        Mistake(
            "no determinant",
            lambda c: 0.5 * torch.log(torch.diagonal(c)).sum(),
            "only the logarithms of the variances are there: subtract the logarithm of the "
            "determinant.",
        ),
        Mistake(
            "no logarithms",
            lambda c: 0.5 * (torch.diagonal(c).sum() - torch.det(c)),
            "the determinant and the variances stand there without their logarithms.",
        ),
        Mistake(
            "no logarithm of the determinant",
            lambda c: 0.5 * (torch.log(torch.diagonal(c)).sum() - torch.det(c)),
            "the logarithm is missing around the determinant.",
        ),
        Mistake(
            "log of the sum",
            lambda c: 0.5 * (torch.log(torch.diagonal(c).sum()) - torch.logdet(c)),
            "the logarithm of the sum of the variances is taken; the sum of their logarithms is "
            "meant.",
        ),
        Mistake(
            "mean of logarithms",
            lambda c: 0.5 * (torch.log(torch.diagonal(c)).mean() - torch.logdet(c)),
            "averaged over the latents; the logarithms of the variances are added up.",
        ),
        Mistake(
            "bits",
            lambda c: total_correlation(c) / math.log(2),
            "that is in bits; the natural logarithm gives nats.",
        ),
        Mistake(
            "pairs only",
            lambda c: (
                -0.25
                * torch.log(1 - _correlations(c).square() + torch.eye(len(c), dtype=c.dtype)).sum()
            ),
            "that adds up correlations of pairs; with more than two latents the determinant knows"
            " more than the pairs.",
        ),
        Mistake(
            "half of the determinant alone",
            lambda c: torch.diagonal(c).log().sum() - 0.5 * torch.logdet(c),
            "the factor 1/2 stands at the determinant only; it belongs to both terms.",
        ),
        Mistake(
            "standard deviations",
            lambda c: 0.5 * (0.5 * torch.diagonal(c).log().sum() - torch.logdet(c)),
            "the logarithms of the standard deviations are summed; the diagonal holds variances, "
            "and the factor 1/2 outside makes the roots.",
        ),
        Mistake(
            "per latent",
            lambda c: total_correlation(c) / len(c),
            "divided by the number of latents; the total is wanted.",
        ),
        Mistake(
            "pairs twice",
            lambda c: (
                -0.5
                * torch.log(1 - _correlations(c).square() + torch.eye(len(c), dtype=c.dtype)).sum()
            ),
            "that adds up correlations of pairs, each pair twice; with more than two latents the "
            "determinant knows more than the pairs.",
        ),
    ],
    also_right={
        "Cholesky": lambda c: (
            c.diagonal().log() / 2 - torch.linalg.cholesky(c).diagonal().log()
        ).sum(),
        "NumPy": _tc_numpy,
        "slogdet": lambda c: 0.5 * (c.diagonal().log().sum() - torch.linalg.slogdet(c)[1]),
        "of the correlations": lambda c: -0.5 * torch.logdet(_correlations(c)),
        "eigenvalues": lambda c: 0.5 * (c.diagonal().log() - torch.linalg.eigvalsh(c).log()).sum(),
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda c: 0.5 * (c.diagonal().detach().log().sum() - torch.logdet(c)),
            "respect to cov",
        ),
        Mistake(
            "det first",
            lambda c: 0.5 * (c.diagonal().log().sum() - c.det().log()),
            "would underflow",
        ),
        Mistake(
            "prod first",
            lambda c: 0.5 * (c.diagonal().prod().log() - torch.logdet(c)),
            "would underflow",
        ),
        Mistake(
            "det clamped",
            lambda c: 0.5 * (c.diagonal().log().sum() - c.det().clamp(min=1e-30).log()),
            "150 latents",
        ),
        Mistake(
            "not summed", lambda c: 0.5 * (c.diagonal().log() - torch.logdet(c)), "shape should be"
        ),
    ],
    praise="zero for independent latents, growing without limit as one becomes a copy of others.",
)
