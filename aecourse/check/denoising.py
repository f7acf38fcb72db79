"""Exercises of lesson 04."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import evaluate, models, nets
from aecourse.check.bottleneck import squared_error
from aecourse.check.core import Mistake, exercise


def _image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape) + seed))


# ---- Masking -------------------------------------------------------------------------------------


def mask(x: torch.Tensor, p: float, generator: torch.Generator) -> torch.Tensor:
    """x [B, C, H, W] with about a share p of its pixels set to 0."""
    return x * (torch.rand(x.shape, generator=generator) >= p)


def _several_calls(masking):
    """What the last of some calls returns, all with one generator: it shows whether a call moves the generator on."""

    def last_of(x: Tensor, p: float, seed: int, calls: int):
        generator = torch.Generator().manual_seed(seed)
        return [masking(x, p, generator) for _ in range(calls)][-1]

    return last_of


def _seeded_anew(x, p, generator):
    return mask(x, p, generator.manual_seed(generator.initial_seed()))


def _drawn_again(x, p, generator):
    masked = mask(x, p, generator)
    torch.rand(x.shape, generator=generator)
    return masked


def _one_more(x, p, generator):
    masked = mask(x, p, generator)
    torch.rand(1, generator=generator)
    return masked


def _filled(x, p, generator, value=0):
    return x.clone().masked_fill_(torch.rand(x.shape, generator=generator) < p, value)


def _into_a_copy(x, p, generator):
    masked = x.clone()
    masked[torch.rand(x.shape, generator=generator) < p] = 0
    return masked


exercise(
    mask,
    cases=lambda generator: {
        f"images of shape {list(shape)}, p = {p}": (_image(*shape), p, seed, 1)
        for shape, p, seed in (
            ((5, 1, 7, 4), 0.3, 1),
            ((2, 3, 4, 6), 0.8, 2),
            ((3, 1, 2, 5), 0.5, 3),
        )
    },
    hard=lambda generator: {
        "p = 0": (_image(3, 1, 4, 5), 0.0, 4, 1),
        "p = 1": (_image(3, 1, 4, 5), 1.0, 5, 1),
        "an image with pixels of 0 and 1": (_image(4, 1, 6, 6).round(), 0.4, 6, 1),
        "pixels from -1 to 1": (2 * _image(2, 2, 5, 5) - 1, 0.6, 7, 1),
        "a second call with the same generator": (_image(3, 2, 4, 5), 0.5, 8, 2),
    },
    through=_several_calls,
    gradient=False,
    mistakes=[
        Mistake(
            "keeps a share p",
            lambda x, p, g: x * (torch.rand(x.shape, generator=g) < p),
            "that keeps a share p and erases the rest: a pixel is lost where the uniform number "
            "is *below* p.",
        ),
        Mistake(
            "rescaled",
            lambda x, p, g: mask(x, p, g) / (1 - p),
            "that rescales the kept pixels by 1 / (1 - p), as dropout does: masking leaves them "
            "as they are.",
        ),
        Mistake(
            "set to 1",
            lambda x, p, g: x.masked_fill(torch.rand(x.shape, generator=g) < p, 1.0),
            "lost pixels are set to 1, which is ink: set them to 0.",
        ),
        Mistake(
            "one mask for the batch",
            lambda x, p, g: x * (torch.rand(x.shape[1:], generator=g) >= p),
            "every image of the batch loses the same pixels: draw a number for each pixel of each"
            " image.",
        ),
        Mistake(
            "one mask for the channels",
            lambda x, p, g: x * (torch.rand(len(x), 1, *x.shape[2:], generator=g) >= p),
            "all channels lose the same pixels: draw a number for each channel of each pixel, "
            "torch.rand(x.shape, ...).",
        ),
        Mistake(
            "whole images",
            lambda x, p, g: x * (torch.rand(len(x), 1, 1, 1, generator=g) >= p),
            "whole images are erased: draw one number per pixel, not per image.",
        ),
        Mistake(
            "the mask itself",
            lambda x, p, g: (torch.rand(x.shape, generator=g) >= p).to(x.dtype),
            "that is the mask itself; multiply the image by it.",
        ),
        Mistake(
            "nothing erased",
            lambda x, p, g: x,
            "nothing is erased: the image comes back as it went in.",
        ),
        Mistake(
            "generator seeded anew",
            _seeded_anew,
            "the generator is seeded anew, so that every call erases the same pixels: take it as "
            "it comes.",
        ),
        Mistake(
            "drawn twice",
            _drawn_again,
            "uniform numbers are drawn more than once: draw one per pixel, and no more.",
        ),
        Mistake(
            "the other end",
            lambda x, p, g: x * (torch.rand(x.shape, generator=g) < 1 - p),
            "about the right share is lost, but not the pixels that are asked for: a pixel is "
            "lost where its number is below p.",
        ),
        Mistake(
            "p = 0.5", lambda x, p, g: mask(x, 0.5, g), "half of the pixels are lost whatever p is."
        ),
        Mistake(
            "dimmed",
            lambda x, p, g: x * (1 - p),
            "all pixels are dimmed by 1 - p: that is the mean over many masks; one mask is wanted.",
        ),
    ],
    also_right={
        "filled": _filled,
        "torch.where": lambda x, p, g: torch.where(torch.rand(x.shape, generator=g) < p, 0.0, x),
        "into a copy": _into_a_copy,
    },
    also_wrong=[
        Mistake("one number more", _one_more, "second call"),
        Mistake(
            "a float32 buffer",
            lambda x, p, g: torch.zeros(x.shape).copy_(mask(x, p, g)),
            "torch.float64",
        ),
        Mistake(
            "no generator", lambda x, p, g: x * (torch.rand(x.shape) >= p), "global random state"
        ),
        Mistake(
            "in place", lambda x, p, g: x.mul_(torch.rand(x.shape, generator=g) >= p), "in place"
        ),
        Mistake(
            "normal numbers",
            lambda x, p, g: x * (torch.randn(x.shape, generator=g) >= p),
            "should be",
        ),
    ],
    praise="about a share p is lost, different pixels in every image, and the same ones for the "
    "same seed.",
)


# ---- The signal-to-noise ratio -------------------------------------------------------------------


def psnr(image: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio of each image against x, in dB: [B]."""
    return -10 * torch.log10((image - x).square().flatten(1).mean(1))


def _mse(image, x):
    return (image - x).square().flatten(1).mean(1)


def _psnr_numpy(image, x):
    return torch.from_numpy(10 * np.log10(1 / ((image.numpy() - x.numpy()) ** 2).mean((1, 2, 3))))


def _psnr_python(image, x):
    return torch.tensor(
        [-10 * math.log10(float((u - v).square().mean())) for u, v in zip(image, x)]
    )


def _asks_for_gradients(image, x):
    image.requires_grad_()
    return psnr(image, x)


def _psnr_hard(generator):
    x = _image(3, 1, 6, 5)
    return {
        "one image": (_image(1, 3, 4, 4), _image(1, 3, 4, 4, seed=1)),
        "images that are nearly alike": (x + 2e-3 * _image(3, 1, 6, 5, seed=1), x),
        "as many images as channels, rows and columns": (
            _image(3, 3, 3, 3),
            _image(3, 3, 3, 3, seed=1),
        ),
        "an empty image beside a full one": (torch.zeros(2, 1, 3, 4), torch.ones(2, 1, 3, 4)),
        "pixels outside [0, 1], as noise makes them": (
            3 * _image(3, 1, 5, 4) - 1,
            _image(3, 1, 5, 4, seed=1),
        ),
    }


exercise(
    psnr,
    cases=lambda generator: {
        f"images of {shape[1]} channel(s)": (_image(*shape), _image(*shape, seed=1))
        for shape in ((5, 1, 7, 3), (2, 3, 4, 9))
    },
    hard=_psnr_hard,
    gradient=False,
    mistakes=[
        Mistake(
            "the sign",
            lambda a, b: 10 * _mse(a, b).log10(),
            "the sign is wrong: a smaller error is a higher ratio.",
        ),
        Mistake(
            "natural logarithm",
            lambda a, b: -10 * _mse(a, b).log(),
            "that is the natural logarithm; decibels are counted with the logarithm to base 10.",
        ),
        Mistake(
            "base 2",
            lambda a, b: -10 * _mse(a, b).log2(),
            "that is the logarithm to base 2; decibels are counted with base 10.",
        ),
        Mistake(
            "peak 255",
            lambda a, b: 10 * (255**2 / _mse(a, b)).log10(),
            "that takes 255 for the peak: pixels here end at 1.",
        ),
        Mistake(
            "sum over pixels",
            lambda a, b: -10 * (a - b).square().flatten(1).sum(1).log10(),
            "the squared error is summed over pixels: here it is the mean, else the figure "
            "depends on the size of the image.",
        ),
        Mistake(
            "20 for 10",
            lambda a, b: -20 * _mse(a, b).log10(),
            "the factor is 10 for squared errors; 20 belongs to their root.",
        ),
        Mistake(
            "root for the square",
            lambda a, b: -5 * _mse(a, b).log10(),
            "the root is taken without doubling the factor: 10 log10 of the squared error is 20 "
            "log10 of its root.",
        ),
        Mistake(
            "bel",
            lambda a, b: -_mse(a, b).log10(),
            "the factor 10 is missing: that is bel, not decibel.",
        ),
        Mistake(
            "one for the batch",
            lambda a, b: -10 * (a - b).square().mean().log10(),
            "that is one figure for the whole batch; keep one per image.",
        ),
        Mistake(
            "one per pixel",
            lambda a, b: -10 * (a - b).square().log10(),
            "that is one figure per pixel; average the squared error over the pixels of an image "
            "first.",
        ),
        Mistake(
            "mean of the figures",
            lambda a, b: (-10 * _mse(a, b).log10()).mean(),
            "that is the mean of the figures; keep one per image.",
        ),
        Mistake(
            "the brightest pixel",
            lambda a, x: 10 * (x.flatten(1).amax(1).square() / _mse(a, x)).log10(),
            "that takes the brightest pixel for the peak: the peak is 1 for every image.",
        ),
        Mistake(
            "clipped first",
            lambda a, x: -10 * _mse(a.clamp(0, 1), x).log10(),
            "the image is clipped to [0, 1] first; noise that leaves this range counts in full.",
        ),
        Mistake(
            "the variance for the peak",
            lambda a, x: 10 * (x.flatten(1).var(1) / _mse(a, x)).log10(),
            "the variance of the image stands where the peak, 1, belongs.",
        ),
        Mistake(
            "absolute",
            lambda a, x: -10 * (a - x).abs().flatten(1).mean(1).log10(),
            "the errors are not squared.",
        ),
    ],
    also_right={
        "the course's own": evaluate.psnr,
        "NumPy": _psnr_numpy,
        "plain Python": _psnr_python,
        "20 of the root": lambda a, x: -20 * _mse(a, x).sqrt().log10(),
        "natural logarithms": lambda a, x: -10 * _mse(a, x).log() / math.log(10),
    },
    also_wrong=[
        Mistake("asks for gradients", _asks_for_gradients, "requires_grad_()"),
        Mistake(
            "in float64",
            lambda a, x: -10 * _mse(a.double(), x.double()).log10(),
            "should be torch.float32",
        ),
        Mistake(
            "channel by channel",
            lambda a, x: -10 * (a - x).square().mean((2, 3)).log10().mean(1),
            "right with images of 1 channel",
        ),
        Mistake(
            "an array",
            lambda a, x: psnr(a, x).numpy(),
            "tensor is wanted, your function returned ndarray",
        ),
    ],
    praise="one figure per image in dB; 10 dB more is a tenth of the error.",
)


# ---- The loss of a denoising autoencoder ---------------------------------------------------------


def denoising_loss(model, x: torch.Tensor, noise) -> torch.Tensor:
    """Squared error of the repair, summed over pixels, averaged over images."""
    repaired = model.reconstruct(noise(x))
    return (repaired - x).square().flatten(1).sum(1).mean()


class _Noise:
    """Noise that is another at every call, and knows how often it was called."""

    def __init__(self, seed: int):
        self.seed, self.calls = seed, 0

    def __call__(self, clean: Tensor) -> Tensor:
        self.calls += 1
        generator = torch.Generator().manual_seed(100 * self.seed + self.calls)
        return clean + 0.5 * torch.randn(clean.shape, generator=generator)


def _model(*shape: int) -> models.DenoisingAutoencoder:
    """One that reacts strongly to its input, unlike an untrained one: its weights are drawn four times as wide."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = models.DenoisingAutoencoder(3, nets.mlp((8,)), shape=shape).float()
    model.load_state_dict({name: 4 * value for name, value in model.state_dict().items()})
    return model


def _against_noisy(model, x, noise):
    noisy = noise(x)
    return squared_error(model.reconstruct(noisy), noisy)


def _noise_without_gradient(model, x, noise, factor=1.0):
    with torch.no_grad():
        noisy = noise(x)
    return factor * F.mse_loss(model.reconstruct(noisy), x, reduction="sum") / len(x)


def _code_detached(model, x, noise):
    return squared_error(model.pixels(model.decode(model.encode(noise(x)).detach())), x)


def _evaluation_mode(model, x, noise):
    model.eval()
    return denoising_loss(model, x, noise)


def _one_call_more(model, x, noise):
    loss = denoising_loss(model, x, noise)
    noise(x)
    return loss


def _step_inside(model, x, noise):
    loss = denoising_loss(model, x, noise)
    loss.backward(retain_graph=True)
    return loss


exercise(
    denoising_loss,
    cases=lambda generator: {
        f"images of {shape[1]} channel(s)": (_model(*shape[1:]), _image(*shape), _Noise(shape[0]))
        for shape in ((6, 1, 5, 4), (3, 2, 3, 4))
    },
    hard=lambda generator: {
        "one image": (_model(1, 3, 3), _image(1, 1, 3, 3), _Noise(7)),
        "a model in evaluation mode": (_model(1, 3, 3).eval(), _image(4, 1, 3, 3), _Noise(8)),
    },
    still=("x",),
    mistakes=[
        Mistake(
            "against the noisy image",
            _against_noisy,
            "that compares the repair with the *noisy* image: copying the noise would be the best"
            " answer. Compare with the clean x.",
        ),
        Mistake(
            "the clean image goes in",
            lambda m, x, noise: squared_error(m.reconstruct(x), x),
            "the model is given the clean image: there is nothing to repair. Give it noise(x).",
        ),
        Mistake(
            "clean in, noisy out",
            lambda m, x, noise: squared_error(m.reconstruct(x), noise(x)),
            "the model is given the clean image and asked for the noisy one: it is the other way "
            "round.",
        ),
        Mistake(
            "noise drawn twice",
            lambda m, x, noise: squared_error(m.reconstruct(noise(x)), noise(x)),
            "noise is drawn twice, and the target is a second noisy image. Compare with the clean"
            " x.",
        ),
        Mistake(
            "no model",
            lambda m, x, noise: squared_error(noise(x), x),
            "that compares the noisy image with the clean one; the model is not asked at all.",
        ),
        Mistake(
            "mean over pixels",
            lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().mean(),
            "that is the mean over pixels as well. Sum over the pixels of an image, average over "
            "the images only.",
        ),
        Mistake(
            "sum over the batch",
            lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().sum(),
            "that is the sum over the batch as well. Average over the images.",
        ),
        Mistake(
            "logits",
            lambda m, x, noise: squared_error(m.decode(m.encode(noise(x))), x),
            "those are logits: model.pixels makes pixels of them, and model.reconstruct does all "
            "of it.",
        ),
        Mistake(
            "noise twice",
            lambda m, x, noise: squared_error(m.reconstruct(noise(noise(x))), x),
            "the noise is applied twice, one upon the other.",
        ),
        Mistake(
            "absolute",
            lambda m, x, noise: (m.reconstruct(noise(x)) - x).abs().sum() / len(x),
            "that is the absolute error: square it.",
        ),
    ],
    also_right={
        "noise without gradient": _noise_without_gradient,
        "all summed": lambda m, x, noise: ((m.reconstruct(noise(x)) - x) ** 2).sum() / len(x),
        "step by step": lambda m, x, noise: squared_error(
            m.pixels(m.decode(m.encode(noise(x)))), x
        ),
    },
    also_wrong=[
        Mistake("the code detached", _code_detached, "model.encoder"),
        Mistake("evaluation mode", _evaluation_mode, "in place (model)"),
        Mistake("noise called again", _one_call_more, "called exactly once"),
        Mistake("backward() inside", _step_inside, "backward()"),
        Mistake(
            "mean over channels",
            lambda m, x, n: (m.reconstruct(n(x)) - x).square().mean(1).sum() / len(x),
            "1/2 of it",
        ),
        Mistake("detached", lambda m, x, n: denoising_loss(m, x, n).detach(), "no gradient"),
    ],
    praise="the model sees the noisy image, the error the clean one, and gradients flow.",
)
