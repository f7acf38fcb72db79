"""p(x|z): what the decoder's logits say about the pixels. Each gives log p(x|z) in nats per image."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from aecourse import require


class Bernoulli(nn.Module):
    """Every pixel is 0 or 1. Its log-probability is minus the binary cross-entropy of the logits.

    On grey pixels the same formula is still a loss, but no longer the log-probability of anything: it does not
    integrate to one over [0, 1]. `ContinuousBernoulli` adds the missing constant.
    """

    input_range = (0.0, 1.0)

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """logits [B, ...] and x [B, ...] -> nats per image [B]."""
        return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)

    def mean(self, logits: Tensor) -> Tensor:
        """The probability that a pixel is 1."""
        return torch.sigmoid(logits)

    def sample(self, logits: Tensor) -> Tensor:
        """An image of zeros and ones."""
        return torch.bernoulli(torch.sigmoid(logits))


class ContinuousBernoulli(nn.Module):
    """A density on grey pixels in [0, 1]: Bernoulli's formula times its normalising constant.

    For the logit l it is exp(l x) l / (exp(l) - 1). The formulas below hold for every logit, near 0 by their series.
    Source: Loaiza-Ganem & Cunningham 2019.
    """

    input_range = (0.0, 1.0)

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """logits [B, ...] and x [B, ...] -> nats per image [B]."""
        logits = logits.to(torch.promote_types(logits.dtype, x.dtype))
        near, small, large = _by_size(logits)
        square = small.square()
        series = square * (1 / 24 - square * (1 / 2880 - square * (1 / 181440 - square / 9676800)))
        distance = torch.where(logits > 0, 1 - x, x)  # from the end where the density is high
        log_area = torch.log(-torch.expm1(-large) / large)  # of exp(-|l| distance)
        log_p = torch.where(near, small * (x - 0.5) - series, -large * distance - log_area)
        return log_p.flatten(1).sum(1)

    def mean(self, logits: Tensor) -> Tensor:
        """The mean of the density, which is not sigmoid(logits)."""
        near, small, large = _by_size(logits)
        square = small.square()
        series = small * (1 / 12 - square * (1 / 720 - square * (1 / 30240 - square / 1209600)))
        distance = 1 / large + torch.exp(-large) / torch.expm1(-large)
        return torch.where(near, 0.5 + series, torch.where(logits > 0, 1 - distance, distance))

    @torch.no_grad()
    def sample(self, logits: Tensor) -> Tensor:
        """Grey pixels: the distribution function inverted at uniform numbers."""
        size = logits.abs().clamp_min(1e-6)  # below it the density is flat
        distance = -torch.log1p(torch.rand_like(logits) * torch.expm1(-size)) / size
        return torch.where(logits > 0, 1 - distance, distance)


def _by_size(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Whether each logit is near 0; those that are, others being 0; and the absolute values of the others, those near 0 being 1."""
    near = logits.abs() < 0.3
    return near, torch.where(near, logits, 0.0), torch.where(near, 1.0, logits).abs()


class Gaussian(nn.Module):
    """Every pixel is its mean plus noise of standard deviation sigma, the same for all pixels.

    sigma: the fixed (or, with learned=True, the initial) standard deviation. With sigma fixed, -log p(x|z) is the
    squared error divided by 2 sigma^2, plus a constant. squash: passes the logits through a sigmoid, so that means
    stay in [0, 1]; False leaves them as they are (the linear-Gaussian model needs that).
    """

    input_range = None

    def __init__(self, sigma: float = 1.0, *, learned: bool = False, squash: bool = True):
        super().__init__()
        # beyond these bounds float32 cannot square what is divided by sigma
        start = torch.tensor(math.log(require.number("sigma", sigma, low=1e-15, high=1e15)))
        if require.choice("learned", learned, (True, False)):
            self.log_sigma = nn.Parameter(start)
        else:
            self.register_buffer("log_sigma", start)
        self.squash = bool(require.choice("squash", squash, (True, False)))

    @property
    def sigma(self) -> Tensor:
        """The standard deviation of a pixel, a scalar tensor."""
        return self.log_sigma.exp()

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """logits [B, ...] and x [B, ...] -> nats per image [B]."""
        squared = (x - self.mean(logits)).square().flatten(1)
        constant = squared.shape[1] * (self.log_sigma + 0.5 * math.log(2 * math.pi))
        return -0.5 * squared.sum(1) * torch.exp(-2 * self.log_sigma) - constant

    def mean(self, logits: Tensor) -> Tensor:
        """The mean image."""
        return torch.sigmoid(logits) if self.squash else logits

    def sample(self, logits: Tensor) -> Tensor:
        """The mean image plus noise."""
        mean = self.mean(logits)
        return mean + self.sigma * torch.randn_like(mean)


class Multinomial(nn.Module):
    """Counts of choices among all entries of a row: entry i is drawn with the probability softmax(logits)_i.

    The probabilities add up to one, so that what one entry gains the others lose. How many choices there are is given.
    """

    input_range = (0.0, math.inf)

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """logits [B, ...] and counts x [B, ...] -> nats per row [B], with the number of orders that give the same counts."""
        x = x.flatten(1)
        orders = torch.lgamma(x.sum(1) + 1) - torch.lgamma(x + 1).sum(1)
        return orders + (x * F.log_softmax(logits.flatten(1), dim=1)).sum(1)

    def mean(self, logits: Tensor) -> Tensor:
        """The probability of each entry; all entries of a row add up to one."""
        return torch.softmax(logits.flatten(1), dim=1).view_as(logits)

    def sample(self, logits: Tensor) -> Tensor:
        """One choice each: a single one in every row."""
        drawn = torch.multinomial(self.mean(logits).flatten(1), 1)
        return torch.zeros_like(logits.flatten(1)).scatter(1, drawn, 1.0).view_as(logits)


BY_NAME = {
    "bernoulli": Bernoulli,
    "continuous_bernoulli": ContinuousBernoulli,
    "gaussian": Gaussian,
}


def likelihood(value: Any) -> Any:
    """A likelihood from its name or as it is; anything with `log_prob`, `mean` and `sample` will do."""
    if isinstance(value, nn.Module) and all(
        hasattr(value, m) for m in ("log_prob", "mean", "sample")
    ):
        return value
    return BY_NAME[str(require.choice("likelihood", value, BY_NAME))]()
