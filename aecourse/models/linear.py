"""The linear autoencoder, whose optimum is known: it spans the principal subspace."""

from __future__ import annotations

from torch import Tensor, nn

from aecourse.models.base import Model


class LinearAutoencoder(Model):
    """x -> W x + a -> V (W x + a) + b with squared error; no activation anywhere.

    Its minimum spans the first `latent_dim` principal components (Bourlard & Kamp 1988; Baldi & Hornik 1989), up to
    an invertible mixing of the code that the loss cannot see.
    """

    def __init__(self, latent_dim: int, *, shape: tuple[int, ...] = (1, 28, 28)):
        super().__init__(latent_dim, shape)
        count = self.shape[0] * self.shape[1] * self.shape[2]
        self.encoder = nn.Linear(count, self.latent_dim)
        self.decoder = nn.Linear(self.latent_dim, count)

    def encode(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> codes [B, latent_dim]."""
        return self.encoder(x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> pixels [B, C, H, W], unbounded."""
        return self.decoder(z).unflatten(1, self.shape)

    def pixels(self, logits: Tensor) -> Tensor:
        """The decoder's output itself."""
        return logits

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Squared error, summed over pixels, averaged over the batch."""
        return {"loss": (self.reconstruct(x) - x).square().sum() / len(x)}
