"""What each layer of a convolutional network sees: its maps for a digit, and the pixels behind each unit."""

from __future__ import annotations

import torch
from torch import nn

from aecourse import require
from aecourse.convolution import receptive_fields
from aecourse.page.figure import Figure, base64_of, fragment
from aecourse.page.network import check_room, packed, steps_of
from aecourse.page.pictures import as_images, names_of, packed_images

MAX_BYTES = 400_000  # what the weights may take of a page


def receptive_field(encoder, images, *, labels=None, description=None) -> Figure:
    """A digit to choose or to draw, the maps that each convolution makes of it, and what a unit of them sees.

    encoder      a `Sequential` that begins with convolutions, each followed by an activation or by nothing; it is read
                 up to its first other layer, such as `Flatten`
    images       [N, H, W] or [N, 1, H, W] in [0, 1], to choose from
    labels       their N names; by default they are counted
    description  the figure in words

    Weights travel in 16 bits each. Raises TypeError for an encoder that begins otherwise, ValueError for what does not fit.
    """
    images = as_images("images", images)
    labels = names_of("labels", labels, len(images))
    layers = _convolutions(encoder)
    check_room("encoder", sum(conv.weight.numel() for conv, _ in layers) * 16 // 6, MAX_BYTES)
    fields = receptive_fields([conv for conv, _ in layers])
    data = {
        "images": [packed_images(image) for image in images],
        "shape": list(images.shape[1:]),
        "labels": labels,
        "layers": [
            {
                "weight": packed(conv.weight.detach().float().cpu().flatten(1), 16),
                "bias": base64_of(_bias(conv).numpy()),
                "channels": conv.in_channels,
                "kernel": conv.kernel_size[0],
                "stride": conv.stride[0],
                "padding": conv.padding[0],
                "activation": activation,
                "field": {"size": field.size, "step": field.step, "start": field.start},
            }
            for (conv, activation), field in zip(layers, fields)
        ],
    }
    if description is None:
        seen = " and ".join(
            f"{conv.out_channels} maps whose units see {field.size} by {field.size} pixels"
            for (conv, _), field in zip(layers, fields)
        )
        description = (
            f"A digit, chosen from {len(images)} or drawn by the reader, and what the convolutions of a trained network "
            f"make of it: {seen}. For the unit under the pointer the pixels that it sees are outlined in the digit and "
            "shown enlarged, with the unit's value."
        )
    return Figure(
        fragment(
            "receptive_field",
            data,
            package=__name__,
            title="Interactive figure: what each layer sees",
            description=description,
        ),
        description,
    )


def _bias(conv: nn.Conv2d) -> torch.Tensor:
    return torch.zeros(conv.out_channels) if conv.bias is None else conv.bias.detach().float().cpu()


def _convolutions(encoder) -> list[tuple[nn.Conv2d, str]]:
    """The convolutions at the encoder's beginning, each with the name of its activation."""
    layers, channels = [], 1
    for layer in encoder if isinstance(encoder, nn.Sequential) else []:
        if isinstance(layer, nn.Conv2d):
            plain = (
                layer.in_channels == channels
                and layer.groups == 1
                and layer.padding_mode == "zeros"
                and not isinstance(layer.padding, str)
                and all(
                    len(set(pair)) == 1 for pair in (layer.kernel_size, layer.stride, layer.padding)
                )
                and layer.dilation == (1, 1)
            )
            if not plain or not torch.isfinite(layer.weight).all():
                raise ValueError(
                    f"encoder: got {layer}; accepted are convolutions of one channel at first, square, with finite "
                    "weights, padded by zeros, without groups or dilation"
                )
            layers.append((layer, "identity"))
            channels = layer.out_channels
        elif (
            layers
            and layers[-1][1] == "identity"
            and not isinstance(layer, (nn.Flatten, nn.Linear))
        ):
            (name,) = steps_of(layer, "encoder") or ["identity"]
            layers[-1] = (layers[-1][0], name)
        else:
            break
    if not layers:
        raise TypeError(
            f"encoder: got {require.described(type(encoder).__name__)}; accepted is a torch.nn.Sequential that begins "
            "with a torch.nn.Conv2d"
        )
    return layers
