"""What lesson 10 says without showing a claim for it: how metric, length and energy hang together, and what coordinates leave alone."""

import torch

from aecourse import interpolation


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


W = draws(6, 2)


def decode(z):
    return torch.tanh(z @ W.T)


def swirl(w, turn=1.0):
    angle = turn * w.norm(dim=-1, keepdim=True)
    aside = torch.stack([-w[..., 1], w[..., 0]], -1)
    return angle.cos() * w + angle.sin() * aside


def test_the_speed_of_a_small_step_is_the_root_of_the_diagonal():
    z, h = draws(5, 2, seed=1), 1e-6
    G = interpolation.pullback_metric(decode, z)
    for axis in range(2):
        speed = (decode(z + h * torch.eye(2).double()[axis]) - decode(z)).norm(dim=1) / h
        assert torch.allclose(speed, G[:, axis, axis].sqrt(), rtol=1e-4)


def test_every_step_to_the_rim_of_the_ellipse_moves_the_image_by_one():
    G = interpolation.pullback_metric(decode, draws(4, 2, seed=2))
    values, ways = torch.linalg.eigh(G)
    circle = torch.linspace(0, 6, 20).double()
    rims = ways @ (torch.stack([circle.cos(), circle.sin()]) / values.sqrt()[:, :, None])
    squared = torch.einsum("nim,nij,njm->nm", rims, G, rims)
    assert torch.allclose(squared, torch.ones_like(squared))


def test_energy_is_at_least_the_squared_length_and_equal_for_an_even_path():
    path = draws(7, 3, 5, seed=3)
    length = interpolation.path_length(path)
    assert (interpolation.energy(path) > length**2).all()
    even = interpolation.linear(path[0], path[1], torch.linspace(0, 1, 7))
    assert torch.allclose(interpolation.energy(even), interpolation.path_length(even) ** 2)


def test_more_places_never_make_a_path_shorter():
    codes = interpolation.linear(draws(3, 2, seed=4), draws(3, 2, seed=5), torch.linspace(0, 1, 65))
    lengths = [interpolation.path_length(decode(codes[:: 2**k])) for k in range(6)]
    assert all((fine >= rough - 1e-12).all() for fine, rough in zip(lengths, lengths[1:]))


def test_the_swirl_turns_back_and_keeps_the_length_of_every_image_path():
    path = draws(9, 4, 2, seed=6)
    back = swirl(path, -1.0)
    assert torch.allclose(swirl(back), path)
    straight = interpolation.linear(back[0], back[-1], torch.linspace(0, 1, 9))
    assert not torch.allclose(
        swirl(straight), interpolation.linear(path[0], path[-1], torch.linspace(0, 1, 9))
    )
