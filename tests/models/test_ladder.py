"""Latents on several levels: the merge, the KL of each level, and falling down the ladder."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aecourse import evaluate, models, nets


def ladder(dims=(4, 3), seed=0, **options):
    torch.manual_seed(seed)
    return models.LadderVAE(
        dims, nets.mlp((8,)), widths=(7, 6, 5)[: len(dims)], shape=(1, 4, 5), **options
    )


@pytest.fixture
def x():
    torch.manual_seed(1)
    return torch.rand(6, 1, 4, 5).round()


def test_kl_of_two_gaussians_is_torchs_and_that_of_draws():
    mu, log_var, prior_mu, prior_log_var = torch.randn(
        4, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    q, p = Normal(mu, torch.exp(0.5 * log_var)), Normal(prior_mu, torch.exp(0.5 * prior_log_var))
    found = models.gaussian_kl(mu, log_var, prior_mu, prior_log_var)
    assert torch.allclose(found, kl_divergence(q, p))
    torch.manual_seed(0)
    z = q.sample((100_000,))
    terms = q.log_prob(z) - p.log_prob(z)
    assert ((terms.mean(0) - found).abs() < 5 * terms.std(0) / math.sqrt(len(z))).all()
    assert torch.allclose(
        models.gaussian_kl(mu, log_var, 0 * mu, 0 * mu), models.kl_divergence(mu, log_var)
    )


def test_merging_opinions_has_known_answers():
    one, two = torch.tensor(1.0), torch.tensor(2.0)
    mu, log_var = models.merge(0 * one, one.log(), 3 * one, two.log())  # precisions 1 and 1/2
    assert mu.item() == pytest.approx(1.0) and log_var.exp().item() == pytest.approx(2 / 3)
    mu, log_var = models.merge(one, one, 3 * one, one)  # alike: the middle, half the variance
    assert mu.item() == pytest.approx(2.0) and log_var.item() == pytest.approx(1 - math.log(2))
    mu, log_var = models.merge(one, torch.tensor(-30.0), 9 * one, one)  # one is certain
    assert mu.item() == pytest.approx(1.0, abs=1e-5) and log_var.item() == pytest.approx(-30.0)
    mu, log_var = models.merge(one, torch.tensor(200.0), 9 * one, one)  # one knows nothing
    assert mu.item() == pytest.approx(9.0) and log_var.item() == pytest.approx(1.0)


def test_the_merge_is_the_product_of_the_densities():
    z = torch.linspace(-12, 12, 4001, dtype=torch.float64)
    a, b = Normal(torch.tensor(1.0).double(), 0.7), Normal(torch.tensor(-0.5).double(), 1.9)
    product = (a.log_prob(z) + b.log_prob(z)).exp()
    product = product / torch.trapezoid(product, z)
    mu, log_var = models.merge(
        *(torch.tensor(v).double() for v in (1.0, 2 * math.log(0.7), -0.5, 2 * math.log(1.9)))
    )
    assert torch.allclose(
        Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).exp(), product, atol=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("dims", [(4,), (4, 3), (4, 3, 2)])
def test_the_loss_reports_every_level_and_is_the_bound_of_its_own_weights(x, dims):
    model = ladder(dims).eval()
    terms = model.loss(x)
    assert set(terms) == {
        "loss",
        "reconstruction",
        "kl",
        *(f"kl_{i + 1}" for i in range(len(dims))),
    }
    assert torch.allclose(terms["kl"], sum(terms[f"kl_{i + 1}"] for i in range(len(dims))))
    assert torch.allclose(terms["loss"], terms["reconstruction"] + terms["kl"])
    assert torch.allclose(
        model.loss(x, beta=0.0)["loss"], model.loss(x, beta=0.0)["reconstruction"], atol=2.0
    )
    with torch.no_grad():
        many = x.repeat(20, 1, 1, 1)  # 2000 draws for each image, 20 at a time
        losses = torch.stack([model.loss(many)["loss"] for _ in range(100)])
        weights = model.log_weights(x, 2000).mean(1)
    error = math.hypot(losses.std() / math.sqrt(100), weights.std() / math.sqrt(2000))
    assert abs(losses.mean() + weights.mean()) < 4.5 * error
    terms["loss"].backward()
    assert all(p.grad is not None for p in model.parameters())


def test_kl_of_the_lower_level_agrees_with_monte_carlo(x):
    """For one draw of the top, the closed form of the lower level is the average of log q - log p over draws of it."""
    model = ladder().eval()
    with torch.no_grad():
        top, low = model.descend(model.opinions(x))
        q, p = (Normal(mu, torch.exp(0.5 * log_var)) for mu, log_var in (low["q"], low["prior"]))
        z = q.sample((50_000,))
        terms = (q.log_prob(z) - p.log_prob(z)).sum(2)
    known = models.gaussian_kl(*low["q"], *low["prior"]).sum(1)
    assert ((terms.mean(0) - known).abs() < 5 * terms.std(0) / math.sqrt(len(z))).all()
    assert torch.equal(top["prior"][0], torch.zeros(6, 3))


def test_a_ladder_of_one_level_is_a_vae(x):
    model = ladder((4,)).eval()
    mu, log_var = model.encode(x)
    assert torch.allclose(model.opinions(x)[0][0], mu)
    torch.manual_seed(3)
    found = model.log_weights(x, 5)
    torch.manual_seed(3)
    z = mu + torch.exp(0.5 * log_var) * torch.randn(5, 6, 4)
    log_px = model.likelihood.log_prob(model.decode(z.flatten(0, 1)), x.repeat(5, 1, 1, 1)).view(
        5, 6
    )
    known = (
        log_px
        + Normal(0.0, 1.0).log_prob(z).sum(2)
        - Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).sum(2)
    )
    assert torch.allclose(found, known, atol=1e-4)


def flat(model):
    """Replaces the step from z_2 to z_1 by one that is known: mean z_2[0] everywhere, variance 1/4."""
    last = model.down[0][-1]
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias[:4], last.bias[4:] = 0.0, math.log(0.25)


def test_sample_goes_through_both_levels():
    model, seen = ladder().eval(), []
    model.decoder = torch.nn.Identity()
    model.decode, model.pixels = (lambda z: seen.append(z) or z), (lambda logits: logits)
    flat(model)
    torch.manual_seed(0)
    z = model.sample(20_000)
    assert z.shape == (20_000, 4) and z.std(0).tolist() == pytest.approx([0.5] * 4, rel=0.03)
    with torch.no_grad():
        model.down[0][-1].bias[:4] = 3.0
    assert model.sample(1000).mean().item() == pytest.approx(3.0, abs=0.05)
    assert ladder().sample(3).shape == (3, 1, 4, 5)


def test_redraw_changes_one_level_and_keeps_the_others(x):
    model = ladder().eval()
    kept = model.reconstruct(x)
    assert torch.allclose(
        model._fall(
            [
                (s["z"] - s["prior"][0]) * torch.exp(-0.5 * s["prior"][1])
                for s in model.descend(model.opinions(x), lambda mu, _: mu)[::-1]
            ]
        ),
        model.code(x),
        atol=1e-5,
    )
    for level in (1, 2):
        assert model.redraw(x, level).shape == x.shape and not torch.allclose(
            model.redraw(x, level), kept
        )
    flat(model)  # now z_2 says nothing about z_1
    assert torch.allclose(model.redraw(x, 2), model.reconstruct(x), atol=1e-5)
    with pytest.raises(ValueError, match="level: got 3"):
        model.redraw(x, 3)


def test_measures_take_it_as_any_other_model(x):
    model = ladder((4, 3, 2))
    assert evaluate.elbo(model, x, 500).mean() < evaluate.log_likelihood(model, x, 500).mean()
    assert evaluate.codes(model, x).shape == (6, 4)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(latent_dims=()), "latent_dims: got an empty sequence"),
        (dict(latent_dims=(4, 0)), r"latent_dims\[1\]: got 0"),
        (dict(latent_dims=(4, 3), widths=(8,)), "widths: got 1 numbers"),
        (dict(beta=-1.0), "beta: got -1"),
    ],
)
def test_it_names_the_argument_that_does_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        models.LadderVAE(**options)
