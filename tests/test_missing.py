"""Masks of three kinds, exact conditionals, a chain with a known end, and Rubin's rules."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from aecourse import evaluate, missing, models, nets
from aecourse.exact import GaussianMixture, LinearGaussian

GENERATOR = lambda seed=0: torch.Generator().manual_seed(seed)  # noqa: E731
D, K = 5, 2
W = torch.randn(D, K, generator=GENERATOR(), dtype=torch.float64)
LINEAR = LinearGaussian(W, torch.arange(D).double(), 0.5)
MIXTURE = GaussianMixture(
    torch.randn(4, D, generator=GENERATOR(1)), torch.tensor([0.3, 0.5, 0.4, 0.6])
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def some(model, n=9, share=0.5):
    x = model.sample(n)
    mask = torch.rand(n, D) < share
    mask[:, 1] = True
    return x, mask


# ---- The best there is ------------------------------------------------------------------------------------


def test_the_linear_model_by_the_rules_for_gaussians():
    x, mask = some(LINEAR)
    found = missing.conditional(LINEAR, x, mask)
    whole = W @ W.T + 0.25 * torch.eye(D).double()
    for i in range(len(x)):
        o, m = mask[i], ~mask[i]
        seen = MultivariateNormal(LINEAR.b[o], whole[o][:, o])
        assert found.log_prob[i].item() == pytest.approx(seen.log_prob(x[i, o]).item())
        mean = LINEAR.b[m] + whole[m][:, o] @ torch.linalg.solve(
            whole[o][:, o], x[i, o] - LINEAR.b[o]
        )
        assert torch.allclose(found.mean[i, m], mean)
        assert torch.equal(found.mean[i, o], x[i, o])


def test_draws_of_the_linear_model_have_its_covariance():
    x, mask = some(LINEAR, 1, 0.4)
    mask[0] = torch.tensor([True, True, False, False, False])
    draws = missing.conditional(LINEAR, x, mask, 40_000).draws[:, 0]
    whole, o, m = W @ W.T + 0.25 * torch.eye(D).double(), mask[0], ~mask[0]
    cov = whole[m][:, m] - whole[m][:, o] @ torch.linalg.solve(whole[o][:, o], whole[o][:, m])
    assert torch.allclose(torch.cov(draws[:, m].T), cov, atol=0.03)
    assert torch.allclose(draws.mean(0), missing.conditional(LINEAR, x, mask).mean[0], atol=0.02)


def test_with_nothing_missing_the_likelihoods_are_those_of_the_models():
    for model in (LINEAR, MIXTURE):
        x = model.sample(6)
        found = missing.conditional(model, x, torch.ones(6, D, dtype=torch.bool))
        assert torch.allclose(found.log_prob, model.log_prob(x)) and torch.equal(found.mean, x)


def test_the_mixture_by_integrating_over_a_grid():
    x, mask = some(MIXTURE, 3)
    mask[:] = torch.tensor([True, False, True, True, True])
    found = missing.conditional(MIXTURE, x, mask, 20_000)
    grid = torch.linspace(-6, 6, 4001).double()
    for i in range(3):
        rows = x[i].repeat(len(grid), 1)
        rows[:, 1] = grid
        density = MIXTURE.log_prob(rows).exp()
        mass = torch.trapezoid(density, grid)
        mean = torch.trapezoid(density * grid, grid) / mass
        assert found.log_prob[i].item() == pytest.approx(mass.log().item(), abs=1e-5)
        assert found.mean[i, 1].item() == pytest.approx(mean.item(), abs=1e-5)
        spread = torch.trapezoid(density * (grid - mean) ** 2, grid) / mass
        assert found.draws[:, i, 1].var().item() == pytest.approx(spread.item(), rel=0.05)


def test_nobody_beats_the_conditional_mean():
    for model in (LINEAR, MIXTURE):
        x, mask = some(model, 3000)
        found = missing.conditional(model, x, mask)
        best = evaluate.hole_rmse(found.mean, x, mask)
        assert best < evaluate.hole_rmse(x.mean(0).expand_as(x), x, mask)
        # a draw has twice the squared error of the mean
        assert evaluate.hole_rmse(found.draws[0], x, mask) == pytest.approx(
            math.sqrt(2) * best, rel=0.03
        )


# ---- Masks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [missing.mcar, missing.mar, missing.mnar])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_masks_hide_their_share_and_never_the_first_column(kind, share):
    x = LINEAR.sample(20_000)
    mask = kind(x, share)
    assert mask.dtype == torch.bool and mask[:, 0].all() and mask.flatten(1).any(1).all()
    hidden = (~mask[:, 1:]).double().mean(0)
    assert (hidden - share).abs().max() < 0.015


def correlation(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1].item()


def test_what_each_kind_of_mask_looks_at():
    """Correlation of being hidden with the first column, and with the value itself where the first column is known."""
    x = LINEAR.sample(40_000)
    first, value = x[:, 0], x[:, 3]
    slope = correlation(first, value) * value.std() / first.std()
    own = value - slope * first  # what the first column does not say
    for kind, by_first, by_own in (
        (missing.mcar, 0.0, 0.0),
        (missing.mar, 0.5, 0.0),
        (missing.mnar, None, 0.2),
    ):
        hidden = ~kind(x)[:, 3]
        if by_first is not None:
            assert (
                correlation(hidden, first) == pytest.approx(0.0, abs=0.02)
                if not by_first
                else correlation(hidden, first) > by_first
            )
        found = correlation(hidden, own)
        assert found == pytest.approx(0.0, abs=0.02) if not by_own else found > by_own


def test_masks_repeat_with_the_seed():
    x = LINEAR.sample(50)
    for kind in (missing.mcar, missing.mar, missing.mnar):
        torch.manual_seed(4)
        one = kind(x)
        torch.manual_seed(4)
        assert torch.equal(one, kind(x)) and not torch.equal(one, kind(x))


# ---- NaN --------------------------------------------------------------------------------------------------


def test_tables_with_nan_are_read_and_written():
    nan = float("nan")
    x, mask = missing.read([[1.0, nan, 3.0], [nan, 5.0, nan]])
    assert x.tolist() == [[1, 0, 3], [0, 5, 0]] and x.dtype == torch.float32
    assert mask.tolist() == [[True, False, True], [False, True, False]]
    again = missing.with_nan(x, mask)
    assert torch.equal(again.isnan(), ~mask) and torch.equal(again[mask], x[mask])
    assert torch.equal(missing.read(again.numpy())[0], x)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: missing.read([[1.0, math.nan], [math.nan] * 2]), "mask: got 1 of 2 rows without"),
        (lambda: missing.read("table"), "table: got 'table'; accepted are numbers"),
        (lambda: missing.read([1.0, 2.0]), r"table: got a tensor of shape \[2\]"),
        (lambda: missing.read([[math.inf, 1.0]]), "with infinite numbers"),
        (lambda: missing.mcar(torch.rand(9, 3), 1.0), "share: got 1.0; accepted is .*at most 0.95"),
        (lambda: missing.mar(torch.rand(9)), r"x: got a tensor of shape \[9\]"),
        (lambda: missing.mnar(torch.rand(9, 1)), "x: got .*D of at least 2"),
        (lambda: missing.mnar(torch.full((9, 2), math.nan)), "x: got .*complete table"),
        (
            lambda: missing.conditional(
                torch.nn.Linear(1, 1), torch.rand(2, D), torch.ones(2, D) > 0
            ),
            "model: got Linear; accepted is an exact.LinearGaussian",
        ),
        (
            lambda: missing.conditional(LINEAR, torch.rand(2, 3), torch.ones(2, 3) > 0),
            "x: got .*rows of the model's length",
        ),
        (
            lambda: missing.conditional(LINEAR, torch.rand(2, D), torch.ones(2, D)),
            "mask: got .*float32 for x",
        ),
        (lambda: missing.pool(torch.rand(1), torch.rand(1)), "estimates: got .*m of at least 2"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call()
    assert "\n" not in str(error.value)


# ---- The chain --------------------------------------------------------------------------------------------


def vae(right: bool):
    """A linear VAE whose W has orthogonal columns, so that the posterior is diagonal: the encoder's is it, or too narrow."""
    columns = torch.linalg.qr(W)[0] * torch.tensor([2.0, 1.0])
    model = models.VAE(
        K, nets.mlp(()), likelihood=models.Gaussian(0.5, squash=False), shape=(D,)
    ).double()
    M = columns.T @ columns + 0.25 * torch.eye(K).double()
    with torch.no_grad():
        model.decoder[0].weight.copy_(columns)
        model.decoder[0].bias.copy_(LINEAR.b)
        inverse = torch.linalg.inv(M) @ columns.T
        shrink = 1.0 if right else 0.8
        model.encoder[1].weight.copy_(torch.cat([shrink * inverse, torch.zeros(K, D).double()]))
        spread = (0.25 / M.diagonal()).log()
        model.encoder[1].bias.copy_(torch.cat([-shrink * inverse @ LINEAR.b, spread]))
    return model, LinearGaussian(columns, LINEAR.b, 0.5)


@pytest.mark.parametrize(
    "right, accept, agrees", [(True, False, True), (False, False, False), (False, True, True)]
)
def test_where_the_chain_ends(right, accept, agrees):
    """With the exact posterior at the exact conditional; with another one elsewhere, unless draws are tested."""
    model, known = vae(right)
    x, mask = some(known, 1)
    mask[0] = torch.tensor([True, False, True, False, False])
    rows, masks = x.repeat(1000, 1), mask.repeat(1000, 1)
    codes = missing.pseudo_gibbs(model, torch.where(masks, rows, 0.0), masks, 200, accept)
    assert codes.shape == (200, 1000, K)
    mean = model.decode(codes[100:].flatten(0, 1)).mean(0).detach()
    truth = missing.conditional(known, x, mask).mean[0]
    off = (mean - truth)[~mask[0]].abs().max().item()
    assert off < 0.06 if agrees else off > 0.12


# ---- Several completions ----------------------------------------------------------------------------------


def test_rubins_rules_on_numbers():
    found = missing.pool(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.5, 0.5, 0.8]))
    assert found.estimate.item() == pytest.approx(2.0)
    assert found.variance.item() == pytest.approx(0.6 + 4 / 3)
    same = missing.pool(torch.full((5,), 2.0), torch.full((5,), 0.3))
    assert same.variance.item() == pytest.approx(0.3)


def test_coverage_and_errors_on_known_numbers():
    x = torch.tensor([[0.5, 0.5, 2.0]])
    mask = torch.tensor([[True, False, False]])
    draws = torch.tensor([[[0.0, 0.0, 0.0]], [[1.0, 1.0, 1.0]]])
    assert evaluate.coverage(draws, x, mask) == 0.5
    assert evaluate.coverage(draws, x, torch.tensor([[False, False, True]])) == 1.0
    assert evaluate.hole_rmse(draws[0], x, mask) == pytest.approx(math.sqrt((0.25 + 4) / 2))
    assert evaluate.hole_rmse(x, x, mask) == 0.0
    # numbers of one distribution: (m - 1) / (m + 1), whatever the distribution
    u = torch.rand(10, 5000, 2).square()
    mask = torch.tensor([[True, False]]).repeat(5000, 1)
    assert evaluate.coverage(u[1:], u[0], mask) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x, m: evaluate.hole_rmse(x, x, m | True), "mask: got a mask without a hole"),
        (lambda x, m: evaluate.hole_rmse(x[:, :2], x, m), "filled: got"),
        (lambda x, m: evaluate.coverage(x, x, m), "draws: got .*several completions"),
        (lambda x, m: evaluate.coverage(x[None], x, m), "draws: got .*m of at least 2"),
        (lambda x, m: evaluate.coverage(x.repeat(3, 1, 1), x, m & False), "mask: got 4 of 4 rows"),
        (lambda x, m: evaluate.imputed(None, x, m), "model: got NoneType"),
    ],
)
def test_measures_name_what_does_not_fit(call, message):
    x, mask = torch.rand(4, 3), torch.tensor([[True, False, True]]).repeat(4, 1)
    with pytest.raises((ValueError, TypeError), match=message):
        call(x, mask)
