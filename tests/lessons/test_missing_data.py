"""What lesson 20 says without showing a claim for it."""

import math

import torch
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from aecourse import evaluate, missing
from aecourse.exact import LinearGaussian

W = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
KNOWN = LinearGaussian(W, torch.zeros(6), 0.5)


def test_expectation_maximisation_finds_the_model_and_never_loses():
    torch.manual_seed(0)
    x = KNOWN.sample(3000)
    mask = missing.mcar(x, 0.4)
    found = [
        missing.conditional(missing.fit_linear(x, mask, 2, rounds), x, mask).log_prob.mean().item()
        for rounds in (1, 2, 4, 8, 16, 60)
    ]
    assert all(a < b + 1e-9 for a, b in zip(found, found[1:]))
    truth = missing.conditional(KNOWN, x, mask).log_prob.mean().item()
    assert truth < found[-1] < truth + 0.02  # a little above: it was fitted to these rows
    whole = missing.fit_linear(x, torch.ones_like(mask), 2, 200)
    closed = LinearGaussian.fit(x, 2)
    assert math.isclose(
        whole.log_prob(x).mean().item(), closed.log_prob(x).mean().item(), abs_tol=1e-3
    )


def test_ignoring_the_mask_is_right_under_mar_and_wrong_under_mnar():
    """The fitted model has the column means of the complete table in the first case only."""
    torch.manual_seed(1)
    x = KNOWN.sample(20_000)
    off = {}
    for kind in (missing.mcar, missing.mar, missing.mnar):
        model = missing.fit_linear(x, kind(x, 0.4), 2, 100)
        off[kind.__name__] = (model.b / x.std(0))[1:].abs().mean().item()
    assert off["mcar"] < 0.03 and off["mar"] < 0.03 and off["mnar"] > 0.15


def test_filling_with_means_shrinks_the_spread_and_draws_keep_it():
    torch.manual_seed(2)
    x = KNOWN.sample(20_000)
    mask = missing.mcar(x, 0.5)
    known = missing.conditional(KNOWN, x, mask)
    spread = lambda table: (table.std(0) / x.std(0))[1:].mean().item()  # noqa: E731
    assert spread(known.mean) < 0.95 and abs(spread(known.draws[0]) - 1) < 0.02


def test_the_iterative_imputer_and_the_linear_model_agree_where_both_are_right():
    torch.manual_seed(3)
    x = KNOWN.sample(3000)
    mask = missing.mcar(x, 0.15)
    table = missing.with_nan(x, mask).numpy()
    by_turns = torch.from_numpy(IterativeImputer(random_state=0).fit_transform(table))
    best = evaluate.hole_rmse(missing.conditional(KNOWN, x, mask).mean, x, mask)
    assert best <= evaluate.hole_rmse(by_turns, x, mask) < 1.05 * best
