"""The one loss of a GAN against the usual two steps."""

import pytest
import torch
import torch.nn.functional as F

from aecourse import models, nets, train

SHAPE = (1, 4, 4)
X = torch.rand(30, *SHAPE, generator=torch.Generator().manual_seed(0))


def made(**options):
    torch.manual_seed(0)
    return models.GAN(3, nets.mlp((8,)), shape=SHAPE, **options)


def test_one_loss_has_the_gradients_of_the_two_steps():
    model = made().double()
    x = X.double()
    torch.manual_seed(1)
    terms = model.loss(x)
    terms["loss"].backward()
    of = F.binary_cross_entropy_with_logits
    ones, zeros = x.new_ones(len(x), 1), x.new_zeros(len(x), 1)
    torch.manual_seed(1)
    samples = torch.sigmoid(model.decoder(torch.randn(len(x), 3, dtype=torch.float64)))
    judge = (of(model.judge(x), ones) + of(model.judge(samples.detach()), zeros)) / 2
    generator = of(model.judge(samples), ones)  # the second step, for which the judge stands still
    steps = [(model.judge, judge), (model.decoder, generator)]
    for network, value in steps:
        wanted = torch.autograd.grad(value, list(network.parameters()), retain_graph=True)
        for parameter, gradient in zip(network.parameters(), wanted):
            assert torch.allclose(parameter.grad, gradient, rtol=1e-10, atol=1e-12)
    assert torch.allclose(terms["judge"], judge) and torch.allclose(terms["generator"], generator)
    assert torch.allclose(terms["loss"], judge + generator)


def test_the_frozen_network_says_the_same_and_learns_nothing():
    network, x = torch.nn.Linear(3, 1), torch.randn(4, 3, requires_grad=True)
    out = models.frozen(network, x)
    assert torch.equal(out, network(x))
    out.sum().backward()
    assert torch.allclose(x.grad, network.weight.expand(4, 3))
    assert all(p.grad is None for p in network.parameters())


def test_a_linear_judges_steepness_is_the_square_of_its_weights():
    torch.manual_seed(0)
    model = models.GAN(3, nets.mlp(()), calm=4.0, shape=SHAPE)
    weight = model.judge[-1].weight
    assert torch.allclose(model.steepness(X), weight.square().sum())
    torch.manual_seed(1)
    calm = model.loss(X)["loss"]
    model.calm = 0.0
    torch.manual_seed(1)
    assert torch.allclose(calm, model.loss(X)["loss"] + 2 * weight.square().sum())


def test_it_is_measured_without_gradients_too():
    with torch.no_grad():
        assert made(calm=1.0).loss(X)["loss"].isfinite()


def test_fit_moves_samples_to_the_data():
    x = 0.5 * torch.randn(1000, 2, generator=torch.Generator().manual_seed(1))
    x = x + torch.tensor([3.0, -2.0])
    torch.manual_seed(0)
    model = models.GAN(2, nets.mlp((16,)), output="identity", shape=(2,))
    train.fit(model, x, epochs=25, lr=3e-3, progress=False, cache=False)
    torch.manual_seed(2)
    assert (model.sample(500).mean(0) - x.mean(0)).norm() < 1.2  # 3.6 at the start


def test_it_has_no_encoder_and_says_so():
    with pytest.raises(TypeError, match="model: got GAN, which has no encoder; accepted is"):
        made().encode(X)


def test_bad_options():
    with pytest.raises(ValueError, match="calm: got -1"):
        made(calm=-1)
    with pytest.raises(ValueError, match="output: got 'tanh'; accepted is one of 'sigmoid'"):
        made(output="tanh")
