"""The strength of a periodic pattern, on pictures whose pattern is known."""

import pytest
import torch

from aecourse.evaluate.checkerboard import checkerboard


def pattern(a, high, wide):
    rows, columns = torch.arange(high)[:, None], torch.arange(wide)
    return a * (1 - 2.0 * ((rows + columns) % 2))


def test_a_checkerboard_has_its_amplitude():
    for a in (0.0, 0.125, -0.5):
        x = (0.5 + pattern(a, 6, 10))[None, None]
        assert checkerboard(x).item() == pytest.approx(abs(a), abs=1e-7)


def test_flat_pictures_and_slower_patterns_have_none():
    assert checkerboard(torch.full((2, 3, 7, 9), 0.3)).abs().max() < 1e-7
    slow = (torch.arange(8) // 2 % 2).float().expand(1, 1, 8, 8)  # period 4, not 2
    assert checkerboard(slow).item() == 0 and checkerboard(slow, 4).item() == pytest.approx(0.5)


def test_stripes_and_channels():
    stripes = (torch.arange(6) % 2).float().expand(1, 1, 6, 6)
    assert checkerboard(stripes).item() == pytest.approx(0.5)
    mixed = torch.cat([stripes, torch.zeros_like(stripes)], 1)
    assert checkerboard(mixed).item() == pytest.approx(0.5 / 2**0.5)


def test_one_figure_per_image_and_what_does_not_fill_a_period_is_left_out():
    x = torch.stack([pattern(0.2, 7, 9), pattern(0.0, 7, 9)])[:, None]
    torch.testing.assert_close(checkerboard(x), torch.tensor([0.2, 0.0]))


@pytest.mark.parametrize(
    "wrong", [torch.rand(3, 4, 4), torch.ones(1, 1, 4, 4, dtype=torch.long), torch.rand(1, 1, 1, 4)]
)
def test_wrong_inputs_are_named(wrong):
    with pytest.raises(ValueError, match="x: got a tensor of shape"):
        checkerboard(wrong)
    with pytest.raises(ValueError, match="stride: got 1"):
        checkerboard(torch.rand(1, 1, 4, 4), 1)
