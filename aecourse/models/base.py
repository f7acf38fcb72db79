"""What every model of the course offers, whatever its family."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from aecourse import require
from aecourse.models.likelihoods import likelihood as as_likelihood
from aecourse.models.posterior import Posterior


class Model(nn.Module):
    """An encoder, a decoder and an objective.

    A subclass defines `encode`, `decode`, `pixels` and `loss`. `loss(x)` returns a dict of scalar tensors in nats
    per image (summed over pixels and latents, averaged over the batch); "loss" is what is minimised, the rest is
    shown beside it. shape is that of one image, (C, H, W), or of one row, (D,); `loss` may name further columns of the data
    beside x, and `accepts` says what these must be: name -> (dtype, lowest, highest).
    """

    input_range: tuple[float, float] | None = (
        None  # what `loss` accepts, where the objective restricts it
    )

    def __init__(self, latent_dim: int, shape: tuple[int, ...]):
        super().__init__()
        self.latent_dim = require.integer("latent_dim", latent_dim)
        self.shape = require.sizes("shape", shape, empty=False)

    def encode(self, x: Tensor):
        """x [B, C, H, W] -> what the encoder says of it: codes [B, latent_dim], or (mu, log_var) of a VAE."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, C, H, W]."""
        raise NotImplementedError

    def pixels(self, logits: Tensor) -> Tensor:
        """The decoder's logits as the image they stand for (the mean of p(x|z) where there is one)."""
        raise NotImplementedError

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The terms of the objective for x [B, C, H, W], in nats per image; "loss" is what is minimised."""
        raise NotImplementedError

    def code(self, x: Tensor) -> Tensor:
        """One point per image [B, latent_dim]: the code, or the mean of q(z|x)."""
        return self.encode(x)

    def reconstruct(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> code -> image [B, C, H, W], without noise."""
        return self.pixels(self.decode(self.code(x)))

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` images [n, C, H, W] decoded from codes drawn from N(0, I)."""
        first = next(self.parameters())
        z = torch.randn(
            require.integer("n", n), self.latent_dim, device=first.device, dtype=first.dtype
        )
        return self.pixels(self.decode(z))

    @property
    def parameter_count(self) -> int:
        """How many numbers training adjusts."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)


class LatentModel(Model):
    """A model of p(x, z) = p(z) p(x|z) with an encoder that answers with q(z|x): what measures in nats ask for.

    A subclass defines `posterior` and `log_weights` beside `decode` and `loss`. `prior` is each latent's, N(0, 1).
    likelihood: p(x|z), a name or an instance, as in `VAE`.
    """

    prior = Normal(0.0, 1.0)

    def __init__(self, latent_dim: int, shape: tuple[int, ...], likelihood):
        super().__init__(latent_dim, shape)
        self.likelihood = as_likelihood(likelihood)
        self.input_range = getattr(self.likelihood, "input_range", None)

    def posterior(self, x: Tensor) -> Posterior:
        """q(z|x) for x [B, C, H, W]."""
        raise NotImplementedError

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x, z) - log q(z|x) for `samples` draws of z from q(z|x): x [B, C, H, W] -> [samples, B], nats."""
        raise NotImplementedError

    def pixels(self, logits: Tensor) -> Tensor:
        """The mean image of p(x|z)."""
        return self.likelihood.mean(logits)

    def code(self, x: Tensor) -> Tensor:
        """The mean of q(z|x) [B, latent_dim]."""
        return self.encode(x)[0]
