"""What lesson 09 says without a claim: the shell in which Gaussian draws lie, and what is half way between two of them."""

import math

import pytest
import torch

from aecourse import interpolation


def mean_length(d):
    """Of a draw from N(0, I) in d dimensions: sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2)."""
    return math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))


@pytest.mark.parametrize("d", [20, 200])
def test_the_shell_is_as_thick_in_many_dimensions(d):
    thickness = math.sqrt(d - mean_length(d) ** 2)
    assert thickness == pytest.approx(math.sqrt(0.5), abs=0.005)
    z, other = torch.randn(2, 20_000, d, generator=torch.Generator().manual_seed(d))
    assert z.norm(dim=1).std().item() == pytest.approx(thickness, abs=0.02)
    middle = interpolation.linear(z, other, 0.5).norm(dim=1).mean().item()
    assert middle == pytest.approx(mean_length(d) / math.sqrt(2), abs=0.02)


def test_half_way_on_the_arc_two_orthogonal_draws_keep_their_length():
    a, b = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    middle = interpolation.slerp(a, b, 0.5)
    assert torch.allclose(middle, (a + b) / math.sqrt(2)) and middle.norm().item() == pytest.approx(
        2.0
    )
