"""Exercises of lesson 15."""

from __future__ import annotations

import math

import numpy as np
import torch

from aecourse import models
from aecourse.check.core import Mistake, exercise, like

# ---- A planar flow -------------------------------------------------------------------------------


def planar_log_det(z, u, w, b) -> torch.Tensor:
    """z [B, k], u and w [k], b a scalar -> log |det dz'/dz| of every row, [B]."""
    slope = 1 - torch.tanh(z @ w + b).square()
    return torch.log(1 + slope * (u @ w))


def _log_det(slope, det=lambda t: torch.log(t.abs())):
    return lambda z, u, w, b: det(1 + slope(torch.tanh(z @ w + b)) * (u @ w))


def _flow_python(z, u, w, b):
    u, w, b = u.tolist(), w.tolist(), float(b)
    dot = sum(p * q for p, q in zip(u, w))
    slopes = [1 - math.tanh(sum(p * q for p, q in zip(row, w)) + b) ** 2 for row in z.tolist()]
    return torch.tensor([math.log(1 + slope * dot) for slope in slopes])


def _flow_in_place(z, u, w, b):
    return torch.log(1 + (1 - torch.tanh(z @ w + b).square_()) * (u @ w))


def _slope_by_exp(z, u, w, b):
    e = torch.exp(2 * (z @ w + b))
    return torch.log(1 + 4 * e / (e + 1) ** 2 * (u @ w))


def _flow_by_autograd(z, u, w, b):
    """The determinant of the whole Jacobian, row by row."""
    jacobian = torch.func.vmap(torch.func.jacfwd(lambda z: z + u * torch.tanh(z @ w + b)))
    return torch.linalg.slogdet(jacobian(z)).logabsdet


def _flow_cases(generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    cases = {}
    for batch, k in ((5, 3), (1, 7), (4, 1)):
        z, u, w, b = normal(batch, k), normal(k), normal(k), normal()
        cases[f"w.u > 0, z of shape {list(z.shape)}"] = z, u * torch.sign(u @ w), w, b
    u, w = torch.full((3,), -0.2), torch.ones(3)
    cases["w.u = -0.6"] = 0.5 * normal(2, 3), u, w, torch.tensor(0.3)
    return cases


def _flow_hard(generator):
    z, ones = torch.randn(2, 3, generator=generator), torch.ones(3)
    near = z - z.mean(1, keepdim=True)
    return {
        "w.u = -0.96": (near, -0.32 * ones, ones, torch.tensor(0.1)),
        "u = 0": (z, 0 * ones, ones, torch.tensor(0.3)),
        "w.z + b from -500 to 500": (
            torch.tensor([[500.0], [-500.0], [6.0]]),
            torch.tensor([0.5]),
            torch.tensor([1.0]),
            torch.tensor(0.4),
        ),
        "a batch as large as a code": (
            torch.randn(3, 3, generator=generator),
            0.4 * ones,
            torch.tensor([1.0, -0.5, 2.0]),
            torch.randn((), generator=generator),
        ),
    }


exercise(
    planar_log_det,
    name="planar_flow",
    cases=_flow_cases,
    hard=_flow_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "determinant",
            _log_det(lambda t: 1 - t.square(), lambda d: d),
            "that is the determinant; its logarithm is wanted.",
        ),
        Mistake(
            "the sign",
            _log_det(lambda t: 1 - t.square(), lambda d: -d.log()),
            "the sign is wrong. It is log q that *loses* log |det|; the log-determinant itself is"
            " positive where space is stretched.",
        ),
        Mistake(
            "no derivative",
            _log_det(torch.ones_like),
            "the derivative of tanh is missing: it is 1 - tanh^2.",
        ),
        Mistake(
            "tanh for its derivative",
            _log_det(lambda t: t),
            "tanh itself stands where its derivative belongs: 1 - tanh^2.",
        ),
        Mistake(
            "1 - tanh",
            _log_det(lambda t: 1 - t),
            "the derivative of tanh is 1 - tanh^2, not 1 - tanh.",
        ),
        Mistake(
            "1 + tanh^2",
            _log_det(lambda t: 1 + t.square()),
            "the derivative of tanh is 1 - tanh^2, not 1 + tanh^2.",
        ),
        Mistake(
            "no 1",
            lambda z, u, w, b: torch.log((1 - torch.tanh(z @ w + b).square()) * (u @ w).abs()),
            "the 1 is missing: z itself has the derivative 1, so that u = 0 changes nothing.",
        ),
        Mistake(
            "no b",
            lambda z, u, w, b: planar_log_det(z, u, w, 0 * b),
            "b is missing inside the tanh.",
        ),
        Mistake(
            "entry by entry",
            lambda z, u, w, b: torch.log(
                (1 + (1 - torch.tanh(z @ w + b).square())[:, None] * u * w).abs()
            ).sum(1),
            "u and w are multiplied entry by entry and their logarithms added: the Jacobian I + "
            "slope u w^T is not diagonal, and its determinant is 1 + slope w.u.",
        ),
        Mistake(
            "u and w swapped",
            lambda z, u, w, b: planar_log_det(z, w, u, b),
            "u and w have changed places: w is inside the tanh.",
        ),
        Mistake(
            "sum over the batch",
            lambda z, u, w, b: planar_log_det(z, u, w, b).sum(),
            "that is summed over the batch; keep one figure per image.",
        ),
        Mistake(
            "w.z for w.u",
            lambda z, u, w, b: torch.log(
                (1 + (1 - torch.tanh(z @ w + b).square()) * (z @ w)).abs()
            ),
            "w.z stands where w.u belongs: the slope along w is multiplied by how far u leads "
            "along w.",
        ),
        Mistake(
            "the determinant less 1",
            lambda z, u, w, b: (1 - torch.tanh(z @ w + b).square()) * (u @ w),
            "that is the determinant less 1; log(1 + ...) of it is wanted.",
        ),
        Mistake(
            "minus",
            lambda z, u, w, b: torch.log(
                (1 - (1 - torch.tanh(z @ w + b).square()) * (u @ w)).abs()
            ),
            "the sign of w.u is wrong: z' = z + u tanh(...) has the derivative 1 + ...",
        ),
        Mistake(
            "sigmoid",
            lambda z, u, w, b: torch.log(
                (1 + (s := torch.sigmoid(z @ w + b)) * (1 - s) * (u @ w)).abs()
            ),
            "that is the derivative of the sigmoid; tanh has 1 - tanh^2.",
        ),
        Mistake(
            "product of norms",
            lambda z, u, w, b: torch.log1p(
                (1 - torch.tanh(z @ w + b).square()) * u.norm() * w.norm()
            ),
            "the lengths of u and w are multiplied; their dot product is wanted.",
        ),
        Mistake(
            "product of sums",
            lambda z, u, w, b: torch.log(
                (1 + (1 - torch.tanh(z @ w + b).square()) * u.sum() * w.sum()).abs()
            ),
            "u and w are summed before they are multiplied; their dot product is wanted.",
        ),
    ],
    also_right={
        "plain Python": _flow_python,
        "cosh": lambda z, u, w, b: torch.log1p((u * w).sum() / torch.cosh(z @ w + b) ** 2),
        "the absolute value": lambda z, u, w, b: torch.log(
            (1 + (u * w).sum() * (1 - torch.tanh((z * w).sum(1) + b) ** 2)).abs()
        ),
        "the whole Jacobian": _flow_by_autograd,
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda z, u, w, b: torch.log(1 + (1 - torch.tanh(z @ w + b) ** 2).detach() * (u @ w)),
            "reaches z",
        ),
        Mistake("in place", _flow_in_place, "in place"),
        Mistake("the slope by exp", _slope_by_exp, "NaN"),
        Mistake(
            "|w.u|",
            lambda z, u, w, b: planar_log_det(z, u * (u @ w).sign(), w, b),
            "not with w.u = -0.6",
        ),
    ],
    praise="one dot product and one tanh, where a general determinant would cost k cubed.",
)


# ---- Two estimates of one number -----------------------------------------------------------------


def merged_mean(mu_a, log_var_a, mu_b, log_var_b) -> torch.Tensor:
    """Two Gaussian estimates, all [B, k] -> the mean of both together, [B, k]."""
    share = torch.sigmoid(log_var_b - log_var_a)
    return share * mu_a + (1 - share) * mu_b


def _by(weight):
    """A merge whose means are weighted by `weight` of their log-variances."""

    def merged(mu_a, log_var_a, mu_b, log_var_b):
        a, b = weight(log_var_a), weight(log_var_b)
        return (a * mu_a + b * mu_b) / (a + b)

    return merged


def _merge_numpy(*parts):
    mu_a, s, mu_b, t = (part.numpy().astype(np.float64) for part in parts)
    return like((np.exp(-s) * mu_a + np.exp(-t) * mu_b) / (np.exp(-s) + np.exp(-t)), parts[0])


def _merge_hard(generator):
    mu, other = torch.randn(2, 2, 3, generator=generator)
    flat = torch.zeros(2, 3)
    return {
        "equal log-variances": (mu, flat + 0.7, other, flat + 0.7),
        "log-variances of -120 and -118": (mu, flat - 120, other, flat - 118),
        "log-variances of 120 and 118": (mu, flat + 120, other, flat + 118),
        "a second estimate that knows nothing": (mu, flat, other, flat + 60),
    }


exercise(
    merged_mean,
    cases=lambda generator: [
        tuple(torch.randn(4, b, k, generator=generator)) for b, k in ((5, 3), (1, 7))
    ],
    hard=_merge_hard,
    gradient=None,
    mistakes=[
        Mistake(
            "exp first",
            _by(lambda s: torch.exp(-s)),
            "exp() overflows or underflows: only the ratio of the two precisions is needed, and it is "
            "the exponential of a difference.",
        ),
        Mistake(
            "plain mean",
            _by(torch.ones_like),
            "that is the plain average of the two: weight each by its precision, exp(-log_var).",
        ),
        Mistake(
            "by variances",
            _by(torch.exp),
            "the means are weighted by the variances, so the less certain estimate counts more. A "
            "precision is 1 / variance.",
        ),
        Mistake(
            "by standard deviations",
            _by(lambda s: torch.exp(-0.5 * s)),
            "the means are weighted by 1 / sigma: the precision is 1 / sigma squared, exp(-log_var).",
        ),
        Mistake(
            "by log-variances",
            _by(lambda s: s),
            "the means are weighted by the log-variances; a precision is exp(-log_var).",
        ),
        Mistake(
            "log_var as variance",
            _by(lambda s: 1 / s),
            "log_var is used as if it were the variance: the precision is exp(-log_var).",
        ),
        Mistake(
            "not divided",
            lambda m, s, n, t: m * torch.exp(-s) + n * torch.exp(-t),
            "the weighted means are added, but not divided by the sum of the precisions.",
        ),
        Mistake(
            "the sum",
            lambda m, s, n, t: m + n,
            "that is the sum of the means; their average, weighted by the precisions, is wanted.",
        ),
        Mistake(
            "precisions averaged in pairs",
            lambda m, s, n, t: (m * torch.exp(-s) + n * torch.exp(-t)) / 2,
            "divided by 2, where the sum of the precisions belongs.",
        ),
        Mistake(
            "over all latents",
            lambda m, s, n, t: (
                (m * torch.exp(-s) + n * torch.exp(-t))
                / (torch.exp(-s) + torch.exp(-t)).sum(1, keepdim=True)
            ),
            "the precisions are added over the latents as well; each latent has its own.",
        ),
        Mistake(
            "the more certain one",
            lambda m, s, n, t: torch.where(s < t, m, n),
            "that is the mean of the more certain estimate alone; the other one counts, too, by its "
            "precision.",
        ),
    ],
    also_right={
        "the course's own": lambda m, s, n, t: models.merge(m, s, n, t)[0],
        "NumPy": _merge_numpy,
        "softmax": lambda m, s, n, t: (
            torch.softmax(torch.stack([-s, -t]), 0) * torch.stack([m, n])
        ).sum(0),
    },
    also_wrong=[
        Mistake("half a gradient", lambda m, s, n, t: merged_mean(m, s.detach(), n, t), "log_var_a")
    ],
    praise="the mean lies nearer to the more precise estimate, and nothing overflows.",
)
