"""Checkers of lesson 10."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse import models
from aecourse.check.core import Answer, compare


def free_bits(function) -> Answer:
    """function(mu, log_var, floor) -> sum_j max(floor, mean_b KL_j): [B, k], [B, k], a number -> scalar."""
    kl = models.kl_divergence

    def reference(mu: Tensor, log_var: Tensor, floor: float) -> Tensor:
        return kl(mu, log_var).mean(0).clamp_min(floor).sum()

    mistakes = {
        "the floor is applied to every image by itself. Average over the batch first: a latent may be silent for one image and "
        "talk about another, as long as its mean is above the floor.": lambda m, v, f: kl(m, v).clamp_min(f).mean(0).sum(),
        "the floor is applied to the sum over the latents. Then one loud latent excuses all silent ones; each needs a floor of its own.":
            lambda m, v, f: kl(m, v).mean(0).sum().clamp_min(f),
        "the floor is applied to the sum over the latents, times their number. Then one loud latent excuses all silent ones; each "
        "needs a floor of its own.": lambda m, v, f: kl(m, v).mean(0).sum().clamp_min(f * m.shape[1]),
        "that is the smaller of the two: it stops charging a latent that carries much. The larger of floor and KL is wanted.":
            lambda m, v, f: kl(m, v).mean(0).clamp_max(f).sum(),
        "the floor is taken off. The gradient is the same, but the term should not fall below the floor: the larger of the two is wanted.":
            lambda m, v, f: (kl(m, v).mean(0) - f).clamp_min(0).sum(),
        "the floor does nothing: that is the ordinary KL term.": lambda m, v, f: kl(m, v).mean(0).sum(),
        "that averages over the latents; their terms add up.": lambda m, v, f: kl(m, v).mean(0).clamp_min(f).mean(),
        "that is one number per latent; add them up.": lambda m, v, f: kl(m, v).mean(0).clamp_min(f),
        "that sums over the batch before the floor is applied; average over it.": lambda m, v, f: kl(m, v).sum(0).clamp_min(f).sum(),
        "the floor is added: every latent is charged in full, and a constant on top.": lambda m, v, f: (kl(m, v).mean(0) + f).sum(),
    }
    generator = torch.Generator().manual_seed(10)
    cases = [(*(width * torch.randn(2, b, k, generator=generator) * torch.linspace(0.1, 1.5, k)), floor)
             for b, k, floor, width in ((6, 5, 0.3, 1.0), (3, 7, 0.6, 0.7), (9, 4, 0.5, 0.1))]
    wide = torch.randn(2, 4, 40, generator=generator) * torch.linspace(0.05, 1.5, 40)
    hard = {"a floor of 0": (*cases[0][:2], 0.0), "one image": (*torch.randn(2, 1, 6, generator=generator), 0.5),
            "one latent, below its floor": (*(0.1 * torch.randn(2, 5, 1, generator=generator)), 0.4),
            "40 latents": (*wide, 0.25),
            "latents without a mean": (torch.zeros(3, 4), torch.randn(3, 4, generator=generator), 0.2)}
    return compare(function, reference, cases, mistakes, hard=hard,
                   praise="below its floor a latent is charged the same whatever it does, so nothing pushes it to the "
                          "prior.")


def made_mask(function) -> Answer:
    """function(below, above, last) -> the mask between two layers of a MADE: degrees [I] and [O], a bool -> [O, I] of 0 and 1.

    A hidden unit listens to degrees up to its own; the last layer, where `last` is true, to degrees below.
    """
    def reference(below: Tensor, above: Tensor, last: bool) -> Tensor:
        return (above[:, None] > below if last else above[:, None] >= below).float()

    mistakes = {
        "turned on its side: a weight matrix is [outputs, inputs], so that the mask's rows are the units above.":
            lambda b, a, s: reference(b, a, s).T,
        "the logit of a pixel sees units of its own degree, and through them the pixel itself. It would learn to copy it; the last "
        "layer needs 'greater than'.": lambda b, a, s: (a[:, None] >= b).float(),
        "hidden units are kept from their own degree as well. Only the last layer has to be strict: so the network loses a "
        "pixel at every layer.": lambda b, a, s: (a[:, None] > b).float(),
        "the two cases are exchanged: the last layer is the strict one.": lambda b, a, s: reference(b, a, not s),
        "the wrong way round: each unit listens to those that know *more* than it may.":
            lambda b, a, s: (a[:, None] < b if s else a[:, None] <= b).float(),
        "each unit listens to its own degree only; all smaller ones are allowed too.": lambda b, a, s: (a[:, None] == b).float(),
    }
    generator = torch.Generator().manual_seed(10)
    cases = [(torch.randint(6, (i,), generator=generator), torch.randint(6, (o,), generator=generator), last)
             for i, o, last in ((7, 5, False), (5, 7, True), (4, 6, True))]
    many = torch.randint(700, (9,), generator=generator)
    hard = {"as many units above as below": (cases[0][0][:5], cases[0][1], False),
            "degrees up to 700": (many, torch.cat([many[:3], torch.randint(700, (4,), generator=generator)]), True),
            "degrees that are all equal": (torch.full((3,), 2), torch.full((4,), 2), False),
            "one unit each": (torch.tensor([1]), torch.tensor([4]), True)}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="no path leads from a pixel to its own logit or to an earlier one.")
