"""Measures of what was put where nothing had been observed. mask [N, ...] is True where x was observed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, measuring
from aecourse.models.incomplete import mask_fits


def _in_parts(model, x, mask, call, rows: int, seed: int) -> list[Tensor]:
    """call(x, mask) on a few rows at a time, on the model's device; what comes back is on the CPU."""
    mask_fits(x, mask)
    with measuring(model, seed) as device:
        parts = zip(x.split(rows), mask.split(rows))
        return [call(a.to(device), b.to(device)).cpu() for a, b in parts]


def imputed(
    model, x: Tensor, mask: Tensor, samples: int | None = None, *, seed: int = 0, rows: int = 20_000
) -> Tensor:
    """x [N, ...] with the model's best guess in the holes. What stood there is not read.

    samples: of a `MIWAE`, how many weighted draws of the code an answer is made of (200 where nothing is said). rows: how
    many decoded rows are held in memory at a time.
    """
    fitting(model, x, "impute(x, mask)")
    options = {} if samples is None else {"samples": require.integer("samples", samples)}
    step = max(1, rows // (samples or 200))
    return torch.cat(
        _in_parts(model, x, mask, lambda a, b: model.impute(a, b, **options), step, seed)
    )


def imputations(
    model,
    x: Tensor,
    mask: Tensor,
    draws: int = 10,
    samples: int = 200,
    *,
    noise: bool = True,
    seed: int = 0,
    rows: int = 20_000,
) -> Tensor:
    """`draws` completions of x [N, ...] as the model's p(x_missing|x_observed) has them: [draws, N, ...].

    samples: how many weighted draws of the code they are chosen from. noise: as in `MIWAE.draw`.
    """
    fitting(model, x, "draw(x, mask, draws, samples, noise)")
    step = max(1, rows // require.integer("samples", samples))
    return torch.cat(
        _in_parts(model, x, mask, lambda a, b: model.draw(a, b, draws, samples, noise), step, seed),
        1,
    )


def observed_log_likelihood(
    model, x: Tensor, mask: Tensor, samples: int = 500, *, seed: int = 0, rows: int = 20_000
) -> Tensor:
    """An importance-sampled estimate of log p(x_observed): x and mask [N, ...] -> nats per row [N].

    On average a lower bound that rises to log p(x_observed) with `samples` (Mattei & Frellsen 2019).
    """
    fitting(model, x, "weighted(x, mask, samples)")
    step = max(1, rows // require.integer("samples", samples))
    weights = _in_parts(
        model, x, mask, lambda a, b: model.weighted(a, b, samples)[0].logsumexp(0), step, seed
    )
    return torch.cat(weights) - math.log(samples)


def _holes(filled: Tensor, x: Tensor, mask: Tensor) -> None:
    mask_fits(x, mask)
    if not isinstance(filled, Tensor) or filled.shape[-x.dim() :] != x.shape:
        raise ValueError(
            f"filled: got {require.described(filled)} for x of shape {list(x.shape)}; accepted is a tensor of that shape"
        )
    if mask.all():
        raise ValueError("mask: got a mask without a hole; accepted is one with something to fill")


def _once(filled: Tensor, x: Tensor, mask: Tensor) -> None:
    _holes(filled, x, mask)
    if filled.shape != x.shape:
        raise ValueError(
            f"filled: got {require.described(filled)} for x of shape {list(x.shape)}; accepted is a tensor of that shape: of "
            "several completions give one, or their mean"
        )


@require.checked(_once)
def hole_rmse(filled: Tensor, x: Tensor, mask: Tensor) -> float:
    """The root of the mean squared error over the holes: `filled` and the truth `x`, both [N, ...]."""
    return (filled - x)[~mask].double().square().mean().sqrt().item()


def _several(draws: Tensor, x: Tensor, mask: Tensor) -> None:
    _holes(draws, x, mask)
    if draws.dim() != x.dim() + 1 or len(draws) < 2:
        raise ValueError(
            f"draws: got {require.described(draws)}; accepted are several completions [m, N, ...] with m of at least 2"
        )
    if not draws[:, ~mask].isfinite().all():
        raise ValueError("draws: got NaN or infinity in a hole; accepted are finite numbers")


@require.checked(_several)
def coverage(draws: Tensor, x: Tensor, mask: Tensor) -> float:
    """The share of hidden values that lie within the range of their m completions: draws [m, N, ...], truth x [N, ...].

    If truth and completions come from one distribution, no rank of the truth among them is more probable than
    another, and it lies within their range with probability (m - 1) / (m + 1): 0.9 for m = 19.
    """
    inside = (draws.amin(0) <= x) & (x <= draws.amax(0))
    return inside[~mask].double().mean().item()
