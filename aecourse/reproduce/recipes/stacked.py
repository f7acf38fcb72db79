"""Stacked denoising autoencoders as the first weights of a classifier (Vincent et al. 2010), with few training images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from sklearn.svm import SVC
from torch import Tensor, nn

from aecourse.models import Autoencoder, DenoisingAutoencoder, Masking
from aecourse.reproduce.recipe import Measured, Recipe, Row

SOURCE = "Vincent et al. 2010, table 3, basic"
OTHER = (
    "The paper draws its 10,000 training and 50,000 test images of 'basic' from all of MNIST; here they are the first of "
    "the training images, and the usual 10,000 test images, whose writers are other people."
)
NETWORK = "784-1000-1000-1000-10, logistic units, {}; then 30 epochs on 10,000 labels, the best by 2,000 more"


@dataclass(frozen=True)
class Layer:
    """One layer of logistic units each way: what `Autoencoder` takes as its net."""

    def encoder(self, shape, features: int) -> nn.Sequential:
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), features), nn.Sigmoid())

    def decoder(self, latent_dim: int, shape) -> nn.Sequential:
        return nn.Sequential(nn.Linear(latent_dim, math.prod(shape)), nn.Unflatten(1, tuple(shape)))


class Stack(nn.Module):
    """A classifier made of encoders, and a linear layer on top."""

    input_range = None

    def __init__(self, encoders: list[nn.Module], units: int, shape: tuple[int, ...]):
        super().__init__()
        self.shape, self.accepts = shape, {"labels": (torch.int64, 0, 9)}
        self.network = nn.Sequential(*encoders, nn.Linear(units, 10))

    def loss(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Cross-entropy."""
        return {"loss": F.cross_entropy(self.network(x), labels)}


def pretrained(lab, x: Tensor, noise: float, units: int) -> list[nn.Module]:
    """Three encoders, each trained to redraw what the ones below make of x from a spoiled copy of it."""
    encoders = []
    for _ in range(3):
        shape = (1, 1, x[0].numel())
        if noise:
            spoil = Masking(noise)
            model = DenoisingAutoencoder(units, Layer(), noise=spoil, error="bce", shape=shape)
        else:
            model = Autoencoder(units, Layer(), error="bce", shape=shape)
        lab.fit(model, x.view(-1, *shape), epochs=20, batch_size=100, lr=1e-3)
        encoders.append(model.encoder)
        with torch.no_grad():
            x = model.encode(x.view(-1, *shape))
    return encoders


def error_of(lab, guessed: Tensor) -> Measured:
    """Wrong guesses among the test images, per cent."""
    wrong = 100.0 * (guessed != lab.test.labels).double()
    return Measured(wrong.mean().item(), wrong.std().item() / len(wrong) ** 0.5)


def run(lab, part: str) -> dict[str, Measured]:
    """One classifier of the table."""
    count = lab.toy(10_000, 300)
    small, held_out = lab.train[:count], lab.train[count : count + count // 5]
    if part == "SVM":
        pixels, labels = small.x.flatten(1).numpy(), small.labels.numpy()
        others, truth = held_out.x.flatten(1).numpy(), held_out.labels.numpy()

        def score(gamma: float) -> float:
            return SVC(C=10, gamma=gamma).fit(pixels, labels).score(others, truth)  # pyright: ignore[reportArgumentType]

        gamma = lab.choose("gamma", (0.01, 0.02, 0.04), score, lower=False)
        machine = SVC(C=10, gamma=gamma).fit(pixels, labels)
        return {
            part: error_of(lab, torch.as_tensor(machine.predict(lab.test.x.flatten(1).numpy())))
        }
    units = lab.toy(1000, 30)
    encoders = pretrained(lab, small.x, 0.25 if part == "SDAE-3" else 0.0, units)
    model = Stack(encoders, units, lab.images.shape)
    options = {"batch_size": 100, "lr": 1e-3, "validation": held_out, "keep": "best"}
    history = lab.fit(model, small, epochs=30, **options)
    lab.choices["epochs"] = {"best epoch": history.best_epoch}
    with torch.no_grad():
        return {part: error_of(lab, model.network(lab.test.x).argmax(1))}


RECIPE = Recipe(
    name="stacked",
    title="Features as first weights, 10,000 labels",
    about="Three layers are trained without labels, then all of them with labels. The support vector machine on pixels is "
    "the baseline.",
    measure="test error in per cent",
    binarisation="grey",
    chosen="gamma of the SVM, and the number of epochs of the networks, on 2,000 further training images",
    rows=(
        Row(
            "SVM",
            "Gaussian kernel on pixels, C = 10",
            published=3.03,
            source=SOURCE,
            key="vincent2010",
            explained=OTHER,
        ),
        Row(
            "SAE-3",
            NETWORK.format("three layers pretrained as autoencoders, 20 epochs each"),
            published=3.46,
            source=SOURCE,
            key="vincent2010",
            explained=OTHER,
        ),
        Row(
            "SDAE-3",
            NETWORK.format(
                "three layers pretrained as denoising autoencoders, a quarter of the numbers at 0, 20 epochs each"
            ),
            published=2.84,
            source=SOURCE,
            key="vincent2010",
            explained=OTHER,
        ),
    ),
    run=run,
    minutes=15,
)
