"""Tables with holes: why values are missing, what the best possible filling is, and what to make of several fillings.

A mask is torch.bool, of the shape of x, True where x was observed. Random numbers are torch's own: seed them outside.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import MultivariateNormal, Normal

from aecourse import require
from aecourse.exact import GaussianMixture, LinearGaussian
from aecourse.models.incomplete import mask_fits

# ---- From a table with NaN, and back ----------------------------------------------------------------------


def read(table) -> tuple[Tensor, Tensor]:
    """x and mask of a table in which NaN stands for a missing value: [N, D] -> float32 [N, D], bool [N, D].

    table: an array, a tensor or a list of rows. Holes of x hold 0. Raises ValueError where a row has no value at all.
    """
    try:
        x = torch.as_tensor(table, dtype=torch.float32).clone()
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"table: got {require.described(table)}; accepted are numbers [N, D], NaN where one is missing"
        ) from None
    if x.dim() != 2 or not x.numel() or x.isinf().any():
        raise ValueError(
            f"table: got {require.described(x)}{' with infinite numbers' * bool(x.isinf().any())}; accepted are finite "
            "numbers [N, D], NaN where one is missing"
        )
    mask = ~x.isnan()
    mask_fits(x, mask)
    return x.nan_to_num(0.0), mask


def _mask(x: Tensor, mask: Tensor) -> None:
    mask_fits(x, mask)


@require.checked(_mask)
def with_nan(x: Tensor, mask: Tensor) -> Tensor:
    """x with NaN in its holes, as scikit-learn's imputers want it."""
    return torch.where(mask, x, torch.nan)


# ---- Why values are missing -------------------------------------------------------------------------------


def _table(name: str, x) -> Tensor:
    require.batch(name, x, tuple(getattr(x, "shape", (0, 2))[1:]))
    if x.dim() != 2 or x.shape[1] < 2 or len(x) < 2 or not x.isfinite().all():
        raise ValueError(
            f"{name}: got {require.described(x)}; accepted is a complete table [N, D] with N and D of at least 2"
        )
    return x


def _share(name: str, value) -> float:
    value = require.number(name, value, low=0, high=0.95)
    return value


@require.checked(x=_table, share=_share)
def mcar(x: Tensor, share: float = 0.5) -> Tensor:
    """A mask that looks at nothing (missing completely at random). The first column is never missing."""
    return _hidden(x, share, torch.zeros_like(x))


@require.checked(x=_table, share=_share)
def mar(x: Tensor, share: float = 0.5, strength: float = 2.0) -> Tensor:
    """A mask that looks at the first column, which is always observed (missing at random).

    The larger the first number of a row, the more of the row is missing.
    """
    return _hidden(x, share, strength * _standard(x)[:, :1].expand_as(x))


@require.checked(x=_table, share=_share)
def mnar(x: Tensor, share: float = 0.5, strength: float = 2.0) -> Tensor:
    """A mask that looks at the very value it hides (missing not at random): large values are the ones withheld."""
    return _hidden(x, share, strength * _standard(x))


def _hidden(x: Tensor, share: float, logits: Tensor) -> Tensor:
    """A mask that hides each entry with probability sigmoid(logits + c), c such that `share` is hidden on average."""
    low, high = torch.full((2, 1, x.shape[1]), 50.0, dtype=x.dtype, device=x.device)
    low = -low
    for _ in range(60):  # by halves, for each column
        middle = (low + high) / 2
        less = torch.sigmoid(logits + middle).mean(0, keepdim=True) < share
        low, high = torch.where(less, middle, low), torch.where(less, high, middle)
    mask = torch.rand_like(x) >= torch.sigmoid(logits + low)
    mask[:, 0] = True
    return mask


def _standard(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / x.std(0)


# ---- The best there is ------------------------------------------------------------------------------------


class Conditional(NamedTuple):
    """What a known model says of rows with holes. Everything in float64.

    log_prob   log p(x_observed) [N], nats
    mean       x [N, D] with the mean of p(x_missing|x_observed) in the holes: the least squared error there is
    draws      completions [draws, N, D]
    """

    log_prob: Tensor
    mean: Tensor
    draws: Tensor


@require.checked(lambda model, x, mask, draws=1: mask_fits(x, mask))
def conditional(model, x: Tensor, mask: Tensor, draws: int = 1) -> Conditional:
    """p(x_missing|x_observed) and p(x_observed) of a known model, exact: x and mask [N, D].

    model: an `exact.LinearGaussian` or an `exact.GaussianMixture`.
    """
    draws, known = (
        require.integer("draws", draws),
        {LinearGaussian: _linear, GaussianMixture: _mixture},
    )
    if type(model) not in known:
        raise TypeError(
            f"model: got {type(model).__name__}; accepted is an exact.LinearGaussian or an exact.GaussianMixture"
        )
    x = torch.where(mask, x, 0.0).double()
    if x.shape[1:] != (model.b if isinstance(model, LinearGaussian) else model.means[0]).shape:
        raise ValueError(f"x: got {require.described(x)}; accepted are rows of the model's length")
    return known[type(model)](model, x, mask, draws)


def _linear(model: LinearGaussian, x: Tensor, mask: Tensor, draws: int) -> Conditional:
    """log p(x_observed) = log p(x_observed|z) + log p(z) - log p(z|x_observed), at whatever z."""
    q = _posterior(model, x, mask)
    mean = q.mean @ model.W.T + model.b
    each = torch.where(mask, Normal(mean, model.sigma).log_prob(x), 0.0)
    log_prob = each.sum(1) + Normal(0.0, 1.0).log_prob(q.mean).sum(1) - q.log_prob(q.mean)
    drawn = q.sample((draws,)) @ model.W.T + model.b
    drawn = torch.where(mask, x, drawn + model.sigma * torch.randn_like(drawn))
    return Conditional(log_prob, torch.where(mask, x, mean), drawn)


def _posterior(model: LinearGaussian, x: Tensor, mask: Tensor) -> MultivariateNormal:
    """p(z|x_observed): that of the model of lesson 05, with the rows of W that were observed."""
    pairs = (model.W[:, :, None] * model.W[:, None]).flatten(1)  # of each column, [D, k * k]
    k, noise = model.W.shape[1], model.sigma**2
    precision = torch.eye(k).double() + (mask.double() @ pairs).view(-1, k, k) / noise
    pull = torch.where(mask, x - model.b, 0.0) @ model.W / noise
    mean = torch.linalg.solve(precision, pull)
    return MultivariateNormal(mean, precision_matrix=precision, validate_args=False)


def _mixture(model: GaussianMixture, x: Tensor, mask: Tensor, draws: int) -> Conditional:
    """Given its component, the columns of a row are independent: only the component's probability is to be found."""
    each = Normal(model.means, model.width[:, None]).log_prob(x[:, None])  # [N, K, D]
    joint = torch.where(mask[:, None], each, 0.0).sum(2) - torch.tensor(len(model.means)).log()
    share = torch.softmax(joint, 1)
    which = torch.multinomial(share, draws, replacement=True).T  # [draws, N]
    drawn = model.means[which] + model.width[which, None] * torch.randn(draws, *x.shape).double()
    return Conditional(
        torch.logsumexp(joint, 1),
        torch.where(mask, x, share @ model.means),
        torch.where(mask, x, drawn),
    )


@require.checked(lambda x, mask, latent_dim, rounds=30: mask_fits(x, mask))
def fit_linear(x: Tensor, mask: Tensor, latent_dim: int, rounds: int = 30) -> LinearGaussian:
    """The linear-Gaussian model of rows with holes by `rounds` of expectation maximisation: x and mask [N, D].

    In turn, what is known of each row's z, and the regression of each column on z over the rows where it was observed.
    No round makes the observed less probable (Dempster, Laird & Rubin 1977; the model is that of Tipping & Bishop 1999).
    """
    x, seen = torch.where(mask, x, 0.0).double(), mask.double()
    start = torch.where(mask, x, x.sum(0) / seen.sum(0).clamp_min(1))
    model = LinearGaussian.fit(start, require.integer("latent_dim", latent_dim))
    ridge = 1e-6 * torch.eye(latent_dim + 1).double()
    for _ in range(require.integer("rounds", rounds)):
        q = _posterior(model, x, mask)
        z = torch.cat([q.mean, torch.ones_like(q.mean[:, :1])], 1)  # the last one carries b
        pairs = z[:, :, None] * z[:, None]
        pairs[:, :-1, :-1] += q.covariance_matrix
        normal = (seen.T @ pairs.flatten(1)).view(-1, *ridge.shape) + ridge
        both = torch.linalg.solve(normal, x.T @ z)  # [D, k + 1]; x is 0 in the holes
        error = (x.square() * seen).sum() - (both * (x.T @ z)).sum()
        model = LinearGaussian(both[:, :-1], both[:, -1], (error / seen.sum()).sqrt().item())
    return model


# ---- A chain through a VAE ---------------------------------------------------------------------------------


@require.checked(lambda model, x, mask, *a, **k: mask_fits(x, mask))
@torch.no_grad()
def pseudo_gibbs(model, x: Tensor, mask: Tensor, rounds: int = 10, accept: bool = False) -> Tensor:
    """The codes [rounds, N, k] of a chain: fill the holes, encode, draw z, decode, fill the holes again.

    model: a VAE of complete rows. x [N, ...] in whose holes something stands to begin with. Source: Rezende, Mohamed &
    Wierstra 2014, appendix F. accept: whether a new z must pass a test against the one before it, which makes up for the
    encoder's error (Metropolis within Gibbs, Mattei & Frellsen 2018, algorithm 1).
    """
    codes, z, filled = [], None, x
    for _ in range(require.integer("rounds", rounds)):
        new = model.posterior(filled).draw(1)[0][0]
        z = new if z is None or not accept else _tested(model, filled, z, new)
        filled = torch.where(mask, x, model.likelihood.sample(model.decode(z)))
        codes.append(z)
    return torch.stack(codes)


def _tested(model, x: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """`new` where it is accepted, with probability min(1, w(new) / w(old)), w = p(x, z) / q(z|x)."""
    q = model.posterior(x)

    def log_w(z):
        log_q = Normal(q.mu, torch.exp(0.5 * q.log_var)).log_prob(z)
        log_px = model.likelihood.log_prob(model.decode(z), x)
        return log_px + (Normal(0.0, 1.0).log_prob(z) - log_q).sum(1)

    accepted = torch.rand(len(x), device=x.device).log() < log_w(new) - log_w(old)
    return torch.where(accepted[:, None], new, old)


# ---- Several completions ----------------------------------------------------------------------------------


class Pooled(NamedTuple):
    """One estimate made of several: its value and its variance."""

    estimate: Tensor
    variance: Tensor


def _several(estimates, variances) -> None:
    if estimates.shape != variances.shape or estimates.dim() < 1 or len(estimates) < 2:
        raise ValueError(
            f"estimates: got {require.described(estimates)} beside {require.described(variances)}; accepted are two "
            "tensors [m, ...] of one shape with m of at least 2"
        )


@require.checked(_several)
def pool(estimates: Tensor, variances: Tensor) -> Pooled:
    """Rubin's rules: the estimates [m, ...] from m completed tables and their variances, made one.

    The variance is the average of the variances plus (1 + 1/m) times the variance between the estimates: what is unknown
    about the holes. Source: Rubin 1987, section 3.3.
    """
    between = estimates.var(0)
    return Pooled(estimates.mean(0), variances.mean(0) + (1 + 1 / len(estimates)) * between)
