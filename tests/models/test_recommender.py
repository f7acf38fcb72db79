"""Models of choices: the multinomial against torch.distributions, EASE against its constrained optimum, rows that do not fit."""

import math

import pytest
import torch
from torch.distributions import Multinomial

from aecourse import data, evaluate, models, nets, train

NET = nets.mlp((6,), "tanh")
X = (torch.rand(9, 7, generator=torch.Generator().manual_seed(0)) < 0.5).float()
X[:, 0] = 1


def made(family=models.MultVAE, k=3, **options):
    torch.manual_seed(0)
    return family(k, NET, shape=(7,), **options)


def test_the_likelihood_is_that_of_torch_distributions():
    g = torch.Generator().manual_seed(1)
    logits, counts = (
        3 * torch.randn(6, 7, generator=g),
        torch.randint(4, (6, 7), generator=g).float(),
    )
    counts[0] = 0  # who chose nothing has probability 1
    found = models.Multinomial().log_prob(logits, counts)
    for row, n, value in zip(logits, counts, found):
        known = Multinomial(int(n.sum()), logits=row).log_prob(n)
        assert value.item() == pytest.approx(known.item(), abs=1e-4)
    everything = torch.cartesian_prod(*[torch.arange(3.0)] * 3)
    twice = everything[everything.sum(1) == 2]  # all ways to choose two of three
    total = models.Multinomial().log_prob(logits[:1, :3].expand(len(twice), 3), twice).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-5)


def test_its_mean_adds_up_to_one_and_its_draws_are_single_choices():
    likelihood = models.Multinomial()
    logits = torch.randn(50, 2, 4, generator=torch.Generator().manual_seed(0))
    mean = likelihood.mean(logits)
    assert mean.shape == logits.shape and torch.allclose(mean.flatten(1).sum(1), torch.ones(50))
    torch.manual_seed(0)
    drawn = torch.stack([likelihood.sample(logits) for _ in range(3000)])
    assert drawn.shape[1:] == logits.shape and (drawn.flatten(2).sum(2) == 1).all()
    assert (drawn.mean(0) - mean).abs().max() < 0.06


def test_the_gradient_of_the_loss_is_the_difference_of_counts():
    """d(-log p) / d logits = n * softmax - x."""
    logits = torch.randn(9, 7, dtype=torch.float64, requires_grad=True)
    (-models.Multinomial().log_prob(logits, X.double()).sum()).backward()
    expected = X.sum(1, keepdim=True) * torch.softmax(logits, 1) - X
    assert torch.allclose(logits.grad, expected.detach())


def test_loss_is_its_parts_and_is_the_weighted_bound():
    model = made(beta=0.3).eval()
    torch.manual_seed(1)
    terms = model.loss(X)
    assert terms["loss"].item() == pytest.approx(
        (terms["reconstruction"] + 0.3 * terms["kl"]).item()
    )
    torch.manual_seed(1)
    changed = model.loss(X, beta=2.0)
    assert changed["loss"].item() == pytest.approx(
        (terms["reconstruction"] + 2 * terms["kl"]).item()
    )
    mu, log_var = model.encode(X)
    assert terms["kl"].item() == pytest.approx(
        models.kl_divergence(mu, log_var).sum(1).mean().item(), rel=1e-5
    )
    with torch.no_grad():
        bound = made(beta=1.0).eval()
        many = X.repeat(20, 1)  # 2000 draws for each row, 20 at a time
        losses = torch.stack([bound.loss(many)["loss"] for _ in range(100)])
        weights = bound.log_weights(X, 2000).mean(1)
    error = losses.std() / math.sqrt(100) + weights.std() / math.sqrt(2000)
    assert abs(losses.mean() + weights.mean()) < 5 * error


@pytest.mark.parametrize("family", [models.MultVAE, models.MultDAE])
def test_held_out_choices_are_predicted_from_the_code_without_noise(family):
    model = made(family).eval()
    given, found = X.clone(), torch.zeros_like(X)
    found[:, 0], given[:, 0] = 1, 0
    given[:, 1] = 1
    loss = model.loss(given, held_out=found)["loss"]
    expected = -torch.log_softmax(model.decode(model.code(given)), 1)[:, 0].mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("family", [models.MultVAE, models.MultDAE])
def test_the_length_of_a_row_does_not_count_and_dropout_is_for_training(family):
    model = made(family, dropout=0.5)
    a, b = (model.eval().code(x) for x in (X, 7 * X))
    assert torch.allclose(a, b, atol=1e-5)
    model.train()
    assert not torch.equal(model.code(X), model.code(X))
    whole = made(family, dropout=0.0).train()
    assert torch.equal(whole.code(X), whole.code(X))
    seen = models.recommender.spoiled(torch.ones(1, 10_000), 0.5, True)
    assert 0.45 < (seen == 0).float().mean() < 0.55 and seen.max().item() == pytest.approx(2 / 100)


@pytest.mark.parametrize("family", [models.MultVAE, models.MultDAE])
def test_it_trains_through_the_columns_of_the_data(family):
    g = torch.Generator().manual_seed(0)
    x = torch.zeros(200, 7)
    x[torch.arange(200), torch.randint(2, (200,), generator=g)] = (
        1  # all choose one of the first two
    )
    model = made(family)
    history = train.fit(
        model,
        data.Split(x),
        validation=data.Split(x, held_out=x),
        keep="best",
        epochs=20,
        lr=3e-2,
        progress=False,
        cache=False,
    )
    assert history["val_loss"][-1] < history["val_loss"][0]
    with torch.no_grad():
        assert set(evaluate.top_items(model.cpu().decode(torch.zeros(1, 3)), 2)[0].tolist()) == {
            0,
            1,
        }


# ---- EASE --------------------------------------------------------------------------------------------------


def objective(x, B, weight):
    return (x - x @ B).square().sum() + weight * B.square().sum()


def test_ease_is_the_constrained_optimum():
    """The gradient vanishes off the diagonal (Karush, Kuhn, Tucker), the diagonal is zero, and no step from it does better."""
    x, weight = X.double(), 0.8
    B = models.ease(x, weight)
    assert (B.diagonal() == 0).all()
    free = B.clone().requires_grad_()
    objective(x, free, weight).backward()
    off = ~torch.eye(7, dtype=torch.bool)
    assert free.grad[off].abs().max() < 1e-10 and free.grad.diagonal().abs().max() > 1e-3
    best = objective(x, B, weight)
    for seed in range(20):
        step = torch.randn(7, 7, generator=torch.Generator().manual_seed(seed), dtype=x.dtype) * off
        assert objective(x, B + 0.01 * step, weight) > best


def test_each_column_of_ease_is_a_ridge_regression_on_the_other_items():
    x, weight = X.double(), 1.7
    B = models.ease(x, weight)
    for j in range(7):
        others = [i for i in range(7) if i != j]
        A = x[:, others]
        w = torch.linalg.solve(A.T @ A + weight * torch.eye(6, dtype=x.dtype), A.T @ x[:, j])
        assert torch.allclose(B[others, j], w)


def test_items_that_nobody_shares_have_no_weight():
    x = torch.cat([torch.eye(4)] * 3)
    assert models.ease(x, 1.0).abs().max() < 1e-6
    pairs = torch.tensor([[1.0, 1, 0, 0], [0, 0, 1, 1]]).repeat(20, 1)
    B = models.ease(pairs, 1.0)
    assert B[0, 1] > 0.9 and B[2, 3] > 0.9 and B[0, 2].abs() < 1e-6


EMPTY, NEGATIVE = X.clone(), X.clone()
EMPTY[4], NEGATIVE[2, 3] = 0, -1.0


@pytest.mark.parametrize("family", [models.MultVAE, models.MultDAE])
@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda m: m.encode(EMPTY),
            "x: got no choice of user 4; accepted is at least one for each",
        ),
        (lambda m: m.code(NEGATIVE), "x: got entries down to -1; accepted are 0 and above"),
        (lambda m: m.loss(EMPTY), "x: got no choice of user 4"),
        (
            lambda m: train.fit(m, data.Split(NEGATIVE), epochs=1),
            "images: got x from -1 to 1; accepted is 0 to inf",
        ),
        (
            lambda m: train.fit(m, X[:, :5], epochs=1),
            r"images: got a tensor of shape \[9, 5\], float32; accepted is a tensor \[N, 7\]",
        ),
        (lambda m: train.fit(m, EMPTY, epochs=1, progress=False), "x: got no choice of user"),
        (
            lambda m: train.fit(m, data.Split(X), validation=data.Split(X, held_out=-X), epochs=1),
            "validation: got held_out from -1 to ",
        ),
        (lambda m: made(type(m), dropout=1.0), "dropout: got 1.0"),
        (lambda m: made(type(m), k=0), "latent_dim: got 0"),
        (lambda m: models.ease(X, 0), "weight: got 0"),
        (
            lambda m: models.ease(NEGATIVE),
            "x: got entries from -1 to 1; accepted are finite numbers of at least 0",
        ),
        (lambda m: models.ease(X[0]), r"x: got a tensor of shape \[7\]"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(family, call, message):
    with pytest.raises((TypeError, ValueError), match=message) as error:
        call(made(family))
    assert "\n" not in str(error.value)
