"""Free bits, the linear model's waterline, swapped codes, many draws at once, posterior means, and the encoder that trains alone."""

import re

import pytest
import torch

from aecourse import collapse, data, evaluate, exact, models, nets, train

DOUBLE = torch.float64


def small(cls=models.VAE, **options):
    torch.manual_seed(0)
    return cls(4, nets.mlp((7,)), shape=(1, 3, 5), **options).double()


def images(n=9):
    return torch.bernoulli(
        torch.full((n, 1, 3, 5), 0.4, dtype=DOUBLE), generator=torch.Generator().manual_seed(5)
    )


def loss(model, x, **options):
    torch.manual_seed(1)
    return model.loss(x, **options)


# --- free bits ------------------------------------------------------------------------------------------------------


def test_without_free_bits_nothing_changes():
    x = images().float()
    for free in ({}, {"free_bits": 0.0}):
        model = small(**free).float()
        terms = loss(model, x)
        torch.manual_seed(1)
        mu, log_var = model.encode(x)
        z = models.reparameterize(mu, log_var)
        kl = models.kl_divergence(mu, log_var).sum() / len(x)
        by_hand = -model.likelihood.log_prob(model.decode(z), x).mean() + 1.0 * kl
        assert torch.equal(terms["loss"], by_hand) and torch.equal(terms["kl"], kl)


def test_free_bits_are_a_floor_under_each_latents_batch_mean():
    x, plain = images(), small()
    per_latent = models.kl_divergence(*plain.encode(x)).mean(0)
    floor = per_latent.sort().values[1:3].mean().item()  # two latents below, two above
    free = loss(small(free_bits=floor), x)
    ordinary = loss(plain, x)
    assert torch.allclose(free["kl"], ordinary["kl"]) and torch.allclose(
        free["reconstruction"], ordinary["reconstruction"]
    )
    charged = sum(max(floor, kl) for kl in per_latent.tolist())
    assert (free["loss"] - free["reconstruction"]).item() == pytest.approx(charged)
    doubled = loss(small(free_bits=floor), x, beta=2.0)
    assert (doubled["loss"] - doubled["reconstruction"]).item() == pytest.approx(2 * charged)


def kl_gradients(free_bits):
    """The gradient of the KL term alone with respect to the biases of mu and log_var: [2, latents]."""
    model, x = small(free_bits=free_bits), images()
    terms = loss(model, x)
    bias = model.encoder[-1].bias
    return torch.autograd.grad(terms["loss"] - terms["reconstruction"], bias)[0].view(2, -1)


def test_the_gradient_is_zero_below_the_floor_and_the_ordinary_one_above():
    per_latent = models.kl_divergence(*small().encode(images())).mean(0).detach()
    floor = per_latent.sort().values[1:3].mean().item()
    free, ordinary = kl_gradients(floor), kl_gradients(0.0)
    assert (free[:, per_latent < floor] == 0).all() and (ordinary[:, per_latent < floor] != 0).all()
    assert torch.allclose(free[:, per_latent > floor], ordinary[:, per_latent > floor], rtol=1e-12)


@pytest.mark.parametrize("value", [-0.1, float("nan"), "much"])
def test_free_bits_are_checked(value):
    with pytest.raises((TypeError, ValueError), match="free_bits: got"):
        models.VAE(2, free_bits=value)


# --- the linear model's waterline -----------------------------------------------------------------------------------

VALUES = torch.tensor([8.0, 2.0, 0.5, 0.125, 0.03, 0.03, 0.02, 0.01], dtype=DOUBLE)


def known_points(n=3000):
    """Data [n, 1, 2, 4] whose covariance has exactly the eigenvalues VALUES, in random directions."""
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n, 8, generator=generator, dtype=DOUBLE)
    x = torch.linalg.qr(x - x.mean(0))[0] * n**0.5
    turn = torch.linalg.qr(torch.randn(8, 8, generator=generator, dtype=DOUBLE))[0]
    return (x * VALUES.sqrt() @ turn).view(-1, 1, 2, 4), turn.T


@pytest.mark.parametrize("level", [0.03, 0.3, 3.0, 10.0])
def test_rates_are_those_of_the_best_linear_model(level):
    """KL per latent from the exact posterior of the closed-form maximum with noise variance `level`."""
    points, directions = known_points()
    W = directions[:, :5] * (VALUES[:5] - level).clamp_min(0).sqrt()
    model = exact.LinearGaussian(W, points.flatten(1).mean(0), level**0.5)
    posterior = model.posterior(points)
    kl = models.kl_divergence(posterior.mean, posterior.variance.log()).mean(0)
    assert torch.allclose(collapse.rates(VALUES[:5], level), kl, atol=1e-6)


def test_no_other_linear_vae_does_better():
    """At the formula's optimum the ELBO equals log p(x), whose maximum for this noise it is: any step away loses."""
    points, directions = known_points()
    x, level = points.flatten(1), 0.3
    best = exact.LinearGaussian(
        directions[:, :5] * (VALUES[:5] - level).clamp_min(0).sqrt(), x.mean(0), level**0.5
    )
    torch.manual_seed(0)
    for size in (0.01, 0.1):
        other = exact.LinearGaussian(best.W + size * torch.randn_like(best.W), best.b, level**0.5)
        assert other.log_prob(x).mean() < best.log_prob(x).mean()


@pytest.mark.parametrize("beta, sigma", [(1.0, 0.5), (4.0, 0.5)])
def test_a_trained_linear_vae_has_these_rates(beta, sigma):
    points, _ = known_points(4000)
    torch.manual_seed(0)
    vae = models.VAE(
        5, nets.mlp(()), shape=(1, 2, 4), likelihood=models.Gaussian(sigma, squash=False), beta=beta
    )
    train.fit(vae, points.float(), epochs=150, batch_size=250, lr=2e-2, progress=False, cache=False)
    with torch.no_grad():
        kl = models.kl_divergence(*vae.encode(points.float())).mean(0).sort(descending=True).values
    assert torch.allclose(kl.double(), collapse.rates(VALUES[:5], beta * sigma**2), atol=0.1)
    expected = int((VALUES[:5] > beta * sigma**2).sum())
    assert evaluate.active_units(vae, points.float()) == expected


@pytest.mark.parametrize(
    "values, level, message",
    [
        (VALUES, 0.0, "level: got 0.0"),
        (VALUES[None], 1.0, "eigenvalues: got a tensor"),
        (-VALUES, 1.0, "eigenvalues: got"),
        ([1.0], 1.0, "eigenvalues: got"),
    ],
)
def test_rates_name_what_does_not_fit(values, level, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        collapse.rates(values, level)


# --- swapped codes --------------------------------------------------------------------------------------------------


def test_nothing_is_lost_where_the_decoder_ignores_its_code():
    model, x = small(), images()
    with torch.no_grad():
        model.decoder[0].weight.zero_()
    assert collapse.swapped(model, x).abs().max() < 1e-12


def test_what_is_lost_is_what_the_code_says():
    """An identity of 15 sharp latents: own code redraws the image, another's gets each different pixel wrong."""
    model = models.VAE(15, nets.mlp(()), shape=(1, 3, 5)).double()
    with torch.no_grad():
        model.encoder[-1].weight.copy_(
            torch.eye(15).repeat(2, 1) * torch.tensor([[1.0]] * 15 + [[0.0]] * 15)
        )
        model.encoder[-1].bias.copy_(torch.tensor([0.0] * 15 + [-60.0] * 15))
        model.decoder[0].weight.copy_(8 * torch.eye(15))
        model.decoder[0].bias.fill_(-4)
    x = images()
    different = (x != x.roll(1, 0)).flatten(1).sum(1)
    assert torch.allclose(collapse.swapped(model, x), 4.0 * different.double(), atol=1e-6)
    with pytest.raises(ValueError, match="x: got 1 image"):
        collapse.swapped(model, x[:1])


# --- many draws at once -----------------------------------------------------------------------------------------------

DECODERS = {
    "independent pixels": "bernoulli",
    "MADE": models.MADE((6,), shape=(1, 3, 5)),
    "masked convolution": models.MaskedConv(3, 4),
}


@pytest.mark.parametrize("likelihood", DECODERS.values(), ids=DECODERS)
def test_the_estimate_of_log_p_is_the_ordinary_one(likelihood):
    """With one image the draws are the very same; the network that does not see the code is only asked less often."""
    model, x = small(likelihood=likelihood).float(), images(1).float()
    ordinary = evaluate.log_likelihood(model, x, samples=40, seed=3)
    assert torch.allclose(collapse.log_likelihood(model, x, 40, seed=3), ordinary, atol=1e-4)


def test_images_keep_their_order_whatever_the_chunks():
    model, x = small(), images()
    with torch.no_grad():
        model.decoder[0].weight.zero_()
        model.encoder[-1].weight.zero_()
        model.encoder[
            -1
        ].bias.zero_()  # q is the prior and the code unused: every draw gives log p(x)
        exactly = model.likelihood.log_prob(model.decode(torch.zeros(9, 4, dtype=DOUBLE)), x)
    for samples in (1, 1500, 5000):
        assert torch.allclose(collapse.log_likelihood(model, x, samples), exactly)
    with pytest.raises(ValueError, match="samples: got 0"):
        collapse.log_likelihood(model, x, 0)


# --- posterior means --------------------------------------------------------------------------------------------------


def one_latent(likelihood="bernoulli"):
    torch.manual_seed(0)
    return models.VAE(1, nets.mlp((7,)), shape=(1, 3, 5), likelihood=likelihood).double()


@pytest.mark.parametrize("likelihood", DECODERS.values(), ids=DECODERS)
def test_posterior_means_are_those_of_bayes_rule(likelihood):
    """Against the mean of prior draws, each weighted by p(x|z)."""
    model, x = one_latent(likelihood), images()
    means = collapse.posterior_means(model, x)
    z = torch.randn(40_000, 1, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    with torch.no_grad():
        for i in range(3):
            log_p = model.likelihood.log_prob(
                model.decode(z), x[i : i + 1].expand(len(z), -1, -1, -1)
            )
            assert means[i, 0].item() == pytest.approx(
                (log_p.softmax(0) @ z[:, 0]).item(), abs=0.05
            )
        assert torch.allclose(means[:, 1], model.encode(x)[0][:, 0])


def test_the_posterior_of_an_unused_code_is_the_prior():
    model = one_latent()
    with torch.no_grad():
        model.decoder[0].weight.zero_()
    assert collapse.posterior_means(model, images())[:, 0].abs().max() < 1e-6
    with pytest.raises(ValueError, match="model: got more latents than one"):
        collapse.posterior_means(small(), images())


# --- the encoder alone ----------------------------------------------------------------------------------------------


def test_held_steps_train_the_encoder_only():
    model, x = small(models.AggressiveVAE, likelihood=models.MADE((6,), shape=(1, 3, 5))), images()
    ordinary = torch.autograd.grad(loss(model, x)["loss"], list(model.encoder.parameters()))
    loss(model, x, hold=1.0)["loss"].backward()
    assert all(
        p.grad is None for part in (model.decoder, model.likelihood) for p in part.parameters()
    )
    assert all(torch.allclose(p.grad, g) for p, g in zip(model.encoder.parameters(), ordinary))
    assert all(p.requires_grad for p in model.parameters())
    assert torch.equal(loss(model, x)["loss"], loss(model, x, hold=1.0)["loss"])


def test_fit_leaves_a_held_decoder_where_it_was():
    model, x = small(models.AggressiveVAE).float(), images().float()
    decoder, encoder = model.decoder[0].weight.clone(), model.encoder[1].weight.clone()
    train.fit(model, x, epochs=2, batch_size=3, weights={"hold": 1.0}, progress=False, cache=False)
    assert torch.equal(model.decoder[0].weight, decoder) and not torch.equal(
        model.encoder[1].weight, encoder
    )
    train.fit(
        model, x, epochs=1, batch_size=3, transform=data.binarize, progress=False, cache=False
    )
    assert not torch.equal(model.decoder[0].weight, decoder)
