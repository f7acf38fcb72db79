"""Exercises of lesson 20."""

from __future__ import annotations

import math

import torch

from aecourse.check.core import Mistake, exercise

# ---- Nats of what was observed ---------------------------------------------------------------------


def observed_nats(x, mask, mean, sigma) -> torch.Tensor:
    """log N(x_observed; mean, sigma^2) of each row, nats [B]: x, mask, mean [B, D],
    mask True where x was observed, sigma a positive number."""
    off = torch.where(mask, x - mean, 0.0) / sigma
    each = -0.5 * off.square() - math.log(sigma) - 0.5 * math.log(2 * math.pi)
    return torch.where(mask, each, 0.0).sum(1)


def _rows(generator, b: int, d: int, sigma: float):
    x, mean = torch.randn(2, b, d, generator=generator)
    mask = torch.rand(b, d, generator=generator) < 0.6
    mask[:, 0], mask[0, 1] = True, False
    return x, mask, mean, sigma


def _infinite_rows(generator):
    x, mask, mean, sigma = _rows(generator, 4, 3, 0.8)
    return torch.where(mask, x, math.inf), mask, mean, sigma


def _nats(x, mask, mean, sigma, *, counted=None, power=2.0, variance=False, constant=True):
    """The solution with one thing changed."""
    scale = math.sqrt(sigma) if variance else sigma
    each = -0.5 * ((x - mean) / scale).abs().pow(power)
    if constant:
        each = each - math.log(scale) - 0.5 * math.log(2 * math.pi)
    return (each * (mask if counted is None else counted)).sum(1)


def _nats_by_torch(x, mask, mean, sigma):
    safe = torch.where(mask, x, mean)
    each = torch.distributions.Normal(mean, sigma, validate_args=False).log_prob(safe)
    return (each * mask).sum(1)


exercise(
    observed_nats,
    cases=lambda generator: [_rows(generator, 5, 4, 0.7), _rows(generator, 3, 6, 1.6)],
    hard=lambda generator: {
        "one row": _rows(generator, 1, 4, 0.5),
        "a row without an observed value": (
            *_rows(generator, 2, 3, 0.9)[:1],
            torch.tensor([[True, False, True], [False, False, False]]),
            *_rows(generator, 2, 3, 0.9)[2:],
        ),
        "infinite numbers in the holes": _infinite_rows(generator),
    },
    still=("x",),
    mistakes=[
        Mistake(
            "holes scored",
            lambda x, m, mean, s: _nats(x, m, mean, s, counted=torch.ones_like(m)),
            "the holes are scored, too: only observed values count.",
        ),
        Mistake(
            "the mask upside down",
            lambda x, m, mean, s: _nats(x, m, mean, s, counted=~m),
            "the mask is upside down: True stands where x was observed.",
        ),
        Mistake(
            "zeros in the holes",
            lambda x, m, mean, s: _nats(x * m, m, mean, s, counted=torch.ones_like(m)),
            "zeros are put into the holes and scored: a hole must add nothing to the sum.",
        ),
        Mistake(
            "mean over the observed",
            lambda x, m, mean, s: _nats(x, m, mean, s) / m.sum(1),
            "that is the mean over the observed values: a log-likelihood is their sum.",
        ),
        Mistake(
            "sigma as a variance",
            lambda x, m, mean, s: _nats(x, m, mean, s, variance=True),
            "sigma is used as if it were the variance: divide by sigma squared.",
        ),
        Mistake(
            "no constant",
            lambda x, m, mean, s: _nats(x, m, mean, s, constant=False),
            "log sigma and the constant are missing: rows with many observed values pay them more often.",
        ),
        Mistake(
            "the constant for every column",
            lambda x, m, mean, s: (
                _nats(x, m, mean, s, constant=False)
                - m.shape[1] * (math.log(s) + 0.5 * math.log(2 * math.pi))
            ),
            "log sigma and the constant are paid for the holes, too: count them for observed values only.",
        ),
        Mistake(
            "half of log sigma",
            lambda x, m, mean, s: _nats(x, m, mean, s) + 0.5 * math.log(s) * m.sum(1),
            "log sigma is counted by half: the factor of the density is 1 / (sigma sqrt(2 pi)).",
        ),
        Mistake(
            "the sign",
            lambda *a: -observed_nats(*a),
            "the sign is wrong: that is minus the log-likelihood.",
        ),
    ],
    also_right={"torch.distributions": _nats_by_torch},
    also_wrong=[
        Mistake("one number", lambda *a: observed_nats(*a).mean(), "shape"),
        Mistake("infinity passes", lambda *a: _nats(*a), "infinite numbers in the holes"),
    ],
    praise="a hole adds nothing, whatever stands in it, and the rest is an exact likelihood.",
)


# ---- The weighted guess ----------------------------------------------------------------------------


def weighted_fill(x, mask, log_w, guesses) -> torch.Tensor:
    """x [B, D] with the weighted mean of the guesses in its holes: mask [B, D],
    True where x was observed, log_w [K, B], guesses [K, B, D]."""
    share = torch.softmax(log_w, dim=0)
    mean = (share[:, :, None] * guesses).sum(0)
    return torch.where(mask, x, mean)


def _draws(generator, k: int, b: int, d: int, level: float = 0.0):
    x = torch.randn(b, d, generator=generator)
    mask = torch.rand(b, d, generator=generator) < 0.5
    mask[0, 0], mask[0, 1] = True, False
    log_w = torch.randn(k, b, generator=generator) + level
    return x, mask, log_w, torch.randn(k, b, d, generator=generator)


def _with_share(share_of, where=lambda x, mask, mean: torch.where(mask, x, mean)):
    def fill(x, mask, log_w, guesses):
        return where(x, mask, (share_of(log_w)[:, :, None] * guesses).sum(0))

    return fill


exercise(
    weighted_fill,
    cases=lambda generator: [_draws(generator, 4, 3, 5), _draws(generator, 6, 5, 4)],
    hard=lambda generator: {
        "log-weights near -1000": _draws(generator, 4, 3, 5, -1000.0),
        "as many draws as rows": _draws(generator, 4, 4, 3),
        "one draw": _draws(generator, 1, 3, 4),
    },
    still=("x",),
    mistakes=[
        Mistake(
            "equal shares",
            _with_share(lambda w: torch.ones_like(w) / len(w)),
            "all draws count alike: a draw counts by its weight.",
        ),
        Mistake(
            "shares over the rows",
            _with_share(lambda w: torch.softmax(w, 1)),
            "the shares add up to one over the rows; they must do so over the draws of each row, dimension 0.",
        ),
        Mistake(
            "log-weights as weights",
            _with_share(lambda w: w / w.sum(0)),
            "log-weights are used as weights: take their softmax.",
        ),
        Mistake(
            "not normalised",
            _with_share(torch.exp),
            "the weights do not add up to one: divide by their sum over the draws.",
        ),
        Mistake(
            "averaged once too often",
            _with_share(lambda w: torch.softmax(w, 0) / len(w)),
            "the weighted guesses are averaged over the draws: the shares add up to one, so add them up.",
        ),
        Mistake(
            "everything replaced",
            _with_share(lambda w: torch.softmax(w, 0), lambda x, mask, mean: mean + 0 * x),
            "observed values are replaced, too: only the holes are filled.",
        ),
        Mistake(
            "the mask upside down",
            _with_share(
                lambda w: torch.softmax(w, 0), lambda x, mask, mean: torch.where(mask, mean, x)
            ),
            "the mask is upside down: True stands where x was observed.",
        ),
        Mistake(
            "the likeliest draw",
            _with_share(lambda w: (w == w.max(0).values).to(w.dtype)),
            "that is the guess of the heaviest draw alone: the best guess is an average.",
        ),
    ],
    also_right={
        "by logsumexp": _with_share(lambda w: torch.exp(w - torch.logsumexp(w, 0))),
        "einsum": lambda x, mask, log_w, guesses: torch.where(
            mask, x, torch.einsum("kb,kbd->bd", log_w.softmax(0), guesses)
        ),
    },
    also_wrong=[
        Mistake(
            "underflow",
            _with_share(lambda w: torch.exp(w) / torch.exp(w).sum(0)),
            "log-weights near -1000",
        )
    ],
    praise="codes that explain what was observed speak for what was not.",
)


# ---- Rubin's rules ---------------------------------------------------------------------------------


def rubin_variance(estimates, variances) -> torch.Tensor:
    """The total variance [Q] of Q pooled estimates: estimates and variances [m, Q],
    one row for each of the m completed tables."""
    m = len(estimates)
    off = estimates - estimates.mean(0)
    between = off.square().sum(0) / (m - 1)
    return variances.mean(0) + (1 + 1 / m) * between


def _tables(generator, m: int, q: int):
    return (torch.randn(m, q, generator=generator), torch.rand(m, q, generator=generator) + 0.2)


exercise(
    rubin_variance,
    cases=lambda generator: [_tables(generator, 5, 3), _tables(generator, 4, 6)],
    hard=lambda generator: {
        "two tables": _tables(generator, 2, 3),
        "as many tables as estimates": _tables(generator, 4, 4),
        "equal estimates": (torch.ones(3, 2), torch.tensor([[0.2, 0.5]] * 3)),
    },
    mistakes=[
        Mistake(
            "within only",
            lambda e, v: v.mean(0) + 0 * e.sum(),
            "that is the average variance of a complete table: what the holes add is missing.",
        ),
        Mistake(
            "between only",
            lambda e, v: (1 + 1 / len(e)) * e.var(0) + 0 * v.sum(),
            "that is what the holes add; the average of the variances is missing.",
        ),
        Mistake(
            "no factor",
            lambda e, v: v.mean(0) + e.var(0),
            "the factor 1 + 1/m is missing: m tables are fewer than infinitely many.",
        ),
        Mistake(
            "divided by m",
            lambda e, v: v.mean(0) + (1 + 1 / len(e)) * e.var(0, correction=0),
            "the variance between the estimates divides by m; it divides by m - 1.",
        ),
        Mistake(
            "variance of the mean",
            lambda e, v: v.mean(0) + e.var(0) / len(e),
            "the spread is divided by m: more fillings of the same holes do not fill them.",
        ),
        Mistake(
            "averaged variances of a mean",
            lambda e, v: v.mean(0) / len(v) + (1 + 1 / len(e)) * e.var(0),
            "the variances are divided by m once too often: m fillings of one table are not m tables.",
        ),
        Mistake(
            "a standard deviation",
            lambda e, v: (v.mean(0) + (1 + 1 / len(e)) * e.var(0)).sqrt(),
            "that is the standard error, its square is wanted.",
        ),
        Mistake(
            "over the estimates",
            lambda e, v: v.mean(1) + (1 + 1 / e.shape[1]) * e.var(1),
            "the average runs over the estimates of one table; it runs over the tables, dimension 0.",
        ),
    ],
    also_right={"torch.var": lambda e, v: v.mean(0) + e.var(0) * (len(e) + 1) / len(e)},
    praise="what a complete table would leave open, plus what the holes leave open.",
)
