"""beta-TCVAE's three terms, the capacity schedule, rate and distortion: against closed forms and exact sums."""

import math

import pytest
import torch

from aecourse import check, evaluate, models, nets, train
from aecourse.models import kl_divergence, kl_parts

SHAPE = (1, 3, 5)


def small(family=models.VAE, **options):
    torch.manual_seed(0)
    return family(3, nets.mlp((6,)), shape=SHAPE, **options)


def posteriors(n, k, seed=0):
    mu, log_var = torch.randn(
        2, n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    eps = torch.randn(n, k, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    return mu + torch.exp(log_var / 2) * eps, mu, log_var


def aggregate(z, mu, log_var):
    """log q(z) and log q(z_j) for q the plain average over all images, by torch.distributions."""
    each = torch.distributions.Normal(mu, torch.exp(log_var / 2)).log_prob(z[:, None])
    return torch.logsumexp(each.sum(2), 1) - math.log(len(mu)), torch.logsumexp(each, 1) - math.log(
        len(mu)
    )


# ---- The three parts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n, k, images", [(7, 3, 7), (5, 1, 900), (1, 2, 1), (1, 2, 50), (4, 6, 5)])
def test_the_parts_add_up_to_the_sampled_kl_exactly(n, k, images):
    z, mu, log_var = posteriors(n, k)
    parts = kl_parts(z, mu, log_var, images)
    q, p = (
        torch.distributions.Normal(mu, torch.exp(log_var / 2)),
        torch.distributions.Normal(torch.zeros_like(mu), 1.0),
    )
    assert torch.allclose(sum(parts.values()), (q.log_prob(z) - p.log_prob(z)).sum(1), atol=1e-10)
    assert all(part.shape == (n,) for part in parts.values())


def test_with_the_whole_data_set_as_the_batch_the_aggregate_is_exact():
    z, mu, log_var = posteriors(40, 3)
    log_q, log_q_each = aggregate(z, mu, log_var)
    parts = kl_parts(z, mu, log_var, 40)
    assert torch.allclose(parts["total_correlation"], log_q - log_q_each.sum(1), atol=1e-10)
    q = torch.distributions.Normal(mu, torch.exp(log_var / 2))
    assert torch.allclose(parts["information"], q.log_prob(z).sum(1) - log_q, atol=1e-10)


def test_over_many_draws_they_add_up_to_the_closed_form_kl():
    _, mu, log_var = posteriors(30, 2)
    sums = []
    for seed in range(400):
        eps = torch.randn(30, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        parts = kl_parts(mu + torch.exp(log_var / 2) * eps, mu, log_var, 30)
        sums.append(sum(parts.values()).mean())
    sums = torch.stack(sums)
    assert abs(sums.mean() - kl_divergence(mu, log_var).sum(1).mean()) < 4.5 * sums.std() / 20


def test_the_estimate_of_q_is_unbiased_over_batches():
    """The mean over all pairs of images, with one z fixed to the first of them, is q(z) itself."""
    z, mu, log_var = posteriors(6, 2)
    log_q, _ = aggregate(z, mu, log_var)
    estimates = []
    for other in range(1, 6):
        rows = [0, other]
        parts = kl_parts(z[rows], mu[rows], log_var[rows], 6)
        own = torch.distributions.Normal(mu[0], torch.exp(log_var[0] / 2)).log_prob(z[0]).sum()
        estimates.append((own - parts["information"][0]).exp())
    assert torch.stack(estimates).mean().item() == pytest.approx(log_q[0].exp().item(), rel=1e-9)


def test_total_correlation_of_independent_latents_is_zero_and_of_copies_is_not():
    torch.manual_seed(0)
    grid = torch.cartesian_prod(
        torch.linspace(-2, 2, 20), torch.linspace(-2, 2, 20)
    ).double()  # a product: independent
    log_var = torch.full_like(grid, -2.0)
    z = grid + torch.exp(log_var / 2) * torch.randn_like(grid)
    independent = kl_parts(z, grid, log_var, 400)["total_correlation"]
    assert independent.abs().max() < 1e-10
    copies = grid[:, [0, 0]]
    z = copies + torch.exp(log_var / 2) * torch.randn_like(grid)
    assert kl_parts(z, copies, log_var, 400)["total_correlation"].mean() > 0.5


def test_information_of_well_separated_images_is_log_n():
    mu = 100.0 * torch.arange(8.0)[:, None].double()
    parts = kl_parts(mu, mu, torch.zeros_like(mu), 8)
    assert torch.allclose(parts["information"], torch.full((8,), math.log(8)).double())
    with pytest.raises(ValueError, match="images: got 7; accepted is at least 8"):
        kl_parts(mu, mu, torch.zeros_like(mu), 7)


# ---- The models ----------------------------------------------------------------------------------------------------


def test_with_beta_1_the_loss_is_the_vaes():
    x = torch.rand(9, *SHAPE)
    plain, tc = small(), small(models.BetaTCVAE, images=100)
    tc.load_state_dict(plain.state_dict())
    losses = []
    for model in (plain, tc):
        torch.manual_seed(5)
        losses.append(model.loss(x)["loss"])
    assert torch.equal(*losses)
    gradients = [
        torch.autograd.grad(loss, list(m.parameters())) for loss, m in zip(losses, (plain, tc))
    ]
    assert all(torch.allclose(a, b) for a, b in zip(*gradients))


def test_beta_weighs_the_total_correlation_alone():
    x, model = torch.rand(9, *SHAPE), small(models.BetaTCVAE, images=9)
    terms = []
    for beta in (1.0, 4.0):
        torch.manual_seed(5)
        terms.append(model.loss(x, beta=beta))
    low, high = terms
    assert (high["loss"] - low["loss"]).item() == pytest.approx(
        3 * low["total_correlation"].item(), abs=1e-4
    )
    assert all(
        torch.equal(low[name], high[name]) for name in ("reconstruction", "kl", "total_correlation")
    )


def test_the_gradient_of_the_total_correlation_is_that_of_finite_differences():
    z, mu, log_var = posteriors(5, 2)
    given = [t.clone().requires_grad_() for t in (z, mu, log_var)]
    assert torch.autograd.gradcheck(lambda *a: kl_parts(*a, 11)["total_correlation"].sum(), given)


def test_it_trains_and_a_schedule_of_beta_is_accepted():
    x = torch.rand(64, *SHAPE)
    history = train.fit(
        small(models.BetaTCVAE, images=64),
        x,
        epochs=2,
        batch_size=32,
        weights={"beta": train.warmup(0.5, to=4)},
        progress=False,
        cache=False,
    )
    assert history.epochs == 2 and math.isfinite(history["total_correlation"][-1])


def test_the_capacity_is_where_the_loss_has_its_kink():
    x, model = torch.rand(9, *SHAPE), small(models.CapacityVAE, gamma=7.0)
    torch.manual_seed(0)
    terms = model.loss(x)
    rest = terms["reconstruction"].item()
    for capacity in (0.0, terms["kl"].item(), terms["kl"].item() + 2):
        torch.manual_seed(0)
        assert model.loss(x, capacity=capacity)["loss"].item() == pytest.approx(
            rest + 7 * abs(terms["kl"].item() - capacity), rel=1e-5
        )


def test_training_brings_the_kl_to_the_capacity():
    torch.manual_seed(0)
    x = torch.bernoulli(torch.full((512, *SHAPE), 0.5))
    history = train.fit(
        small(models.CapacityVAE),
        x,
        epochs=40,
        batch_size=64,
        lr=1e-2,
        weights={"capacity": train.warmup(0.5, to=1.5)},
        progress=False,
        cache=False,
    )
    assert history["kl"][-1] == pytest.approx(1.5, abs=0.2)


# ---- Rate and distortion -------------------------------------------------------------------------------------------


def test_rate_and_distortion_are_the_two_terms_of_the_elbo():
    vae, x = small(), torch.bernoulli(torch.full((2300, *SHAPE), 0.4))
    found = evaluate.rate_distortion(vae, x, samples=20)
    with torch.no_grad():
        assert found.rate == pytest.approx(
            kl_divergence(*vae.encode(x)).sum(1).mean().item(), rel=1e-5
        )
    assert found.rate == pytest.approx(evaluate.kl_per_latent(vae, x).sum().item(), rel=1e-5)
    assert found.elbo == pytest.approx(evaluate.elbo(vae, x, samples=20).mean().item(), abs=0.02)
    assert found.bits == pytest.approx((found.rate / math.log(2), found.distortion / math.log(2)))
    assert found == evaluate.rate_distortion(vae, x, samples=20)


def test_a_code_that_says_nothing_has_rate_zero_and_the_distortion_of_the_decoder():
    vae = small()
    with torch.no_grad():
        vae.encoder[-1].weight.zero_()
        vae.encoder[-1].bias.zero_()
        vae.decoder[0].weight.zero_()
        x = torch.bernoulli(torch.full((50, *SHAPE), 0.4))
        known = -vae.likelihood.log_prob(vae.decode(torch.zeros(50, 3)), x).mean().item()
    found = evaluate.rate_distortion(vae, x)
    assert found.rate == 0 and found.distortion == pytest.approx(known, rel=1e-5)
    with pytest.raises(ValueError, match="samples"):
        evaluate.rate_distortion(vae, x, samples=0)


# ---- The exercise --------------------------------------------------------------------------------------------------


def test_the_exercise_on_mig_is_the_measure():
    codes, factors = torch.randn(500, 4), torch.randint(3, (500, 2))
    information, entropies = evaluate.mutual_information(codes, factors)
    assert check.mig.solution(information, entropies).item() == pytest.approx(
        evaluate.mig(codes, factors)
    )
