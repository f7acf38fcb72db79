"""Gradient reversal, the judge's loss, the priors, and both penalties against what they must be."""

import math

import pytest
import torch
import torch.nn.functional as F

from aecourse import models, nets, train
from aecourse.models import priors

SHAPE = (1, 4, 4)
X = torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(0))


def made(**options):
    torch.manual_seed(0)
    return models.AdversarialAutoencoder(2, nets.mlp((8,)), shape=SHAPE, judge=(6,), **options)


# ---- Gradient reversal ----------------------------------------------------------------------------


@pytest.mark.parametrize("strength", (1.0, 0.25, 30.0, 0.0))
def test_the_reversed_gradient_is_exactly_minus(strength):
    z = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    w = torch.randn(3, dtype=torch.float64)
    f = lambda z: (z @ w).tanh().sum()
    (plain,) = torch.autograd.grad(f(z), z)
    out = models.reverse_gradient(z, strength)
    (reversed_,) = torch.autograd.grad(f(out), z)
    assert torch.equal(out, z) and torch.equal(reversed_, -strength * plain)


def test_each_row_may_have_a_strength_of_its_own():
    z = torch.randn(4, 2, requires_grad=True)
    strength = torch.tensor([[0.5], [0.0], [3.0], [1.0]])
    (found,) = torch.autograd.grad(models.reverse_gradient(z, strength).square().sum(), z)
    assert torch.allclose(found, -strength * 2 * z)


def test_the_encoder_of_the_model_is_told_the_opposite_and_the_judge_the_truth():
    model = made(weight=7.0)
    torch.manual_seed(1)
    model.loss(X)["judge"].backward()
    found = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    torch.manual_seed(1)
    z = model.encode(X)
    told = models.judge_loss(model.judge(model.draw(len(z))), model.judge(z))
    plain = torch.autograd.grad(told, [p for n, p in model.named_parameters() if n in found])
    assert any(n.startswith("encoder") for n in found) and any(n.startswith("judge") for n in found)
    for (name, gradient), honest in zip(found.items(), plain):
        sign = -7.0 if name.startswith("encoder") else 1.0
        assert torch.allclose(gradient, sign * honest, rtol=1e-4, atol=1e-7), name


def test_a_judge_that_is_sure_leaves_finite_gradients():
    model = made()
    with torch.no_grad():
        model.judge[-1].bias.fill_(-500.0)
    model.loss(X)["loss"].backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_the_judge_does_not_move_the_decoder_nor_the_reconstruction_the_judge():
    model = made()
    terms = model.loss(X)
    terms["judge"].backward(retain_graph=True)
    assert all(p.grad is None for p in model.decoder.parameters())
    model.zero_grad()
    terms["reconstruction"].backward()
    assert all(p.grad is None for p in model.judge.parameters())


def test_judge_loss_is_the_binary_cross_entropy():
    real, fake = torch.randn(7), torch.randn(4)
    of = F.binary_cross_entropy_with_logits
    expected = (of(real, torch.ones(7)) + of(fake, torch.zeros(4))) / 2
    assert torch.allclose(models.judge_loss(real, fake), expected)
    assert models.judge_loss(torch.zeros(3), torch.zeros(9)).item() == pytest.approx(math.log(2))
    assert models.judge_loss(torch.tensor([-400.0]), torch.tensor([0.0])).isfinite()


# ---- The model ------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty, term", (("adversarial", "judge"), ("mmd", "mmd")))
def test_the_terms(penalty, term):
    model = made(penalty=penalty)
    torch.manual_seed(2)
    terms = model.loss(X)
    assert set(terms) == {"loss", "reconstruction", term}
    logits = model.decode(model.encode(X))
    nats = F.binary_cross_entropy_with_logits(logits, X, reduction="sum") / len(X)
    assert torch.allclose(terms["reconstruction"], nats)
    torch.manual_seed(2)
    wanted = model.draw(len(X))
    if penalty == "mmd":
        kernel = models.inverse_multiquadratic(4.0)
        expected = models.mmd(model.encode(X), wanted, kernel)
        assert torch.allclose(terms["mmd"], expected)
        assert torch.allclose(terms["loss"], nats + model.weight * expected)
        assert not hasattr(model, "judge")


@pytest.mark.slow
@pytest.mark.parametrize("penalty", ("adversarial", "mmd"))
def test_fit_pulls_codes_to_the_prior_in_the_one_loop(penalty):
    x = torch.rand(512, *SHAPE, generator=torch.Generator().manual_seed(3))
    away = lambda z: (z.mean(0) - torch.tensor([4.0, -3.0])).norm().item()
    prior = lambda n: 0.3 * torch.randn(n, 2) + torch.tensor([4.0, -3.0])
    model = made(penalty=penalty, prior=prior, weight=20.0)
    before = away(model.encode(x))
    train.fit(model, x, epochs=40, batch_size=64, lr=5e-3, progress=False, cache=False)
    with torch.no_grad():
        z = model.encode(x)
    assert before > 4 and away(z) < 1


@pytest.mark.parametrize("error", ("bce", "mse", "l1"))
def test_the_reconstruction_is_the_plain_autoencoders(error):
    model = made(error=error)
    torch.manual_seed(0)
    plain = models.Autoencoder(2, nets.mlp((8,)), error=error, shape=SHAPE)
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if "judge" not in k})
    assert torch.allclose(model.loss(X)["reconstruction"], plain.loss(X)["loss"])


def test_samples_come_from_the_models_own_prior():
    model = made(prior=lambda n: torch.full((n, 2), 3.0))
    expected = model.pixels(model.decode(torch.full((1, 2), 3.0)))
    assert torch.allclose(model.sample(4), expected.expand(4, -1, -1, -1))


# ---- Priors ---------------------------------------------------------------------------------------


def test_the_priors_have_the_moments_and_shapes_that_they_say():
    torch.manual_seed(0)
    z = priors.gaussian(20_000, 3)
    assert z.shape == (20_000, 3) and torch.allclose(torch.cov(z.T), torch.eye(3), atol=0.05)
    z = priors.mixture(20_000)
    assert torch.allclose(z.mean(0), torch.zeros(2), atol=0.05)
    angle = torch.atan2(z[:, 1], z[:, 0]) * priors.ARMS / (2 * math.pi)
    arms = angle.round().long() % priors.ARMS
    assert (arms.bincount() - 2000).abs().max() < 300
    middle = torch.stack([z[arms == k].mean(0) for k in range(priors.ARMS)]).norm(dim=1)
    assert (middle - priors.RADIUS).abs().max() < 0.1


def test_the_swiss_roll_is_a_spiral_as_dense_at_its_end_as_at_its_start():
    torch.manual_seed(0)
    z = priors.swiss_roll(40_000)
    t = z.norm(dim=1) / priors.OUTER
    on = 2 * math.pi * priors.TURNS * t - torch.atan2(z[:, 1], z[:, 0])
    off = (torch.remainder(on + math.pi, 2 * math.pi) - math.pi)[t > 0.3]
    assert off.abs().median() < 0.3  # radius and angle belong together
    shares = torch.stack([(t < edge).double().mean() for edge in (0.5, 0.75)])
    assert torch.allclose(shares, torch.tensor([0.25, 0.5625], dtype=torch.float64), atol=0.02)


# ---- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        ({"prior": "roll"}, "prior: got 'roll'; accepted is one of 'gaussian', 'mixture'"),
        ({"prior": 3}, "prior: got 3; accepted is 'gaussian'"),
        ({"prior": lambda n: torch.zeros(n, 5)}, r"prior: got a tensor of shape \[3, 5\]"),
        ({"penalty": "kl"}, "penalty: got 'kl'; accepted is one of 'adversarial', 'mmd'"),
        ({"weight": -1}, "weight: got -1"),
        ({"judge": 64}, "judge: got 64"),
        ({"error": "nll"}, "error: got 'nll'"),
    ],
)
def test_bad_options_get_one_clear_line(options, message):
    torch.manual_seed(0)
    with pytest.raises((ValueError, TypeError), match=message):
        models.AdversarialAutoencoder(2, nets.mlp((8,)), shape=SHAPE, **options)


def test_a_prior_in_the_plane_wants_two_latents():
    with pytest.raises(
        ValueError, match="latent_dim: got 3; accepted with prior='swiss_roll' is 2"
    ):
        models.AdversarialAutoencoder(3, nets.mlp((8,)), prior="swiss_roll", shape=SHAPE)


def test_making_a_model_with_a_sampler_leaves_the_random_state_alone():
    weights = []
    for prior in (lambda n: torch.randn(n, 2), lambda n: torch.zeros(n, 2)):
        torch.manual_seed(0)
        model = models.AdversarialAutoencoder(2, nets.mlp((8,)), prior=prior, shape=SHAPE)
        weights.append(torch.nn.utils.parameters_to_vector(model.parameters()))
    assert torch.equal(*weights)
