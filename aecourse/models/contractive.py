"""The contractive autoencoder: the code may hardly move when the image moves a little."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets, require
from aecourse.models.autoencoder import ERRORS, Autoencoder


def sigmoid_contraction(z: Tensor, weight: Tensor) -> Tensor:
    """||d z / d x||_F^2 of each image for z = sigmoid(W x + b): z [B, n], weight W [n, D] -> [B].

    In closed form: d z_j / d x_i = z_j (1 - z_j) W_ji, so the squares add up to sum_j (z_j (1 - z_j))^2 sum_i W_ji^2.
    Source: Rifai et al. 2011, section 5.1.
    """
    slope = z * (1 - z)
    return slope.square() @ weight.square().sum(1)


def contraction(encode, x: Tensor) -> Tensor:
    """||d encode(x) / d x||_F^2 of each image by autograd: x [B, ...] -> [B], itself differentiable.

    encode  any function of a batch that treats each image on its own: [B, ...] -> [B, n]

    One backward pass per code number. Summing code number j over the batch before differentiating gives every image's own
    gradient at once, because no image influences the code of another.
    """
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        z = encode(x)
        total = x.new_zeros(len(x))
        for j in range(z.shape[1]):
            (gradient,) = torch.autograd.grad(z[:, j].sum(), x, create_graph=True)
            total = total + gradient.square().flatten(1).sum(1)
    return total


class ContractiveAutoencoder(Autoencoder):
    """x -> sigmoid code -> x, trained on the error plus `weight` times the squared norm of the encoder's Jacobian.

    latent_dim  how many numbers the code has
    net         as in `Autoencoder`. By default one linear map with tied weights: the decoder uses the encoder's matrix,
                transposed. With a matrix of its own the decoder could undo any shrinking of the encoder's, and the
                penalty would forbid nothing. With hidden layers nothing is tied
    weight      of the penalty, in units of the reconstruction error

    The penalty is computed in closed form for one layer and by autograd otherwise. The other arguments are those of
    `Autoencoder`. Source: Rifai et al. 2011.
    """

    def __init__(
        self,
        latent_dim: int,
        net=None,
        *,
        weight: float = 1.0,
        error: str = "mse",
        output: str = "sigmoid",
        shape: tuple[int, int, int] = (1, 28, 28),
    ):
        net = nets.given(net, nets.mlp(()))
        super().__init__(latent_dim, net, error=error, output=output, shape=shape)
        self.weight = require.number("weight", weight, low=0)
        layers = [m for m in self.encoder.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        self.one_layer = len(layers) == 1 and isinstance(layers[0], nn.Linear)
        if self.one_layer:
            self.layer = layers[0]
            del self.decoder
            self.bias = nn.Parameter(
                torch.zeros(self.layer.in_features)  # pyright: ignore[reportCallIssue, reportArgumentType]
            )

    def encode(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> codes [B, latent_dim] between 0 and 1."""
        return self.encoder(x).sigmoid()

    def decode(self, z: Tensor) -> Tensor:
        """z [B, latent_dim] -> logits [B, C, H, W]."""
        if not self.one_layer:
            return self.decoder(z)
        return (z @ self.layer.weight + self.bias).view(-1, *self.shape)

    def contraction(self, x: Tensor, z: Tensor) -> Tensor:
        """The squared norm of the encoder's Jacobian at each image x [B, C, H, W], whose code is z: [B]."""
        if self.one_layer:
            return sigmoid_contraction(z, self.layer.weight)
        return contraction(self.encode, x)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The reconstruction error per image plus `weight` times the mean squared norm of the Jacobian."""
        z = self.encode(x)
        logits = self.decode(z)
        if self.error == "bce":
            error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        else:
            error = ERRORS[self.error](self.pixels(logits), x) / len(x)
        penalty = self.weight * self.contraction(x, z).mean()
        return {"loss": error + penalty, "error": error, "penalty": penalty}

    def features(self) -> Tensor:
        """What each code number adds to the image [latent_dim, C, H, W]; ValueError where there are hidden layers."""
        if not self.one_layer:
            raise ValueError(
                "net: got several layers; accepted for features() is nets.mlp(()), one linear map"
            )
        return self.layer.weight.detach().view(-1, *self.shape)
