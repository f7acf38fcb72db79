"""Paths: arcs on a sphere, lengths and metrics of decoders whose geometry is known, and the checkers of the lesson."""

import math

import pytest
import torch
from torch import nn

from aecourse import interpolation as I  # noqa: E741
from aecourse import models, nets, plots

T = torch.linspace(0, 1, 11, dtype=torch.float64)


def draws(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def angle(u, v):
    return torch.acos((torch.cosine_similarity(u, v, dim=-1)).clamp(-1, 1))


# ---- Straight lines and arcs -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [I.linear, I.slerp])
def test_a_way_begins_at_a_and_ends_at_b_and_reverses(way):
    a, b = draws(2, 5, 3)
    path = way(a, b, T)
    assert path.shape == (11, 5, 3) and path.dtype == a.dtype
    assert torch.allclose(path[0], a) and torch.allclose(path[-1], b)
    assert torch.allclose(way(b, a, T).flip(0), path)
    for t in (0.0, 0.3, 1):
        assert (
            torch.allclose(way(a, b, t), way(a, b, torch.tensor([t]))[0])
            and way(a, b, t).shape == a.shape
        )


def test_linear_blends_images_of_any_shape():
    a, b = draws(2, 4, 1, 5, 7)
    assert torch.allclose(I.linear(a, b, 0.25), 0.75 * a + 0.25 * b) and I.linear(
        a, b, T
    ).shape == (11, 4, 1, 5, 7)


def test_slerp_turns_at_constant_speed_and_keeps_the_length():
    a, b = (5 * c / c.norm(dim=1, keepdim=True) for c in draws(2, 6, 4))
    path = I.slerp(a, b, T)
    assert torch.allclose(path.norm(dim=2), torch.full((11, 6), 5.0, dtype=torch.float64))
    turned = angle(path[:-1], path[1:])
    assert torch.allclose(turned, (angle(a, b) / 10).expand(10, 6), atol=1e-7)


def test_slerp_in_the_plane_is_the_circle():
    a, b = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[0.0, 2.0]]).double()
    wanted = 2 * torch.stack([(T * math.pi / 2).cos(), (T * math.pi / 2).sin()], 1)
    assert torch.allclose(I.slerp(a, b, T)[:, 0], wanted)


def test_slerp_of_different_lengths_follows_the_formula_of_the_paper():
    a, b = draws(2, 6, 4)
    omega = angle(a, b)[:, None]
    wanted = (
        torch.sin(0.7 * omega) / torch.sin(omega) * a
        + torch.sin(0.3 * omega) / torch.sin(omega) * b
    )
    assert torch.allclose(I.slerp(a, b, 0.3), wanted)


@pytest.mark.parametrize("turn", [0.0, 1e-9, 1e-4, 9.99e-4, 1.001e-3])
def test_slerp_is_linear_for_parallel_vectors_and_small_angles(turn):
    a = draws(3, 4)
    aside = draws(3, 4, seed=1)
    aside = aside - (aside * a).sum(1, keepdim=True) / a.square().sum(1, keepdim=True) * a
    b = 1.7 * (
        a + math.tan(turn) * aside / aside.norm(dim=1, keepdim=True) * a.norm(dim=1, keepdim=True)
    )
    path = I.slerp(a, b, T)
    assert path.isfinite().all() and torch.allclose(path, I.linear(a, b, T), atol=1e-6)


def test_slerp_is_precise_in_float32_near_its_threshold():
    for turn in (5e-4, 2e-3, 0.05, 3.0):
        a, b = torch.tensor([[3.0, 0.0]]), 3 * torch.tensor([[math.cos(turn), math.sin(turn)]])
        wanted = 3 * torch.tensor([[math.cos(turn / 3), math.sin(turn / 3)]])
        assert torch.allclose(I.slerp(a, b, 1 / 3), wanted, atol=2e-5)


def test_slerp_has_gradients():
    a, b = (c.requires_grad_() for c in draws(2, 3, 4))
    assert torch.autograd.gradcheck(lambda a, b: I.slerp(a, b, T[::5]), (a, b))


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: I.slerp(draws(2, 3), -2 * draws(2, 3), 0.5),
            "a, b: got vectors of opposite directions",
        ),
        (
            lambda: I.slerp(draws(2, 3), torch.zeros(2, 3).double(), 0.5),
            "a, b: got a vector of length 0",
        ),
        (lambda: I.linear(draws(2, 3), draws(2, 4), 0.5), "b: got a tensor of shape"),
        (lambda: I.slerp(draws(2, 3), draws(2, 3).float(), 0.5), "b: got a tensor of shape"),
        (
            lambda: I.linear(torch.ones(2, dtype=torch.long), torch.ones(2, dtype=torch.long), 0.5),
            "b: got a tensor of shape",
        ),
        (lambda: I.linear(draws(2), draws(2), torch.ones(2, 2)), "t: got a tensor of shape"),
        (lambda: I.linear(draws(2), draws(2), math.nan), "t: got nan"),
        (lambda: I.path_length(draws(4, 3)), "path: got a tensor of shape"),
        (lambda: I.path_length(draws(1, 3, 2)), "path: got a tensor of shape"),
        (lambda: I.refined(draws(4, 3, 2), 0), "factor: got 0"),
        (lambda: I.geodesic(torch.sin, draws(1, 2), draws(1, 2), places=2), "places: got 2"),
        (lambda: I.geodesic(torch.sin, draws(1, 2), draws(1, 2), steps=0), "steps: got 0"),
        (
            lambda: I.geodesic(torch.sin, draws(1, 2), draws(1, 2), start=draws(2, 1, 2)),
            "start: got a tensor",
        ),
        (
            lambda: I.geodesic(torch.sin, draws(1, 2), draws(1, 2), start=draws(5, 1, 2)),
            "start: got a path with other ends",
        ),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


# ---- Lengths -----------------------------------------------------------------------------------------------


def test_lengths_of_a_known_path():
    x = torch.zeros(4, 2, 1, 2, 3)
    x[1:, 0, 0, 0, 0] = 3.0  # one path goes 3 aside, then 4 up, then stays
    x[2:, 0, 0, 1, 2] = 4.0
    assert torch.equal(I.step_lengths(x)[:, 0], torch.tensor([3.0, 4.0, 0.0]))
    assert I.path_length(x).tolist() == [7.0, 0.0]
    assert I.jumpiness(x)[0].item() == pytest.approx(4 / (7 / 3)) and I.energy(x)[0] == 3 * 25


def test_a_blend_moves_evenly_and_is_as_long_as_its_ends_are_apart():
    a, b = draws(2, 5, 1, 4, 6)
    path = I.linear(a, b, T)
    apart = (a - b).flatten(1).norm(dim=1)
    assert torch.allclose(I.path_length(path), apart) and torch.allclose(
        I.jumpiness(path), torch.ones(5).double()
    )
    assert torch.allclose(
        I.energy(path), apart.square()
    )  # least energy: squared length at constant speed


def test_energy_is_at_least_the_squared_length():
    path = draws(9, 7, 3)
    assert (I.energy(path) > I.path_length(path).square()).all()


def test_refining_changes_neither_ends_nor_length():
    path = draws(6, 3, 4)
    finer = I.refined(path, 5)
    assert finer.shape == (26, 3, 4) and torch.allclose(finer[::5], path)
    assert torch.allclose(I.path_length(finer), I.path_length(path)) and torch.equal(
        I.refined(path, 1), path
    )


def test_decoded_keeps_places_and_paths_apart():
    path = draws(4, 3, 2)
    images = I.decoded(lambda z: z[:, None, :, None] * torch.ones(1, 5, dtype=torch.float64), path)
    assert images.shape == (4, 3, 1, 2, 5) and torch.equal(images[2, 1, 0, :, 4], path[2, 1])


# ---- Decoders whose geometry is known ----------------------------------------------------------------------


def linear_decoder(codes=3, pixels=8):
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Linear(codes, pixels), nn.Unflatten(1, (1, 2, pixels // 2)))
        .double()
        .requires_grad_(False)
    )


def polar(z):
    """(r, angle) -> the plane: flat, though its codes do not look it."""
    return torch.stack([z[:, 0] * z[:, 1].cos(), z[:, 0] * z[:, 1].sin()], 1)


def sphere(z):
    """(latitude, longitude) -> the unit sphere."""
    return torch.stack(
        [z[:, 0].cos() * z[:, 1].cos(), z[:, 0].cos() * z[:, 1].sin(), z[:, 0].sin()], 1
    )


def test_path_length_of_a_linear_decoder_is_exact():
    decode, (a, b) = linear_decoder(), draws(2, 6, 3)
    images = I.decoded(decode, I.linear(a, b, T))
    apart = ((b - a) @ decode[0].weight.T).norm(dim=1)
    assert torch.allclose(I.path_length(images), apart)


def test_the_metric_of_a_linear_decoder_is_the_gram_matrix_of_its_weights():
    decode, W = linear_decoder(), linear_decoder()[0].weight
    assert torch.allclose(I.pullback_metric(decode, draws(4, 3)), (W.T @ W).expand(4, 3, 3))


def test_the_metric_of_polar_coordinates_and_of_the_sphere():
    z = draws(5, 2).abs() + 0.1
    zero, one = torch.zeros(5).double(), torch.ones(5).double()
    flat = torch.stack([torch.stack([one, zero], 1), torch.stack([zero, z[:, 0].square()], 1)], 1)
    assert torch.allclose(I.pullback_metric(polar, z), flat)
    round_ = torch.stack(
        [torch.stack([one, zero], 1), torch.stack([zero, z[:, 0].cos().square()], 1)], 1
    )
    assert torch.allclose(I.pullback_metric(sphere, z), round_)


def test_the_metric_measures_small_steps_of_a_network():
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp((7,), "gelu"), shape=(1, 3, 5)).double()
    picture = lambda z: vae.pixels(vae.decode(z))  # noqa: E731
    z, dz = draws(6, 2), 1e-5 * draws(6, 2, seed=1)
    with torch.no_grad():
        moved = (picture(z + dz / 2) - picture(z - dz / 2)).flatten(1).norm(dim=1)
        foreseen = torch.einsum("ni,nij,nj->n", dz, I.pullback_metric(picture, z), dz).sqrt()
    assert torch.allclose(moved, foreseen, rtol=1e-6)


def test_the_geodesic_of_a_linear_decoder_is_the_straight_line():
    decode, (a, b) = linear_decoder(), draws(2, 4, 3)
    way = I.geodesic(decode, a, b, places=7)
    straight = I.linear(a, b, torch.linspace(0, 1, 7, dtype=torch.float64))
    assert torch.allclose(way, straight, atol=1e-9)
    assert torch.allclose(
        I.path_length(I.decoded(decode, way)), I.path_length(I.decoded(decode, straight))
    )


def test_the_geodesic_in_polar_coordinates_is_straight_in_the_plane():
    a, b = (
        torch.tensor([[1.0, 0.0], [2.0, 0.3]]).double(),
        torch.tensor([[1.0, math.pi / 2], [1.0, 2.0]]).double(),
    )
    way = I.geodesic(polar, a, b, places=30, steps=200)
    apart = (polar(a) - polar(b)).norm(dim=1)
    found = I.path_length(I.decoded(polar, I.refined(way, 10)))
    straight = I.path_length(I.decoded(polar, I.linear(a, b, torch.linspace(0, 1, 500).double())))
    assert (
        (straight > 1.05 * apart).all()
        and (found < 1.002 * apart).all()
        and (found >= apart - 1e-9).all()
    )
    assert torch.equal(way[0], a) and torch.equal(way[-1], b)


def test_the_geodesic_on_the_sphere_is_the_great_circle():
    a, b = torch.tensor([[0.9, 0.0]]).double(), torch.tensor([[0.9, 2.0]]).double()
    way = I.geodesic(sphere, a, b, places=30, steps=200)
    great = angle(sphere(a), sphere(b))
    found = I.path_length(I.decoded(sphere, I.refined(way, 10)))
    assert (
        found.item() == pytest.approx(great.item(), rel=2e-3) and way[15, 0, 0] > 1.1
    )  # it passes nearer to the pole
    assert I.jumpiness(I.decoded(sphere, way)).item() < 1.02  # at an even pace


def test_a_search_from_a_bent_path_finds_the_same_way_where_there_is_one():
    decode, (a, b) = linear_decoder(), draws(2, 4, 3)
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    straight = I.linear(a, b, t)
    bent = straight + (torch.pi * t).sin()[:, None, None] * draws(1, 4, 3)
    assert torch.allclose(I.geodesic(decode, a, b, start=bent, steps=500), straight, atol=1e-4)


def test_a_geodesic_leaves_the_model_and_the_random_state_alone():
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp((7,), "gelu"), shape=(1, 3, 5))
    (a, b), state = draws(2, 3, 2).float(), torch.get_rng_state()
    way = I.geodesic(lambda z: vae.pixels(vae.decode(z)), a, b, places=5, steps=3)
    assert not way.requires_grad and all(p.grad is None for p in vae.parameters())
    assert torch.equal(torch.get_rng_state(), state) and way.dtype == torch.float32


# ---- Figures -----------------------------------------------------------------------------------------------


def test_spreads_show_the_middle_half_the_median_and_the_mean():
    values = torch.arange(101.0)
    ax = plots.spreads(
        {"all": values, "one": torch.tensor([30.0])},
        x="distance",
        description="Boxes.",
        quiet=("one",),
    ).axes[0]
    quiet, box = sorted(ax.patches, key=lambda patch: patch.get_width())
    assert (box.get_x(), box.get_width()) == (25.0, 50.0) and quiet.get_width() == 0
    assert [text.get_text() for text in ax.texts] == ["30", "50"]  # from below
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "all"]


def test_a_plane_has_its_paths_points_and_shade_the_right_way_up():
    shade = torch.zeros(4, 4)
    shade[0, 3] = 1.0  # low z2, high z1
    fig = plots.plane(
        shade,
        2.0,
        description="A plane.",
        paths={"way": draws(5, 2)},
        points=draws(3, 2),
        labels=torch.tensor([0, 4, 4]),
    )
    ax = fig.axes[0]
    image = ax.images[0]
    assert (
        image.origin == "lower"
        and tuple(image.get_extent()) == (-2, 2, -2, 2)
        and image.get_array()[0, 3, 3] == pytest.approx(0.75)
    )
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0", "4", "way"]
    assert 'aria-label="A plane."' in fig.svg()
