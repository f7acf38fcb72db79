"""Principal components and logistic principal components of MNIST."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from aecourse import exact, nets
from aecourse.models import Autoencoder
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

SOURCE = "Hinton & Salakhutdinov 2006, figure 2"


def components(lab) -> Measured:
    """The squared error of test images, projected on the first 30 directions of the training images."""
    average, directions = exact.pca(lab.train.x.flatten(1), lab.toy(30, 10))
    off = lab.test.x.flatten(1) - average
    return mean((off - off @ directions @ directions.T).square().sum(1))


def logistic(lab) -> Measured:
    """The same for pixels sigmoid(W z + b): W by training with a linear encoder, then each test image's best z."""
    model = Autoencoder(lab.toy(30, 10), nets.mlp(()), error="bce", shape=lab.images.shape)
    lab.fit(model, lab.train, epochs=30, batch_size=256, lr=3e-3)
    x = lab.test.x
    with torch.no_grad():
        z = model.code(x)
    z.requires_grad_()
    adam = torch.optim.Adam([z], lr=0.05)
    for _ in range(lab.toy(300, 3)):
        adam.zero_grad()
        F.binary_cross_entropy_with_logits(model.decode(z), x, reduction="sum").backward()
        adam.step()
    with torch.no_grad():
        return mean((model.pixels(model.decode(z)) - x).square().flatten(1).sum(1))


def run(lab, part: str) -> dict[str, Measured]:
    """One of the two."""
    return {part: components(lab) if part == "30 principal components" else logistic(lab)}


RECIPE = Recipe(
    name="pca",
    title="Thirty numbers per digit, linear",
    about="What an autoencoder has to beat: principal components, and components of the logits.",
    measure="squared error per test image",
    binarisation="grey",
    rows=(
        Row(
            "30 principal components",
            "eigenvectors of the covariance of 60,000 images",
            published=13.87,
            source=SOURCE,
            key="hinton2006",
        ),
        Row(
            "30 logistic components",
            "linear encoder, cross-entropy, 30 epochs of Adam; then 300 steps on the codes of the test images",
            published=8.01,
            source=SOURCE,
            key="hinton2006",
            explained="Here the codes of each test image are fitted to that image by 300 steps of their own; the paper does not "
            "say how far its codes were fitted. Cross-entropy is minimised, squared error reported.",
        ),
    ),
    run=run,
    minutes=2,
)
