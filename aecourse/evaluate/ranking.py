"""Measures of a ranking: what stands at the top of a list, against what a user really chose."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import require


def top_items(scores: Tensor, n: int, seen: Tensor | None = None) -> Tensor:
    """The n items with the highest scores for each user, best first: int64 [N, n].

    scores  [N, I]
    seen    [N, I], above 0 where an item is known to the user already and must not be listed; None: nothing is

    Raises ValueError for scores that are not finite, and for a user with fewer than n items left.
    """
    _scores_fit(scores)
    n = require.integer("n", n)
    _beside("seen", seen, scores)
    left = (scores.shape[1] - (0 if seen is None else (seen > 0).sum(1))) * torch.ones(len(scores))
    short = (left < n).nonzero()
    if len(short):
        user = int(short[0])
        raise ValueError(
            f"n: got {n} for user {user}, who has {int(left[user])} items left of {scores.shape[1]}; accepted are at most as many as are left"  # pyright: ignore[reportArgumentType]
        )
    return _hidden(scores, seen).topk(n, dim=1).indices


def recall_at(scores: Tensor, held_out: Tensor, k: int, seen: Tensor | None = None) -> Tensor:
    """The share of a user's held-out items that are among the first k, at most k of them counted as findable: [N].

    scores    [N, I]; their order is the ranking
    held_out  [N, I], above 0 where an item is to be found
    seen      [N, I], above 0 where an item was given and is not listed; None: nothing was

    Hits among the first k, divided by min(k, number held out). Source: Liang et al. 2018.
    """
    hits = _found(scores, held_out, k, seen) > 0
    return hits.sum(1) / (held_out > 0).sum(1).clamp_max(k)


def ndcg_at(scores: Tensor, held_out: Tensor, k: int, seen: Tensor | None = None) -> Tensor:
    """The normalised discounted cumulative gain of the first k: [N], 1 for a list that no other order could better.

    scores, seen  as of `recall_at`
    held_out      [N, I]: the gain of each item, 1 for those to be found, or graded

    An item at place r counts its gain / log2(r + 1); the sum is divided by the largest that is possible. Source: Liang et al.
    2018, for gains of 0 and 1.
    """
    found = _found(scores, held_out, k, seen)
    discount = 1 / torch.log2(torch.arange(2, k + 2, dtype=scores.dtype, device=scores.device))
    return (found @ discount) / (held_out.to(scores.dtype).topk(k, dim=1).values @ discount)


def _found(scores: Tensor, held_out: Tensor, k: int, seen: Tensor | None) -> Tensor:
    """What held_out says of the item at each place of the list: [N, k]."""
    _scores_fit(scores)
    _beside("held_out", held_out, scores)
    _beside("seen", seen, scores)
    if require.integer("k", k) > scores.shape[1]:
        raise ValueError(f"k: got {k}; accepted is at most the number of items, {scores.shape[1]}")
    wanted = held_out > 0
    nothing = (~wanted.any(1)).nonzero()
    if len(nothing):
        raise ValueError(
            f"held_out: got nothing to find for user {nothing[0].item()}; accepted is at least one item for each"
        )
    if seen is not None and (both := (wanted & (seen > 0)).any(1).nonzero()).numel():
        raise ValueError(
            f"held_out: got items of user {both[0].item()} that are also in seen; accepted are items that were not given"
        )
    return held_out.gather(1, _hidden(scores, seen).topk(k, dim=1).indices).to(scores.dtype)


def _hidden(scores: Tensor, seen: Tensor | None) -> Tensor:
    return scores if seen is None else scores.masked_fill(seen > 0, -torch.inf)


def _scores_fit(scores: Tensor) -> None:
    if (
        not isinstance(scores, Tensor)
        or scores.dim() != 2
        or not scores.numel()
        or not scores.is_floating_point()
    ):
        raise ValueError(
            f"scores: got {require.described(scores)}; accepted is a floating-point tensor [users, items]"
        )
    if not torch.isfinite(scores).all():
        raise ValueError("scores: got NaN or infinite numbers; accepted are finite numbers")


def _beside(name: str, value, scores: Tensor) -> None:
    if name == "seen" and value is None:
        return
    if not isinstance(value, Tensor) or value.shape != scores.shape:
        raise ValueError(
            f"{name}: got {require.described(value)} for scores of shape {list(scores.shape)}; accepted is the same shape"
        )
    if (value < 0).any():
        raise ValueError(f"{name}: got negative entries; accepted are 0 and above")
