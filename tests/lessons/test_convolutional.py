"""Sentences of lesson 02 that are arithmetic, held against PyTorch."""

import math

import pytest
import torch
from torch import nn

from aecourse import models, nets


def test_sizes_down_and_back_are_those_of_the_table():
    size, sizes = 28, [28]
    for _ in range(3):
        size = (size + 2 - 3) // 2 + 1
        sizes.append(size)
    assert sizes == [28, 14, 7, 4]
    decoder = models.Autoencoder(16, nets.conv((8, 16, 16))).decoder
    steps = [layer for layer in decoder if isinstance(layer, nn.ConvTranspose2d)]
    assert [layer.output_padding for layer in steps] == [(0, 0), (1, 1), (1, 1)]


@pytest.mark.parametrize("k, s, p", [(3, 2, 1), (4, 2, 1), (5, 3, 2), (3, 1, 1)])
def test_the_formulas_are_those_of_the_layers(k, s, p):
    for n in range(k, 40):
        small = math.floor((n + 2 * p - k) / s) + 1
        assert nn.Conv1d(1, 1, k, s, p)(torch.zeros(1, 1, n)).shape[2] == small
        for extra in range(s):
            back = nn.ConvTranspose1d(1, 1, k, s, p, output_padding=extra)
            assert back(torch.zeros(1, 1, small)).shape[2] == (small - 1) * s - 2 * p + k + extra


def test_the_formula_of_a_convolution_is_what_the_layer_computes():
    torch.manual_seed(0)
    layer, x, k, s, p = nn.Conv2d(2, 3, 3, 2, 1).double(), torch.rand(1, 2, 7, 9).double(), 3, 2, 1
    y = layer(x)
    for o, i, j in ((0, 0, 0), (2, 3, 4), (1, 2, 1)):
        total = layer.bias[o]
        for c in range(2):
            for u in range(k):
                for v in range(k):
                    row, column = s * i + u - p, s * j + v - p
                    if 0 <= row < 7 and 0 <= column < 9:
                        total = total + layer.weight[o, c, u, v] * x[0, c, row, column]
        torch.testing.assert_close(y[0, o, i, j], total)


def test_a_move_by_four_moves_the_second_maps_by_one():
    torch.manual_seed(0)
    maps = models.Autoencoder(16, nets.conv((8, 16))).encoder[:4]
    x = torch.zeros(2, 1, 28, 28)
    x[:, :, 8:20, 8:20] = torch.rand(2, 1, 12, 12)
    with torch.no_grad():
        still, moved = maps(x), maps(x.roll(4, 2))
    torch.testing.assert_close(moved[:, :, 2:-1, 1:-1], still[:, :, 1:-2, 1:-1])
