"""Sizes, receptive fields and contributions against what gradients and hand counts say."""

import pytest
import torch
from torch import nn

from aecourse import convolution, models, nets


def stack(*layers):
    """Convolutions without activations: (kernel, stride, padding) each."""
    return nn.Sequential(*(nn.Conv2d(1, 1, k, s, p) for k, s, p in layers))


@pytest.mark.parametrize(
    "layers",
    [
        [(3, 1, 1)],
        [(3, 2, 1), (3, 2, 1)],
        [(5, 2, 2), (3, 1, 1), (3, 2, 0)],
        [(2, 2, 0), (3, 1, 1), (4, 2, 1)],
        [(1, 3, 0), (7, 1, 3)],
    ],
)
def test_the_field_by_arithmetic_is_the_field_by_gradient(layers):
    torch.manual_seed(0)
    maps = stack(*layers)
    field = convolution.receptive_fields(maps)[-1]
    rows, columns = maps(torch.zeros(1, 1, 37, 29)).shape[2:]
    for unit in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1), (0, columns - 1)):
        seen = convolution.seen_pixels(maps, (1, 37, 29), unit)
        expected = torch.zeros(37, 29, dtype=torch.bool)
        (top, bottom), (left, right) = field.pixels(unit[0], 37), field.pixels(unit[1], 29)
        expected[top:bottom, left:right] = True
        assert not (seen & ~expected).any(), "nothing outside the field is seen"
        skips = any(k < s for k, s, _ in layers)  # a stride beyond the kernel leaves pixels out
        if not skips and unit in ((0, 0), (rows // 2, columns // 2)):
            # at the far border, rows that fill no stride are dropped, and what would see them sees padding
            assert torch.equal(seen, expected), (layers, unit)


def test_known_fields():
    two = convolution.receptive_fields(nets.conv((4, 8)).encoder((1, 28, 28), 5))
    assert two == [convolution.Field(3, 2, -1), convolution.Field(7, 4, -3)]
    assert two[-1].pixels(0, 28) == (0, 4) and two[-1].pixels(3, 28) == (9, 16)
    pooled = convolution.receptive_fields(
        [
            nn.Conv2d(1, 1, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(1, 1, 3, padding=2, dilation=2),
        ]
    )
    assert pooled == [
        convolution.Field(3, 1, -1),
        convolution.Field(4, 2, -1),
        convolution.Field(12, 2, -5),
    ]


def test_fields_refuse_layers_that_differ_in_height_and_width():
    with pytest.raises(ValueError, match=r"layers: got Conv2d with kernel_size \(3, 5\)"):
        convolution.receptive_fields([nn.Conv2d(1, 1, (3, 5))])
    with pytest.raises(ValueError, match="padding same"):
        convolution.receptive_fields([nn.Conv2d(1, 1, 3, padding="same")])


def test_contributions_count_what_reaches_a_pixel():
    three = nn.ConvTranspose2d(5, 2, 3, stride=2, padding=1, output_padding=1)
    count = convolution.contributions(three, (7, 7))
    assert count.shape == (14, 14)
    assert torch.equal(count[:4, :4], torch.tensor([[1, 2, 1, 2], [2, 4, 2, 4]] * 2))
    four = convolution.contributions(nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1), (7, 7))
    assert (four[1:-1, 1:-1] == 4).all()
    after = convolution.contributions(nn.Conv2d(3, 1, 3, padding=1), (14, 14))
    assert (after[1:-1, 1:-1] == 9).all() and after[0, 0] == 4
    with pytest.raises(TypeError, match="layer: got Linear"):
        convolution.contributions(nn.Linear(2, 2), (3, 3))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (2, 13, 10)])
def test_upsampling_restores_every_size_with_as_many_weights(shape):
    for options in ({}, {"batch_norm": True}, {"kernel": 5, "activation": "gelu"}):
        twin = models.Autoencoder(6, nets.conv((4, 8, 5), **options), shape=shape)
        model = models.Autoencoder(6, convolution.upsampling((4, 8, 5), **options), shape=shape)
        assert model.reconstruct(torch.rand(2, *shape)).shape == (2, *shape)
        assert model.parameter_count == twin.parameter_count
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in model.modules())


def test_upsampling_by_hand():
    net = convolution.upsampling((1,), kernel=1)
    decoder = net.decoder(4, (1, 4, 4))
    enlarge, mix = decoder[2], decoder[3]
    image = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    with torch.no_grad():
        mix.weight.fill_(2.0), mix.bias.zero_()
        out = mix(enlarge(image))
    assert torch.equal(out, 2 * image.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_multiplications_counted_by_hand():
    x = torch.rand(3, 1, 28, 28)
    assert convolution.multiplications(models.Autoencoder(16, nets.mlp(())), x) == 2 * 784 * 16
    conv = models.Autoencoder(16, nets.conv((8, 16)))
    by_hand = 2 * (196 * 8 * 9 + 49 * 16 * 8 * 9 + 784 * 16)
    assert convolution.multiplications(conv, x) == by_hand
    up = models.Autoencoder(16, convolution.upsampling((8, 16)))
    assert convolution.multiplications(up, x) == by_hand + 3 * (
        196 * 8 * 16 * 9 // 4 + 784 * 8 * 9 // 4
    )


def test_the_autoencoder_that_tutorials_print():
    model = models.Autoencoder(64, nets.conv((32, 64), batch_norm=True))
    assert model.parameter_count == 442_433
