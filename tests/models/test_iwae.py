"""The importance-weighted bound and its two gradients, against the model whose likelihood is known."""

import math

import pytest
import torch

from aecourse import exact, models, nets


def linear(samples=5, estimator="iwae", k=2):
    """A linear-Gaussian IWAE on 6 numbers, float64, with an encoder that is off; and the exact model of its decoder."""
    torch.manual_seed(0)
    model = models.IWAE(
        k,
        nets.mlp(()),
        samples=samples,
        estimator=estimator,
        shape=(1, 2, 3),
        likelihood=models.Gaussian(0.8, squash=False),
    ).double()
    return model, exact.LinearGaussian.from_vae(model)


@pytest.fixture
def points():
    torch.manual_seed(1)
    return torch.randn(3, 1, 2, 3, dtype=torch.float64)


def mean_and_error(values):
    return values.mean(0), values.std(0) / math.sqrt(len(values))


def bounds(model, x, draws, k):
    """Many values of the bound with k draws: [draws // k, B]."""
    torch.manual_seed(2)
    with torch.no_grad():
        log_w = model.log_weights(x, draws)
    return models.log_mean_weight(log_w[: draws // k * k].view(k, -1, len(x)))


def test_the_bound_rises_with_k_and_stays_below_the_truth(points):
    model, truth = linear()
    at = {k: mean_and_error(bounds(model, points, 200_000, k)) for k in (1, 2, 5, 20, 100)}
    for (low, error_low), (high, error_high) in zip(list(at.values()), list(at.values())[1:]):
        assert (high > low - 4.5 * (error_low.square() + error_high.square()).sqrt()).all()
    assert (at[5][0] > at[1][0]).all()
    mean, error = at[100]
    assert (mean < truth.log_prob(points) + 4.5 * error).all()
    assert torch.allclose(
        bounds(model, points, 400_000, 400_000)[0], truth.log_prob(points), atol=0.02
    )


@pytest.mark.slow
def test_with_one_draw_it_is_the_elbo(points):
    model, truth = linear(samples=1)
    with torch.no_grad():
        known = truth.elbo(points, *model.encode(points))
        many = points.repeat(40, 1, 1, 1)  # 4000 draws for each point, 40 at a time
        losses = torch.stack([model.loss(many)["loss"] for _ in range(100)])
    mean, error = mean_and_error(losses)
    assert abs(mean + known.mean()) < 4.5 * error
    mean, error = mean_and_error(bounds(model, points, 100_000, 1))
    assert ((mean - known).abs() < 4.5 * error).all()


def gradients(model, x, repeats):
    torch.manual_seed(3)
    rows = []
    for _ in range(repeats):
        parts = torch.autograd.grad(
            model.loss(x)["loss"], [*model.encoder.parameters(), *model.decoder.parameters()]
        )
        rows.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(rows), sum(p.numel() for p in model.encoder.parameters())


@pytest.mark.slow
def test_dreg_has_the_same_mean_as_iwae_and_less_noise(points):
    many = points.repeat(20, 1, 1, 1)  # a mean of 20 gradients at a time, 200 times
    (plain, split), (dreg, _) = (
        gradients(linear(8, name)[0], many, 200) for name in ("iwae", "dreg")
    )
    (a, error_a), (b, error_b) = mean_and_error(plain), mean_and_error(dreg)
    assert ((a - b).abs() / (error_a.square() + error_b.square()).sqrt()).max() < 5
    assert (a[:split].abs() > 10 * error_a[:split]).any()  # there is something to agree on
    assert dreg[:, :split].var(0).sum() < 0.5 * plain[:, :split].var(0).sum()


@pytest.mark.parametrize("samples", [1, 7])
def test_both_estimators_say_the_same_loss_and_decoder_gradient(points, samples):
    """For the same noise the loss is the same, and so is what the decoder learns."""
    (a, split), (b, _) = (
        gradients(linear(samples, name)[0], points, 3) for name in ("iwae", "dreg")
    )
    assert torch.allclose(a[:, split:], b[:, split:], atol=1e-10) and not torch.allclose(
        a[:, :split], b[:, :split]
    )
    losses = []
    for name in ("iwae", "dreg"):
        torch.manual_seed(5)
        losses.append(linear(samples, name)[0].loss(points))
    assert (
        torch.allclose(losses[0]["loss"], losses[1]["loss"])
        and losses[0]["loss"] <= losses[0]["elbo_loss"] + 1e-12
    )


def test_dreg_encoder_gradient_is_squared_shares_along_the_path(points, monkeypatch):
    """Equation 8 of Tucker et al. 2019, written out for one image."""
    model, _ = linear(4, "dreg")
    eps = torch.randn(4, 1, 2, dtype=torch.float64)
    monkeypatch.setattr(torch, "randn", lambda *shape, **options: eps)
    found = torch.autograd.grad(model.loss(points[:1])["loss"], list(model.encoder.parameters()))
    mu, log_var = model.encode(points[:1])
    z = mu + torch.exp(0.5 * log_var) * eps
    fixed = z.detach().requires_grad_()
    normal = torch.distributions.Normal
    log_px = model.likelihood.log_prob(
        model.decode(fixed.flatten(0, 1)), points[:1].repeat(4, 1, 1, 1)
    ).view(4, 1)
    log_w = (
        log_px
        + normal(0.0, 1.0).log_prob(fixed).sum(2)
        - normal(mu.detach(), torch.exp(0.5 * log_var).detach()).log_prob(fixed).sum(2)
    )
    slope = torch.autograd.grad(log_w.sum(), fixed)[0]
    share = torch.softmax(log_w, 0).detach()
    wanted = torch.autograd.grad(
        -(share[..., None].square() * slope * z).sum(), list(model.encoder.parameters())
    )
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted))


def test_the_loss_of_a_batch_is_the_mean_over_its_images(points, monkeypatch):
    """Every image keeps its own draws: with the noise given, images do not see each other."""
    for name in ("iwae", "dreg"):
        model, _ = linear(6, name)
        eps = torch.randn(6, 3, 2, dtype=torch.float64)
        monkeypatch.setattr(torch, "randn", lambda *shape, **options: eps)
        whole = model.loss(points)["loss"]
        parts = []
        for i in range(3):
            monkeypatch.setattr(torch, "randn", lambda *shape, i=i, **options: eps[:, i : i + 1])
            parts.append(model.loss(points[i : i + 1])["loss"])
        assert torch.allclose(whole, torch.stack(parts).mean())
        order = torch.tensor([5, 2, 0, 1, 4, 3])
        monkeypatch.setattr(torch, "randn", lambda *shape, **options: eps[order])
        assert torch.allclose(whole, model.loss(points)["loss"])
        monkeypatch.undo()


def test_log_mean_weight_of_known_weights():
    log_w = torch.tensor([[0.0, -1000.0], [math.log(3), -1000.0]])
    assert torch.allclose(models.log_mean_weight(log_w), torch.tensor([math.log(2), -1000.0]))


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(samples=0), "samples: got 0"),
        (dict(samples=2.5), "samples: got 2.5"),
        (dict(estimator="best"), "estimator: got 'best'"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        models.IWAE(4, **options)
