"""Does every number of a code stand for one factor? Three answers, from codes [N, k] and known factors [N, f].

codes: floating point. factors: whole numbers, one column per factor. Scores are in [0, 1]. For a VAE take `draw_codes`:
the means of q(z|x) tell, in far decimals, more than the decoder ever gets to see.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, measuring


def draw_codes(model, x: Tensor, *, seed: int = 0) -> Tensor:
    """One draw from q(z|x) per image: x [N, C, H, W] -> codes [N, latent_dim] on the CPU.

    A silent latent has q(z|x) close to the prior, so that its draws are noise. Its *mean* still follows x by a little,
    and none of the measures below asks how little: they would take it for a code number like any other.
    """
    fitting(model, x, "posterior(x)")
    with measuring(model, seed) as device:
        parts = [model.posterior(part.to(device)) for part in x.split(2000)]
        return torch.cat([q.draw(1)[0][0] for q in parts]).cpu()


def mutual_information(codes: Tensor, factors: Tensor, bins: int = 20) -> tuple[Tensor, Tensor]:
    """(information [k, f], entropies [f]) in nats: of each code number about each factor, and of the factors.

    A code number is cut into `bins` of equal width between its least and its largest value, as in Locatello et al.
    2019. Unrelated numbers get about (bins - 1)(values - 1) / (2 N) nats by chance, 0.006 for 20 bins, 12 values and
    18,000 images.
    """
    codes, factors = _checked(codes, factors)
    bins = require.integer("bins", bins, low=2)
    low, high = codes.min(0).values, codes.max(0).values
    cell = ((codes - low) / (high - low).clamp_min(1e-12) * bins).long().clamp(0, bins - 1)
    information, entropies = (
        codes.new_zeros(codes.shape[1], factors.shape[1]),
        codes.new_zeros(factors.shape[1]),
    )
    for f in range(factors.shape[1]):
        values = int(factors[:, f].max()) + 1
        for j in range(codes.shape[1]):
            joint = torch.bincount(
                cell[:, j] * values + factors[:, f], minlength=bins * values
            ).view(bins, values)
            joint = joint.to(codes.dtype) / len(codes)
            entropies[f] = _entropy(joint.sum(0))
            information[j, f] = (
                _entropy(joint.sum(1)) + entropies[f] - _entropy(joint.flatten())
            ).clamp_min(0)
    return information, entropies


def mig(codes: Tensor, factors: Tensor, bins: int = 20) -> float:
    """The mutual information gap: how far the best code number of a factor is ahead of the second best.

    Mean over factors of (largest - second largest information) / entropy of the factor. Source: Chen et al. 2018,
    section 4.1; like Locatello et al. 2019 with means and bins instead of draws from q(z|x).
    """
    information, entropies = mutual_information(codes, factors, bins)
    ranked = (
        torch.cat([information, torch.zeros_like(information[:1])]).sort(0, descending=True).values
    )
    varied = entropies > 0
    return ((ranked[0] - ranked[1])[varied] / entropies[varied]).mean().item()


def factor_vae_score(
    codes: Tensor, factors: Tensor, *, votes: int = 800, group: int = 64, seed: int = 0
) -> float:
    """The share of votes that name the right factor (Kim & Mnih 2018).

    A vote: fix one factor at random at one of its values, take `group` images that have it, and name the code number
    with the smallest variance, relative to its variance over all images. A table of `votes` such votes says which
    factor each code number stands for; the score is how often that is right for `votes` others. Chance is 1 / f.
    Code numbers that never move do not vote.
    """
    codes, factors = _checked(codes, factors)
    votes, group = require.integer("votes", votes), require.integer("group", group, low=2)
    generator = np.random.default_rng(require.integer("seed", seed, low=0))
    spread = codes.var(0)
    alive = (spread > 1e-12 * codes.square().mean(0)).nonzero().flatten()
    if not len(alive):
        return 1 / factors.shape[1]
    scaled = (codes[:, alive] / spread[alive].sqrt()).numpy()
    rows = [
        [np.flatnonzero(column == value) for value in np.unique(column)]
        for column in factors.T.numpy()
    ]
    table = np.zeros((2, len(alive), factors.shape[1]), dtype=int)
    for half in table:
        for _ in range(votes):
            f = generator.integers(len(rows))
            having = rows[f][generator.integers(len(rows[f]))]
            half[scaled[generator.choice(having, group)].var(0).argmin(), f] += 1
    named = table[0].argmax(1)
    return float(table[1][np.arange(len(alive)), named].sum() / votes)


class DCI(NamedTuple):
    """disentanglement: a code number tells of one factor. completeness: a factor is told by one code number.
    informativeness: the share of held-out factor values that the code as a whole tells right."""

    disentanglement: float
    completeness: float
    informativeness: float


def dci(
    codes: Tensor, factors: Tensor, *, train: int = 4000, trees: int = 10, seed: int = 0
) -> DCI:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018).

    A random forest predicts every factor from the code; `train` rows fit it, as many others test it. Its trees are
    shallow (8 questions) and may choose among all code numbers for each, so that they do not come to ask about noise. How
    much of a forest's prediction rests on which code number is a matrix of importances [k, f]. A row (a code number) scores 1
    minus the entropy of its shares among factors, a column (a factor) likewise, relative to the largest entropy there
    can be; code numbers are weighted by their importance, factors equally.
    """
    codes, factors = _checked(codes, factors)
    train = min(require.integer("train", train, low=2), len(codes) // 2)
    order = np.random.default_rng(require.integer("seed", seed, low=0)).permutation(len(codes))
    fit, test = order[:train], order[train : 2 * train]
    x, y = codes.numpy(), factors.numpy()
    importances, right = np.zeros((x.shape[1], y.shape[1])), []
    for f in range(y.shape[1]):
        forest = RandomForestClassifier(
            require.integer("trees", trees),
            max_depth=8,
            max_features=1.0,  # pyright: ignore[reportArgumentType]
            random_state=seed,
        )
        forest.fit(x[fit], y[fit, f])
        importances[:, f] = forest.feature_importances_
        right.append(forest.score(x[test], y[test, f]))
    whole = importances.sum()
    weights = (
        importances.sum(1) / whole if whole else np.full(len(importances), 1 / len(importances))
    )
    return DCI(
        float((_purity(importances) * weights).sum()),
        float(_purity(importances.T).mean()),
        float(np.mean(right)),
    )


def _purity(shares: np.ndarray) -> np.ndarray:
    """1 - entropy / largest entropy of each row; 0 for a row of zeros, 1 where there is only one column."""
    total = shares.sum(1, keepdims=True)
    shares = shares / np.where(total > 0, total, 1)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    purity = 1 + (shares * logs).sum(1) / np.log(max(2, shares.shape[1]))
    return np.where(total[:, 0] > 0, purity, 0.0)


def _entropy(shares: Tensor) -> Tensor:
    return -torch.special.xlogy(shares, shares).sum()


def _checked(codes: Tensor, factors: Tensor) -> tuple[Tensor, Tensor]:
    """Both on the CPU, codes in float64."""
    if (
        not isinstance(codes, Tensor)
        or codes.dim() != 2
        or not codes.is_floating_point()
        or len(codes) < 4
    ):
        raise ValueError(
            f"codes: got {require.described(codes)}; accepted is a floating-point tensor [N, k] with N of at least 4"
        )
    if not torch.isfinite(codes).all():
        raise ValueError("codes: got NaN or infinity; accepted are finite numbers")
    if (
        not isinstance(factors, Tensor)
        or factors.dim() != 2
        or factors.is_floating_point()
        or len(factors) != len(codes)
        or factors.min() < 0
    ):
        raise ValueError(
            f"factors: got {require.described(factors)}; accepted is a tensor [{len(codes)}, f] of whole numbers "
            "from 0, one row for each code"
        )
    return codes.detach().cpu().double(), factors.cpu().long()
