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
    and none of the measures below asks how little: they would take it for a latent like any other.
    """
    fitting(model, x, "posterior(x)")
    with measuring(model, seed) as device:
        parts = [model.posterior(part.to(device)) for part in x.split(2000)]
        return torch.cat([q.draw(1)[0][0] for q in parts]).cpu()


def mutual_information(codes: Tensor, factors: Tensor, bins: int = 20) -> tuple[Tensor, Tensor]:
    """(information [k, f], entropies [f]) in nats: of each latent about each factor, and of the factors.

    A latent is cut into `bins` of equal width between its least and its largest value, as in Locatello et al.
    2019. Unrelated numbers get about (bins - 1)(values - 1) / (2 N) nats by chance, 0.006 for 20 bins, 12 values and
    18,000 images.
    """
    codes, factors = _checked(codes, factors)
    bins = require.integer("bins", bins, low=2)
    low, high = codes.min(0).values, codes.max(0).values
    width = torch.where(high > low, high - low, 1.0)
    cell = ((codes - low) / width * bins).long().clamp(0, bins - 1)
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
    """The mutual information gap: how far the best latent of a factor is ahead of the second best.

    Mean over factors of (largest - second largest information) / entropy of the factor. Source: Chen et al. 2018,
    section 4.1; like Locatello et al. 2019 with means and bins instead of draws from q(z|x).
    """
    information, entropies = mutual_information(codes, factors, bins)
    ranked = (
        torch.cat([information, torch.zeros_like(information[:1])]).sort(0, descending=True).values
    )
    varied = entropies > 0
    if not varied.any():
        raise ValueError(
            "factors: got columns of one value each; accepted is at least one that varies"
        )
    return ((ranked[0] - ranked[1])[varied] / entropies[varied]).mean().item()


def factor_votes(
    codes: Tensor, factors: Tensor, *, votes: int = 800, group: int = 64, seed: int = 0
) -> Tensor:
    """The votes of the FactorVAE score [k, f]: how often each latent was the calmest where each factor was shared.

    A vote: fix one factor at random at one of its values, take `group` images that have it, and name the latent
    with the smallest variance, relative to its variance over all images. Latents that never move do not vote.
    """
    alive, tables = _two_tables(codes, factors, votes, group, seed)
    table = torch.zeros(codes.shape[1], factors.shape[1], dtype=torch.long)
    table[alive] = torch.from_numpy(tables[0])
    return table


def factor_vae_score(
    codes: Tensor, factors: Tensor, *, votes: int = 800, group: int = 64, seed: int = 0
) -> float:
    """The share of votes that name the right factor (Kim & Mnih 2018).

    The table `factor_votes` says which factor each latent stands for: the one with most votes in its row. The score is
    how often that is right for `votes` others. Chance is 1 / f.
    """
    alive, (first, second) = _two_tables(codes, factors, votes, group, seed)
    if not len(alive):
        return 1 / factors.shape[1]
    return float(second[np.arange(len(alive)), first.argmax(1)].sum() / votes)


def _two_tables(codes, factors, votes: int, group: int, seed: int) -> tuple[Tensor, np.ndarray]:
    """The latents that move, and two independent tables of `votes` votes each [2, moving latents, f]."""
    codes, factors = _checked(codes, factors)
    votes, group = require.integer("votes", votes), require.integer("group", group, low=2)
    generator = np.random.default_rng(require.integer("seed", seed, low=0))
    spread = codes.var(0)
    alive = (spread > 1e-12 * codes.square().mean(0)).nonzero().flatten()
    table = np.zeros((2, len(alive), factors.shape[1]), dtype=int)
    if not len(alive):
        return alive, table
    scaled = (codes[:, alive] / spread[alive].sqrt()).numpy()
    rows = [
        [np.flatnonzero(column == value) for value in np.unique(column)]
        for column in factors.T.numpy()
    ]
    for half in table:
        for _ in range(votes):
            f = generator.integers(len(rows))
            having = rows[f][generator.integers(len(rows[f]))]
            half[scaled[generator.choice(having, group)].var(0).argmin(), f] += 1
    return alive, table


class DCI(NamedTuple):
    """disentanglement: a latent tells of one factor. completeness: a factor is told by one latent.
    informativeness: the share of held-out factor values that the code as a whole tells right."""

    disentanglement: float
    completeness: float
    informativeness: float


class Importances(NamedTuple):
    """table [k, f]: the share of each latent in the prediction of each factor, columns that add up to 1 or are 0.
    latents [k]: 1 minus the entropy of each row's shares, relative to the largest there can be. factors [f]: the same
    of each column. right [f]: the share of held-out values that are predicted right."""

    table: Tensor
    latents: Tensor
    factors: Tensor
    right: Tensor


def importances(
    codes: Tensor, factors: Tensor, *, train: int = 4000, trees: int = 10, seed: int = 0
) -> Importances:
    """On which latents a predictor of the factors relies (Eastwood & Williams 2018).

    A random forest predicts every factor from the code; `train` rows fit it, as many others test it. Its trees are
    shallow (8 questions) and may choose among all latents for each, so that they do not come to ask about noise.
    """
    codes, factors = _checked(codes, factors)
    train = min(require.integer("train", train, low=2), len(codes) // 2)
    seed = require.integer("seed", seed, low=0, high=2**32 - 1)  # NumPy's and scikit-learn's
    order = np.random.default_rng(seed).permutation(len(codes))
    fit, test = order[:train], order[train : 2 * train]
    x, y = _within_float32(codes).numpy(), factors.numpy()
    table, right = np.zeros((x.shape[1], y.shape[1])), []
    for f in range(y.shape[1]):
        forest = RandomForestClassifier(
            require.integer("trees", trees),
            max_depth=8,
            max_features=1.0,  # pyright: ignore[reportArgumentType]
            random_state=seed,
        )
        forest.fit(x[fit], y[fit, f])
        table[:, f] = forest.feature_importances_
        right.append(forest.score(x[test], y[test, f]))
    parts = table, _purity(table), _purity(table.T), np.array(right)
    return Importances(*map(torch.from_numpy, parts))


def dci(
    codes: Tensor, factors: Tensor, *, train: int = 4000, trees: int = 10, seed: int = 0
) -> DCI:
    """Disentanglement, completeness and informativeness (Eastwood & Williams 2018), from the `importances`.

    Disentanglement is the mean of the latents' scores, weighted by their importance, completeness that of the factors'.
    """
    table, latents, columns, right = importances(
        codes, factors, train=train, trees=trees, seed=seed
    )
    whole = table.sum().item()
    weights = table.sum(1) / whole if whole else torch.full((len(table),), 1 / len(table))
    return DCI((latents * weights).sum().item(), columns.mean().item(), right.mean().item())


def _purity(shares: np.ndarray) -> np.ndarray:
    """1 - entropy / largest entropy of each row; 0 for a row of zeros, 1 where there is only one column."""
    total = shares.sum(1, keepdims=True)
    shares = shares / np.where(total > 0, total, 1)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    purity = 1 + (shares * logs).sum(1) / np.log(max(2, shares.shape[1]))
    return np.where(total[:, 0] > 0, purity, 0.0)


def _within_float32(codes: Tensor) -> Tensor:
    """Codes [N, k] in which each latent that lies far from 0, or is very wide or narrow, is moved and stretched to 0 and 1: a
    forest works in float32, and asks nothing about differences below 1e-7."""
    mean, spread = codes.mean(0), codes.std(0)
    off = (spread > 0) & ((spread < 1e-4) | (spread > 1e4) | (mean.abs() > 1e2 * spread))
    moved = (codes - mean) / torch.where(spread > 0, spread, 1.0)
    return torch.where(off, moved, codes)


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
    codes, factors = codes.detach().cpu().double(), factors.cpu().long()
    if factors.max() >= max(len(factors), 1000):  # numbers as names: counted from 0 instead
        columns = [column.unique(return_inverse=True)[1] for column in factors.T]
        factors = torch.stack(columns, 1)
    return codes, factors
