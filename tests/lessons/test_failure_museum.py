"""What lesson 23 says without showing a claim for it."""

import math

import pytest
import torch
from torch.nn import functional as F

from aecourse import collapse


def test_a_sigmoid_of_a_sigmoid_stays_between_a_half_and_0_731():
    twice = torch.linspace(-50, 50, 1001).sigmoid().sigmoid()
    assert twice.min() >= 0.5 and twice.max().item() == pytest.approx(0.7311, abs=1e-4)
    black = F.binary_cross_entropy(twice, torch.zeros_like(twice), reduction="none")
    assert black.min().item() == pytest.approx(math.log(2), abs=1e-6)


def test_cross_entropy_with_a_target_above_1_falls_for_ever():
    logits = torch.tensor([1.0, 10.0, 100.0, 1000.0])
    loss = F.binary_cross_entropy_with_logits(logits, torch.full((4,), 16.0), reduction="none")
    assert (loss.diff() < 0).all() and loss[-1] < -1e4


def test_a_gaussian_of_width_1_uses_no_direction_of_less_variance():
    assert (collapse.rates(torch.tensor([0.9, 0.5, 0.1]), 1.0) == 0).all()
    assert (collapse.rates(torch.tensor([0.9, 0.5, 0.1]), 0.04) > 0).all()


def test_in_float32_the_sigmoid_of_20_is_1():
    assert torch.tensor(20.0).sigmoid().item() == 1.0


def test_torch_normal_has_a_history_through_which_zeros_come():
    for draw, passed in (
        (torch.normal, 0.0),
        (lambda mu, sigma: torch.distributions.Normal(mu, sigma).rsample(), 1.0),
    ):
        mu = torch.zeros(3, requires_grad=True)
        z = draw(mu, torch.ones(3))
        assert z.requires_grad
        z.sum().backward()
        assert (mu.grad == passed).all()
    assert not torch.distributions.Normal(mu, torch.ones(3)).sample().requires_grad


def test_rows_of_nchw_hold_places_and_not_channels():
    z = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    assert (z.reshape(-1, 3)[0] == z[0, 0, 0, :3]).all()
    assert (z.permute(0, 2, 3, 1).reshape(-1, 3)[0] == z[0, :, 0, 0]).all()
