"""Codes of one layer, judged by a linear classifier on them."""

from __future__ import annotations

import torch

from aecourse import data, evaluate
from aecourse.models import (
    Classifier,
    ContractiveAutoencoder,
    DenoisingAutoencoder,
    Masking,
    SparseAutoencoder,
)
from aecourse.nets import mlp
from aecourse.reproduce.recipe import Measured, Recipe, Row
from aecourse.reproduce.recipes.stacked import Layer

UNITS = 1000
CLASSIFIER = "; then logistic regression on the codes, 30 epochs, the best by 10,000 held-out training images"


def model_of(lab, part: str):
    """The autoencoder of a row."""
    units, shape = lab.toy(UNITS, 40), lab.images.shape
    if part == "k-sparse":
        model = SparseAutoencoder(
            units, penalty="topk", k=lab.toy(25, 8), output="identity", shape=shape
        )
        return model.begin_at_mean(lab.fitting.x)
    if part == "contractive":
        return ContractiveAutoencoder(units, weight=0.1, error="bce", shape=shape)
    return DenoisingAutoencoder(units, Layer(), noise=Masking(0.25), error="bce", shape=shape)


def run(lab, part: str) -> dict[str, Measured]:
    """The test error of a linear classifier on the pixels or on a code."""
    fitting, held_out = lab.fitting, lab.held_out
    if part == "pixels":
        code = lambda x: x.flatten(1)
    else:
        model = model_of(lab, part)
        lab.fit(model, fitting.x, epochs=20, batch_size=256, lr=1e-3)
        code = lambda x: evaluate.codes(model, x)
    codes, others = code(fitting.x), code(held_out.x)
    scale = codes.std() + 1e-6
    judge = Classifier(10, mlp(()), shape=codes.shape[1:])
    known = data.Split(codes / scale, fitting.labels)
    kept = data.Split(others / scale, held_out.labels)
    options = {"batch_size": 128, "lr": 2e-3, "validation": kept, "keep": "best"}
    lab.fit(judge, known, epochs=30, **options)
    with torch.no_grad():
        guessed = judge.probabilities(code(lab.test.x) / scale).argmax(1)
    wrong = 100.0 * (guessed != lab.test.labels).double()
    return {part: Measured(wrong.mean().item(), wrong.std().item() / len(wrong) ** 0.5)}


RECIPE = Recipe(
    name="features",
    title="Codes of one layer under a linear classifier",
    about="Makhzani & Frey (2014) and Rifai et al. (2011) report such errors. Their figures could not be confirmed in a "
    "source at hand, so that none is printed here.",
    measure="test error in per cent",
    binarisation="grey",
    chosen="the number of epochs of the classifier, on 10,000 held-out training images",
    rows=(
        Row("pixels", "no code" + CLASSIFIER),
        Row("k-sparse", "784-1000, the 25 largest kept, 20 epochs" + CLASSIFIER),
        Row("contractive", "784-1000, tied weights, penalty 0.1, 20 epochs" + CLASSIFIER),
        Row("denoising", "784-1000, a quarter of the pixels at 0, 20 epochs" + CLASSIFIER),
    ),
    run=run,
    minutes=10,
)
