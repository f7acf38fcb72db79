"""The playground: autoencoders and VAEs that the reader trains in the page, on small real digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from aecourse import data
from aecourse.page.figure import Figure, base64_of, fragment

SIDE = 8


def playground() -> Figure:
    """Training in the browser: 1,437 handwritten digits of 8 x 8 pixels to learn from, 360 held out.

    The digits are the originals of `data.load("digits")`, split as there. The training code is `training.js`, which
    needs nothing but the page; its gradients are those of `models.VAE` and `models.Autoencoder` for shape (1, 8, 8).
    """
    bunch: Any = load_digits()
    held_out = data.load("digits").test.source.numpy()
    rest = np.setdiff1d(np.arange(len(bunch.target)), held_out)
    rows = np.concatenate([rest, held_out])
    images = bunch.images[rows].astype(np.uint8).reshape(len(rows), -1)
    content = {
        "side": SIDE,
        "images": base64_of(images),
        "labels": base64_of(bunch.target[rows].astype(np.uint8)),
        "trainCount": len(rest),
        "names": [str(name) for name in range(10)],
        **_baselines(torch.from_numpy(images / 16), len(rest)),
    }
    description = (
        f"A form to train a small autoencoder or variational autoencoder in this page, on {len(rest):,} digits of 8 by 8 pixels. "
        "Code size, width, number of layers, activation, learning rate, the weight of the KL term or of the penalty on the code, noise "
        "on the input, batch size and seed can be set. While it trains, the terms of the loss, the codes of "
        f"{len(held_out)} held-out digits, ten reconstructions and ten samples are drawn anew. "
        "A digit drawn by the reader, or loaded from pictures, is shown as the model sees it and as the model redraws it."
    )
    return Figure(
        fragment(
            "playground",
            content,
            package=__name__,
            title="Interactive figure: train an autoencoder in this page",
            description=description,
        ),
        description,
    )


def _baselines(x: torch.Tensor, train: int) -> dict[str, float]:
    """Nats per held-out image: of the average training image, and of the image itself, below which grey pixels cannot go."""
    average, test = x[:train].mean(0).clamp(1e-4, 1 - 1e-4), x[train:]
    cost = (
        -(torch.special.xlogy(test, average) + torch.special.xlogy(1 - test, 1 - average))
        .sum(1)
        .mean()
    )
    floor = (
        -(torch.special.xlogy(test, test) + torch.special.xlogy(1 - test, 1 - test)).sum(1).mean()
    )
    return {"average": cost.item(), "floor": floor.item()}
