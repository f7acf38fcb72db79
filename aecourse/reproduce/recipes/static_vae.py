"""VAEs of two public repositories, on pixels that were binarised once."""

from __future__ import annotations

from aecourse import nets
from aecourse.models import VAE
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

SPLIT = (
    "The published figure is for Larochelle's fixed binarisation; here the same grey images are binarised once by this "
    "course's own seed."
)
ROWS = {  # name: latents, hidden, epochs, samples
    "784-400-40, pythae": (40, (400,), "relu", 60, 200),
    "784-512-512-128, jaanli": (128, (512, 512), "relu", 64, 1000),
}


def run(lab, part: str) -> dict[str, Measured]:
    """-log p(x) of all test images. The epoch is the one whose loss on held-out training images is the lowest."""
    latents, hidden, activation, epochs, samples = ROWS[part]
    model = VAE(latents, nets.mlp(hidden, activation), shape=lab.images.shape)
    options = {"batch_size": 128, "lr": 1e-3, "ema": 0.999, "keep": "best"}
    validation = lab.binary(lab.held_out.x)
    history = lab.fit(
        model, lab.binary(lab.fitting.x), epochs=epochs, validation=validation, **options
    )
    lab.choices["epochs"] = {"best epoch": history.best_epoch}
    return {part: mean(lab.nats(model, lab.binary(lab.test.x), samples))}


RECIPE = Recipe(
    name="static-vae",
    title="Public VAEs, static binarisation",
    about="Pixels are drawn once and for all, so that a network can learn them by heart; about 2 nats are lost that way.",
    measure="-log p(x), nats per test image",
    binarisation="static",
    chosen="the number of epochs, on 10,000 held-out training images",
    rows=(
        Row(
            "784-400-40, pythae",
            "ReLU, one-cycle rate of 1e-3, batch 128, averaged weights, at most 60 epochs on 50,000 images; 200 samples",
            published=89.78,
            source="pythae's table of benchmarks, 500 epochs",
            key="https://github.com/clementchadebec/benchmark_VAE",
            explained="60 epochs here, 500 there. " + SPLIT,
        ),
        Row(
            "784-512-512-128, jaanli",
            "ReLU, one-cycle rate of 1e-3, batch 128, averaged weights, at most 64 epochs (25,000 steps) on 50,000 images; "
            "1,000 samples",
            published=97.10,
            source="log in the repository's README, 65,000 steps",
            key="https://github.com/jaanli/variational-autoencoder",
            explained="A falling rate, averaged weights and a stop before the network learns the pixels by heart are not in "
            "the published run. " + SPLIT,
        ),
    ),
    run=run,
    minutes=20,
)
