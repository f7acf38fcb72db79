"""Measures of codes made of words: how many are used, how evenly, and how many nats a grid of them costs."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, measuring, needs


def code_indices(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """Which word stands in each cell: x [N, C, H, W] -> int64 [N, h, w] on the CPU."""
    fitting(model, x, "indices(x)", spoiled=True)
    parts = x.split(require.integer("batch_size", batch_size))
    with measuring(model, 0) as device:
        return torch.cat([model.indices(part.to(device)).cpu() for part in parts])


def codebook_usage(indices: Tensor, codes: int) -> float:
    """The share of `codes` words that occur at least once among indices, int64 of any shape."""
    return (_counts(indices, codes) > 0).double().mean().item()


def perplexity(indices: Tensor, codes: int) -> float:
    """How many equally frequent words would be as hard to guess: the exponential of the entropy of the frequencies.

    1 where one word is always used, `codes` where all are used alike. indices: int64 of any shape.
    """
    shares = _counts(indices, codes) / indices.numel()
    return torch.exp(-torch.special.xlogy(shares, shares).sum()).item()


def code_nats(prior, indices: Tensor, batch_size: int = 500) -> Tensor:
    """-log p(c) of grids of words under a prior with `log_prob`: int64 [N, h, w] -> nats per image [N]."""
    needs(prior, "log_prob(indices)")
    _words(indices, getattr(prior, "codes", 2**31))
    with measuring(prior, 0) as device:
        parts = indices.split(require.integer("batch_size", batch_size))
        return -torch.cat([prior.log_prob(part.to(device)).cpu() for part in parts])


def _counts(indices: Tensor, codes: int) -> Tensor:
    return torch.bincount(
        _words(indices, require.integer("codes", codes)).flatten().cpu(), minlength=codes
    ).double()


def _words(indices: Tensor, codes: int) -> Tensor:
    if not isinstance(indices, Tensor) or indices.dtype != torch.long or not indices.numel():
        raise ValueError(
            f"indices: got {require.described(indices)}; accepted is an int64 tensor with at least one entry"
        )
    if indices.min() < 0 or indices.max() >= codes:
        raise ValueError(
            f"indices: got {indices.min()} to {indices.max()}; accepted is 0 to {codes - 1}"
        )
    return indices
