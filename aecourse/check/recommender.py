"""Exercises of lesson 22."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, exercise

# ---- The multinomial loss --------------------------------------------------------------------------


def multinomial_loss(logits, x) -> torch.Tensor:
    """Nats per user [B]: logits [B, I], choices x [B, I] as zeros, ones or counts."""
    return -(x * F.log_softmax(logits, dim=1)).sum(1)


def _choices(generator, sizes=((5, 7), (3, 9), (4, 6))):
    return [
        (
            2 * torch.randn(b, i, generator=generator),
            torch.randint(0, 3, (b, i), generator=generator).float(),
        )
        for b, i in sizes
    ]


def _by_distribution(logits, x):
    # the log-probability of the counts, without the number of orders in which they may come
    orders = torch.lgamma(x.sum(1) + 1) - torch.lgamma(x + 1).sum(1)
    return torch.stack(
        [
            orders[b]
            - torch.distributions.Multinomial(int(x[b].sum()), logits=logits[b]).log_prob(x[b])
            for b in range(len(x))
        ]
    )


exercise(
    multinomial_loss,
    cases=_choices,
    hard=lambda generator: {
        "one user": _choices(generator, ((1, 5),))[0],
        "as many users as films": _choices(generator, ((4, 4),))[0],
        "large logits": (
            torch.tensor([[900.0, 0.0, -900.0], [0.0, 500.0, 400.0]]),
            torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]),
        ),
    },
    mistakes=[
        Mistake(
            "a sigmoid per film",
            lambda s, x: F.binary_cross_entropy_with_logits(s, x, reduction="none").sum(1),
            "that is a yes or no for each film on its own; in a softmax the films compete.",
        ),
        Mistake(
            "chosen films alone",
            lambda s, x: -(x * F.logsigmoid(s)).sum(1),
            "that scores chosen films alone, so that a large score for every film is best; normalise over all films.",
        ),
        Mistake(
            "softmax over users",
            lambda s, x: -(x * F.log_softmax(s, dim=0)).sum(1),
            "the softmax runs over the users; it must run over the films of one user, dim=1.",
        ),
        Mistake(
            "no logarithm",
            lambda s, x: -(x * torch.softmax(s, dim=1)).sum(1),
            "the logarithm is missing: add up log-probabilities, not probabilities.",
        ),
        Mistake(
            "the sign",
            lambda s, x: (x * F.log_softmax(s, dim=1)).sum(1),
            "the sign is wrong: a loss is minus the log-likelihood.",
        ),
        Mistake(
            "mean over choices",
            lambda s, x: -(x * F.log_softmax(s, dim=1)).sum(1) / x.sum(1),
            "that is divided by the number of choices: each choice counts as one draw, so a user's nats add up.",
        ),
        Mistake(
            "mean over films",
            lambda s, x: -(x * F.log_softmax(s, dim=1)).mean(1),
            "that averages over the films; add them up.",
        ),
        Mistake(
            "mean over users",
            lambda s, x: -(x * F.log_softmax(s, dim=1)).sum(1).mean(),
            "that is one number for all users; keep one per user.",
        ),
    ],
    also_right={
        "logsumexp": lambda s, x: x.sum(1) * s.logsumexp(1) - (x * s).sum(1),
        "torch.distributions": _by_distribution,
    },
    also_wrong=[
        Mistake(
            "log of softmax",
            lambda s, x: -torch.where(x > 0, x * torch.softmax(s, dim=1).log(), 0.0).sum(1),
            "large logits",
        )
    ],
    still=("x",),
    praise="Each choice is a draw from one softmax over all films, and a user's choices add up.",
)


# ---- The quality of a list -------------------------------------------------------------------------


def list_quality(scores, held_out, seen, k: int) -> torch.Tensor:
    """NDCG@k of each user [B]: scores, held_out and seen are [B, I].

    held_out and seen are 1 where a film is to be found, or was given."""
    listed = scores.masked_fill(seen > 0, -torch.inf).topk(k, dim=1).indices
    discount = 1 / torch.log2(torch.arange(2, k + 2, dtype=scores.dtype))
    best = held_out.topk(k, dim=1).values @ discount
    return held_out.gather(1, listed) @ discount / best


def _lists(generator, sizes=((6, 12, 4), (5, 9, 3), (4, 15, 6))):
    found = []
    for b, i, k in sizes:
        scores = torch.randn(b, i, generator=generator)
        order = torch.rand(b, i, generator=generator).argsort(1).argsort(1)
        wanted = 1 + torch.arange(b)[:, None] % (i // 2)  # from one to half of all films
        seen = (order >= i - 3).float()
        # seen films would stand first, so that those who list them notice
        found.append((scores + 2 * seen, (order < wanted).float(), seen, k))
    return found


def _quality(scores, held_out, seen, k, discount=None, best=None):
    """`list_quality` with another discount of places, or another best sum."""
    listed = scores.masked_fill(seen > 0, -torch.inf).topk(k, dim=1).indices
    places = torch.arange(1, k + 1, dtype=scores.dtype)
    gains = (1 / torch.log2(places + 1)) if discount is None else discount(places)
    top = held_out.topk(k, dim=1).values @ gains if best is None else best(held_out, gains)
    return held_out.gather(1, listed) @ gains / top


def _by_loops(scores, held_out, seen, k):
    found = []
    for s, h, given in zip(scores.tolist(), held_out.tolist(), seen.tolist()):
        order = sorted((i for i in range(len(s)) if not given[i]), key=lambda i: -s[i])[:k]
        gains = [1 / torch.log2(torch.tensor(r + 2.0)).item() for r in range(k)]
        best = sum(gains[: min(k, int(sum(h)))])
        found.append(sum(g for g, i in zip(gains, order) if h[i]) / best)
    return torch.tensor(found, dtype=scores.dtype)


exercise(
    list_quality,
    cases=_lists,
    hard=lambda generator: {
        "one user": _lists(generator, ((1, 8, 3),))[0],
        "a perfect list": (
            torch.tensor([[5.0, 4.0, 3.0, 2.0]]),
            torch.tensor([[0.0, 1.0, 1.0, 0.0]]),
            torch.tensor([[1.0, 0.0, 0.0, 0.0]]),
            2,
        ),
        "scores far from 0": (
            torch.tensor([[40.0, 42.0, 900.0, -900.0, 41.0, -901.0, 901.0]]),
            torch.tensor([[0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]]),
            torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]),
            3,
        ),
    },
    gradient=False,
    mistakes=[
        Mistake(
            "seen films listed",
            lambda s, h, seen, k: _quality(s, h, 0 * seen, k),
            "films that were given stand in the list; they must be left out before the first k are taken.",
        ),
        Mistake(
            "seen films set to zero",
            lambda s, h, seen, k: _quality(s * (1 - seen), h, 0 * seen, k),
            "the scores of seen films are set to 0, which is more than a negative score; minus infinity keeps them out.",
        ),
        Mistake(
            "places from zero",
            lambda s, h, seen, k: _quality(s, h, seen, k, lambda r: 1 / torch.log2(r + 2)),
            "the first place must count 1 = 1 / log2(1 + 1): places are counted from 1.",
        ),
        Mistake(
            "no discount",
            lambda s, h, seen, k: _quality(s, h, seen, k, torch.ones_like),
            "every place counts the same: that is the recall. Place r counts 1 / log2(r + 1).",
        ),
        Mistake(
            "discount by place",
            lambda s, h, seen, k: _quality(s, h, seen, k, lambda r: 1 / r),
            "place r is discounted by 1 / r; it counts 1 / log2(r + 1).",
        ),
        Mistake(
            "not normalised",
            lambda s, h, seen, k: _quality(s, h, seen, k, best=lambda h, g: 1.0),
            "the sum is not divided by the best possible one.",
        ),
        Mistake(
            "best list of k hits",
            lambda s, h, seen, k: _quality(s, h, seen, k, best=lambda h, g: g.sum()),
            "the best list is taken to have k hits; it cannot have more than there are held-out films.",
        ),
        Mistake(
            "best list of any length",
            lambda s, h, seen, k: _quality(
                s,
                h,
                seen,
                k,
                best=lambda h, g: torch.stack(
                    [(1 / torch.log2(torch.arange(2.0, n + 2))).sum() for n in h.sum(1).tolist()]
                ),
            ),
            "the best list has places for all held-out films; it has only k places.",
        ),
        Mistake(
            "through a softmax",
            lambda s, h, seen, k: _quality(torch.softmax(s, 1), h, seen, k),
            "a softmax or sigmoid makes scores that lie far from 0 equal; rank the scores as they are.",
        ),
        Mistake(
            "lowest first",
            lambda s, h, seen, k: _quality(-s, h, seen, k),
            "the list begins with the lowest scores.",
        ),
        Mistake(
            "mean over users",
            lambda *a: list_quality(*a).mean(),
            "that is one number for all users; keep one per user.",
        ),
    ],
    also_right={"loops": _by_loops},
    praise="So a list of any length is judged by its head, and 1 is the best that the user's own films allow.",
)


# ---- EASE ------------------------------------------------------------------------------------------


def item_weights(X, weight: float) -> torch.Tensor:
    """B [I, I] for the choices X [N, I] of N users; X @ B are the scores."""
    P = torch.linalg.inv(X.T @ X + weight * torch.eye(X.shape[1], dtype=X.dtype))
    return (-P / P.diagonal()).fill_diagonal_(0)


def _tables(generator, sizes=((9, 4, 2.0), (12, 5, 0.7), (6, 7, 1.5))):
    return [
        ((torch.rand(n, i, generator=generator) < 0.5).float(), weight) for n, i, weight in sizes
    ]


def _precision(X, weight):
    return torch.linalg.inv(X.T @ X + weight * torch.eye(X.shape[1], dtype=X.dtype))


def _off(B):
    return B * (1 - torch.eye(len(B), dtype=B.dtype))


def _column_by_column(X, weight):
    """Each film is predicted from the others by ridge regression."""
    B = torch.zeros(X.shape[1], X.shape[1], dtype=X.dtype)
    for j in range(X.shape[1]):
        others = [i for i in range(X.shape[1]) if i != j]
        A = X[:, others]
        eye = torch.eye(len(others), dtype=X.dtype)
        B[others, j] = torch.linalg.solve(A.T @ A + weight * eye, A.T @ X[:, j])
    return B


exercise(
    item_weights,
    cases=_tables,
    hard=lambda generator: {
        "one user": _tables(generator, ((1, 4, 1.0),))[0],
        "as many users as films": _tables(generator, ((5, 5, 1.0),))[0],
    },
    gradient=False,
    mistakes=[
        Mistake(
            "no constraint",
            lambda X, w: torch.eye(X.shape[1], dtype=X.dtype) - w * _precision(X, w),
            "that is ridge regression with nothing forbidden: each film explains itself. The diagonal must be zero.",
        ),
        Mistake(
            "ridge, diagonal erased",
            lambda X, w: _off(torch.eye(X.shape[1], dtype=X.dtype) - w * _precision(X, w)),
            "the diagonal is erased after an unconstrained fit; with the constraint the other weights are different, too.",
        ),
        Mistake(
            "rows divided",
            lambda X, w: _off(-_precision(X, w) / _precision(X, w).diagonal()[:, None]),
            "each row is divided by its diagonal entry; divide each column, B_ij = -P_ij / P_jj.",
        ),
        Mistake(
            "the sign",
            lambda X, w: _off(_precision(X, w) / _precision(X, w).diagonal()),
            "the sign is wrong: films that are chosen together must get positive weights.",
        ),
        Mistake(
            "the diagonal is left",
            lambda X, w: -_precision(X, w) / _precision(X, w).diagonal(),
            "the diagonal is -1: set it to zero.",
        ),
        Mistake(
            "not divided", lambda X, w: _off(-_precision(X, w)), "P is not divided by its diagonal."
        ),
        Mistake(
            "no weight",
            lambda X, w: item_weights(X, 1e-3),
            "the weight of the penalty does not count: add it to the diagonal of X^T X before inverting.",
        ),
        Mistake(
            "X X^T",
            lambda X, w: item_weights(X.T, w),
            "that relates users to users, from X X^T; films are the columns, so use X^T X.",
        ),
    ],
    also_right={"a ridge regression per film": _column_by_column},
    praise="A linear autoencoder that may not copy, in one inverse.",
)
