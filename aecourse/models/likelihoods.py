"""p(x|z): what the decoder's logits say about the pixels. Each gives log p(x|z) in nats per image."""
from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import ContinuousBernoulli as _ContinuousBernoulli

from aecourse import _arguments as check


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

    Source: Loaiza-Ganem & Cunningham 2019.
    """
    input_range = (0.0, 1.0)

    def log_prob(self, logits: Tensor, x: Tensor) -> Tensor:
        """logits [B, ...] and x [B, ...] -> nats per image [B]."""
        return _ContinuousBernoulli(logits=logits, validate_args=False).log_prob(x).flatten(1).sum(1)

    def mean(self, logits: Tensor) -> Tensor:
        """The mean of the density, which is not sigmoid(logits)."""
        return _ContinuousBernoulli(logits=logits, validate_args=False).mean

    def sample(self, logits: Tensor) -> Tensor:
        """Grey pixels."""
        return _ContinuousBernoulli(logits=logits, validate_args=False).sample()


class Gaussian(nn.Module):
    """Every pixel is its mean plus noise of standard deviation sigma, the same for all pixels.

    sigma: the fixed (or, with learned=True, the initial) standard deviation. With sigma fixed, -log p(x|z) is the
    squared error divided by 2 sigma^2, plus a constant. squash: passes the logits through a sigmoid, so that means
    stay in [0, 1]; False leaves them as they are (the linear-Gaussian model needs that).
    """
    input_range = None

    def __init__(self, sigma: float = 1.0, *, learned: bool = False, squash: bool = True):
        super().__init__()
        start = torch.tensor(math.log(check.number("sigma", sigma, low=0, above=True)))
        if check.choice("learned", learned, (True, False)):
            self.log_sigma = nn.Parameter(start)
        else:
            self.register_buffer("log_sigma", start)
        self.squash = bool(check.choice("squash", squash, (True, False)))

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


BY_NAME = {"bernoulli": Bernoulli, "continuous_bernoulli": ContinuousBernoulli, "gaussian": Gaussian}


def likelihood(value) -> nn.Module:
    """A likelihood from its name or as it is; anything with `log_prob`, `mean` and `sample` will do."""
    if isinstance(value, nn.Module) and all(hasattr(value, m) for m in ("log_prob", "mean", "sample")):
        return value
    return BY_NAME[check.choice("likelihood", value, BY_NAME)]()
