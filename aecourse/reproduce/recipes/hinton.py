"""Hinton and Salakhutdinov's deep autoencoder, trained at once instead of layer by layer."""

from __future__ import annotations

import torch

from aecourse import evaluate, nets
from aecourse.models import Autoencoder
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

EPOCHS = 240
GAIN = 4.0  # of the first weights: a logistic unit passes on a quarter of a gradient at most


def train(lab, images, epochs: int, lr: float) -> Autoencoder:
    """Logistic units, a linear code of 30 numbers, cross-entropy; the averaged weights of one training."""
    model = Autoencoder(
        30, nets.mlp((1000, 500, 250), "sigmoid"), error="bce", shape=lab.images.shape
    )
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.weight.data.mul_(GAIN)
    lab.fit(lab.begin(model), images, epochs=epochs, batch_size=128, lr=lr, ema=0.999)
    return model


def run(lab, part: str) -> dict[str, Measured]:
    """The rate is chosen by short trainings, scored on held-out training images."""

    def score(lr: float) -> float:
        model = train(lab, lab.fitting.x, 5, lr)
        return evaluate.squared_error(model, lab.held_out.x).mean().item()

    lr = lab.choose("learning rate", (1e-3, 2e-3, 4e-3), score)
    lab.training_seconds = 0.0
    model = train(lab, lab.train.x, EPOCHS, lr)
    return {part: mean(evaluate.squared_error(model, lab.test.x))}


RECIPE = Recipe(
    name="hinton",
    title="Thirty numbers per digit, deep",
    about="The paper that made deep autoencoders known trained each layer as a Boltzmann machine first. Adam, averaged "
    "weights and a falling rate are tried in its place.",
    measure="squared error per test image",
    binarisation="grey",
    chosen="the learning rate, by trainings of 5 epochs scored on 10,000 held-out training images",
    rows=(
        Row(
            "784-1000-500-250-30",
            f"logistic units, linear code, cross-entropy, first weights times 4, bias at the mean, {EPOCHS} epochs, batch 128, "
            "one-cycle rate, averaged weights (0.999)",
            published=3.00,
            source="Hinton & Salakhutdinov 2006, figure 2",
            key="hinton2006",
            explained="Cross-entropy is minimised and squared error reported, as in the paper; there the layers were "
            "pretrained and then trained by conjugate gradients.",
        ),
    ),
    run=run,
    minutes=60,
)
