"""Spoil a digit and watch two denoisers repair it, in the page."""
from __future__ import annotations

import numpy as np
import torch

from aecourse import _arguments as check

from .figure import Figure, as_array, base64_of, fragment
from .network import ACTIVATIONS, export, forward, rounded, steps_of
from .sizes import _eight_bits, _name, _without_channel

MAX_BYTES = 1_000_000        # what the weights of all models together may take of a page
TOLERANCE = 1 / 255          # the largest change of a pixel on the probes that rounding the weights may make; half of
                             # what is promised, since a reader may paint what no probe has thought of
NOISES = {"gaussian": ("Gaussian noise", 1.0), "masking": ("missing pixels", 0.9), "salt_and_pepper": ("salt and pepper", 0.6)}


def denoise(models, images, *, labels=None, noises=tuple(NOISES), seed=0, brush=3.0, output="sigmoid",
            description=None) -> Figure:
    """A digit to erase, draw and throw noise on, and what each denoiser makes of it, as the reader spoils it.

    models: {name: network} with one to three networks that map images [N, H * W] to as many numbers, dense;
            `network.steps_of` lists the layers they may have. An encoder followed by its decoder is
            `torch.nn.Sequential(model.encoder, model.decoder)`.
    images: [N, H, W] float in [0, 1], the clean images to choose from; [N, 1, H, W] is accepted too.
    labels: their N names; by default they are counted.
    noises: which kinds the reader may choose: any of "gaussian", "masking", "salt_and_pepper".
    seed:   of the noise, a whole number; the same seed gives the same noise in every browser.
    brush:  the radius of the eraser in pixels; the pen's is half of it.
    output: how the networks' numbers become pixels: "sigmoid", "tanh" (drawn from -1 to 1) or "identity".
    description: the figure in words.

    Weights travel in 8 bits each, or in 16 where 8 would move a pixel by more than 2/255. Raises TypeError for a
    network that a page cannot run, ValueError for what does not fit.
    """
    images = _without_channel(as_array("images", images), 3)
    if images.ndim != 3 or not len(images):
        raise ValueError(f"images: got shape {list(images.shape)}; accepted is [N, H, W] with N of at least 1")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(f"images: got values from {images.min():.3g} to {images.max():.3g}; accepted is [0, 1]")
    labels = list(range(1, len(images) + 1)) if labels is None else list(labels)
    if len(labels) != len(images):
        raise ValueError(f"labels: got {len(labels)}; accepted are {len(images)}, one for each image")
    if not isinstance(models, dict) or not 1 <= len(models) <= 3:
        raise ValueError(f"models: got {check.described(models)}; accepted are one to three named networks")
    if not noises:
        raise ValueError(f"noises: got none; accepted are one or more of {', '.join(map(repr, NOISES))}")
    for kind in noises:
        check.choice("noises", kind, NOISES)
    check.choice("output", output, ["sigmoid", "tanh", "identity"])
    brush, seed = check.number("brush", brush, low=0, above=True), check.integer("seed", seed, low=0)

    rounded_images = np.round(images * 255) / 255
    probes = _probes(torch.tensor(rounded_images, dtype=torch.float32).flatten(1))
    exported = [{"name": name, "output": output, "layers": _exported(name, net, probes, output)}
                for name, net in models.items()]
    size = sum(len(part["integers"]) for model in exported for layer in model["layers"] if not isinstance(layer, str)
               for part in [layer["weight"]])
    if size > MAX_BYTES:
        raise ValueError(f"models: got weights that take {size:,} bytes of the page; accepted are at most {MAX_BYTES:,}: "
                         "train narrower networks for this figure")
    data = {"images": [base64_of(_eight_bits(image)) for image in images], "shape": list(images.shape[1:]),
            "labels": [_name(label) for label in labels], "models": exported, "seed": seed, "brush": brush,
            "noises": [{"kind": kind, "name": NOISES[kind][0], "high": NOISES[kind][1]} for kind in noises]}
    if description is None:
        description = (f"One of {len(images)} clean images is spoiled by the reader, who erases parts, draws into it or adds "
                       f"{', '.join(NOISES[kind][0] for kind in noises)}. Beside the spoiled image stands what "
                       f"{' and '.join(models)} make of it, with the signal-to-noise ratio of each against the clean image.")
    return Figure(fragment("denoise", data, title="Interactive figure: spoil an image, watch it being repaired",
                           description=description), description)


def _probes(x: torch.Tensor) -> torch.Tensor:
    """Clean, noisy, half-erased, inked and random images: where rounding the weights must not show."""
    generator = torch.Generator().manual_seed(0)
    eps = torch.randn(x.shape, generator=generator)
    holes = (torch.rand(x.shape, generator=generator) > 0.5).float()
    half = x.clone()
    half[:, x.shape[1] // 2:] = 0
    anything = 1.5 * torch.rand(100, x.shape[1], generator=generator) - 0.25
    return torch.cat([x, x + 0.3 * eps, x + eps, x * holes, half, torch.maximum(x, 1 - holes), anything])


def _exported(name: str, net, probes: torch.Tensor, output: str) -> list:
    """A network as JSON, if a page can run it and it maps images to images."""
    steps = steps_of(net)
    layers = [step for step in steps if not isinstance(step, str)]
    inputs, outputs = (layers[0][0].shape[1], layers[-1][0].shape[0]) if layers else ("nothing", "nothing")
    if (inputs, outputs) != (probes.shape[1], probes.shape[1]):
        raise ValueError(f"models[{name!r}]: got a map from {inputs} to {outputs} numbers; accepted is one from "
                         f"{probes.shape[1]} to {probes.shape[1]}, the pixels of an image")
    if not all(torch.isfinite(part).all() for layer in layers for part in layer):
        raise ValueError(f"models[{name!r}]: got weights that are nan or infinite; accepted are finite weights")

    def pixels(steps):
        logits = forward(steps, probes)
        return (torch.tanh(logits) + 1) / 2 if output == "tanh" else ACTIVATIONS[output](logits)
    harm = (pixels(steps) - pixels(rounded(steps, 8))).abs().max().item()
    return export(steps, 8 if harm <= TOLERANCE else 16)
