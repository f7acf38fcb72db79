"""The VAE of PyTorch's own examples, with its settings."""

from __future__ import annotations

import torch

from aecourse import nets
from aecourse.models import VAE
from aecourse.reproduce.recipe import Measured, Recipe, Row


def run(lab, part: str) -> dict[str, Measured]:
    """What the example calls its test loss: cross-entropy of grey pixels plus KL, one draw per image."""
    model = VAE(20, nets.mlp((400,), "relu"), shape=lab.images.shape)
    lab.fit(model, lab.train.x, epochs=10, batch_size=128, lr=1e-3, schedule="constant")
    with torch.no_grad():
        losses = torch.tensor([model.loss(x)["loss"].item() for x in lab.test.x.split(100)])
    return {part: Measured(losses.mean().item(), losses.std().item() / len(losses) ** 0.5)}


RECIPE = Recipe(
    name="pytorch-example",
    title="The official example",
    about="pytorch/examples has a VAE that many have run. Its cross-entropy of grey pixels is no likelihood; it can be "
    "compared with itself only.",
    measure="cross-entropy of grey pixels plus KL, nats per test image",
    binarisation="grey",
    rows=(
        Row(
            "test loss after 10 epochs",
            "784-400-20, ReLU, Adam at 1e-3 throughout, batch 128, 10 epochs",
            published=(105.56, 105.59),
            source="logs of pytorch/examples",
            key="https://github.com/pytorch/examples/tree/main/vae",
            explained="The standard error is that of 100 batches of test images. Between seeds the loss moves by some "
            "tenths of a nat, which two published logs do not show.",
        ),
    ),
    run=run,
    minutes=2,
    seeds=3,
)
