"""A deep autoencoder as a stack of shallow ones: each layer of the encoder with its mirror in the decoder."""

from __future__ import annotations

from torch import Tensor, nn

from aecourse import require
from aecourse.models.autoencoder import OUTPUTS, Autoencoder
from aecourse.models.base import Model


class Level(Model):
    """One layer of a deep dense autoencoder and its mirror, as a shallow autoencoder of the numbers below them.

    up, down    the linear maps, [below] -> [above] and back; the deep network's own modules, no copies
    bend        what follows `up`: the deep network's activation, or nothing where `up` makes the code
    restore     what follows `down`: the activation that made the numbers below, so that these can be met

    The loss is the squared error, summed over the numbers below and averaged over the batch.
    """

    def __init__(self, up: nn.Linear, down: nn.Linear, bend: nn.Module, restore: nn.Module):
        super().__init__(up.out_features, (up.in_features,))
        self.up, self.down, self.bend, self.restore = up, down, bend, restore

    def encode(self, x: Tensor) -> Tensor:
        """x [B, below] -> [B, above]."""
        return self.bend(self.up(x))

    def decode(self, z: Tensor) -> Tensor:
        """z [B, above] -> what `restore` bends into the numbers below, [B, below]."""
        return self.down(z)

    def pixels(self, logits: Tensor) -> Tensor:
        """The numbers below, [B, below]."""
        return self.restore(logits)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """The squared error, summed over the numbers below, averaged over the batch."""
        return {"loss": (self.reconstruct(x) - x).square().sum() / len(x)}


class _Output(nn.Module):
    """A deep autoencoder's own output activation, as a module."""

    def __init__(self, name: str):
        super().__init__()
        self.name = name

    def forward(self, logits: Tensor) -> Tensor:
        return OUTPUTS[self.name](logits)


def levels(model: Autoencoder) -> list[Level]:
    """The shallow autoencoders that a deep dense one consists of, the one next to the image first.

    They hold the deep network's own layers: what a level learns, the deep network has learned. Raises TypeError for
    a model that is not built from `nets.mlp(...)`.
    """
    parts = [getattr(model, half, None) for half in ("encoder", "decoder")]
    ups, downs = (
        [
            layer
            for layer in (part if isinstance(part, nn.Sequential) else [])
            if isinstance(layer, nn.Linear)
        ]
        for part in parts
    )
    dense = isinstance(model, Autoencoder) and len(ups) == len(downs) and ups
    if not dense or sum(map(len, parts)) != 4 * len(  # pyright: ignore[reportArgumentType]
        ups
    ):  # linear maps, bends between, flatten, unflatten
        raise TypeError(
            f"model: got {require.described(type(model).__name__)}; accepted is an Autoencoder built from nets.mlp(...)"
        )
    bends = [
        layer
        for layer in parts[0][1:]  # pyright: ignore[reportOptionalSubscript]
        if layer not in ups
    ]
    return [
        Level(up, down, bend, restore)
        for up, down, bend, restore in zip(
            ups, downs[::-1], [*bends, nn.Identity()], [_Output(model.output), *bends]
        )
    ]
