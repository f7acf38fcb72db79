"""Exercises of lesson 18."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import models
from aecourse.check.core import Mistake, exercise

# ---- The judge's loss -----------------------------------------------------------------------------


def judge_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Logits for draws of the prior [N] and for codes [M] -> nats, each kind half."""
    return 0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean())


def _bce(real, fake, on_real=1.0, on_fake=0.0):
    of = F.binary_cross_entropy_with_logits
    return 0.5 * (
        of(real, torch.full_like(real, on_real)) + of(fake, torch.full_like(fake, on_fake))
    )


exercise(
    judge_loss,
    cases=lambda generator: [
        tuple(2 * torch.randn(n, generator=generator) for n in sizes) for sizes in ((5, 3), (2, 7))
    ],
    hard=lambda generator: {
        "logits of +200 and -200": (
            torch.tensor([200.0, -200.0, 1.0]),
            torch.tensor([-200.0, 200.0]),
        ),
        "a judge who can only guess, logits 0": (torch.zeros(4), torch.zeros(3)),
    },
    mistakes=[
        Mistake(
            "the labels swapped",
            lambda r, f: judge_loss(-r, -f),
            "the labels are swapped: the logit is positive for what the judge takes for a draw of the prior.",
        ),
        Mistake(
            "the half missing",
            lambda r, f: 2 * judge_loss(r, f),
            "the two kinds are added: each counts half, so that a judge who can only guess pays log 2.",
        ),
        Mistake(
            "all logits in one mean",
            lambda r, f: torch.cat([F.softplus(-r), F.softplus(f)]).mean(),
            "that is the mean over all logits, so that the larger kind counts more: take a mean for each kind.",
        ),
        Mistake(
            "the prior alone",
            lambda r, f: 0.5 * F.softplus(-r).mean(),
            "the codes are missing: the judge is wrong, too, where it takes a code for a draw of the prior.",
        ),
        Mistake(
            "sums",
            lambda r, f: 0.5 * (F.softplus(-r).sum() + F.softplus(f).sum()),
            "those are sums: average over the draws, and over the codes.",
        ),
        Mistake(
            "sigmoid twice",
            lambda r, f: judge_loss(r.sigmoid(), f.sigmoid()),
            "a sigmoid is applied before a loss that applies one itself: hand the logits over as they are.",
        ),
        Mistake(
            "the logarithm after the sigmoid",
            lambda r, f: -0.5 * (r.sigmoid().log().mean() + (1 - f.sigmoid()).log().mean()),
            "log(sigmoid(l)) is -inf where the judge is very sure: softplus(-l) is the same number and never overflows.",
        ),
        Mistake(
            "the encoder's gain",
            lambda r, f: -judge_loss(r, f),
            "the sign is wrong: that is what the encoder lowers, the judge's loss is its negative.",
        ),
        Mistake(
            "the sigmoids themselves",
            lambda r, f: 0.5 * (1 - r.sigmoid().mean() + f.sigmoid().mean()),
            "that is the probability of being wrong; the cross-entropy is its cost in nats, -log of the "
            "probability given to the truth.",
        ),
    ],
    also_right={
        "the course's own": models.judge_loss,
        "binary cross-entropy with logits": _bce,
        "logsigmoid": lambda r, f: -0.5 * (F.logsigmoid(r).mean() + F.logsigmoid(-f).mean()),
        "logaddexp": lambda r, f: (
            0.5
            * (
                torch.logaddexp(-r, torch.zeros_like(r)).mean()
                + torch.logaddexp(f, torch.zeros_like(f)).mean()
            )
        ),
    },
    also_wrong=[
        Mistake("labels of 0.9", lambda r, f: _bce(r, f, on_real=0.9), "should be"),
        Mistake(
            "the codes detached", lambda r, f: judge_loss(r, f.detach()), "no gradient reaches fake"
        ),
        Mistake("a float", lambda r, f: judge_loss(r, f).item(), "tensor"),
    ],
    praise="log 2 for a judge who can only guess, near 0 for one who knows, and finite for one who is sure and wrong.",
)


# ---- Gradient reversal ----------------------------------------------------------------------------


def reverse_gradient(z: torch.Tensor, strength: float) -> torch.Tensor:
    """Codes z [B, k] -> z itself, whose gradient is multiplied by -strength."""
    return (1 + strength) * z.detach() - strength * z


exercise(
    reverse_gradient,
    cases=lambda generator: [
        (torch.randn(5, 3, generator=generator), 0.7),
        (torch.randn(2, 7, generator=generator), 3.0),
    ],
    hard=lambda generator: {"a strength of 0": (torch.randn(3, 2, generator=generator), 0.0)},
    mistakes=[
        Mistake(
            "the codes turned round",
            lambda z, s: -s * z,
            "the codes themselves are multiplied by -strength: forward, z has to stay as it is.",
        ),
        Mistake(
            "minus z",
            lambda z, s: -z,
            "the codes change their sign: forward, z has to stay as it is.",
        ),
        Mistake(
            "nothing reversed",
            lambda z, s: z * 1.0,
            "the gradient passes unchanged, so the encoder would help the judge.",
        ),
        Mistake(
            "scaled, not reversed",
            lambda z, s: (1 - s) * z.detach() + s * z,
            "the gradient is multiplied by strength, not by -strength: the encoder would help the judge.",
        ),
        Mistake(
            "the strength left out",
            lambda z, s: 2 * z.detach() - z,
            "the gradient is multiplied by -1, whatever the strength.",
        ),
        Mistake(
            "divided by the strength",
            lambda z, s: (1 + 1 / s) * z.detach() - z / s if s else z.detach() + 0 * z,
            "the gradient is multiplied by -1 / strength: a larger strength has to pull harder.",
        ),
        Mistake(
            "one less",
            lambda z, s: s * z.detach() + (1 - s) * z,
            "the gradient is multiplied by 1 - strength: what is added to the detached codes may "
            "depend on z only through -strength * z.",
        ),
    ],
    also_right={
        "the course's own": models.reverse_gradient,
        "z plus what vanishes": lambda z, s: z.detach() - s * (z - z.detach()),
        "a hook": lambda z, s: _hooked(z, s),
    },
    also_wrong=[Mistake("cut off", lambda z, s: z.detach(), "no gradient flows")],
    praise="nothing changes on the way forward; on the way back, whoever comes before is told the opposite.",
)


def _hooked(z: Tensor, strength: float) -> Tensor:
    out = z.view_as(z)
    if out.requires_grad:
        out.register_hook(lambda g: -strength * g)
    return out


# ---- The discrepancy ------------------------------------------------------------------------------


def squared_mmd(x: torch.Tensor, y: torch.Tensor, width: float) -> torch.Tensor:
    """x [N, D], y [M, D], kernel exp(-|a - b|^2 / (2 width^2)) -> a scalar."""

    def kernel(a, b):
        return torch.exp(-(a[:, None] - b).square().sum(2) / (2 * width**2))

    def between_different(k):
        return (k.sum() - k.trace()) / (len(k) * (len(k) - 1))

    within = between_different(kernel(x, x)) + between_different(kernel(y, y))
    return within - 2 * kernel(x, y).mean()


def _parts(x, y, width, scale=2.0, power=2):
    def kernel(a, b):
        distance = (a[:, None] - b).square().sum(2)
        return torch.exp(-distance / (scale * width**power))

    return kernel(x, x), kernel(y, y), kernel(x, y)


def _apart(k):
    return (k.sum() - k.trace()) / (len(k) * (len(k) - 1))


def _mmd(*args, **options):
    xx, yy, xy = _parts(*args, **options)
    return _apart(xx) + _apart(yy) - 2 * xy.mean()


exercise(
    squared_mmd,
    cases=lambda generator: [
        (
            torch.randn(n, d, generator=generator),
            0.7 + torch.randn(m, d, generator=generator),
            width,
        )
        for n, m, d, width in ((5, 3, 2, 0.8), (4, 6, 3, 1.7))
    ],
    hard=lambda generator: {
        "two points each": (
            torch.randn(2, 1, generator=generator),
            torch.randn(2, 1, generator=generator),
            1.3,
        ),
        "clouds far apart": (
            torch.randn(4, 2, generator=generator),
            60 + torch.randn(5, 2, generator=generator),
            1.0,
        ),
    },
    mistakes=[
        Mistake(
            "the points with themselves",
            lambda x, y, w: (
                sum(k.mean() for k in _parts(x, y, w)[:2]) - 2 * _parts(x, y, w)[2].mean()
            ),
            "that is the biased estimator: each point is also compared with itself, where the kernel is 1. "
            "Leave the diagonals out.",
        ),
        Mistake(
            "divided by N^2 without the diagonal",
            lambda x, y, w: (
                sum((k.sum() - k.trace()) / len(k) ** 2 for k in _parts(x, y, w)[:2])
                - 2 * _parts(x, y, w)[2].mean()
            ),
            "the diagonals are left out, but the sums are divided by N^2: there are N (N - 1) pairs of different points.",
        ),
        Mistake(
            "the two between once",
            lambda x, y, w: _mmd(x, y, w) + _parts(x, y, w)[2].mean(),
            "the mean between the clouds counts twice: k(x, x') + k(y, y') - 2 k(x, y).",
        ),
        Mistake(
            "the sign",
            lambda x, y, w: -_mmd(x, y, w),
            "the sign is wrong: clouds that are far apart have a positive discrepancy.",
        ),
        Mistake(
            "the root",
            lambda x, y, w: _mmd(x, y, w).abs().sqrt(),
            "that is the root; the squared discrepancy is asked for, which may be negative here.",
        ),
        Mistake(
            "no 2 below",
            lambda x, y, w: _mmd(x, y, w, scale=1.0),
            "the 2 in the kernel's exp(-d^2 / (2 width^2)) is missing.",
        ),
        Mistake(
            "the width not squared",
            lambda x, y, w: _mmd(x, y, w, power=1),
            "the width is not squared in the kernel.",
        ),
        Mistake(
            "distances not squared",
            lambda x, y, w: (lambda k: _apart(k(x, x)) + _apart(k(y, y)) - 2 * k(x, y).mean())(
                lambda a, b: torch.exp(-torch.cdist(a, b) / (2 * w**2))
            ),
            "the distance is not squared in the kernel.",
        ),
        Mistake(
            "without the codes' own pairs",
            lambda x, y, w: _apart(_parts(x, y, w)[1]) - 2 * _parts(x, y, w)[2].mean(),
            "the pairs within x are missing: without them nothing keeps the points of x apart.",
        ),
        Mistake(
            "the means compared",
            lambda x, y, w: (x.mean(0) - y.mean(0)).square().sum(),
            "that compares the means only: two clouds with one mean and different shapes would pass.",
        ),
    ],
    also_right={
        "the course's own": lambda x, y, w: models.mmd(x, y, models.rbf(w)),
        "the square multiplied out": lambda x, y, w: _multiplied_out(x, y, w),
        "pair by pair": lambda x, y, w: _pair_by_pair(x, y, w),
    },
    also_wrong=[
        Mistake("y detached", lambda x, y, w: _mmd(x, y.detach(), w), "no gradient reaches y"),
        Mistake("one kernel per coordinate", lambda x, y, w: _coordinates(x, y, w), "should be"),
    ],
    praise="right on average for any two clouds: 0 where both are drawn alike, now and then a little below.",
)


def _multiplied_out(x, y, width):
    both = torch.cat([x, y])
    gram = both @ both.T
    squared = gram.diagonal()[:, None] + gram.diagonal() - 2 * gram
    k, n = torch.exp(-squared / (2 * width**2)), len(x)
    return _apart(k[:n, :n]) + _apart(k[n:, n:]) - 2 * k[:n, n:].mean()


def _pair_by_pair(x, y, width):
    def k(a, b):
        return torch.exp(-(a - b).square().sum() / (2 * width**2))

    def within(points):
        pairs = [(i, j) for i in range(len(points)) for j in range(len(points)) if i != j]
        return sum(k(points[i], points[j]) for i, j in pairs) / len(pairs)

    between = sum(k(a, b) for a in x for b in y) / (len(x) * len(y))
    return within(x) + within(y) - 2 * between


def _coordinates(x, y, width):
    return sum(_mmd(x[:, [d]], y[:, [d]], width) for d in range(x.shape[1])) / x.shape[1]
