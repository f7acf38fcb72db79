"""A VAE whose encoder may train alone for a while, so that it keeps up with the decoder."""

from __future__ import annotations

from contextlib import contextmanager

from torch import Tensor, nn

from aecourse.models.vae import VAE


class AggressiveVAE(VAE):
    """A VAE with a switch: at steps with `hold` above 0 the decoder stands still and only the encoder learns.

    Which steps these are is a schedule, given to `train.fit` as weights={"hold": ...}. Source: He, Spokoyny, Neubig &
    Berg-Kirkpatrick 2019, who let the encoder run until it gains no more; here the number of steps is fixed.
    """

    def loss(self, x: Tensor, beta=None, hold: float = 0.0) -> dict[str, Tensor]:
        """As that of `VAE`; hold: whether this step leaves decoder and likelihood out of the gradient."""
        with held(self.decoder, self.likelihood, when=bool(hold)):
            return super().loss(x, beta)


@contextmanager
def held(*modules: nn.Module, when: bool = True):
    """While it lasts, what is computed sends no gradient to the parameters of `modules`, though through them."""
    trained = [p for module in modules for p in module.parameters() if p.requires_grad and when]
    try:
        for p in trained:
            p.requires_grad_(False)
        yield
    finally:
        for p in trained:
            p.requires_grad_(True)
