"""The drawn shapes: every factor does what its name says, and no picture has two labels."""

import math

import pytest
import torch

from aecourse import data, shapes

SQUARE, ELLIPSE, HEART = range(3)


@pytest.fixture(scope="module")
def images():
    return data.load("shapes")


@pytest.fixture(scope="module")
def every():
    return shapes.draw(shapes.grid())


def middle(x):
    """The centre of mass [N, 2], right and down of the middle of the picture."""
    places = torch.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2
    mass = x.sum((1, 2, 3))
    return torch.stack(
        [(x[:, 0].sum(1) * places).sum(1) / mass, (x[:, 0].sum(2) * places).sum(1) / mass], 1
    )


def test_the_data_set_is_what_it_says(images):
    assert images.train.x.shape == (18_000, 1, 28, 28) and images.test.x.shape == (2_736, 1, 28, 28)
    assert images.factor_names == (
        "shape",
        "scale",
        "rotation",
        "x",
        "y",
    ) and images.factor_sizes == (3, 6, 8, 12, 12)
    for part in (images.train, images.test):
        assert part.x.dtype == torch.float32 and part.x.min() == 0 and part.x.max() == 1
        assert part.factors.dtype == part.labels.dtype == torch.int64 and torch.equal(
            part.labels, part.factors[:, 0]
        )
        assert torch.equal(part.x[:50], shapes.draw(part.factors[:50]))
    assert all(
        len(column.unique()) == n for column, n in zip(images.test.factors.T, images.factor_sizes)
    )
    both = torch.cat([images.train.factors, images.test.factors])
    assert len(torch.unique(both, dim=0)) == len(both) == math.prod(images.factor_sizes)


def test_it_is_the_same_at_every_call_and_leaves_the_random_state_alone(images):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    again = data.load("shapes")
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(again.train.x, images.train.x) and torch.equal(
        again.test.factors, images.test.factors
    )
    assert not torch.equal(data.shapes(seed=1).train.factors, images.train.factors)


def test_subsets_keep_their_factors(images):
    part = images.test[torch.tensor([7, 2])]
    assert torch.equal(part.factors, images.test.factors[[7, 2]]) and torch.equal(
        part.x, shapes.draw(part.factors)
    )
    few = images.subset(9)
    assert len(few.train.factors) == 9 and few.factor_sizes == images.factor_sizes
    assert data.load("digits").factor_names == () and data.load("digits").train.factors is None


def test_no_two_pictures_are_alike(every):
    flat = every.flatten(1)
    coarse = torch.unique((flat * 20).round().to(torch.uint8), dim=0)
    assert len(coarse) == len(every)  # so that a square has no second rotation in the range


def test_area_is_the_square_of_the_scale_and_nothing_else(every):
    factors = shapes.grid()
    side = torch.tensor(shapes.VALUES["scale"], dtype=torch.float32)[factors[:, 1]]
    assert ((every.sum((1, 2, 3)) / side**2 - 1).abs() < 0.05).all()


def test_x_and_y_are_the_centre_of_mass_and_nothing_else(every):
    factors = shapes.grid()
    place = torch.stack(
        [torch.tensor(shapes.VALUES[name])[factors[:, i]] for i, name in ((3, "x"), (4, "y"))], 1
    )
    assert (middle(every) - place).abs().max() < 0.15
    moved = factors[factors[:, 3] < 11]
    assert torch.equal(
        shapes.draw(moved)[..., :-1], shapes.draw(moved + torch.tensor([0, 0, 0, 1, 0]))[..., 1:]
    )


def test_no_shape_leaves_the_picture(every):
    assert (
        every[..., 0, :].max()
        == every[..., -1, :].max()
        == every[..., 0].max()
        == every[..., -1].max()
        == 0
    )


def test_an_upright_square_is_a_square():
    wanted = torch.zeros(10, 10)
    wanted[2:7, 2:7] = 1  # side 5 around (-0.5, -0.5): whole pixels
    assert torch.equal(shapes.draw(torch.tensor([[SQUARE, 0, 0, 5, 5]]), size=10)[0, 0], wanted)


def test_rotation_turns_clockwise_and_the_heart_stands_on_its_tip():
    upright, turned = (
        shapes.draw(torch.tensor([[kind, 5, r, 6, 6]]))[0, 0]
        for kind, r in ((ELLIPSE, 0), (ELLIPSE, 3))
    )
    wide, high = (upright > 0.5).any(0).sum(), (upright > 0.5).any(1).sum()
    assert wide / high == pytest.approx(1.7, abs=0.15)
    down, right = torch.meshgrid(torch.arange(28) - 13.0, torch.arange(28) - 13.0, indexing="ij")
    right, down = right - 1, down - 1
    across = (turned * right * down).sum()  # clockwise: the right end goes down
    assert across > 0 and abs((upright * right * down).sum()) < 1e-2 * across
    heart = shapes.draw(torch.tensor([[HEART, 5, 0, 5, 5]]))[0, 0]
    rows = (heart > 0.5).sum(1)
    rows = rows[rows > 0]
    assert rows[-1] <= 3 < rows[1]
    assert torch.allclose(
        heart[:, :27], heart[:, :27].flip(1), atol=1e-5
    )  # x = -0.5: around column 13


@pytest.mark.parametrize(
    "factors, message",
    [
        (torch.zeros(3, 4, dtype=torch.long), "accepted is an integer tensor"),
        (torch.zeros(3, 5), "accepted is an integer tensor"),
        (torch.tensor([[0, 6, 0, 0, 0]]), "accepted is 0 to"),
        (torch.tensor([[-1, 0, 0, 0, 0]]), "accepted is 0 to"),
    ],
)
def test_other_factors_are_refused(factors, message):
    with pytest.raises(ValueError, match=message):
        shapes.draw(factors)
    with pytest.raises(ValueError, match="test_size: got 20736"):
        data.shapes(test_size=20_736)
