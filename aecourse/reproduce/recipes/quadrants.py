"""Some quadrants of a digit are seen, the others are to be drawn (the conditional VAE of Pyro's tutorial)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import nets
from aecourse.models import gaussian_kl, reparameterize
from aecourse.reproduce.recipe import Measured, Recipe, Row, mean

FIGURES = {1: (100.4, 71.8), 2: (61.9, 51.0), 3: (25.4, 24.2)}
NETWORK = "784-500-500-784, ReLU, Adam at 1e-3, batch 128, the best of 20 epochs"
CONDITIONAL = (
    "z of 200 numbers; prior, posterior and decoder with 500-500, ReLU, Adam at 1e-3, batch 128, the best of 20 epochs; "
    "10 draws for the bound"
)


def seen(quadrants: int, side: int = 28) -> Tensor:
    """Where an image is seen [side, side]: the lower left quadrant, the left half, or all but the upper right one."""
    half, where = side // 2, torch.zeros(side, side, dtype=torch.bool)
    where[half:, :half] = True
    if quadrants >= 2:
        where[:half, :half] = True
    if quadrants == 3:
        where[half:, half:] = True
    return where


class Completion(nn.Module):
    """A network that is shown the seen pixels, -1 elsewhere, and gives logits of all."""

    input_range = (0.0, 1.0)
    seen: Tensor  # bool [28, 28]

    def __init__(self, quadrants: int):
        super().__init__()
        self.shape = (1, 28, 28)
        self.register_buffer("seen", seen(quadrants))
        net = nets.mlp((500, 500), "relu")
        self.network = nn.Sequential(net.encoder(self.shape, 784), nn.Unflatten(1, self.shape))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 1, 28, 28], of which the unseen pixels are not read -> logits [B, 1, 28, 28]."""
        return self.network(torch.where(self.seen, x, -1.0))

    def cost(self, logits: Tensor, x: Tensor) -> Tensor:
        """The cross-entropy of the unseen pixels, nats [B]."""
        nats = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return torch.where(self.seen, 0.0, nats).flatten(1).sum(1)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Their mean."""
        return {"loss": self.cost(self(x), x).mean()}


class CompletionVAE(nn.Module):
    """p(z | seen) p(unseen | z): the prior's network is shown the seen pixels and a first guess of the others."""

    input_range = (0.0, 1.0)

    def __init__(self, guess: Completion, latents: int = 200):
        super().__init__()
        self.shape, self.guess = guess.shape, guess.requires_grad_(False)
        net = nets.mlp((500, 500), "relu")
        self.prior, self.posterior = (net.encoder(self.shape, 2 * latents) for _ in range(2))
        self.decoder = net.decoder(latents, self.shape)

    def costs(self, x: Tensor) -> Tensor:
        """Minus the bound on log p(unseen | seen) with one draw, nats [B]."""
        with torch.no_grad():
            guessed = torch.where(self.guess.seen, x, self.guess(x).sigmoid())
        prior = self.prior(guessed).chunk(2, 1)
        q = self.posterior(x).chunk(2, 1)
        kl = gaussian_kl(*q, *prior).sum(1)
        return self.guess.cost(self.decoder(reparameterize(*q)), x) + kl

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """Their mean."""
        return {"loss": self.costs(x).mean()}


def fitted(lab, model):
    """`model` after the epoch whose loss on held-out training images was the lowest."""
    options = {"batch_size": 128, "lr": 1e-3, "schedule": "constant", "keep": "best"}
    history = lab.fit(model, lab.fitting.x, epochs=20, validation=lab.held_out.x, **options)
    lab.choices[type(model).__name__] = {"best epoch": history.best_epoch}
    return model


def run(lab, part: str) -> dict[str, Measured]:
    """Both on the same quadrants; how many epochs, by held-out training images."""
    quadrants = int(part[0])
    network = fitted(lab, Completion(quadrants))
    both = fitted(lab, CompletionVAE(network))
    with torch.no_grad():
        parts = lab.test.x.split(1000)
        of_network = torch.cat([network.cost(network(x), x) for x in parts])
        draws = lab.toy(10, 2)
        of_both = torch.cat(
            [torch.stack([both.costs(x) for _ in range(draws)]).mean(0) for x in parts]
        )
    return {f"network, {part}": mean(of_network), f"CVAE, {part}": mean(of_both)}


RECIPE = Recipe(
    name="quadrants",
    title="Drawing the unseen quadrants",
    about="The published baseline is a network that guesses each pixel on its own; the CVAE knows which guesses go "
    "together.",
    measure="-log p(unseen pixels | seen pixels) of grey pixels, nats per test image; for the CVAE a bound",
    binarisation="grey",
    chosen="the number of epochs, on 10,000 held-out training images",
    rows=tuple(
        Row(
            f"{name}, {count} seen",
            setting,
            part=f"{count} seen",
            published=figure,
            source="Pyro's tutorial, after Sohn, Lee & Yan 2015",
            key="sohn2015",
            explained="The tutorial stops on the images that it reports; here the number of epochs is chosen on training "
            "images, of which 50,000 are left for training.",
        )
        for count, figures in FIGURES.items()
        for name, setting, figure in zip(("network", "CVAE"), (NETWORK, CONDITIONAL), figures)
    ),
    run=run,
    minutes=15,
)
