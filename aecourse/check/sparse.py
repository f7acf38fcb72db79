"""Exercises of lesson 03."""

from __future__ import annotations

import torch

from aecourse.check.core import Mistake, exercise
from aecourse.models.contractive import contraction as by_autograd
from aecourse.models.sparse import kl_sparsity as kl_of_coins
from aecourse.models.sparse import top_k as the_courses_own

# ---- The price of activity --------------------------------------------------------------------------


def kl_sparsity(z: torch.Tensor, rho: float) -> torch.Tensor:
    """KL(rho || mean activation), summed over units: z [B, n] in (0, 1) -> scalar."""
    on = z.mean(dim=0)
    return (rho * (rho / on).log() + (1 - rho) * ((1 - rho) / (1 - on)).log()).sum()


def _activations(b, n, generator, low=0.02, high=0.7):
    return low + (high - low) * torch.rand(b, n, generator=generator)


def _turned(z, rho):
    on = z.mean(0)
    return (on * (on / rho).log() + (1 - on) * ((1 - on) / (1 - rho)).log()).sum()


def _unit_by_unit(z, rho):
    total = z.new_zeros(())
    for column in z.T:
        on = column.sum() / len(column)
        total = total + rho * (rho / on).log() + (1 - rho) * ((1 - rho) / (1 - on)).log()
    return total


exercise(
    kl_sparsity,
    cases=lambda generator: [
        (_activations(5, 3, generator), 0.05),
        (_activations(4, 7, generator), 0.2),
    ],
    hard=lambda generator: {
        "one image": (_activations(1, 4, generator), 0.05),
        "one unit": (_activations(6, 1, generator), 0.05),
        "as many images as units": (_activations(4, 4, generator), 0.1),
        "units that are almost never on": (_activations(5, 3, generator, 1e-5, 1e-4), 0.05),
        "units that are almost always on": (_activations(5, 3, generator, 0.999, 0.9999), 0.05),
    },
    mistakes=[
        Mistake(
            "mean over the units",
            lambda z, rho: kl_sparsity(z.T, rho),
            "the mean is over the units of an image; take it over the images, one mean per unit, else a few busy "
            "units pay for all.",
        ),
        Mistake(
            "arguments swapped",
            _turned,
            "that is KL(mean activation || rho): the target rho comes first.",
        ),
        Mistake(
            "only the first term",
            lambda z, rho: (rho * (rho / z.mean(0)).log()).sum(),
            "the second term is missing, (1 - rho) log((1 - rho) / (1 - on)): a coin has two sides.",
        ),
        Mistake(
            "the sign",
            lambda z, rho: -kl_sparsity(z, rho),
            "the sign is wrong: a KL divergence is never negative.",
        ),
        Mistake(
            "mean over units at the end",
            lambda z, rho: kl_sparsity(z, rho) / z.shape[1],
            "that is averaged over the units: sum over them, each unit has its own price.",
        ),
        Mistake(
            "no sum",
            lambda z, rho: kl_of_coins(rho, z.mean(0)),
            "that is one number per unit; add them up.",
        ),
        Mistake(
            "divergence first, mean afterwards",
            lambda z, rho: kl_of_coins(rho, z).mean(0).sum(),
            "the divergence is taken of every activation and averaged afterwards. That asks each image to be at rho; "
            "average over the images first.",
        ),
        Mistake(
            "one mean for all",
            lambda z, rho: kl_of_coins(rho, z.mean()) * z.shape[1],
            "there is one mean for the whole code: take one per unit.",
        ),
        Mistake(
            "base 2",
            lambda z, rho: kl_sparsity(z, rho) / torch.log(torch.tensor(2.0)),
            "that is in bits; the course counts in nats, with the natural logarithm.",
        ),
    ],
    also_right={
        "the course's own": lambda z, rho: kl_of_coins(rho, z.mean(0)).sum(),
        "torch.distributions": lambda z, rho: torch.distributions.kl_divergence(
            torch.distributions.Bernoulli(z.new_tensor(rho)),
            torch.distributions.Bernoulli(z.mean(0)),
        ).sum(),
        "unit by unit": _unit_by_unit,
    },
    also_wrong=[
        Mistake("detached", lambda z, rho: kl_sparsity(z.detach(), rho), "no gradient flows"),
        Mistake("L1", lambda z, rho: z.sum(1).mean(), "should be"),
    ],
    praise="zero where every unit is on in a share rho of the images, positive everywhere else.",
)


# ---- Only the largest stay ------------------------------------------------------------------------


def top_k(z: torch.Tensor, k: int) -> torch.Tensor:
    """z [B, n] with all but the k largest numbers of each row set to 0."""
    values, places = z.topk(k, dim=1)
    return torch.zeros_like(z).scatter(1, places, values)


def _by_threshold(z, k):
    return z * (z >= z.sort(dim=1, descending=True).values[:, k - 1 : k])


def _row_by_row(z, k):
    rows = []
    for row in z:
        keep = torch.zeros_like(row)
        keep[row.detach().argsort(descending=True)[:k]] = 1
        rows.append(row * keep)
    return torch.stack(rows)


def _largest_of_batch(z, k):
    values, places = z.flatten().topk(k * len(z))
    return torch.zeros_like(z).flatten().scatter(0, places, values).view_as(z)


exercise(
    top_k,
    cases=lambda generator: [
        (torch.randn(5, 7, generator=generator), 3),
        (torch.randn(4, 9, generator=generator), 2),
    ],
    hard=lambda generator: {
        "codes below zero throughout": (-1 - torch.rand(4, 6, generator=generator), 2),
        "k = 1": (torch.randn(3, 5, generator=generator), 1),
        "k as large as the code": (torch.randn(3, 4, generator=generator), 4),
        "one image": (torch.randn(1, 8, generator=generator), 3),
        "as many images as numbers": (torch.randn(6, 6, generator=generator), 2),
    },
    mistakes=[
        Mistake(
            "over the batch",
            lambda z, k: top_k(z.T, min(k, len(z))).T,
            "the k largest of each column are kept: choose them in each row, the code of one image.",
        ),
        Mistake(
            "of the whole batch",
            _largest_of_batch,
            "the largest of the whole batch are kept, so that one image gets more than another: choose k in each row.",
        ),
        Mistake(
            "by size",
            lambda z, k: torch.zeros_like(z).scatter(
                1, z.abs().topk(k).indices, z.gather(1, z.abs().topk(k).indices)
            ),
            "the largest by absolute value are kept; -3 is smaller than 1.",
        ),
        Mistake("the smallest", lambda z, k: -top_k(-z, k), "the k smallest are kept."),
        Mistake(
            "those erased",
            lambda z, k: z - top_k(z, k),
            "the k largest are erased and the others kept: it is the other way round.",
        ),
        Mistake(
            "a mask",
            lambda z, k: torch.zeros_like(z).scatter(1, z.topk(k).indices, 1.0) + 0 * z,
            "that is the mask, 1 where a number is kept; multiply the code by it.",
        ),
        Mistake(
            "sorted",
            lambda z, k: z.topk(k, dim=1).values,
            "those are the k values alone, sorted: they have to stay in their places, with zeros around them.",
        ),
        Mistake(
            "cut off at zero",
            lambda z, k: top_k(z, k).relu(),
            "negative numbers are cut off as well: the k largest stay as they are.",
        ),
        Mistake(
            "above the k-th",
            lambda z, k: z * (z > z.topk(k).values[:, -1:]),
            "only k - 1 numbers are kept: the k-th largest belongs to them, so compare with >=.",
        ),
    ],
    also_right={
        "the course's own": the_courses_own,
        "a threshold from sorting": _by_threshold,
        "row by row": _row_by_row,
    },
    also_wrong=[
        Mistake("softened", lambda z, k: top_k(z, k) + 0.1 * (z - top_k(z, k)), "should be"),
        Mistake(
            "a straight-through gradient",
            lambda z, k: z + (top_k(z, k) - z).detach(),
            "respect to z",
        ),
    ],
    praise="exactly k numbers stay, where they were, and only they receive a gradient.",
)


# ---- How far the code moves -----------------------------------------------------------------------


def contraction(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """||dz/dx||_F^2 per image, z = sigmoid(W x + b): [B, D], [n, D], [n] -> [B]."""
    z = torch.sigmoid(x @ weight.T + bias)
    return (z * (1 - z)).square() @ weight.square().sum(dim=1)


def _jacobian(x, weight, bias):
    z = torch.sigmoid(x @ weight.T + bias)
    return ((z * (1 - z))[:, :, None] * weight).square().sum((1, 2))


def _slope(x, weight, bias):
    z = torch.sigmoid(x @ weight.T + bias)
    return z * (1 - z)


exercise(
    contraction,
    cases=lambda generator: [
        tuple(torch.randn(*s, generator=generator) for s in ((b, d), (n, d), (n,)))
        for b, d, n in ((5, 4, 3), (2, 3, 6))
    ],
    hard=lambda generator: {
        "one image": tuple(torch.randn(*s, generator=generator) for s in ((1, 3), (4, 3), (4,))),
        "as many images as pixels and units": tuple(
            torch.randn(*s, generator=generator) for s in ((4, 4), (4, 4), (4,))
        ),
        "units that are saturated": (
            torch.randn(3, 4, generator=generator),
            torch.randn(5, 4, generator=generator),
            torch.tensor([6.0, -6.0, 5.0, -5.0, 0.0]),
        ),
    },
    mistakes=[
        Mistake(
            "slope not squared",
            lambda x, w, b: _slope(x, w, b) @ w.square().sum(1),
            "the slope z (1 - z) is not squared; every entry of the Jacobian is, as a whole.",
        ),
        Mistake(
            "weights not squared",
            lambda x, w, b: _slope(x, w, b).square() @ w.sum(1),
            "the weights are not squared: positive and negative ones would cancel.",
        ),
        Mistake(
            "sum, then square",
            lambda x, w, b: (_slope(x, w, b) @ w.sum(1)).square(),
            "squares come before sums: each entry of the Jacobian is squared, then all are added.",
        ),
        Mistake(
            "no slope",
            lambda x, w, b: w.square().sum() + 0 * _slope(x, w, b).sum(1),
            "the slope of the sigmoid is missing: dz_j/dx_i = z_j (1 - z_j) W_ji.",
        ),
        Mistake(
            "z for the slope",
            lambda x, w, b: torch.sigmoid(x @ w.T + b).square() @ w.square().sum(1),
            "the slope of the sigmoid is z (1 - z), not z.",
        ),
        Mistake(
            "the norm",
            lambda x, w, b: contraction(x, w, b).sqrt(),
            "that is the norm; the penalty is its square.",
        ),
        Mistake(
            "mean over the batch",
            lambda x, w, b: contraction(x, w, b).mean(),
            "that is one number for the whole batch; keep one per image.",
        ),
        Mistake(
            "mean over units",
            lambda x, w, b: contraction(x, w, b) / len(w),
            "that averages over the units; add them up.",
        ),
        Mistake(
            "no bias",
            lambda x, w, b: contraction(x, w, 0 * b),
            "the bias is left out: it moves the point at which the slope is taken.",
        ),
    ],
    also_right={
        "through the whole Jacobian": _jacobian,
        "autograd": lambda x, w, b: by_autograd(lambda v: torch.sigmoid(v @ w.T + b), x),
        "einsum": lambda x, w, b: torch.einsum("bn,nd->b", _slope(x, w, b) ** 2, w**2),
    },
    also_wrong=[
        Mistake(
            "the slope as a constant",
            lambda x, w, b: _slope(x, w, b).detach().square() @ w.square().sum(1),
            "gradient",
        )
    ],
    praise="one number per image, and no backward pass was needed.",
)
