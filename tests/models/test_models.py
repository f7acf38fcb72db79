"""Networks and models against closed forms, counted parameters and float64 gradients; round trips off the square."""

import math

import numpy as np
import pytest
import torch

from aecourse import models, nets

DOUBLE = torch.float64


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 21, 30), (3, 5, 4), (1, 7, 1)])
@pytest.mark.parametrize(
    "net",
    [
        nets.mlp((16, 8)),
        nets.mlp(()),
        nets.conv((4, 6)),
        nets.conv((3,), kernel=5, batch_norm=True),
        nets.conv((2, 3, 4), activation="gelu"),
    ],
)
def test_decoders_give_back_the_shape_encoders_were_given(net, shape):
    x = torch.rand(3, *shape)
    z = net.encoder(shape, 5)(x)
    assert z.shape == (3, 5)
    assert net.decoder(5, shape)(z).shape == x.shape


def test_published_parameter_counts():
    assert models.Autoencoder(32, nets.mlp((256, 128, 64))).parameter_count == 489_136
    assert models.VAE(latent_dim=20, net=nets.mlp(hidden=(256, 256))).parameter_count == 549_688
    assert models.Autoencoder(64, nets.conv((32, 64), batch_norm=True)).parameter_count == 442_433


def test_nothing_follows_the_last_linear_map():
    assert isinstance(nets.mlp((4,)).encoder((1, 2, 3), 2)[-1], torch.nn.Linear)
    assert isinstance(nets.conv((4,)).decoder(2, (1, 6, 5))[-1], torch.nn.ConvTranspose2d)


def test_pixels_keep_their_places():
    """A decoder whose weights are the identity returns rows and columns where they were, also off the square."""
    model = models.LinearAutoencoder(15, shape=(1, 3, 5)).double()
    with torch.no_grad():
        for layer in (model.encoder, model.decoder):
            layer.weight.copy_(torch.eye(15))
            layer.bias.zero_()
    x = torch.rand(2, 1, 3, 5, dtype=DOUBLE)
    assert torch.equal(model.reconstruct(x), x)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nets.mlp((4, 0)), r"hidden\[1\]: got 0"),
        (lambda: nets.mlp("512"), "hidden: got '512'"),
        (lambda: nets.mlp((4,), "relU"), "activation: got 'relU'; accepted is one of 'relu'"),
        (lambda: nets.conv((4,), kernel=4), "kernel: got 4; accepted is an odd number"),
        (lambda: nets.conv(()), "channels: got an empty sequence"),
        (lambda: models.VAE(0), "latent_dim: got 0"),
        (lambda: models.VAE(2.5), "latent_dim: got 2.5"),
        (lambda: models.VAE(2, shape=()), "shape: got an empty"),
        (lambda: models.VAE(2, shape=(28, 0)), "shape"),
        (lambda: models.VAE(2, beta=-1), "beta: got -1"),
        (
            lambda: models.VAE(2, likelihood="poisson"),
            "likelihood: got 'poisson'; accepted is one of 'bernoulli'",
        ),
        (
            lambda: models.Autoencoder(2, error="bce", output="tanh"),
            "output: got 'tanh'; accepted with error='bce' is 'sigmoid'",
        ),
        (lambda: models.Autoencoder(2, error="mae"), "error: got 'mae'"),
        (lambda: models.Gaussian(0.0), "sigma: got 0.0"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# --- losses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, expected",
    [
        ("mse", lambda p, x: ((p - x) ** 2).sum() / len(x)),
        ("l1", lambda p, x: (p - x).abs().sum() / len(x)),
        ("bce", lambda p, x: -(x * p.log() + (1 - x) * (1 - p).log()).sum() / len(x)),
    ],
)
def test_autoencoder_losses_sum_over_pixels_and_average_over_images(error, expected):
    torch.manual_seed(0)
    model = models.Autoencoder(3, nets.mlp((7,)), error=error, shape=(2, 3, 5)).double()
    x = torch.rand(4, 2, 3, 5, dtype=DOUBLE)
    assert torch.allclose(model.loss(x)["loss"], expected(model.reconstruct(x), x))


def test_vae_loss_is_reconstruction_plus_beta_kl():
    torch.manual_seed(0)
    model = models.VAE(3, nets.mlp((7,)), beta=2.5, shape=(1, 3, 5)).double()
    x = torch.bernoulli(torch.full((6, 1, 3, 5), 0.5, dtype=DOUBLE))
    terms = model.loss(x)
    assert torch.allclose(terms["loss"], terms["reconstruction"] + 2.5 * terms["kl"])
    mu, log_var = model.encode(x)
    q = torch.distributions.Normal(mu, (0.5 * log_var).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), 1.0)
    assert torch.allclose(terms["kl"], torch.distributions.kl_divergence(q, prior).sum(1).mean())
    torch.manual_seed(1)
    scheduled = model.loss(x, beta=0.0)
    assert torch.allclose(scheduled["loss"], scheduled["reconstruction"])


def test_vae_loss_does_not_depend_on_batch_size():
    torch.manual_seed(0)
    model = models.VAE(2, nets.mlp((5,)), shape=(1, 3, 4)).double()
    with torch.no_grad():  # q with no noise to speak of: the same z both times
        model.encoder[-1].weight[2:] = 0
        model.encoder[-1].bias[2:] = -60
    x = torch.rand(5, 1, 3, 4, dtype=DOUBLE)
    assert torch.allclose(model.loss(x)["loss"], model.loss(x.repeat(3, 1, 1, 1))["loss"])


def test_gradients_of_the_vae_in_float64():
    torch.manual_seed(0)
    x = torch.rand(3, 1, 2, 3, dtype=DOUBLE)
    for likelihood in ("bernoulli", "continuous_bernoulli", models.Gaussian(0.7, learned=True)):
        model = models.VAE(
            2, nets.mlp((4,), "tanh"), likelihood=likelihood, shape=(1, 2, 3)
        ).double()
        names, values = zip(
            *((n, p.detach().clone().requires_grad_()) for n, p in model.named_parameters())
        )

        def loss(*values):
            torch.manual_seed(1)  # the same noise at every evaluation
            return torch.func.functional_call(model, dict(zip(names, values)), (x,))

        model.forward = lambda x: model.loss(x)["loss"]
        assert torch.autograd.gradcheck(loss, values)


def test_reparameterized_draws_have_the_stated_moments_and_gradients():
    torch.manual_seed(0)
    mu, log_var = (
        torch.full((200_000,), 2.0, requires_grad=True),
        torch.full((200_000,), 0.5, requires_grad=True),
    )
    z = models.reparameterize(mu, log_var)
    assert abs(z.mean() - 2) < 0.02 and abs(z.std() - math.exp(0.25)) < 0.02
    z.sum().backward()
    assert torch.equal(mu.grad, torch.ones_like(mu))
    assert torch.allclose(log_var.grad, 0.5 * (z - mu).detach(), atol=1e-6)


def test_kl_is_zero_at_the_prior_only():
    zero = torch.zeros(2, 3, dtype=DOUBLE)
    assert torch.equal(models.kl_divergence(zero, zero), zero)
    torch.manual_seed(0)
    mu, log_var = torch.randn(2, 1000, dtype=DOUBLE)
    q, p = (
        torch.distributions.Normal(mu, (0.5 * log_var).exp()),
        torch.distributions.Normal(torch.zeros_like(mu), 1.0),
    )
    assert torch.allclose(
        models.kl_divergence(mu, log_var), torch.distributions.kl_divergence(q, p), atol=1e-12
    )


# --- likelihoods ----------------------------------------------------------------------------------------------------


def test_likelihoods_agree_with_torch_distributions():
    torch.manual_seed(0)
    logits, x = torch.randn(4, 2, 3, 5, dtype=DOUBLE), torch.rand(4, 2, 3, 5, dtype=DOUBLE)
    binary = torch.bernoulli(x)
    total = lambda log_p: log_p.sum((1, 2, 3))
    assert torch.allclose(
        models.Bernoulli().log_prob(logits, binary),
        total(torch.distributions.Bernoulli(logits=logits).log_prob(binary)),
    )
    gaussian = models.Gaussian(0.3).double()
    expected = torch.distributions.Normal(torch.sigmoid(logits), 0.3).log_prob(x)
    assert torch.allclose(gaussian.log_prob(logits, x), total(expected))
    assert torch.allclose(models.Gaussian(0.3, squash=False).double().mean(logits), logits)


LOGITS = [-60.0, -30.0, -16.5, -3.0, -0.301, -0.299, -0.01, 0.0, 1e-8, 0.2, 1.0, 17.0, 60.0]


def by_quadrature(logit: float) -> tuple[float, float]:
    """The integral of the continuous Bernoulli's density, and its mean, over 100 pieces of 20 Gauss-Legendre nodes."""
    nodes, weights = map(torch.from_numpy, np.polynomial.legendre.leggauss(20))
    grey = ((torch.arange(100)[:, None] + (nodes + 1) / 2) / 100).flatten()
    logits = torch.full((len(grey), 1), logit, dtype=DOUBLE)
    mass = models.ContinuousBernoulli().log_prob(logits, grey[:, None]).exp() * weights.repeat(100)
    return mass.sum().item() / 200, (mass * grey).sum().item() / 200


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_integrates_to_one_and_has_the_mean_it_says(logit):
    area, mean = by_quadrature(logit)
    assert area == pytest.approx(1, abs=1e-11)
    double, single = (torch.tensor([logit], dtype=dtype) for dtype in (DOUBLE, torch.float32))
    density = models.ContinuousBernoulli()
    assert density.mean(double).item() == pytest.approx(mean, abs=1e-11)
    assert density.mean(single).item() == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0])
def test_continuous_bernoulli_in_float32_is_its_density_in_float64(x):
    """At 1e6, too, where exp() of the logit has long been infinite."""
    logits = torch.tensor([*LOGITS, -1e6, 1e6])[:, None]
    density, grey = models.ContinuousBernoulli(), torch.full_like(logits, x)
    exact = density.log_prob(logits.double(), grey.double())
    assert torch.allclose(density.log_prob(logits, grey).double(), exact, rtol=1e-6, atol=1e-5)
    assert torch.allclose(
        density.log_prob(logits.bfloat16(), grey), density.log_prob(logits.bfloat16().float(), grey)
    )


@pytest.mark.parametrize("dtype", [DOUBLE, torch.float32])
def test_the_gradient_of_the_continuous_bernoulli_is_the_pixel_minus_the_mean(dtype):
    logits = torch.tensor([*LOGITS, -1e6, 1e6], dtype=dtype)[:, None].requires_grad_()
    density = models.ContinuousBernoulli()
    density.log_prob(logits, torch.full_like(logits, 0.3)).sum().backward()
    tolerance = 1e-9 if dtype == DOUBLE else 1e-6
    assert torch.allclose(logits.grad, 0.3 - density.mean(logits), atol=tolerance)
    (slope,) = torch.autograd.grad(density.mean(logits).sum(), logits)
    assert torch.isfinite(slope).all() and (slope >= 0).all() and slope.max() < 1 / 12 + 1e-4


@pytest.mark.parametrize("logit", LOGITS)
def test_continuous_bernoulli_draws_have_its_distribution_function(logit):
    """Compared with the distribution function at nine points; the bound is five standard errors."""
    torch.manual_seed(0)
    drawn = models.ContinuousBernoulli().sample(torch.full((100_000,), logit)).double()
    assert drawn.min() >= 0 and drawn.max() <= 1
    for share in torch.linspace(0.1, 0.9, 9, dtype=DOUBLE):
        rate = torch.tensor(logit if logit else 1e-9, dtype=DOUBLE)
        if logit <= 0:
            point = torch.log1p(share * torch.expm1(rate)) / rate
        else:
            point = 1 + torch.log(share + (1 - share) * torch.exp(-rate)) / rate
        assert abs((drawn <= point).double().mean() - share) < 5 * 0.5 / 100_000**0.5


@pytest.mark.parametrize("sigma", [1e-15, 1e-4, 1e4, 1e15])
def test_a_tiny_and_a_huge_sigma_are_densities_in_float32(sigma):
    gaussian, x = models.Gaussian(sigma, squash=False), torch.tensor([[0.0, 0.5 * sigma]])
    expected = torch.distributions.Normal(0.0, torch.tensor(sigma, dtype=DOUBLE)).log_prob(
        x.double()
    )
    found = gaussian.log_prob(torch.zeros(1, 2), x).double()
    assert torch.allclose(found, expected.sum(1), rtol=1e-5)
    for beyond in (1e-30, 1e30):
        with pytest.raises(ValueError, match="sigma: got 1e.*; accepted is a finite number"):
            models.Gaussian(beyond)


def test_learned_sigma_finds_the_residual():
    """With the mean held at 0.5, the likeliest sigma is the root mean squared residual."""
    torch.manual_seed(0)
    gaussian = models.Gaussian(1.0, learned=True)
    x, logits = torch.rand(500, 1, 2, 2), torch.zeros(500, 1, 2, 2)
    optimizer = torch.optim.LBFGS(gaussian.parameters(), max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = -gaussian.log_prob(logits, x).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert gaussian.sigma.item() == pytest.approx((x - 0.5).square().mean().sqrt().item(), rel=1e-3)


def test_samples_have_the_right_shape_and_range():
    for likelihood in ("bernoulli", "continuous_bernoulli", "gaussian"):
        model = models.VAE(2, nets.mlp((4,)), likelihood=likelihood, shape=(2, 3, 5))
        drawn = model.sample(7)
        assert drawn.shape == (7, 2, 3, 5) and drawn.min() >= 0 and drawn.max() <= 1
