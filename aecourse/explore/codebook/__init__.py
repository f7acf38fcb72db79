"""One image as a grid of words: swap a word, and the decoder redraws the image in the page."""

from __future__ import annotations

import torch
from torch import nn

from aecourse import require
from aecourse.page.figure import Figure, as_array, base64_of, fragment
from aecourse.page.network import ACTIVATIONS, SQUASHES, check_room, packed, quantise, steps_of
from aecourse.page.pictures import names_of, packed_images

MAX_BYTES = 400_000  # what the weights may take of a page
TOLERANCE = 0.5 / 255  # the largest change of a pixel that rounding the weights to 16 bits may make


def codebook(
    decoder, words, indices, *, typical=None, labels=None, output="sigmoid", description=None
) -> Figure:
    """A few images as grids of words, to be changed word by word, beside the codebook.

    decoder      maps words [N, D, h, w] to logits [N, 1, H, W]; a torch.nn.Sequential of Conv2d (stride 1), ConvTranspose2d
                 and the activations that `network.steps_of` lists, without dilation or groups.
    words        [K, D] float, the codebook; K of at most 256.
    indices      [N, h, w] int, the words of the images to choose from.
    typical      [M, h, w] int, many images' words (by default `indices`): the codebook shows each word as it looks in them on
                 average, with a cell's width around it; a word that is not among them is shown on an empty page.
    labels       their N names; by default they are counted.
    output       how logits become pixels: "sigmoid" or "identity".
    description  the figure in words.

    Weights travel in 16 bits each. Raises TypeError for a decoder that a page cannot run, ValueError for what does not fit.
    """
    words, indices = as_array("words", words), as_array("indices", indices)
    typical = indices if typical is None else as_array("typical", typical)
    if words.ndim != 2 or not 2 <= len(words) <= 256:
        raise ValueError(
            f"words: got shape {list(words.shape)}; accepted is [K, D] with K from 2 to 256"
        )
    for name, grids in (("indices", indices), ("typical", typical)):
        if (
            grids.ndim != 3
            or not len(grids)
            or grids.dtype.kind not in "iu"
            or grids.shape[1:] != indices.shape[1:]
        ):
            raise ValueError(
                f"{name}: got {grids.dtype} of shape {list(grids.shape)}; accepted are whole numbers [N, h, w] with N of at least 1"
            )
        if grids.min() < 0 or grids.max() >= len(words):
            raise ValueError(
                f"{name}: got {grids.min()} to {grids.max()}; accepted is 0 to {len(words) - 1}, the words there are"
            )
    labels = names_of("labels", labels, len(indices))
    require.choice("output", output, ["sigmoid", "identity"])

    words, indices, typical = (
        torch.tensor(words, dtype=torch.float32),
        torch.tensor(indices).long(),
        torch.tensor(typical).long(),
    )
    layers = _flat(decoder)
    shape = _checked(layers, words, indices, output)
    blank = int(torch.bincount(typical.flatten()).argmax())
    looks = _looks(layers, words, typical, blank, output)
    data = {
        "layers": [_exported(layer) for layer in layers],
        "words": base64_of(words.numpy()),
        "dim": words.shape[1],
        "indices": indices.flatten(1).tolist(),
        "grid": list(indices.shape[1:]),
        "shape": shape,
        "blank": blank,
        "looks": packed_images(looks),
        "patch": list(looks.shape[1:]),
        "labels": labels,
        "output": output,
    }
    check_room(
        "decoder",
        sum(
            len(layer["weight"]["integers"])
            for layer in data["layers"]
            if not isinstance(layer, str)
        ),
        MAX_BYTES,
    )
    if description is None:
        description = (
            f"{len(indices)} images, each as a grid of {indices.shape[1]} by {indices.shape[2]} words from a codebook of {len(words)}. "
            "The reader chooses a cell of the image and puts another word there; the image beside it is decoded again. Each word of "
            f"the codebook is shown as it looks on average, with its surroundings. The most frequent one is word {blank}."
        )
    return Figure(
        fragment(
            "codebook",
            data,
            package=__name__,
            title="Interactive figure: an image made of words",
            description=description,
        ),
        description,
    )


def _flat(module: nn.Module) -> list:
    """A decoder as the list of its convolutions and activations' names."""
    if isinstance(module, nn.Sequential):
        return [layer for child in module for layer in _flat(child)]
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        same = all(len(set(value)) == 1 for value in (module.stride, module.padding))
        plain = (
            module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
        )
        if not same or not plain or isinstance(module, nn.Conv2d) and module.stride[0] != 1:
            raise TypeError(
                f"decoder: got {module}, which cannot run in a page; accepted is stride 1 in Conv2d, no dilation, no groups"
            )
        return [module]
    try:
        steps = steps_of(module)
    except TypeError:
        steps = [()]
    if not all(isinstance(step, str) for step in steps):
        raise TypeError(
            f"decoder: got {type(module).__name__}, which cannot run in a page; accepted is a torch.nn.Sequential of Conv2d, "
            "ConvTranspose2d, ReLU, GELU, Tanh, SiLU and Sigmoid layers"
        )
    return steps


def _rounded(weight: torch.Tensor) -> torch.Tensor:
    integers, scale = quantise(weight.flatten(1), 16)
    return (integers * scale[:, None]).view(weight.shape)


def _run(layers: list, z: torch.Tensor, change=lambda weight: weight) -> torch.Tensor:
    """The decoder's logits, with its weights passed through `change`."""
    for layer in layers:
        if isinstance(layer, str):
            z = ACTIVATIONS[layer](z)
            continue
        weight, bias = change(layer.weight.detach().float().cpu()), _bias(layer)
        if isinstance(layer, nn.Conv2d):
            z = nn.functional.conv2d(z, weight, bias, padding=layer.padding)
        else:
            z = nn.functional.conv_transpose2d(
                z, weight, bias, layer.stride, layer.padding, layer.output_padding
            )
    return z


def _checked(layers: list, words: torch.Tensor, indices: torch.Tensor, output: str) -> list[int]:
    """(height, width) of the decoded images, if everything fits and rounding the weights does not show."""
    convolutions = [layer for layer in layers if not isinstance(layer, str)]
    if not convolutions or convolutions[0].in_channels != words.shape[1]:
        found = convolutions[0].in_channels if convolutions else "no"
        raise ValueError(
            f"decoder: got one for {found} channels; accepted is one for {words.shape[1]}, the length of a word"
        )
    if not all(torch.isfinite(p).all() for layer in convolutions for p in layer.parameters()):
        raise ValueError(
            "decoder: got weights that are nan or infinite; accepted are finite weights"
        )
    probes = torch.cat(
        [
            indices,
            torch.randint(
                len(words), (50, *indices.shape[1:]), generator=torch.Generator().manual_seed(0)
            ),
        ]
    )
    z = words[probes].permute(0, 3, 1, 2)
    exact, rounded = (
        SQUASHES[output](_run(layers, z, change)) for change in (lambda w: w, _rounded)
    )
    if exact.shape[1] != 1:
        raise ValueError(f"decoder: got one that draws {exact.shape[1]} channels; accepted is 1")
    if (exact - rounded).abs().max() > TOLERANCE:
        raise ValueError(
            "decoder: got weights that 16 bits cannot hold closely enough; accepted is one whose pixels change by less than half a grey level"
        )
    return list(exact.shape[2:])


def _looks(
    layers: list, words: torch.Tensor, typical: torch.Tensor, blank: int, output: str
) -> torch.Tensor:
    """Every word as it is drawn on average, three cells by three around it: [K, height, width]."""
    rows, columns = typical.shape[1:]
    alone = torch.full((len(words), rows, columns), blank)
    alone[:, rows // 2, columns // 2] = torch.arange(len(words))
    unseen = torch.bincount(typical.flatten(), minlength=len(words)) == 0
    grids = torch.cat([typical, alone[unseen]])
    images = SQUASHES[output](_run(layers, words[grids].permute(0, 3, 1, 2)))[:, 0]
    high, wide = images.shape[1] / rows, images.shape[2] / columns
    height, width = round(3 * high), round(3 * wide)
    padded = nn.functional.pad(
        images, [width, width, height, height]
    )  # so that cells at the edge have surroundings, too
    total, count = torch.zeros(len(words), height, width), torch.zeros(len(words), 1, 1)
    for row in range(rows):
        for column in range(columns):
            top, left = round((row - 1) * high) + height, round((column - 1) * wide) + width
            seen = grids[:, row, column]
            counts = (torch.arange(len(grids)) < len(typical)) | (row == rows // 2) & (
                column == columns // 2
            )
            total.index_add_(
                0, seen[counts], padded[counts, top : top + height, left : left + width]
            )
            count.index_add_(0, seen[counts], torch.ones(int(counts.sum()), 1, 1))
    return total / count


def _bias(layer) -> torch.Tensor:
    return (
        torch.zeros(layer.out_channels) if layer.bias is None else layer.bias.detach().float().cpu()
    )


def _exported(layer):
    if isinstance(layer, str):
        return layer
    weight = layer.weight.detach().float().cpu()
    return {
        "weight": packed(weight.flatten(1), 16),
        "bias": base64_of(_bias(layer).numpy()),
        "size": list(weight.shape[2:]),
        "channels": [layer.in_channels, layer.out_channels],
        "padding": layer.padding[0],
        "stride": layer.stride[0],
        "up": None if isinstance(layer, nn.Conv2d) else list(layer.output_padding),
    }
