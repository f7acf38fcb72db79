"""Checkers of lesson 04."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse import evaluate, models, nets
from aecourse.check.core import Answer, compare


def mask(function) -> Answer:
    """function(x, p, generator) -> x [B, C, H, W] with a pixel set to 0 where torch.rand(x.shape, generator=...) < p."""
    def seeded(masking):
        def last_of(x: Tensor, p: float, seed: int, calls: int):
            generator = torch.Generator().manual_seed(seed)
            return [masking(x, p, generator) for _ in range(calls)][-1]
        return last_of

    def drawn(make, shape=lambda x: x.shape):
        return seeded(lambda x, p, generator: make(x, p, torch.rand(shape(x), generator=generator)))

    reference = drawn(lambda x, p, u: x * (u >= p))
    mistakes = {
        "that keeps a share p and erases the rest: a pixel is lost where the uniform number is *below* p.":
            drawn(lambda x, p, u: x * (u < p)),
        "that rescales the kept pixels by 1 / (1 - p), as dropout does: masking leaves them as they are.":
            drawn(lambda x, p, u: x * (u >= p) / (1 - p)),
        "lost pixels are set to 1, which is ink: set them to 0.":
            drawn(lambda x, p, u: torch.where(u < p, torch.ones_like(x), x)),
        "every image of the batch loses the same pixels: draw a number for each pixel of each image.":
            drawn(lambda x, p, u: x * (u >= p), lambda x: x.shape[1:]),
        "all channels lose the same pixels: draw a number for each channel of each pixel, torch.rand(x.shape, ...).":
            drawn(lambda x, p, u: x * (u >= p), lambda x: (len(x), 1, *x.shape[2:])),
        "whole images are erased: draw one number per pixel, not per image.":
            drawn(lambda x, p, u: x * (u >= p), lambda x: (len(x), 1, 1, 1)),
        "that is the mask itself; multiply the image by it.": drawn(lambda x, p, u: (u >= p).to(x.dtype)),
        "nothing is erased: the image comes back as it went in.": lambda x, p, s, n: x,
        "the generator is seeded anew, so that every call erases the same pixels: take it as it comes.":
            lambda x, p, s, n: reference(x, p, s, 1),
        "uniform numbers are drawn more than once: draw one per pixel, and no more.":
            lambda x, p, s, n: reference(x, p, s, 2 * n - 1),
    }
    cases = {f"images of shape {list(shape)}, p = {p}": (_image(*shape), p, seed, 1)
             for shape, p, seed in (((5, 1, 7, 4), 0.3, 1), ((2, 3, 4, 6), 0.8, 2), ((3, 1, 2, 5), 0.5, 3))}
    hard = {"p = 0": (_image(3, 1, 4, 5), 0.0, 4, 1), "p = 1": (_image(3, 1, 4, 5), 1.0, 5, 1),
            "an image with pixels of 0 and 1": (_image(4, 1, 6, 6).round(), 0.4, 6, 1),
            "pixels from -1 to 1": (2 * _image(2, 2, 5, 5) - 1, 0.6, 7, 1),
            "a second call with the same generator": (_image(3, 2, 4, 5), 0.5, 8, 2)}
    return compare(seeded(function) if callable(function) else function, reference, cases, mistakes, hard=hard,
                   gradient=False,
                   praise="about a share p is lost, different pixels in every image, and the same ones for the same seed.")


def psnr(function) -> Answer:
    """function(image, x) -> 10 log10(1 / mean squared error) of each image, both [B, C, H, W] in [0, 1] -> dB [B]."""
    def error(image: Tensor, x: Tensor) -> Tensor:
        return (image - x).square().flatten(1).mean(1)

    mistakes = {
        "the sign is wrong: a smaller error is a higher ratio.": lambda a, b: 10 * error(a, b).log10(),
        "that is the natural logarithm; decibels are counted with the logarithm to base 10.": lambda a, b: -10 * error(a, b).log(),
        "that is the logarithm to base 2; decibels are counted with base 10.": lambda a, b: -10 * error(a, b).log2(),
        "that takes 255 for the peak: pixels here end at 1.": lambda a, b: 10 * (255**2 / error(a, b)).log10(),
        "the squared error is summed over pixels: here it is the mean, else the figure depends on the size of the image.":
            lambda a, b: -10 * (a - b).square().flatten(1).sum(1).log10(),
        "the factor is 10 for squared errors; 20 belongs to their root.": lambda a, b: -20 * error(a, b).log10(),
        "the root is taken without doubling the factor: 10 log10 of the squared error is 20 log10 of its root.":
            lambda a, b: -5 * error(a, b).log10(),
        "the factor 10 is missing: that is bel, not decibel.": lambda a, b: -error(a, b).log10(),
        "that is one figure for the whole batch; keep one per image.": lambda a, b: -10 * (a - b).square().mean().log10(),
        "that is one figure per pixel; average the squared error over the pixels of an image first.":
            lambda a, b: -10 * (a - b).square().log10(),
        "that is the mean of the figures; keep one per image.": lambda a, b: (-10 * error(a, b).log10()).mean(),
    }
    x = _image(3, 1, 6, 5)
    hard = {"one image": (_image(1, 3, 4, 4), _image(1, 3, 4, 4, seed=1)),
            "images that are nearly alike": (x + 2e-3 * _image(3, 1, 6, 5, seed=1), x),
            "as many images as channels, rows and columns": (_image(3, 3, 3, 3), _image(3, 3, 3, 3, seed=1)),
            "an empty image beside a full one": (torch.zeros(2, 1, 3, 4), torch.ones(2, 1, 3, 4))}
    cases = {f"images of {shape[1]} channel(s)": (_image(*shape), _image(*shape, seed=1))
             for shape in ((5, 1, 7, 3), (2, 3, 4, 9))}
    return compare(function, evaluate.psnr, cases, mistakes, hard=hard, gradient=False,
                   praise="one figure per image in dB; 10 dB more is a tenth of the error.")


def denoising_loss(function) -> Answer:
    """function(model, x, noise) -> squared error of model.reconstruct(noise(x)) against x, a scalar."""
    def error(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).sum(1).mean()

    def model(*shape: int) -> models.DenoisingAutoencoder:
        """One that reacts strongly to its input, unlike an untrained one: its weights are drawn four times as wide."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            made = models.DenoisingAutoencoder(3, nets.mlp((8,)), shape=shape).float()
        return made.load_state_dict({k: 4 * v for k, v in made.state_dict().items()}) and made

    def against_noisy(model, x, noise):
        noisy = noise(x)
        return error(model.reconstruct(noisy), noisy)

    mistakes = {
        "that compares the repair with the *noisy* image: copying the noise would be the best answer. Compare with the "
        "clean x.": against_noisy,
        "the model is given the clean image: there is nothing to repair. Give it noise(x).":
            lambda m, x, noise: error(m.reconstruct(x), x),
        "the model is given the clean image and asked for the noisy one: it is the other way round.":
            lambda m, x, noise: error(m.reconstruct(x), noise(x)),
        "noise is drawn twice, and the target is a second noisy image. Compare with the clean x.":
            lambda m, x, noise: error(m.reconstruct(noise(x)), noise(x)),
        "that compares the noisy image with the clean one; the model is not asked at all.":
            lambda m, x, noise: error(noise(x), x),
        "that is the mean over pixels as well. Sum over the pixels of an image, average over the images only.":
            lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().mean(),
        "that is the sum over the batch as well. Average over the images.":
            lambda m, x, noise: (m.reconstruct(noise(x)) - x).square().sum(),
        "those are logits: model.pixels makes pixels of them, and model.reconstruct does all of it.":
            lambda m, x, noise: error(m.decode(m.encode(noise(x))), x),
    }
    def reference(model, x: Tensor, noise) -> Tensor:
        return error(model.reconstruct(noise(x)), x)

    cases = {f"images of {shape[1]} channel(s)": (model(*shape[1:]), _image(*shape), _Noise(shape[0]))
             for shape in ((6, 1, 5, 4), (3, 2, 3, 4))}
    hard = {"one image": (model(1, 3, 3), _image(1, 1, 3, 3), _Noise(7)), "a model in evaluation mode": (
        model(1, 3, 3).eval(), _image(4, 1, 3, 3), _Noise(8))}
    return compare(function, reference, cases, mistakes, hard=hard, still=("x",),
                   praise="the model sees the noisy image, the error the clean one, and gradients flow.")


class _Noise:
    """Noise that is another at every call, and knows how often it was called."""

    def __init__(self, seed: int):
        self.seed, self.calls = seed, 0

    def __call__(self, clean: Tensor) -> Tensor:
        self.calls += 1
        generator = torch.Generator().manual_seed(100 * self.seed + self.calls)
        return clean + 0.5 * torch.randn(clean.shape, generator=generator)


def _image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape) + seed))
