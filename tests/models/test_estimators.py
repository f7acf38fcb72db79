"""Gradient estimators against closed forms, and the score-function VAE against the gradient it estimates."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Exponential, Normal, Poisson

from aecourse import estimators, models, nets, quiz

N = 200_000


def unit_normal(theta):
    return Normal(theta, 1.0)


def off(estimates, truth):
    """How far the average is from the truth, in standard errors."""
    return abs((estimates.mean() - truth) / (estimates.std() / math.sqrt(len(estimates)))).item()


def drawn(estimator, f, q, theta, seed=0, n=N, **options):
    torch.manual_seed(seed)
    return estimator(f, q, torch.tensor(theta, dtype=torch.float64), n, **options)


@pytest.mark.parametrize(
    "estimator, f, q, theta, truth",
    [
        (estimators.pathwise, torch.square, unit_normal, 1.5, 3.0),
        (estimators.score_function, torch.square, unit_normal, 1.5, 3.0),
        (estimators.pathwise, torch.sin, unit_normal, 0.3, math.cos(0.3) * math.exp(-0.5)),
        (estimators.score_function, torch.sin, unit_normal, 0.3, math.cos(0.3) * math.exp(-0.5)),
        (
            estimators.pathwise,
            torch.square,
            lambda sigma: Normal(0.0, sigma),
            1.3,
            2.6,
        ),  # of a scale
        (estimators.score_function, torch.square, lambda sigma: Normal(0.0, sigma), 1.3, 2.6),
        (estimators.pathwise, torch.square, Exponential, 1.2, -4 / 1.2**3),
        (estimators.score_function, torch.square, Exponential, 1.2, -4 / 1.2**3),
        (estimators.score_function, torch.square, Poisson, 3.0, 7.0),
        (estimators.score_function, lambda z: 5 * z, Bernoulli, 0.3, 5.0),
        (
            estimators.score_function,
            torch.sign,
            unit_normal,
            0.5,
            2 * math.exp(-0.125) / math.sqrt(2 * math.pi),
        ),
    ],
)
def test_averages_are_the_derivative(estimator, f, q, theta, truth):
    estimates = drawn(estimator, f, q, theta)
    assert estimates.shape == (N,) and off(estimates, truth) < 4.5


@pytest.mark.parametrize("theta", [0.0, 1.0, -2.0])
def test_variances_are_those_of_the_lesson(theta):
    path = drawn(estimators.pathwise, torch.square, unit_normal, theta)
    score = drawn(estimators.score_function, torch.square, unit_normal, theta)
    centred = drawn(
        estimators.score_function, torch.square, unit_normal, theta, baseline=theta**2 + 1
    )
    best = drawn(estimators.score_function, torch.square, unit_normal, theta, baseline=theta**2 + 3)
    for estimates, known in (
        (path, 4),
        (score, theta**4 + 14 * theta**2 + 15),
        (centred, 8 * theta**2 + 10),
        (best, 8 * theta**2 + 6),
    ):
        assert estimates.var().item() == pytest.approx(known, rel=0.06)


def test_each_draw_has_its_own_estimate():
    """Recomputed by hand from the same draws, not only on average."""
    path = drawn(estimators.pathwise, torch.square, unit_normal, 0.7, n=5)
    score = drawn(estimators.score_function, torch.square, unit_normal, 0.7, n=5, baseline=2.0)
    torch.manual_seed(0)
    z = unit_normal(torch.full((5,), 0.7, dtype=torch.float64)).sample()
    assert torch.allclose(path, 2 * z) and torch.allclose(score, (z**2 - 2) * (z - 0.7))


def test_what_has_no_path_is_refused_or_zero():
    with pytest.raises(NotImplementedError):
        drawn(estimators.pathwise, torch.square, Poisson, 3.0)
    assert not drawn(estimators.pathwise, torch.sign, unit_normal, 0.5).any()


def test_the_callers_parameter_is_left_alone():
    theta = torch.tensor(1.0, requires_grad=True)
    for estimator in (estimators.pathwise, estimators.score_function):
        assert (
            not estimator(torch.square, unit_normal, theta, 3).requires_grad and theta.grad is None
        )
    with pytest.raises(ValueError, match="n: got 0"):
        estimators.pathwise(torch.square, unit_normal, theta, 0)


# ---- The VAE -------------------------------------------------------------------------------------------------

SHAPE = (1, 3, 2)


def small(family, **options):
    torch.manual_seed(0)
    return family(2, nets.mlp((5,), "tanh"), shape=SHAPE, **options).double()


def encoder_gradients(model, x, repeats):
    """The gradient of the loss in the encoder's last bias, once per repetition: [repeats, 4]."""
    bias, found = model.encoder[-1].bias, []
    for _ in range(repeats):
        found.append(torch.autograd.grad(model.loss(x)["loss"], bias)[0])
    return torch.stack(found)


def test_its_loss_is_the_vaes_loss():
    x = torch.bernoulli(torch.full((7, *SHAPE), 0.4, dtype=torch.float64))
    terms = {}
    for family in (models.VAE, estimators.ScoreFunctionVAE):
        model = small(family)
        torch.manual_seed(1)
        terms[family] = model.loss(x)
    first, second = terms.values()
    assert first.keys() == second.keys()
    for name in first:
        assert torch.allclose(first[name], second[name], rtol=1e-12)


def test_its_decoder_has_the_vaes_gradient():
    x = torch.bernoulli(torch.full((7, *SHAPE), 0.4, dtype=torch.float64))
    found = []
    for family in (models.VAE, estimators.ScoreFunctionVAE):
        model = small(family)
        torch.manual_seed(1)
        found.append(torch.autograd.grad(model.loss(x)["loss"], list(model.decoder.parameters())))
    assert all(torch.allclose(a, b) for a, b in zip(*found))


@pytest.mark.parametrize("baseline", ["none", "others"])
def test_its_encoder_has_the_vaes_gradient_on_average(baseline):
    x = torch.bernoulli(
        torch.full((6, *SHAPE), 0.4, dtype=torch.float64),
        generator=torch.Generator().manual_seed(2),
    )
    torch.manual_seed(3)
    path = encoder_gradients(small(models.VAE), x, 500)
    score = encoder_gradients(small(estimators.ScoreFunctionVAE, baseline=baseline), x, 500)
    error = ((path.var(0) + score.var(0)) / 500).sqrt()
    assert ((path.mean(0) - score.mean(0)).abs() / error).max() < 4.5
    assert score.var(0).sum() > 2 * path.var(0).sum()


def test_the_baseline_of_an_image_is_made_of_the_others():
    """A batch of one has no others: the baseline is 0, and the two models agree."""
    x = torch.ones(1, *SHAPE, dtype=torch.float64)
    found = []
    for baseline in ("none", "others"):
        model = small(estimators.ScoreFunctionVAE, baseline=baseline)
        torch.manual_seed(4)
        found.append(torch.autograd.grad(model.loss(x)["loss"], model.encoder[-1].bias)[0])
    assert torch.allclose(*found)
    with pytest.raises(ValueError, match="baseline: got 'mean'"):
        estimators.ScoreFunctionVAE(2, baseline="mean")


# ---- What the check questions of the lesson rest on -----------------------------------------------------------


def asked(name):
    return next(q for q in quiz.load("reparameterization") if q.id == name)


def test_answers_of_the_check_questions():
    mu, log_var = torch.tensor(1.0), torch.tensor(0.25).log()
    assert asked("one-reparameterized-draw").answer == pytest.approx(
        (mu + torch.exp(0.5 * log_var) * 3).item()
    )
    variance = drawn(estimators.score_function, lambda z: z, unit_normal, 1.0).var().item()
    assert asked("score-variance-at-1").answer == pytest.approx(variance, rel=0.03)
