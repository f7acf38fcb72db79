"""Checkers of lesson 04."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse import evaluate, models, nets
from aecourse.check.core import Answer, compare


def mask(function) -> Answer:
    """function(x, p, generator) -> x [B, C, H, W] with a pixel set to 0 where torch.rand(x.shape, generator=...) < p."""
    def seeded(masking):
        return lambda x, p, seed: masking(x, p, torch.Generator().manual_seed(seed))

    def uniform(x: Tensor, seed: int, shape=None) -> Tensor:
        return torch.rand(x.shape if shape is None else shape, generator=torch.Generator().manual_seed(seed))

    reference = seeded(lambda x, p, generator: x * (torch.rand(x.shape, generator=generator) >= p))
    mistakes = {
        "that keeps a share p and erases the rest: a pixel is lost where the uniform number is *below* p.":
            lambda x, p, s: x * (uniform(x, s) < p),
        "that rescales the kept pixels by 1 / (1 - p), as dropout does: masking leaves them as they are.":
            lambda x, p, s: x * (uniform(x, s) >= p) / (1 - p),
        "lost pixels are set to 1, which is ink: set them to 0.":
            lambda x, p, s: torch.where(uniform(x, s) < p, torch.ones_like(x), x),
        "every image of the batch loses the same pixels: draw a number for each pixel of each image.":
            lambda x, p, s: x * (uniform(x, s, x.shape[1:]) >= p),
        "whole images are erased: draw one number per pixel, not per image.":
            lambda x, p, s: x * (uniform(x, s, (len(x), 1, 1, 1)) >= p),
        "that is the mask itself; multiply the image by it.": lambda x, p, s: (uniform(x, s) >= p).to(x.dtype),
        "nothing is erased: the image comes back as it went in.": lambda x, p, s: x,
    }
    cases = [(_image(5, 1, 7, 4), 0.3, 1), (_image(2, 3, 4, 6), 0.8, 2), (_image(3, 1, 2, 5), 0.5, 3)]
    if callable(function):
        try:
            pairs = [[seeded(function)(case[0].clone(), *case[1:]) for _ in range(2)] for case in cases]
            if any(isinstance(a, Tensor) and isinstance(b, Tensor) and not torch.equal(a, b) for a, b in pairs):
                return Answer(False, "the same generator, seeded alike, gives another mask: hand it on to torch.rand, which "
                                     "otherwise draws from the global random state.")
        except Exception:
            pass                                                 # compare says what is wrong
    return compare(seeded(function) if callable(function) else function, reference, cases, mistakes, gradient=False,
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
    return compare(function, evaluate.psnr, [(_image(5, 1, 7, 3), _image(5, 1, 7, 3, seed=1)),
                                             (_image(2, 3, 4, 9), _image(2, 3, 4, 9, seed=1))], mistakes, gradient=False,
                   praise="one figure per image in dB; 10 dB more is a tenth of the error.")


def denoising_loss(function) -> Answer:
    """function(model, x, noise) -> squared error of model.reconstruct(noise(x)) against x, a scalar."""
    torch_state = torch.get_rng_state()
    torch.manual_seed(0)
    model = models.DenoisingAutoencoder(3, nets.mlp((8,)), shape=(1, 5, 4))
    torch.set_rng_state(torch_state)

    def with_model(loss):
        def run(x: Tensor) -> Tensor:
            generator = torch.Generator().manual_seed(len(x))
            return loss(model, x, lambda clean: clean + 0.5 * torch.randn(clean.shape, generator=generator))
        return run

    def error(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square().flatten(1).sum(1).mean()

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
    reference = with_model(lambda m, x, noise: error(m.reconstruct(noise(x)), x))
    return compare(with_model(function) if callable(function) else function, reference,
                   [(_image(6, 1, 5, 4),), (_image(3, 1, 5, 4),)], {said: with_model(loss) for said, loss in mistakes.items()},
                   praise="the model sees the noisy image, the error the clean one, and gradients flow.")


def _image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape) + seed))
