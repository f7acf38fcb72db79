"""A small classifier: not a subject of the course but a judge in it, who says whether a drawn image is a digit."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets, require


class Classifier(nn.Module):
    """x -> class probabilities, trained by cross-entropy through the same `train.fit` as everything else.

    net: `nets.mlp(...)` or `nets.conv(...)`, of which only the encoder is used. Its loss needs labels, in nats per image.
    """

    input_range = None

    def __init__(self, classes: int = 10, net=None, *, shape: tuple[int, ...] = (1, 28, 28)):
        super().__init__()
        self.shape = require.sizes("shape", shape, empty=False)
        net = nets.given(net, nets.mlp(hidden=(256,)))
        self.classes = require.integer("classes", classes, low=2)
        self.network = net.encoder(self.shape, self.classes)

    @property
    def accepts(self) -> dict:
        """What labels must be: whole numbers below the number of classes."""
        return {"labels": (torch.int64, 0, self.classes - 1)}

    def loss(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of x [B, C, H, W] against labels [B], averaged over the batch."""
        return {"loss": F.cross_entropy(self.network(x), labels)}

    @torch.no_grad()
    def probabilities(self, x: Tensor) -> Tensor:
        """x [N, C, H, W] -> [N, classes]."""
        return self.network(x).softmax(1)
