"""One digit is normal, the other nine are anomalies: how well the error of an autoencoder tells them apart."""

from __future__ import annotations

import math

from aecourse import evaluate, nets
from aecourse.models import Autoencoder
from aecourse.reproduce.recipe import Measured, Recipe, Row

DEEP_SVDD = (98.0, 99.7, 91.7, 91.9, 94.9, 88.5, 98.3, 94.6, 93.9, 96.5)
SETTING = (
    "784-256-64-16 autoencoder, GELU, squared error, 40 epochs, batch 128, one-cycle rate of 1e-3"
)
EXPLAINED = (
    "Two methods on the same task: here the squared error of a plain dense autoencoder, there the distance from a centre "
    "that a convolutional network was trained to find. The images are not contrast-normalised here."
)


def area_error(area: float, anomalies: int, normal: int) -> float:
    """The standard error of an area under the ROC curve (Hanley & McNeil 1982)."""
    a, b = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (anomalies - 1) * (a - area**2) + (normal - 1) * (b - area**2)
    return math.sqrt(spread / (anomalies * normal))


def run(lab, part: str) -> dict[str, Measured]:
    """100 times the area under the ROC curve on all test images."""
    digit = int(part.removeprefix("digit "))
    normal = lab.train.x[lab.train.labels == digit]
    model = Autoencoder(16, nets.mlp((256, 64), "gelu"), shape=lab.images.shape)
    lab.fit(model, normal, epochs=40, batch_size=128, lr=1e-3)
    anomaly = (lab.test.labels != digit).long()
    area = evaluate.auroc(evaluate.squared_error(model, lab.test.x), anomaly)
    error = area_error(area, int(anomaly.sum()), int((1 - anomaly).sum()))
    return {part: Measured(100 * area, 100 * error)}


RECIPE = Recipe(
    name="one-class",
    title="One-class MNIST",
    about="An autoencoder learns one digit, and its error on the test images is the score. The published column is Deep "
    "SVDD, a detector with an objective of its own.",
    measure="AUROC in per cent, anomalies are the other digits",
    lower=False,
    binarisation="grey",
    rows=tuple(
        Row(
            f"digit {digit}",
            SETTING,
            published=figure,
            source="Ruff et al. 2018, table 1: Deep SVDD",
            key="ruff2018",
            explained=EXPLAINED,
        )
        for digit, figure in enumerate(DEEP_SVDD)
    ),
    run=run,
    minutes=3,
)
