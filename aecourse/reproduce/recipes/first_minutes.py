"""What a reader gets in two minutes: the course's own VAE, and a deep autoencoder with modern units."""

from __future__ import annotations

from aecourse import data, evaluate, nets
from aecourse.models import VAE, Autoencoder
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean


def likelihood(lab, part: str) -> dict[str, Measured]:
    """-log p(x) of all test images."""
    model = VAE(40, nets.mlp((512, 512), "gelu"), shape=lab.images.shape)
    lab.fit(model, lab.train.x, epochs=20, batch_size=256, lr=2e-3, transform=data.binarize)
    return {part: mean(lab.nats(model, data.binarize(lab.test.x), 200))}


def error(lab, part: str) -> dict[str, Measured]:
    """Squared error of all test images."""
    model = Autoencoder(30, nets.mlp((1000, 500, 250), "gelu"), shape=lab.images.shape)
    lab.fit(model, lab.train.x, epochs=40, batch_size=256, lr=1e-3)
    return {part: mean(evaluate.squared_error(model, lab.test.x))}


FIRST_VAE = Recipe(
    name="first-vae",
    title="Twenty epochs of a VAE",
    about="The course's own VAE after a minute or two. The published network is smaller, was trained for far longer, and "
    "its figure is a tighter bound.",
    measure="-log p(x), nats per test image, 200 samples",
    binarisation="dynamic",
    rows=(
        Row(
            "784-512-512-40, 20 epochs",
            "GELU, batch 256, one-cycle rate of 2e-3",
            published=86.76,
            source="Burda et al. 2016, table 1: 784-200-200-50, 3,280 epochs, 5,000 samples",
            key="burda2016",
            explained="20 epochs here, 3,280 there; 200 samples give a looser bound than 5,000.",
        ),
    ),
    run=likelihood,
    minutes=3,
)
FIRST_AUTOENCODER = Recipe(
    name="first-autoencoder",
    title="Forty epochs of a deep autoencoder",
    about="The shape of Hinton & Salakhutdinov's network with modern units and the squared error as its loss.",
    measure="squared error per test image",
    binarisation="grey",
    rows=(
        Row(
            "784-1000-500-250-30, 40 epochs",
            "GELU, squared error, batch 256, one-cycle rate of 1e-3",
            published=3.00,
            source="Hinton & Salakhutdinov 2006, figure 2",
            key="hinton2006",
            explained="40 epochs are too few, and the squared error falls slowly: the experiment after this one trains with "
            "cross-entropy and logistic units, as the paper does.",
        ),
    ),
    run=error,
    minutes=7,
)
