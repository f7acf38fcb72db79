"""What lesson 10 says without showing a claim for it."""

import torch

from aecourse import exact


def test_principal_directions_are_orthonormal():
    x = torch.randn(30, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    directions = exact.pca(x, 3)[1]
    torch.testing.assert_close(directions.T @ directions, torch.eye(3, dtype=torch.float64))
