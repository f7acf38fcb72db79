"""Exercises of lesson 12."""

from __future__ import annotations

import numpy as np
import torch

from aecourse import models
from aecourse.check.core import Mistake, exercise

# ---- Free bits -----------------------------------------------------------------------------------


def free_bits(mu: torch.Tensor, log_var: torch.Tensor, floor: float) -> torch.Tensor:
    """[B, k], [B, k] -> the KL term with `floor` nats free per latent, one number."""
    per_latent = models.kl_divergence(mu, log_var).mean(dim=0)
    return per_latent.clamp(min=floor).sum()


def _floors_python(mu, log_var, floor):
    each = models.kl_divergence(mu, log_var).mean(0)
    return sum(kl if kl > floor else torch.as_tensor(floor, dtype=mu.dtype) for kl in each)


def _floors_detached(mu, log_var, floor):
    each = models.kl_divergence(mu, log_var).mean(0)
    return each.sum() + (each.clamp(min=floor) - each).sum().detach()


def _posteriors(b, k, generator, low=0.1):
    return torch.randn(2, b, k, generator=generator) * torch.linspace(low, 1.5, k)


def _loud_only(mu, log_var, floor):
    each = models.kl_divergence(mu, log_var).mean(0)
    return each[each > floor].sum()


exercise(
    free_bits,
    cases=lambda generator: [
        (*(width * _posteriors(b, k, generator)), floor)
        for b, k, floor, width in ((6, 5, 0.3, 1.0), (3, 7, 0.6, 0.7), (9, 4, 0.5, 0.1))
    ],
    hard=lambda generator: {
        "a floor of 0": (*_posteriors(6, 5, generator), 0.0),
        "one image": (*torch.randn(2, 1, 6, generator=generator), 0.5),
        "one latent, below its floor": (*(0.1 * torch.randn(2, 5, 1, generator=generator)), 0.4),
        "40 latents": (*_posteriors(4, 40, generator, 0.05), 0.25),
        "latents without a mean": (torch.zeros(3, 4), torch.randn(3, 4, generator=generator), 0.2),
    },
    mistakes=[
        Mistake(
            "floor for every image",
            lambda m, v, f: models.kl_divergence(m, v).clamp_min(f).mean(0).sum(),
            "the floor is applied to every image by itself. Average over the batch first: a "
            "latent may be silent for one image and talk about another, as long as its mean is "
            "above the floor.",
        ),
        Mistake(
            "floor under the sum",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).sum().clamp_min(f),
            "the floor is applied to the sum over the latents. Then one loud latent excuses all "
            "silent ones; each needs a floor of its own.",
        ),
        Mistake(
            "floors under the sum",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).sum().clamp_min(f * m.shape[1]),
            "the floor is applied to the sum over the latents, times their number. Then one loud "
            "latent excuses all silent ones; each needs a floor of its own.",
        ),
        Mistake(
            "the smaller",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).clamp_max(f).sum(),
            "that is the smaller of the two: it stops charging a latent that carries much. The "
            "larger of floor and KL is wanted.",
        ),
        Mistake(
            "floor taken off",
            lambda m, v, f: (models.kl_divergence(m, v).mean(0) - f).clamp_min(0).sum(),
            "the floor is taken off. The gradient is the same, but the term should not fall below"
            " the floor: the larger of the two is wanted.",
        ),
        Mistake(
            "no floor",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).sum(),
            "the floor does nothing: that is the ordinary KL term.",
        ),
        Mistake(
            "mean over latents",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).clamp_min(f).mean(),
            "that averages over the latents; their terms add up.",
        ),
        Mistake(
            "one per latent",
            lambda m, v, f: models.kl_divergence(m, v).mean(0).clamp_min(f),
            "that is one number per latent; add them up.",
        ),
        Mistake(
            "sum over the batch",
            lambda m, v, f: models.kl_divergence(m, v).sum(0).clamp_min(f).sum(),
            "that sums over the batch before the floor is applied; average over it.",
        ),
        Mistake(
            "floor added",
            lambda m, v, f: (models.kl_divergence(m, v).mean(0) + f).sum(),
            "the floor is added: every latent is charged in full, and a constant on top.",
        ),
        Mistake(
            "silent latents dropped",
            _loud_only,
            "latents below the floor count nothing; they should count the floor.",
        ),
        Mistake(
            "over the latents first",
            lambda m, v, f: models.kl_divergence(m, v).mean(1).clamp_min(f).sum(),
            "that averages over the latents and puts the floor under every image; average over "
            "the batch, dimension 0.",
        ),
        Mistake(
            "the average posterior",
            lambda m, v, f: models.kl_divergence(m.mean(0), v.mean(0)).clamp_min(f).sum(),
            "mu and log_var are averaged before the KL divergence; average the KL divergences.",
        ),
    ],
    also_right={
        "latent by latent": _floors_python,
        "relu above the floor": lambda m, v, f: (
            (models.kl_divergence(m, v).mean(0) - f).relu().sum() + f * m.shape[1]
        ),
        "torch.where": lambda m, v, f: torch.where(
            (k := 0.5 * (m**2 + v.exp() - 1 - v).mean(0)) > f, k, torch.full_like(k, f)
        ).sum(),
    },
    also_wrong=[
        Mistake("detached", lambda m, v, f: free_bits(m, v, f).detach(), "no gradient"),
        Mistake("the floor detached", _floors_detached, "the gradient is not"),
        Mistake(
            "half a gradient", lambda m, v, f: free_bits(m.detach(), v, f), "the gradient is not"
        ),
    ],
    praise="below its floor a latent is charged the same whatever it does, so nothing pushes it "
    "to the prior.",
)


# ---- The masks of MADE ---------------------------------------------------------------------------


def made_mask(below: torch.Tensor, above: torch.Tensor, last: bool) -> torch.Tensor:
    """Degrees [I], [O] -> float mask [O, I]; `last`: whether `above` are logits."""
    allowed = above[:, None] > below if last else above[:, None] >= below
    return allowed.float()


def _made_numpy(below, above, last):
    return torch.from_numpy(
        (above.numpy()[:, None] - int(last) >= below.numpy()).astype(np.float32)
    )


def _made_cases(generator):
    def degrees(n):
        return torch.randint(6, (n,), generator=generator)

    return [
        (degrees(7), degrees(5), False),
        (degrees(5), degrees(7), True),
        (degrees(4), degrees(6), True),
    ]


def _made_hard(generator):
    many = torch.randint(700, (9,), generator=generator)
    more = torch.randint(700, (4,), generator=generator)
    return {
        "as many units above as below": (many[:5] % 6, many[4:] % 6, False),
        "degrees up to 700": (many, torch.cat([many[:3], more]), True),
        "degrees that are all equal": (torch.full((3,), 2), torch.full((4,), 2), False),
        "one unit each": (torch.tensor([1]), torch.tensor([4]), True),
    }


exercise(
    made_mask,
    cases=_made_cases,
    hard=_made_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "transposed",
            lambda b, a, s: made_mask(b, a, s).T,
            "turned on its side: a weight matrix is [outputs, inputs], so that the mask's rows "
            "are the units above.",
        ),
        Mistake(
            "never strict",
            lambda b, a, s: (a[:, None] >= b).float(),
            "the logit of a pixel sees units of its own degree, and through them the pixel "
            "itself. It would learn to copy it; the last layer needs 'greater than'.",
        ),
        Mistake(
            "always strict",
            lambda b, a, s: (a[:, None] > b).float(),
            "hidden units are kept from their own degree as well. Only the last layer has to be "
            "strict: so the network loses a pixel at every layer.",
        ),
        Mistake(
            "cases exchanged",
            lambda b, a, s: made_mask(b, a, not s),
            "the two cases are exchanged: the last layer is the strict one.",
        ),
        Mistake(
            "the wrong way round",
            lambda b, a, s: (a[:, None] < b if s else a[:, None] <= b).float(),
            "the wrong way round: each unit listens to those that know *more* than it may.",
        ),
        Mistake(
            "equal only",
            lambda b, a, s: (a[:, None] == b).float(),
            "each unit listens to its own degree only; all smaller ones are allowed too.",
        ),
        Mistake(
            "by place",
            lambda b, a, s: torch.ones(len(a), len(b)).tril(),
            "that is a triangle by the places of the units; what counts is their degrees.",
        ),
        Mistake(
            "one too far",
            lambda b, a, s: (a[:, None] > b + 1 if s else a[:, None] > b).float(),
            "both layers are one degree too strict.",
        ),
        Mistake("opposite", lambda b, a, s: 1 - made_mask(b, a, s), "0 and 1 are exchanged."),
    ],
    also_right={
        "NumPy": _made_numpy,
        "one off": lambda b, a, s: (a.unsqueeze(1) - int(s) >= b).to(torch.float32),
        "unit by unit": lambda b, a, s: torch.tensor(
            [[float(i < o if s else i <= o) for i in b] for o in a]
        ),
    },
    also_wrong=[
        Mistake(
            "bytes",
            lambda b, a, s: (a.byte()[:, None] >= b.byte() + int(s)).float(),
            "degrees up to 700",
        ),
        Mistake(
            "True and False",
            lambda b, a, s: a[:, None] > b if s else a[:, None] >= b,
            "True and False",
        ),
    ],
    praise="no path leads from a pixel to its own logit or to an earlier one.",
)
