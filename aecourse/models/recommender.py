"""Autoencoders of users: a row says which items a user chose, the decoder ranks all of them (Liang et al. 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse import nets, require
from aecourse.models.base import Model
from aecourse.models.likelihoods import Multinomial
from aecourse.models.vae import VAE, kl_divergence, reparameterize


def _users_fit(model, x: Tensor) -> None:
    """Raises an error for a user without a choice and for negative entries; reads values only where that can be done."""
    if x.is_cuda and torch.cuda.is_current_stream_capturing():
        return
    lowest = x.amin().item() if len(x) else 0.0
    if lowest < 0:
        raise ValueError(
            f"x: got entries down to {lowest:g}; accepted are 0 and above: what was chosen, and how often"
        )
    empty = (x.flatten(1).sum(1) == 0).nonzero()
    if len(empty):
        raise ValueError(
            f"x: got no choice of user {empty[0].item()}; accepted is at least one for each: who has none is decoded from z = 0"
        )


def spoiled(x: Tensor, dropout: float, training: bool) -> Tensor:
    """What the encoder sees of x [B, I]: rows of length 1, of which in training a share `dropout` is set to 0."""
    return F.dropout(F.normalize(x.flatten(1)), dropout, training)


class MultDAE(Model):
    """A denoising autoencoder of users with a softmax over all items (Liang et al. 2018).

    net      `nets.mlp(...)`
    dropout  share of the input that is left out in training: predict all choices from some of them
    shape    (I,): how many items there are
    """

    def __init__(self, latent_dim: int, net=None, *, dropout: float = 0.5, shape: tuple[int, ...]):
        super().__init__(latent_dim, shape)
        self.dropout = require.number("dropout", dropout, low=0, high=0.99)
        self.likelihood = Multinomial()
        net = nets.given(net, nets.mlp(hidden=(), activation="tanh"))
        self.encoder = net.encoder(self.shape, self.latent_dim)
        self.decoder = net.decoder(self.latent_dim, self.shape)

    @property
    def accepts(self) -> dict:
        """What rows must be: counts, or zeros and ones."""
        return {name: (torch.float32, 0, float("inf")) for name in ("x", "held_out")}

    @require.checked(_users_fit)
    def encode(self, x: Tensor) -> Tensor:
        """x [B, I] -> codes [B, latent_dim]."""
        return self.encoder(spoiled(x, self.dropout, self.training))

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, I], whose order is the ranking."""
        return self.decoder(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The probability that each item is the next choice [B, I]."""
        return self.likelihood.mean(logits)

    def loss(self, x: Tensor, held_out: Tensor | None = None) -> dict[str, Tensor]:
        """-log p(choices | z), in nats per user.

        held_out: other choices of the same users [B, I], to be predicted from x. None takes x itself.
        """
        target = x if held_out is None else held_out
        return {"loss": -self.likelihood.log_prob(self.decode(self.encode(x)), target).mean()}


class MultVAE(VAE):
    """A VAE of users with a multinomial likelihood over all items (Liang et al. 2018).

    net      `nets.mlp(...)`
    dropout  share of the input that is left out in training
    beta     the weight of the KL term; above 0 and below 1 it is a regulariser and the loss no bound. To let it rise in training:
             fit(..., weights={"beta": train.schedules.warmup(to=0.2)})
    shape    (I,): how many items there are
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        dropout: float = 0.5,
        beta: float = 0.2,
        shape: tuple[int, ...],
    ):
        net = nets.given(net, nets.mlp(hidden=(600,), activation="tanh"))
        super().__init__(
            latent_dim,
            net,
            likelihood=Multinomial(),  # pyright: ignore[reportArgumentType]
            beta=beta,
            shape=shape,
        )
        self.dropout = require.number("dropout", dropout, low=0, high=0.99)

    @property
    def accepts(self) -> dict:
        """What rows must be: counts, or zeros and ones."""
        return {name: (torch.float32, 0, float("inf")) for name in ("x", "held_out")}

    @require.checked(_users_fit)
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, I] -> mu and log-variance of q(z|x), each [B, latent_dim]."""
        mu, log_var = self.encoder(spoiled(x, self.dropout, self.training)).chunk(2, dim=1)
        return mu, log_var

    def loss(self, x: Tensor, beta=None, held_out: Tensor | None = None) -> dict[str, Tensor]:
        """-log p(choices | z) + beta * KL with one draw of z per user, in nats per user.

        beta: where it changes during training; None takes the model's own. held_out: other choices of the same users [B, I]; then
        the loss is -log p(held_out | mu) alone: how well they are predicted, which is what decides between epochs and models.
        """
        mu, log_var = self.encode(x)
        kl = kl_divergence(mu, log_var).sum() / len(x)
        z = reparameterize(mu, log_var) if held_out is None else mu
        log_px = self.likelihood.log_prob(self.decode(z), x if held_out is None else held_out)
        reconstruction = -log_px.mean()
        beta = 0 if held_out is not None else self.beta if beta is None else beta
        return {"loss": reconstruction + beta * kl, "reconstruction": reconstruction, "kl": kl}


def _choices_fit(x: Tensor, weight: float) -> None:
    if not isinstance(x, Tensor) or x.dim() != 2 or not len(x) or not x.is_floating_point():
        raise ValueError(
            f"x: got {require.described(x)}; accepted is a floating-point tensor [users, items]"
        )
    low, high = (bound.item() for bound in x.aminmax())
    if not (low >= 0 and high < float("inf")):
        raise ValueError(
            f"x: got entries from {low:g} to {high:g}; accepted are finite numbers of at least 0"
        )


@require.checked(
    _choices_fit, weight=lambda name, value: require.number(name, value, low=0, above=True)
)
def ease(x: Tensor, weight: float = 100.0) -> Tensor:
    """The item-to-item weights B [I, I] of EASE: x @ B ranks. x [N, I] are the choices of the training users.

    B minimises ||x - x B||^2 + weight ||B||^2 with a diagonal of zero, so that no item explains itself: a linear autoencoder
    without a bottleneck. Source: Steck 2019, section 3.
    """
    gram = (x.T @ x).double()
    P = torch.linalg.inv(gram + weight * torch.eye(len(gram), dtype=gram.dtype, device=x.device))
    B = -P / P.diagonal()
    return B.fill_diagonal_(0).to(x.dtype)
