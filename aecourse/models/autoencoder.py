"""The plain autoencoder: squeeze an image through a few numbers and ask for it back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import nets, require
from aecourse.models.base import Model

OUTPUTS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "identity": lambda logits: logits}
ERRORS = {
    "mse": lambda image, x: F.mse_loss(image, x, reduction="sum"),
    "l1": lambda image, x: F.l1_loss(image, x, reduction="sum"),
}


class Autoencoder(Model):
    """x -> code -> x, trained on the reconstruction error (Hinton & Salakhutdinov 2006).

    net: `nets.mlp(...)` or `nets.conv(...)`. error: "mse" (squared), "l1" (absolute) or "bce" (binary cross-entropy,
    computed from the logits). output: how logits become pixels, "sigmoid" for images in [0, 1], "tanh" for [-1, 1],
    "identity" for anything; "bce" is defined for "sigmoid" only. The error is summed over pixels and averaged over
    the batch.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        error: str = "mse",
        output: str = "sigmoid",
        shape: tuple[int, ...] = (1, 28, 28),
    ):
        super().__init__(latent_dim, shape)
        self.error = require.choice("error", error, [*ERRORS, "bce"])
        self.output = require.choice("output", output, OUTPUTS)
        if error == "bce" and output != "sigmoid":
            raise ValueError(
                f"output: got {output!r}; accepted with error='bce' is 'sigmoid' only, "
                "since cross-entropy needs probabilities"
            )
        self.input_range = (0.0, 1.0) if error == "bce" else None
        net = nets.given(net, nets.mlp(hidden=(256, 128, 64)))
        self.encoder = net.encoder(self.shape, self.latent_dim)
        self.decoder = net.decoder(self.latent_dim, self.shape)

    def encode(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> codes [B, latent_dim]."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, C, H, W]."""
        return self.decoder(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The output activation applied to the logits."""
        return OUTPUTS[self.output](logits)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The reconstruction error, summed over pixels, averaged over the batch."""
        logits = self.decode(self.encode(x))
        if self.error == "bce":
            total = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        else:
            total = ERRORS[self.error](self.pixels(logits), x)
        return {"loss": total / len(x)}
