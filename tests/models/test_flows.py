"""Planar steps against autograd's Jacobian; the VAE that bends its posterior with them."""

import math

import pytest
import torch

from aecourse import evaluate, models, nets


def draws(*shape, seed=0, scale=1.0):
    return scale * torch.randn(
        *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("k, scale", [(1, 1.0), (3, 1.0), (6, 3.0)])
def test_log_det_is_that_of_autograds_jacobian(k, scale):
    z, u, w, b = (
        draws(20, k),
        draws(20, k, seed=1, scale=scale),
        draws(20, k, seed=2, scale=scale),
        draws(20, seed=3),
    )
    _, log_det = models.planar(z, u, w, b)
    for i in range(20):
        jacobian = torch.autograd.functional.jacobian(
            lambda point: models.planar(point[None], u[i : i + 1], w[i : i + 1], b[i : i + 1])[0][
                0
            ],
            z[i],
        )
        sign, known = torch.linalg.slogdet(jacobian)
        assert sign > 0 and log_det[i].item() == pytest.approx(known.item(), abs=1e-9)


def test_every_step_is_invertible():
    """Along w the map must rise, however u was asked for: the points keep their order."""
    for seed in range(20):
        w, u, b = (
            draws(2, seed=seed, scale=2),
            draws(2, seed=seed + 100, scale=5),
            draws(1, seed=seed + 200),
        )
        line = torch.linspace(-8, 8, 2001, dtype=torch.float64)[:, None] * w / w.norm()
        bent, log_det = models.planar(line, u, w, b)
        along = bent @ w
        assert (along[1:] > along[:-1]).all() and torch.isfinite(log_det).all()


def test_zero_parameters_change_nothing():
    z, w = draws(5, 3), draws(5, 3, seed=1)
    for u, v in (
        (torch.zeros_like(w), w),
        (torch.zeros_like(w), torch.zeros_like(w)),
        (w, torch.zeros_like(w)),
    ):
        bent, log_det = models.planar(z, u, v, torch.zeros(5, dtype=torch.float64))
        assert torch.allclose(bent, z) and torch.allclose(
            log_det, torch.zeros(5, dtype=torch.float64), atol=1e-9
        )


def test_a_u_within_bounds_is_nearly_kept_where_it_stretches_much():
    """Far from the forbidden side the constraint does little: softplus(a) is about a there."""
    w, u = torch.tensor([[1.0, 0.0]]), torch.tensor([[20.0, 3.0]])
    bent, _ = models.planar(torch.tensor([[50.0, 0.0]]), u, w, torch.zeros(1))  # tanh is 1
    moved = (bent - torch.tensor([[50.0, 0.0]]))[0]
    assert moved[1] == pytest.approx(3.0) and moved[0] == pytest.approx(
        20 + math.log(math.e - 1) - 1, abs=1e-4
    )


def posterior(steps, k=2, seed=0):
    return models.Posterior(
        draws(1, k, seed=seed),
        draws(1, k, seed=seed + 1),
        2 * draws(steps, 1, k, seed=seed + 2),
        2 * draws(steps, 1, k, seed=seed + 3),
        draws(steps, 1, seed=seed + 4),
    )


def test_the_density_of_a_bent_gaussian_integrates_to_one():
    """E_q[r / q] = 1 for any density r that q covers: here a round Gaussian at q's own mean."""
    torch.manual_seed(0)
    z, log_q = posterior(3).draw(400_000)
    centre = z.mean((0, 1))
    weights = (torch.distributions.Normal(centre, 0.5).log_prob(z).sum(2) - log_q).exp()
    assert abs(weights.mean() - 1) < 5 * weights.std() / math.sqrt(len(z)) and weights.std() < 10


def test_without_steps_a_posterior_is_its_gaussian():
    torch.manual_seed(0)
    mu, log_var = draws(3, 4), draws(3, 4, seed=1)
    z, log_q = models.Posterior(mu, log_var).draw(7)
    known = torch.distributions.Normal(mu, torch.exp(0.5 * log_var)).log_prob(z).sum(2)
    assert z.shape == (7, 3, 4) and torch.allclose(log_q, known)


def small(steps):
    torch.manual_seed(0)
    return models.FlowVAE(3, nets.mlp((8,)), steps=steps, shape=(1, 4, 5))


@pytest.mark.parametrize("steps", [0, 4])
def test_with_zero_steps_or_zero_parameters_it_is_the_plain_vae(steps):
    flow, vae, x = (
        small(steps),
        models.VAE(3, nets.mlp((8,)), shape=(1, 4, 5)),
        torch.rand(6, 1, 4, 5).round(),
    )
    last = flow.encoder[-1]
    with torch.no_grad():
        last.weight[6:], last.bias[6:] = 0.0, 0.0
    vae.decoder.load_state_dict(flow.decoder.state_dict())
    state = flow.encoder.state_dict()
    vae.encoder.load_state_dict(
        {name: value[:6] if name.startswith("3.") else value for name, value in state.items()}
    )
    for a, b in zip(flow.encode(x), vae.encode(x)):
        assert torch.allclose(a, b)
    torch.manual_seed(1)
    bent = flow.log_weights(x, 50)
    torch.manual_seed(1)
    assert torch.allclose(bent, vae.log_weights(x, 50), atol=1e-4)


def test_loss_is_minus_the_mean_log_weight_and_its_parts_add_up():
    flow, x = small(3), torch.rand(6, 1, 4, 5).round()
    torch.manual_seed(2)
    terms = flow.loss(x)
    torch.manual_seed(2)
    assert torch.allclose(terms["loss"], -flow.log_weights(x, 1).mean(), atol=1e-5)
    assert torch.allclose(terms["loss"], terms["reconstruction"] + terms["kl"])
    terms["loss"].backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in flow.parameters())


def test_measures_take_it_as_any_other_model():
    flow, x = small(3), torch.rand(6, 1, 4, 5).round()
    assert evaluate.elbo(flow, x, 200).mean() < evaluate.log_likelihood(flow, x, 200).mean()
    assert (
        flow.sample(2).shape == (2, 1, 4, 5)
        and flow.reconstruct(x).shape == x.shape
        and flow.code(x).shape == (6, 3)
    )
    with pytest.raises(ValueError, match="steps: got -1"):
        models.FlowVAE(3, steps=-1)
