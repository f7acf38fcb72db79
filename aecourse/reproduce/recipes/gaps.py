"""Where a VAE's bound is lost: the family of q, or the encoder that has to answer at once."""

from __future__ import annotations

from aecourse import data, evaluate, nets
from aecourse.models import VAE
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

SETTING = "784-200-200-50, tanh, 60 epochs, batch 100, one-cycle rate of 2e-3; 300 test images, the best q by 300 steps of Adam"


def run(lab, part: str) -> dict[str, Measured]:
    """Both gaps of a Gaussian q."""
    model = VAE(50, nets.mlp((200, 200), "tanh"), shape=lab.images.shape)
    options = {"batch_size": 100, "lr": 2e-3, "transform": data.binarize}
    lab.fit(lab.begin(model), lab.train.x, epochs=60, **options)
    x = data.binarize(lab.test.x[: lab.toy(300, 20)])
    found = evaluate.gaps(model, x, steps=lab.toy(300, 5), samples=lab.toy(2000, 20), seed=lab.seed)
    return {
        "approximation gap": mean(found.approximation),
        "amortisation gap": mean(found.amortization),
    }


RECIPE = Recipe(
    name="gaps",
    title="Two inference gaps",
    about="Cremer et al. (2018) report both gaps for MNIST. Their figures could not be confirmed in a source at hand, so "
    "that none is printed here.",
    measure="nats per test image",
    binarisation="dynamic",
    rows=(
        Row("approximation gap", SETTING, part="gaps"),
        Row("amortisation gap", SETTING, part="gaps"),
    ),
    run=run,
    minutes=8,
)
