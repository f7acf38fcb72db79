"""Bits of an image written as words of a codebook, with a prior that was learnt for them."""

from __future__ import annotations

import math

import torch

from aecourse import data, nets
from aecourse.models import VQVAE, CodePrior
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

SETTING = "64 words of 8 numbers on a 7 x 7 grid, 15 epochs, batch 128; prior: a transformer of 2 layers and width 64, 8 epochs"


def run(lab, part: str) -> dict[str, Measured]:
    """Bits per image: what the decoder leaves to say, plus the words under a uniform and under the learnt prior."""
    net = nets.conv((16, 32), activation="gelu")
    model = VQVAE(64, 8, net, revive=0.1, shape=lab.images.shape)
    x, test = lab.train.x, data.binarize(lab.test.x)
    model.initialise(data.binarize(x[:2000]))
    options = {"batch_size": 128, "lr": 2e-3}
    lab.fit(model, x, epochs=15, transform=data.binarize, **options)
    with torch.no_grad():
        words = torch.cat([model.indices(data.binarize(some)) for some in x.split(1000)])
        prior = CodePrior(64, model.grid)
    lab.fit(prior, words, epochs=8, **options)
    pixels, named = [], []
    with torch.no_grad():
        for some in test.split(1000):
            found = model.indices(some)
            logits = model.decode(model.quantizer.lookup(found))
            pixels.append(-model.likelihood.log_prob(logits, some) / math.log(2))
            named.append(-prior.log_prob(found) / math.log(2))
    pixels, named = torch.cat(pixels), torch.cat(named)
    uniform = math.prod(model.grid) * math.log2(64)
    return {"learnt prior": mean(pixels + named), "uniform prior": mean(pixels + uniform)}


RECIPE = Recipe(
    name="vqvae",
    title="VQ-VAE: bits per image",
    about="An upper bound on -log2 p(x). The published figures are for colour photographs and cannot stand beside it; the "
    "likelihoods of VAEs above, times 1.44, can.",
    measure="bits per test image",
    binarisation="dynamic",
    rows=(Row("learnt prior", SETTING, part="vqvae"), Row("uniform prior", SETTING, part="vqvae")),
    run=run,
    minutes=12,
)
