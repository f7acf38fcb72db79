"""What lesson 15 says without showing a claim for it."""

import math

import torch

from aecourse import bending, models


def test_two_steps_along_one_plane_are_one():
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(20, 3, generator=generator, dtype=torch.float64)
    w, b = torch.tensor([1.0, -2.0, 0.5]).double(), torch.zeros(20).double()
    across = torch.tensor([[2.0, 1.0, 0.0], [-0.5, 0.0, 1.0]]).double()  # both w.u = 0
    torch.testing.assert_close(across @ w, torch.zeros(2).double())
    first, det = models.planar(z, across[0].expand(20, 3), w.expand(20, 3), b)
    second, more = models.planar(first, across[1].expand(20, 3), w.expand(20, 3), b)
    at_once, once = models.planar(z, across.sum(0).expand(20, 3), w.expand(20, 3), b)
    torch.testing.assert_close(second, at_once)
    torch.testing.assert_close(det + more, once)


def test_the_solution_by_hand_beats_the_best_gaussian_on_two_humps():
    row = torch.tensor([[[1.0, 0.0]]]).double()
    narrow = torch.tensor([[2 * math.log(0.5), 0.0]]).double()
    split = models.Posterior(
        torch.zeros(1, 2).double(), narrow, row, 3 * row, torch.zeros(1, 1).double()
    )
    best = bending.fit(0, "two humps", tries=8)
    assert bending.divergence(split, "two humps") < bending.divergence(best, "two humps")
