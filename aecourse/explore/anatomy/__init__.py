"""Anatomy of a VAE: one image through every layer and every term of the loss, each beside the line that computes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import softplus

from aecourse import page, require
from aecourse.models.likelihoods import Bernoulli
from aecourse.models.vae import VAE, kl_divergence, reparameterize
from aecourse.page.figure import Figure, as_array, base64_of, fragment
from aecourse.page.network import check_room, forward, linear, packed_network, rounded, steps_of
from aecourse.page.pictures import names_of
from aecourse.train.loop import Run

MAX_BYTES = 600_000  # what the weights may take of a page, which weighs 2 MB at most
BITS = 16  # of each weight there: with 8 the numbers shown would be off in the second decimal

# The code that is shown, by name. It is read from the package itself when a figure is made.
SOURCES = {
    "VAE.loss": VAE.loss,
    "VAE.encode": VAE.encode,
    "reparameterize": reparameterize,
    "VAE.decode": VAE.decode,
    "VAE.pixels": VAE.pixels,
    "Bernoulli.mean": Bernoulli.mean,
    "Bernoulli.log_prob": Bernoulli.log_prob,
    "kl_divergence": kl_divergence,
    "Run.forward_backward": Run.forward_backward,
}


class Box(NamedTuple):
    """One part of the figure: what it is called, what happens there, and where that is written in the code."""

    symbol: str
    title: str
    shape: str  # with the names of `sizes` below
    formula: str
    words: str
    code: tuple[tuple[str, str], ...]  # (name in SOURCES, a text that stands there exactly once)


BOXES = {
    "x": Box(
        "x",
        "the image",
        "{height} × {width}",
        "xᵢ = 0 or 1",
        "A binarised image. It is used twice: the encoder reads it here, and at the far end it is the target of every pixel.",
        (("VAE.loss", "self.encode(x)"), ("VAE.encode", "x: Tensor")),
    ),
    "encoder": Box(
        "h",
        "the encoder’s hidden layers",
        "{encoder}",
        "h = {encoder_bend}(W x + b), one layer after the other",
        "Each number is a weighted sum of the layer before it, bent by the activation. Green is positive, purple negative.",
        (("VAE.loss", "self.encode(x)"), ("VAE.encode", "self.encoder(x)")),
    ),
    "heads": Box(
        "μ, log σ²",
        "what the encoder says of z",
        "{k} + {k}",
        "(μ, log σ²) = W h + b",
        "One last linear map gives two numbers per latent; the line cuts them apart. A logarithm may have any sign, so σ is positive by itself.",
        (("VAE.loss", "mu, log_var = self.encode(x)"), ("VAE.encode", ".chunk(2, dim=1)")),
    ),
    "q": Box(
        "q(z|x)",
        "a distribution over codes",
        "{k}",
        "q(zⱼ|x) = N(μⱼ, σⱼ²), σⱼ = exp(½ log σⱼ²)",
        "A bell for each latent beside its prior N(0, 1), dashed. A narrow bell far from 0 says much about the image, and costs much. "
        "The dot is the draw: drag it.",
        (
            ("VAE.loss", "reparameterize(mu, log_var)"),
            ("reparameterize", "torch.exp(0.5 * log_var)"),
        ),
    ),
    "z": Box(
        "z",
        "the draw",
        "{k}",
        "z = μ + σ ε, ε ~ N(0, I)",
        "Chance enters from the side, as ε, so that gradients reach μ and σ. The decoder is given z and nothing else of the image.",
        (
            ("VAE.loss", "z = reparameterize(mu, log_var)"),
            ("reparameterize", "mu + torch.exp(0.5 * log_var) * torch.randn_like(mu)"),
        ),
    ),
    "decoder": Box(
        "h′",
        "the decoder’s hidden layers",
        "{decoder}",
        "h′ = {decoder_bend}(W z + b), one layer after the other",
        "From {k} numbers back to many, by a network with weights of its own.",
        (("VAE.loss", "self.decode(z)"), ("VAE.decode", "self.decoder(z)")),
    ),
    "logits": Box(
        "a",
        "logits",
        "{height} × {width}",
        "a = W h′ + b",
        "One number of any sign per pixel: the logarithm of the odds that the pixel is 1. Green is above 0, purple below.",
        (("VAE.loss", "self.decode(z)"), ("VAE.decode", "return self.decoder(z)")),
    ),
    "mean": Box(
        "x̂",
        "probabilities",
        "{height} × {width}",
        "x̂ᵢ = p(xᵢ = 1 | z) = 1 / (1 + exp(−aᵢ))",
        "The reconstruction that is always shown: a probability for each pixel, the mean of p(x|z). The loss does not pass through this box; "
        "it takes the logits, which is numerically safer.",
        (
            ("VAE.pixels", "self.likelihood.mean(logits)"),
            ("Bernoulli.mean", "torch.sigmoid(logits)"),
        ),
    ),
    "nats": Box(
        "−log p(x|z)",
        "reconstruction, pixel by pixel",
        "{height} × {width} → 1",
        "−log p(x|z) = Σᵢ −log p(xᵢ|z)\np(xᵢ|z) = x̂ᵢ where xᵢ = 1, and 1 − x̂ᵢ where xᵢ = 0",
        "A pixel that the decoder is sure of costs next to nothing if it is right, and the more if it is wrong. Given z the pixels are "
        "independent, so their nats are added: a sum and not a mean. Bars sum the rows.",
        (
            ("VAE.loss", "reconstruction = -self.likelihood.log_prob(self.decode(z), x)"),
            (
                "Bernoulli.log_prob",
                '-F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)',
            ),
        ),
    ),
    "kl": Box(
        "KL",
        "the price of the code, latent by latent",
        "{k} → 1",
        "KLⱼ = ½ (μⱼ² + σⱼ² − 1 − log σⱼ²), KL = Σⱼ KLⱼ",
        "How far each bell is from the prior. Nothing is drawn here: the KL of two Gaussians is known in closed form. It is 0 where μ = 0 and σ = 1.",
        (
            ("VAE.loss", "kl = per_latent.sum() / len(x)"),
            ("kl_divergence", "-0.5 * (1 + log_var - mu.square() - log_var.exp())"),
        ),
    ),
    "loss": Box(
        "loss",
        "minus the ELBO",
        "1",
        "loss = −log p(x|z) + β KL",
        "The two terms, in the same unit. With β = 1 their average over draws is minus the ELBO, so that log p(x) is at least minus that average.",
        (("VAE.loss", '"loss": reconstruction + (self.beta if beta is None else beta) * charged'),),
    ),
    "gradient": Box(
        "∂ loss",
        "the tug of war at one latent",
        "{k} + {k}",
        "∂loss/∂μⱼ = gⱼ + β μⱼ, where gⱼ is the slope of −log p(x|z) along zⱼ\n∂loss/∂log σⱼ² = ½ σⱼ εⱼ gⱼ + ½ β (σⱼ² − 1)",
        "The gradients that training uses: each term pulls μ and log σ² against its own gradient. Arrows under the bells show both pulls on μ, to one scale. "
        "Training follows their average over draws and images.",
        (("Run.forward_backward", 'terms["loss"].backward()'),),
    ),
}


def anatomy(model, images, labels=None, *, eps_seed=0, beta=None, description=None) -> Figure:
    """One image followed through a VAE, layer by layer and term by term, each box tied to its line of code.

    model        a `models.VAE` with a Bernoulli likelihood, dense halves with hidden layers, and 1 to 6 latents.
    images       [N, 1, height, width] of zeros and ones, 1 to 20 of them, that a reader may choose from.
    labels       what these images are called; by default they are counted.
    eps_seed     of the draw of eps that stands there at first.
    beta         the weight of the KL at first; None takes the model's own.
    description  the figure in words; by default with the numbers at the start.

    The reader draws eps anew or sets it, sets mu and sigma, moves beta, and paints on the image. Weights travel in 16 bits
    each: 784-64-32-4 and its mirror takes 340 kB of a page. Raises TypeError or ValueError for what does not fit, and
    LookupError where a line of code that a box shows is gone.
    """
    encoder, decoder = _halves(model)
    k, (_, height, width) = model.latent_dim, model.shape
    x = _zeros_and_ones(images, height, width)
    names = names_of("labels", labels, len(x))
    beta = require.number("beta", model.beta if beta is None else beta, low=0, high=10)
    generator = torch.Generator().manual_seed(require.integer("eps_seed", eps_seed, low=0))
    eps = torch.randn(k, generator=generator)

    halves = (
        packed_network("model", model.encoder, x, 2 * k, bits=BITS),
        packed_network("model", model.decoder, eps[None], height * width, bits=BITS),
    )
    check_room("model", sum(half.nbytes for half in halves), MAX_BYTES)
    widths = {
        "encoder": [len(step[0]) for step in linear(encoder)[:-1]],
        "decoder": [len(step[0]) for step in linear(decoder)[:-1]],
    }
    sizes = {
        "height": height,
        "width": width,
        "k": k,
        **{name: ", ".join(map(str, w)) for name, w in widths.items()},
        "encoder_bend": _bend(encoder),
        "decoder_bend": _bend(decoder),
    }
    listings = {name: listing(thing) for name, thing in SOURCES.items()}
    data = {
        "encoder": halves[0].layers,
        "decoder": halves[1].layers,
        "shape": [height, width],
        "latents": k,
        "images": base64_of(np.packbits(x.to(torch.uint8).numpy())),
        "names": names,
        "eps": [round(e, 4) for e in eps.tolist()],
        "seed": int(eps_seed),
        "beta": beta,
        "listings": listings,
        "boxes": [
            {
                "key": key,
                **{
                    part: getattr(box, part).format(**sizes)
                    for part in ("symbol", "title", "shape", "formula", "words")
                },
                "code": [place(listings, *line) for line in box.code],
            }
            for key, box in BOXES.items()
        ],
    }
    if description is None:
        description = _describe(
            rounded(encoder, BITS),
            rounded(decoder, BITS),
            x[:1],
            names[0],
            torch.tensor(data["eps"]),
            beta,
            widths,
        )
    return Figure(
        fragment(
            "anatomy",
            data,
            package=__name__,
            title="Interactive figure: anatomy of a VAE",
            description=description,
        ),
        description,
    )


def listing(thing) -> list[str]:
    """The lines of a function of the package, as lessons print them."""
    return str(page.source(thing)).split("\n")[1:-1]  # without the fences of Markdown


def place(listings: dict[str, list[str]], name: str, text: str) -> list:
    """Where `text` stands in the code called `name`: [name, line, column, length]. It must stand there exactly once."""
    found = [(i, line.find(text)) for i, line in enumerate(listings[name]) if text in line]
    if len(found) != 1:
        raise LookupError(
            f"explore.anatomy: {text!r} stands on {len(found)} lines of {name}, where a box of the figure points to it; "
            "accepted is one: change BOXES in aecourse/explore/anatomy along with the code"
        )
    return [name, *found[0], len(text)]


def _halves(model) -> tuple[list, list]:
    """The steps of the encoder and decoder of a model that this figure tells the truth about."""
    own = ("encode", "decode", "pixels", "loss")
    if not isinstance(model, VAE) or any(
        getattr(type(model), name) is not getattr(VAE, name) for name in own
    ):
        raise TypeError(
            f"model: got {type(model).__name__}; accepted is a models.VAE with its own encode, decode, pixels and loss"
        )
    if type(model.likelihood) is not Bernoulli:
        raise ValueError(
            f"model: got the likelihood {type(model.likelihood).__name__}; accepted is Bernoulli"
        )
    if model.free_bits:
        raise ValueError(
            f"model: got free_bits {model.free_bits}; accepted is 0, where the KL is charged as it is"
        )
    if model.latent_dim > 6 or model.shape[0] != 1:
        raise ValueError(
            f"model: got {model.latent_dim} latents and images of shape {model.shape}; accepted are 1 to 6 latents and one channel"
        )
    halves = steps_of(model.encoder, "model"), steps_of(model.decoder, "model")
    if any(len(linear(steps)) < 2 for steps in halves):
        raise ValueError(
            "model: got no hidden layers; accepted is an encoder and a decoder with at least one each"
        )
    if not all(
        torch.isfinite(part).all() for steps in halves for step in linear(steps) for part in step
    ):
        raise ValueError("model: got weights that are nan or infinite; accepted are finite weights")
    return halves


def _bend(steps: list) -> str:
    """The name of the activation, for a formula."""
    return next((step.removesuffix("_tanh") for step in steps if isinstance(step, str)), "")


def _zeros_and_ones(images, height: int, width: int) -> torch.Tensor:
    """`images` as zeros and ones [N, height * width]."""
    x = torch.tensor(as_array("images", images))
    accepted = f"1 to 20 images [N, 1, {height}, {width}]"
    if (
        x.dim() not in (3, 4)
        or tuple(x.shape[-2:]) != (height, width)
        or x[0].numel() != height * width
        or not 1 <= len(x) <= 20
    ):
        raise ValueError(f"images: got shape {list(x.shape)}; accepted are {accepted}")
    if not ((x == 0) | (x == 1)).all():
        raise ValueError(
            f"images: got values from {x.min():.3g} to {x.max():.3g}, some of them grey; accepted are zeros and ones, as "
            "data.binarize makes them: of grey pixels the Bernoulli's number is no log-probability"
        )
    return x.flatten(1).float()


def _describe(encoder, decoder, x, name, eps, beta, widths) -> str:
    mu, log_var = forward(encoder, x).chunk(2, dim=1)
    sigma = torch.exp(0.5 * log_var)
    z = mu + sigma * eps
    a = forward(decoder, z)
    kl, nats = kl_divergence(mu, log_var)[0], (softplus(a) - a * x).sum().item()
    told = "; ".join(
        f"latent {j + 1}: mean {m:.2f}, standard deviation {s:.2f}, eps {e:.2f}, z {d:.2f}, KL {n:.2f} nats"
        for j, (m, s, e, d, n) in enumerate(zip(mu[0], sigma[0], eps, z[0], kl))
    )
    layers = {half: " and ".join(map(str, w)) for half, w in widths.items()}
    return (
        f"An image followed through a VAE from left to right: the image, the encoder's hidden layers ({layers['encoder']} numbers), mean and "
        f"log-variance of {len(eps)} latents, the bell of each beside the prior, the draw z, the decoder's hidden layers ({layers['decoder']} "
        "numbers), a logit and a probability for every pixel. Below it the loss: a map of the nats of every pixel, a bar of KL for every "
        "latent, and their sum. Each part is a box that shows, when it is chosen, its formula and the lines of code that compute it; the "
        f"image can be painted on, and mean, standard deviation and eps can be set. At the start, for the image called {name}: {told}. "
        f"Reconstruction {nats:.2f} nats, KL {kl.sum():.2f} nats, and with beta = {beta:g} a loss of {nats + beta * kl.sum():.2f} nats."
    )
