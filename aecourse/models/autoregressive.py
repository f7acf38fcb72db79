"""Decoders that draw pixel by pixel: masked networks, in which no pixel sees itself or a later one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import require
from aecourse.models.likelihoods import likelihood as as_likelihood

HASTE = 30.0  # Adam moves every number by about lr a step; a logit has further to go than a weight


class Autoregressive(nn.Module):
    """p(x|z) = prod_i p(x_i | x_1 .. x_{i-1}, z) over binary pixels, row by row from the top left.

    As the likelihood of a `VAE`: the decoder's output, one number per pixel, is the context. It is added to the logits
    that `network` computes from the pixels before. A context of zeros leaves a model of x by itself.
    """

    input_range = (0.0, 1.0)

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def logits(self, context: Tensor, x: Tensor) -> Tensor:
        """The logit of each pixel given those before it: context and x [B, C, H, W] -> [B, C, H, W]."""
        return context + self.network(x)

    def log_prob(self, context: Tensor, x: Tensor) -> Tensor:
        """context [B, C, H, W] and binary x [B, C, H, W] -> exact nats per image [B], in one pass."""
        logits = self.logits(context, x)
        nats = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        return -nats.flatten(1).sum(1)

    @torch.no_grad()
    def sample(self, context: Tensor) -> Tensor:
        """Images of zeros and ones [B, C, H, W]: one pass of the network for every pixel."""
        x = context.new_zeros(context.shape)
        for i in range(context[0].numel()):
            logit = self.logits(context, x).flatten(1)[:, i]
            x.view(len(x), -1)[:, i] = torch.bernoulli(torch.sigmoid(logit))
        return x

    def mean(self, context: Tensor, draws: int = 8) -> Tensor:
        """The mean image of p(x|z), which has no closed form: estimated from `draws` samples each, hence slow."""
        return torch.stack(
            [self.sample(context) for _ in range(require.integer("draws", draws))]
        ).mean(0)


class MADE(Autoregressive):
    """Dense layers from which connections are missing, so that each logit sees all earlier pixels and no other.

    hidden: widths of the hidden layers; () connects every pixel to all later ones directly. seed: of the hidden units'
    degrees. Source: Germain, Gregor, Murray & Larochelle 2015.
    """

    def __init__(
        self,
        hidden: tuple[int, ...] = (400,),
        *,
        shape: tuple[int, ...] = (1, 28, 28),
        seed: int = 0,
    ):
        hidden, shape = require.sizes("hidden", hidden), require.image_shape("shape", shape)
        layers = [
            layer
            for mask in masks(
                shape[0] * shape[1] * shape[2], hidden, require.integer("seed", seed, low=0)
            )
            for layer in (MaskedLinear(mask), nn.ReLU())
        ]
        super().__init__(nn.Sequential(nn.Flatten(), *layers[:-1], nn.Unflatten(1, shape)))


class MaskedConv(Autoregressive):
    """One masked convolution and two of a single pixel: each logit sees the earlier pixels of a small window.

    The same weights serve every place. window: odd, the height and width of what is seen. channels: of the hidden
    layers. For images with one channel. Source: a PixelCNN (van den Oord, Kalchbrenner & Kavukcuoglu 2016) of one layer.
    """

    def __init__(self, window: int = 7, channels: int = 16):
        if require.integer("window", window, low=3) % 2 == 0:
            raise ValueError(
                f"window: got {window}; accepted is an odd number, so that it has a middle"
            )
        require.integer("channels", channels)
        per_pixel = nn.Sequential(
            nn.ReLU(), nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, 1)
        )
        super().__init__(nn.Sequential(CausalConv(channels, window), PerPixel(per_pixel)))


def masks(pixels: int, hidden: tuple[int, ...], seed: int = 0) -> list[Tensor]:
    """The masks [outputs, inputs] of a MADE's layers, from the first hidden one to the logits.

    Every unit has a degree, the last pixel it may know of: pixel i has degree i, a hidden unit a random one. A hidden
    unit listens to degrees up to its own, the logit of pixel i to degrees below i.
    """
    generator = torch.Generator().manual_seed(seed)
    degrees = [torch.arange(pixels, device="cpu")]
    degrees += [
        torch.randint(max(pixels - 1, 1), (width,), generator=generator, device="cpu")
        for width in hidden
    ]
    inner = [above[:, None] >= below for below, above in zip(degrees, degrees[1:])]
    return [mask.float() for mask in (*inner, degrees[0][:, None] > degrees[-1])]


class MaskedLinear(nn.Linear):
    """A linear layer from which connections are missing: mask [outputs, inputs] is 1 where there is one, else 0."""

    mask: Tensor

    def __init__(self, mask: Tensor):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.to(self.weight), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, inputs] -> [B, outputs]."""
        return F.linear(x, self.weight * self.mask, self.bias)


class CausalConv(nn.Conv2d):
    """A convolution of a one-channel image that sees the rows above and, in its own row, the pixels to the left."""

    mask: Tensor

    def __init__(self, channels: int, window: int):
        super().__init__(1, channels, window, padding=window // 2)
        mask = torch.arange(window * window) < window * window // 2
        self.register_buffer("mask", mask.view(window, window).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """x [B, 1, H, W] -> [B, channels, H, W]."""
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class PerPixel(nn.Module):
    """One network at every pixel, on its channels alone: what convolutions of 1 by 1 do, twice as fast on a CPU."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """x [B, channels, H, W] -> [B, outputs, H, W]."""
        return self.network(x.movedim(1, 3)).movedim(3, 1)


class Codeless(nn.Module):
    """A likelihood by itself: p(x) without a code, its context one trained number per pixel, the same for all images.

    With "bernoulli" that is independent pixels, with a MADE the autoregressive model alone: what a code has to beat.
    """

    def __init__(self, likelihood="bernoulli", *, shape: tuple[int, ...] = (1, 28, 28)):
        super().__init__()
        self.likelihood, self.shape = as_likelihood(likelihood), require.image_shape("shape", shape)
        self.input_range = getattr(self.likelihood, "input_range", None)
        self.offset = nn.Parameter(torch.zeros(1, *self.shape))

    def context(self, n: int) -> Tensor:
        """The context of `n` images, all alike: [n, C, H, W]."""
        return HASTE * self.offset.expand(require.integer("n", n), -1, -1, -1)

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-log p(x) of x [B, C, H, W], averaged over the batch, in nats per image."""
        return {"loss": -self.log_weights(x, 1).mean()}

    def log_weights(self, x: Tensor, samples: int) -> Tensor:
        """log p(x), exact, `samples` times over: x [B, C, H, W] -> [samples, B], for `evaluate.log_likelihood`."""
        return self.likelihood.log_prob(self.context(len(x)), x).expand(samples, -1)

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` images [n, C, H, W], drawn and not averaged."""
        return self.likelihood.sample(self.context(n))
