"""Layer-wise pretraining: what a level is, what it trains, and what it leaves alone."""

import pytest
import torch
from torch import nn

from aecourse import exact, models, nets
from aecourse.models import stacked
from aecourse.train import greedy


def deep(activation="sigmoid", hidden=(7, 5), **options):
    torch.manual_seed(0)
    return models.Autoencoder(3, nets.mlp(hidden, activation), shape=(1, 4, 3), **options)


def test_levels_are_the_layers_of_the_deep_network_themselves():
    model = deep()
    levels = stacked.levels(model)
    assert [(level.shape, level.latent_dim) for level in levels] == [
        ((12,), 7),
        ((7,), 5),
        ((5,), 3),
    ]
    assert levels[0].up is model.encoder[1] and levels[0].down is model.decoder[-2]
    assert levels[2].up is model.encoder[-1] and levels[2].down is model.decoder[0]
    held = {id(p) for level in levels for p in level.parameters()}
    assert held == {id(p) for p in model.parameters()}


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "identity"])
def test_levels_put_together_are_the_deep_network(output):
    model, x = deep("tanh", output=output), torch.rand(6, 1, 4, 3)
    levels, z = stacked.levels(model), x.flatten(1)
    for level in levels:
        z = level.encode(z)
    assert torch.equal(z, model.encode(x))
    for level in reversed(levels):
        z = level.pixels(level.decode(z))
    assert torch.equal(z.view_as(x), model.reconstruct(x))


def test_each_level_learns_to_redraw_what_the_one_below_makes():
    model, x = deep(), torch.rand(200, 1, 4, 3)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    histories = greedy.pretrain(model, x, epochs=30, lr=1e-2, progress=False, cache=False)
    assert len(histories) == 3 and all(h["loss"][-1] < h["loss"][0] for h in histories)
    assert all(not torch.equal(before[k], v) for k, v in model.state_dict().items())
    with torch.no_grad():
        below = model.encoder[:3](x)
        level = stacked.levels(model)[1]
        error = (level.reconstruct(below) - below).square().sum(1).mean().item()
    assert error < histories[1]["loss"][0]


def test_a_layer_is_held_fixed_once_it_has_been_trained():
    model, x = deep(), torch.rand(64, 1, 4, 3)
    first = stacked.levels(model)[0]
    alone = deep()
    greedy.fit(stacked.levels(alone)[0], x.flatten(1), epochs=2, progress=False, cache=False)
    greedy.pretrain(model, x, epochs=2, progress=False, cache=False)
    assert torch.equal(first.up.weight, stacked.levels(alone)[0].up.weight)
    assert torch.equal(first.down.bias, stacked.levels(alone)[0].down.bias)


def test_one_linear_level_finds_the_principal_plane():
    torch.manual_seed(0)
    x = (torch.randn(400, 12) * torch.tensor([2.0, 1.6] + 10 * [0.2])).view(400, 1, 4, 3)
    model = models.Autoencoder(2, nets.mlp(()), output="identity", shape=(1, 4, 3))
    greedy.pretrain(model, x, epochs=60, lr=3e-2, progress=False, cache=False)
    _, directions = exact.pca(x, 2)
    angle = exact.principal_angles(model.decoder[0].weight.detach(), directions).max().item()
    assert angle < 0.05


def test_other_models_are_refused_before_anything_is_trained():
    for model in (
        models.Autoencoder(3, nets.conv((2,)), shape=(1, 4, 4)),
        models.VAE(3, nets.mlp((5,)), shape=(1, 4, 4)),
        nn.Linear(3, 3),
    ):
        with pytest.raises(TypeError, match="built from nets.mlp"):
            stacked.levels(model)
    with pytest.raises(ValueError, match="x: got a tensor of shape"):
        greedy.pretrain(deep(), torch.rand(5, 12))
