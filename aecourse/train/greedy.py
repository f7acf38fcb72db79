"""Greedy layer-wise pretraining: one layer at a time, from the image inwards."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse import require
from aecourse.models.stacked import levels
from aecourse.train.fitting import fit
from aecourse.train.history import History


def _some_images(model, x, **options) -> None:
    require.batch("x", x, model.shape)


@require.checked(_some_images)
def pretrain(model, x: Tensor, **options) -> list[History]:
    """Trains the layers of a deep dense `model` in place, one after the other, and returns a History for each.

    model     an Autoencoder built from `nets.mlp(...)`
    x         images [N, C, H, W]
    options   of `fit`, for every layer alike, e.g. epochs=2, lr=1e-3

    Each layer learns with its mirror in the decoder to redraw the numbers below it. Then it is held fixed, and the
    numbers that it makes are the images of the next layer. `fit` on the whole model is the fine-tuning that follows.
    Raises TypeError for another kind of model. Source: Hinton & Salakhutdinov 2006 with Boltzmann machines for
    layers; Bengio et al. 2007 with autoencoders.
    """
    below, histories = x.flatten(1), []
    for level in levels(model):
        histories.append(fit(level, below, **options))  # a shallow autoencoder
        with torch.no_grad():
            below = level.cpu().encode(below)  # its codes are the next one's images
    return histories
