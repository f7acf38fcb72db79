"""The contractive penalty equals the Jacobian's norm however it is computed, and training lowers it."""

import pytest
import torch

from aecourse import nets, train
from aecourse.models.contractive import ContractiveAutoencoder, contraction, sigmoid_contraction


def model(units=5, **settings):
    torch.manual_seed(0)
    return ContractiveAutoencoder(units, output="identity", shape=(1, 3, 4), **settings)


def norms(encode, x):
    """The same by torch's own Jacobian, image by image."""
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: encode(one[None])[0]))(x)
    return jacobian.flatten(1).square().sum(1)


def test_the_three_ways_agree():
    m, x = model().double(), torch.rand(6, 1, 3, 4, dtype=torch.float64)
    closed = sigmoid_contraction(m.encode(x), m.layer.weight)
    assert torch.allclose(closed, contraction(m.encode, x), atol=1e-12)
    assert torch.allclose(closed, norms(m.encode, x), atol=1e-12)


def test_known_values():
    """W = 2 and b = 0: at x = 0 the sigmoid's slope is 1/4, so that the derivative is 1/2; far out it is 0."""
    z, weight = torch.tensor([[0.5], [1.0]]), torch.tensor([[2.0]])
    assert sigmoid_contraction(z, weight).tolist() == [0.25, 0.0]
    linear = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.5]])
    assert contraction(lambda x: x @ linear, torch.rand(2, 3)).tolist() == [30.25, 30.25]


def test_autograd_serves_any_encoder():
    m, x = model(net=nets.mlp((6, 5), "tanh")).double(), torch.rand(4, 1, 3, 4, dtype=torch.float64)
    assert not m.one_layer
    assert torch.allclose(m.contraction(x, m.encode(x)), norms(m.encode, x), atol=1e-12)


@pytest.mark.parametrize("net", [None, nets.mlp((6,), "tanh")])
def test_the_penalty_has_the_right_gradient(net):
    m, x = model(net=net).double(), torch.rand(3, 1, 3, 4, dtype=torch.float64)
    weight = next(m.encoder.parameters())
    (gradient,) = torch.autograd.grad(m.loss(x)["loss"], weight)
    with torch.no_grad():
        weight[0, 2] += 1e-5
        up = m.loss(x)["loss"]
        weight[0, 2] -= 2e-5
        down = m.loss(x)["loss"]
    assert gradient[0, 2].item() == pytest.approx(((up - down) / 2e-5).item(), rel=1e-5)


def test_one_layer_has_tied_weights():
    m = model()
    assert m.parameter_count == 5 * 12 + 5 + 12
    z = torch.rand(2, 5)
    assert torch.allclose(m.decode(z).flatten(1), z @ m.layer.weight + m.bias)
    assert torch.equal(m.features().flatten(1), m.layer.weight)


def test_training_with_the_penalty_lowers_the_norm():
    x = torch.randn(256, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    reached = []
    for weight in (0.0, 10.0):
        m = model(weight=weight)
        train.fit(m, x, epochs=60, lr=1e-2, progress=False, cache=False)
        with torch.no_grad():
            reached.append(m.contraction(x, m.encode(x)).mean().item())
    assert reached[1] < reached[0] / 2


def test_what_is_refused_says_why():
    with pytest.raises(ValueError, match="weight: got -1"):
        model(weight=-1)
    with pytest.raises(ValueError, match="net: got several layers"):
        model(net=nets.mlp((4,))).features()
