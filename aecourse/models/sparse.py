"""The sparse autoencoder: a code may be wider than the image, as long as few of its numbers are active at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets, require
from aecourse.models.autoencoder import ERRORS, Autoencoder

PENALTIES = ("l1", "kl", "topk")


def kl_sparsity(rho: float, rho_hat: Tensor) -> Tensor:
    """KL(rho || rho_hat) of two coins that show "on" with probability rho and rho_hat, in nats; same shape as rho_hat.

    Source: Ng 2011, "Sparse autoencoder". rho_hat is kept away from 0 and 1 by 1e-6, where the logarithms are infinite.
    """
    rho_hat = rho_hat.clamp(1e-6, 1 - 1e-6)
    off = (1 - rho) * ((1 - rho) / (1 - rho_hat)).log()
    return rho * (rho / rho_hat).log() + off


def top_k(z: Tensor, k: int) -> Tensor:
    """z [B, n] with all but the k largest numbers of each row set to 0 (Makhzani & Frey 2014)."""
    values, places = z.topk(k, dim=1)
    return torch.zeros_like(z).scatter(1, places, values)


class SparseAutoencoder(Autoencoder):
    """x -> a wide code with few active numbers -> x.

    latent_dim  how many numbers the code has; it may be more than there are pixels
    net         as in `Autoencoder`; by default one linear map each way, the decoder starting as the encoder's transpose, so
                that each number begins by drawing what it looks for (Gao et al. 2024); from then on the two are free. With
                output="identity" the encoder then sees x minus the decoder's bias (Bricken et al. 2023)
    penalty     "l1": a ReLU code, of which every activation costs `weight` times the length of its decoder column;
                "kl": a sigmoid code, of which each unit's mean activation over the batch is pulled to `rho`;
                "topk": a code of which only the `k` largest numbers are kept, with no penalty to weigh;
                None: a ReLU code without any limit, for comparison
    weight      of the penalty, in units of the reconstruction error; None is 1 for "l1" and 10 for "kl"
    rho         the mean activation that "kl" aims at, between 0 and 1; None is 0.05
    k           how many numbers "topk" keeps, at most latent_dim; None is 10

    The other arguments are those of `Autoencoder`. Sources: Ng 2011 ("kl"); Makhzani & Frey 2014 ("topk"); Olshausen &
    Field 1996, whose code is optimised for each image instead of computed by an encoder ("l1").
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        penalty: str | None = "l1",
        weight: float | None = None,
        rho: float | None = None,
        k: int | None = None,
        error: str = "mse",
        output: str = "sigmoid",
        shape: tuple[int, int, int] = (1, 28, 28),
    ):
        net = nets.given(net, nets.mlp(()))
        super().__init__(latent_dim, net, error=error, output=output, shape=shape)
        self.penalty = None if penalty is None else require.choice("penalty", penalty, PENALTIES)
        for name, value, kind in (
            ("weight", weight, ("l1", "kl")),
            ("rho", rho, ("kl",)),
            ("k", k, ("topk",)),
        ):
            if value is not None and penalty not in kind:
                raise ValueError(
                    f"{name}: got {value!r}; accepted with penalty={penalty!r} is None, since it has none"
                )
        weight = (
            {"kl": 10.0}.get(penalty, 1.0)  # pyright: ignore[reportCallIssue, reportArgumentType]
            if weight is None
            else weight
        )
        self.weight = require.number("weight", weight, low=0)
        self.rho = require.number("rho", 0.05 if rho is None else rho, low=0, high=1, above=True)
        if self.rho == 1:
            raise ValueError("rho: got 1; accepted is a number above 0 and below 1")
        self.k = require.integer("k", min(10, self.latent_dim) if k is None else k)
        if self.k > self.latent_dim:
            raise ValueError(f"k: got {k}; accepted is at most latent_dim, {self.latent_dim}")
        inward, outward = (
            [m for m in half.modules() if isinstance(m, nn.Linear)]
            for half in (self.encoder, self.decoder)
        )
        self.one_layer = len(inward) == len(outward) == 1 and not self._convolves()
        if self.one_layer:
            with torch.no_grad():
                inward[0].weight /= inward[0].weight.norm(dim=1, keepdim=True)
                outward[0].weight.copy_(inward[0].weight.T)
                outward[0].bias.zero_()
        self.centres = self.one_layer and output == "identity"

    def begin_at_mean(self, x: Tensor) -> SparseAutoencoder:
        """This model, whose decoder's bias is now the mean of images x [N, C, H, W]; ValueError where that is no image.

        From there codes describe what is special about an image. Without it, a unit whose first weights point away from
        the mean image is silent for all images, and stays so.
        """
        if not self.centres:
            raise ValueError(
                "net: got several layers or another output; accepted here is nets.mlp(()) with output='identity'"
            )
        with torch.no_grad():
            self._outward().bias.copy_(require.batch("x", x, self.shape).mean(0).flatten())
        return self

    def encode(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> codes [B, latent_dim]."""
        if self.centres:
            x = x - self._outward().bias.view(self.shape)
        z = self.encoder(x)
        if self.penalty == "topk":
            return top_k(z, self.k)
        return z.sigmoid() if self.penalty == "kl" else z.relu()

    def cost(self, z: Tensor) -> Tensor:
        """What the activity of codes z [B, latent_dim] costs, a scalar: per image for "l1", per batch for "kl"."""
        if self.penalty == "l1":
            return (z.abs() * self.columns().norm(dim=0)).sum(1).mean()
        if self.penalty == "kl":
            return kl_sparsity(self.rho, z.mean(0)).sum()
        return z.new_zeros(())

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The reconstruction error per image plus `weight` times the cost of the code."""
        z = self.encode(x)
        logits = self.decode(z)
        if self.error == "bce":
            error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        else:
            error = ERRORS[self.error](self.pixels(logits), x) / len(x)
        cost = self.weight * self.cost(z)
        return {"loss": error + cost, "error": error, "penalty": cost}

    def columns(self) -> Tensor:
        """The weights of the decoder's first linear layer: one column per code number, [outputs, latent_dim]."""
        return self._outward().weight

    def features(self) -> Tensor:
        """What each code number adds to the image: the decoder's columns as images [latent_dim, C, H, W].

        Raises ValueError where the decoder has more than one layer, so that no column is an image.
        """
        if not self.one_layer:
            raise ValueError(
                "net: got a decoder of several layers; accepted for features() is nets.mlp(()), one linear map"
            )
        return self.columns().detach().T.reshape(-1, *self.shape)

    def _outward(self) -> nn.Linear:
        return next(m for m in self.decoder.modules() if isinstance(m, nn.Linear))

    def _convolves(self) -> bool:
        return any(isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)) for m in self.modules())
