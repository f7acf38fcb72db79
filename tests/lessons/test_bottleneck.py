"""What lesson 01 says without showing a claim for it."""

import torch

from aecourse import evaluate, exact, models, nets


def test_a_code_mixed_by_an_invertible_matrix_draws_the_same_images():
    torch.manual_seed(0)
    linear = models.LinearAutoencoder(3, shape=(1, 2, 4)).double()
    x, A = torch.rand(20, 1, 2, 4, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    before, codes = linear.reconstruct(x), linear.encode(x)
    with torch.no_grad():
        linear.encoder.weight.copy_(A @ linear.encoder.weight)
        linear.encoder.bias.copy_(A @ linear.encoder.bias)
        linear.decoder.weight.copy_(linear.decoder.weight @ torch.linalg.inv(A))
    assert torch.allclose(linear.reconstruct(x), before) and not torch.allclose(
        linear.encode(x), codes
    )


def test_a_sigmoid_pays_for_every_target_below_zero():
    torch.manual_seed(0)
    model = models.Autoencoder(2, nets.mlp(()), output="sigmoid", shape=(1, 2, 4))
    x = 2 * torch.rand(20, 1, 2, 4) - 1
    assert (evaluate.squared_error(model, x) >= x.clamp(max=0).square().sum((1, 2, 3))).all()
    assert evaluate.squared_error(model, torch.full((1, 1, 2, 4), -1.0)) > 8


def test_the_smallest_error_of_pca_falls_with_every_direction():
    torch.manual_seed(0)
    x = torch.randn(50, 6) @ torch.randn(6, 6)
    errors = []
    for k in range(1, 6):
        mean, directions = exact.pca(x, k)
        errors.append((x - mean - (x - mean) @ directions @ directions.T).square().sum().item())
    assert errors == sorted(errors, reverse=True)
