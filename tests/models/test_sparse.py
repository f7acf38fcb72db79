"""The sparse autoencoder counts activity as its formulas say, and keeps its targets."""

import math

import pytest
import torch

from aecourse import nets, train
from aecourse.models.sparse import SparseAutoencoder, kl_sparsity, top_k


def model(units=7, **settings):
    torch.manual_seed(0)
    return SparseAutoencoder(units, output="identity", shape=(1, 3, 4), **settings)


def test_kl_sparsity_is_the_divergence_of_two_coins():
    from torch.distributions import Bernoulli, kl_divergence

    rho_hat = torch.tensor([0.01, 0.05, 0.2, 0.5, 0.99], dtype=torch.float64)
    known = kl_divergence(Bernoulli(torch.tensor(0.05, dtype=torch.float64)), Bernoulli(rho_hat))
    assert torch.allclose(kl_sparsity(0.05, rho_hat), known, atol=1e-12)
    assert kl_sparsity(0.05, rho_hat)[1] == pytest.approx(0, abs=1e-15)
    assert kl_sparsity(0.05, rho_hat)[2].item() == pytest.approx(0.0939, abs=1e-4)


def test_kl_sparsity_stays_finite_for_units_that_are_always_on_or_off():
    rho_hat = torch.tensor([0.0, 1.0], requires_grad=True)
    cost = kl_sparsity(0.05, rho_hat)
    cost.sum().backward()
    assert cost.isfinite().all() and rho_hat.grad.isfinite().all()


def test_top_k_keeps_exactly_the_largest_numbers():
    z = torch.tensor([[3.0, -1.0, 2.0, 0.5], [-4.0, -3.0, -2.0, -1.0]])
    assert torch.equal(top_k(z, 2), torch.tensor([[3.0, 0, 2, 0], [0, 0, -2, -1]]))
    assert torch.equal(top_k(z, 4), z)


def test_only_the_kept_numbers_receive_a_gradient():
    z = torch.tensor([[3.0, -1.0, 2.0]], requires_grad=True)
    top_k(z, 1).sum().backward()
    assert z.grad.tolist() == [[1.0, 0.0, 0.0]]


def test_l1_is_the_sum_of_activations_times_the_length_of_their_columns():
    m, x = model(penalty="l1", weight=2.0), torch.rand(5, 1, 3, 4)
    with torch.no_grad():
        m.decoder[0].bias.uniform_(-1, 1)
        z = (
            (x.flatten(1) - m.decoder[0].bias) @ m.encoder[1].weight.T + m.encoder[1].bias
        ).clamp_min(0)
        image = z @ m.decoder[0].weight.T + m.decoder[0].bias
        error = (image - x.flatten(1)).square().sum(1).mean()
        cost = 2 * sum(z[:, j].mean() * m.decoder[0].weight[:, j].norm() for j in range(7))
    terms = m.loss(x)
    assert terms["error"].item() == pytest.approx(error.item(), rel=1e-5)
    assert terms["penalty"].item() == pytest.approx(cost.item(), rel=1e-5)
    assert terms["loss"].item() == pytest.approx((error + cost).item(), rel=1e-5)


def test_smaller_codes_with_longer_columns_gain_nothing():
    m, x = model(penalty="l1"), torch.rand(5, 1, 3, 4)
    before = m.loss(x)["loss"].item()
    with torch.no_grad():
        for p in (m.encoder[1].weight, m.encoder[1].bias):
            p /= 10
        m.decoder[0].weight *= 10
    assert m.loss(x)["loss"].item() == pytest.approx(before, rel=1e-5)


def test_kl_is_taken_of_each_unit_over_the_batch():
    m, x = model(penalty="kl", weight=3.0, rho=0.1), torch.rand(6, 1, 3, 4)
    with torch.no_grad():
        on = m.encode(x).mean(0)
        known = sum(0.1 * math.log(0.1 / p) + 0.9 * math.log(0.9 / (1 - p)) for p in on.tolist())
    assert m.loss(x)["penalty"].item() == pytest.approx(3 * known, rel=1e-4)


def test_topk_codes_have_exactly_k_numbers_and_cost_nothing():
    m, x = model(penalty="topk", k=3), torch.rand(6, 1, 3, 4)
    assert ((m.encode(x) != 0).sum(1) == 3).all() and m.loss(x)["penalty"] == 0


def test_kl_training_reaches_its_target():
    x = torch.rand(512, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    m = model(16, penalty="kl", rho=0.05, weight=100.0)
    train.fit(m, x, epochs=60, lr=1e-2, progress=False, cache=False)
    with torch.no_grad():
        mean = m.encode(x).mean(0)
    assert 0.04 < mean.min() and mean.max() < 0.06


@pytest.mark.slow
def test_more_l1_means_fewer_active_numbers():
    x = torch.randn(512, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    active = []
    for weight in (0.0, 1.0, 20.0):
        m = model(24, penalty="l1", weight=weight)
        train.fit(m, x, epochs=150, schedule="constant", lr=1e-2, progress=False, cache=False)
        active.append((m.encode(x) > 0).float().mean().item())
    assert active[0] > active[1] > active[2] and active[2] < 0.01


def test_features_are_what_each_number_adds_to_the_image():
    m = model(penalty="topk", k=2)
    one = torch.zeros(1, 7)
    one[0, 4] = 1.0
    with torch.no_grad():
        added = m.decode(one) - m.decode(torch.zeros(1, 7))
    assert m.features().shape == (7, 1, 3, 4)
    assert torch.allclose(m.features()[4], added[0], atol=1e-6)


def test_a_model_that_begins_at_the_mean_draws_it_for_an_empty_code():
    x = torch.rand(50, 1, 3, 4)
    m = model(penalty="topk", k=2).begin_at_mean(x)
    assert torch.allclose(m.decode(torch.zeros(1, 7))[0], x.mean(0), atol=1e-6)
    assert torch.allclose(m.encoder(x).mean(0), m.encoder(x.mean(0, keepdim=True))[0], atol=1e-5)
    alone = SparseAutoencoder(
        7, penalty="topk", k=2, shape=(1, 3, 4)
    )  # sigmoid: a bias is no image
    with pytest.raises(ValueError, match="output='identity'"):
        alone.begin_at_mean(x)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"penalty": "l2"}, "penalty: got 'l2'; accepted is one of 'l1', 'kl', 'topk'"),
        ({"weight": -1}, "weight: got -1"),
        ({"penalty": "kl", "rho": 0}, "rho: got 0"),
        ({"penalty": "kl", "rho": 1}, "rho: got 1"),
        ({"rho": 0.1}, "rho: got 0.1; accepted with penalty='l1' is None"),
        ({"penalty": "kl", "k": 3}, "k: got 3; accepted with penalty='kl' is None"),
        ({"penalty": None, "weight": 1.0}, "weight: got 1.0; accepted with penalty=None is None"),
        ({"penalty": "topk", "k": 8}, "k: got 8; accepted is at most latent_dim, 7"),
    ],
)
def test_what_is_refused_says_why(settings, message):
    with pytest.raises(ValueError, match=message):
        model(**settings)


def test_features_of_a_deep_decoder_are_refused():
    with pytest.raises(ValueError, match="net: got a decoder of several layers"):
        model(net=nets.mlp((5,))).features()
