"""Two stochastic layers, as a ladder."""

from __future__ import annotations

from aecourse import data, nets
from aecourse.models import LadderVAE
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean
from aecourse.train import schedules


def run(lab, part: str) -> dict[str, Measured]:
    """-log p(x) of all test images, with 5,000 samples of both levels."""
    model = LadderVAE(
        (100, 50), nets.mlp((200, 200), "tanh"), widths=(200, 100), shape=lab.images.shape
    )
    options = {"batch_size": 100, "lr": 2e-3, "transform": data.binarize, "ema": 0.9995}
    lab.fit(
        lab.begin(model),
        lab.train.x,
        epochs=120,
        weights={"beta": schedules.warmup(0.2)},
        **options,
    )
    return {part: mean(lab.nats(model, data.binarize(lab.test.x), 5000))}


RECIPE = Recipe(
    name="two-layers",
    title="Two stochastic layers",
    about="Levels of 100 and 50 latents, as in the paper; the posterior is that of a ladder, and the KL term is warmed up.",
    measure="-log p(x), nats per test image, 5,000 samples",
    binarisation="dynamic",
    rows=(
        Row(
            "100 and 50 latents",
            "784-200-200 to 100, then 50; 120 epochs, batch 100, warm-up of a fifth, one-cycle rate of 2e-3, averaged weights",
            published=85.33,
            source="Burda et al. 2016, table 1, two layers, k = 1, 3,280 epochs",
            key="burda2016",
            explained="A ladder with batch normalisation is another posterior than the paper's chain, and 120 epochs are "
            "fewer than 3,280.",
        ),
    ),
    run=run,
    minutes=25,
)
