"""Where a bound is lost: how even the weights are, which part of the gap is whose, how clear the encoder's gradient is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from aecourse import require
from aecourse.evaluate.measuring import fitting, measuring
from aecourse.models.posterior import Posterior, log_weights


def _draws(name: str, log_w) -> Tensor:
    if not isinstance(log_w, Tensor) or log_w.dim() < 1 or not len(log_w):
        raise ValueError(
            f"{name}: got {require.described(log_w)}; accepted is a tensor [K, ...] of log-weights"
        )
    return log_w


@require.checked(log_w=_draws)
def effective_samples(log_w: Tensor) -> Tensor:
    """How many of K weighted draws count: (sum w)^2 / sum w^2 from log-weights [K, B], between 1 and K: [B].

    Source: Kong 1992; Liu 2001. Weights are compared with each other only, so that log-weights of -1000 do no harm.
    """
    return torch.exp(2 * torch.logsumexp(log_w, 0) - torch.logsumexp(2 * log_w, 0))


@dataclass(frozen=True)
class Gaps:
    """What a bound loses on each image, in nats [N]: log_p, best (the bound of the best q), elbo (of the encoder's q)."""

    log_p: Tensor
    best: Tensor
    elbo: Tensor

    @property
    def approximation(self) -> Tensor:
        """log p - best: what no q of the family can avoid."""
        return self.log_p - self.best

    @property
    def amortization(self) -> Tensor:
        """best - elbo: what the encoder gives away by answering at once instead of searching."""
        return self.best - self.elbo


def gaps(
    model,
    x: Tensor,
    *,
    flow: int | None = None,
    steps: int = 300,
    lr: float = 0.03,
    draws: int = 2,
    samples: int = 2000,
    seed: int = 0,
) -> Gaps:
    """The two gaps of `model` (a VAE or FlowVAE) on images x [N, C, H, W], decoder held fixed (Cremer et al. 2018).

    The best q of the family is searched image by image, starting at the encoder's, by `steps` of Adam on the ELBO with
    `draws` draws each, its rate falling from `lr` to 0. flow: planar steps of that family; None takes the model's own, 0 is
    the diagonal Gaussian. log p is estimated from `samples` draws of the best q, all bounds from as many: since the
    estimate is itself a bound on average, the approximation gap is one from below.
    """
    fitting(model, x, "posterior(x)", "decode(z)", "likelihood")
    steps, samples = require.integer("steps", steps), require.integer("samples", samples)
    with measuring(model, seed) as device:
        x = x.to(device)
        start = model.posterior(x)
        if not isinstance(start, Posterior):
            raise TypeError(
                f"model: got {type(model).__name__}, whose posterior(x) is {type(start).__name__}; "
                "accepted is one that gives a models.Posterior"
            )
        with torch.enable_grad():
            best = _search(
                model,
                x,
                _widened(start, flow),
                steps,
                require.number("lr", lr, low=0, above=True),
                require.integer("draws", draws),
            )
        rows = max(1, 20_000 // len(x))
        parts = [min(rows, samples - done) for done in range(0, samples, rows)]
        of_best = torch.cat([log_weights(model, x, best, k).cpu() for k in parts])
        of_encoder = torch.cat([log_weights(model, x, start, k).cpu() for k in parts])
    return Gaps(
        torch.logsumexp(of_best, 0) - math.log(samples), of_best.mean(0), of_encoder.mean(0)
    )


def gradient_moments(
    model, x: Tensor, repeats: int = 100, *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Mean and variance, over `repeats` draws of its noise, of the encoder's gradient of `model.loss(x)`: each [parameters]."""
    fitting(model, x, "encoder", "loss(x)")
    parameters = [p for p in model.encoder.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError(
            f"model: got {type(model).__name__}, whose encoder has nothing to train; accepted is one "
            "that has"
        )
    mean = square = torch.zeros((), device="cpu")
    with measuring(model, seed) as device, torch.enable_grad():
        x = x.to(device)
        for n in range(1, require.integer("repeats", repeats, low=2) + 1):
            parts = torch.autograd.grad(model.loss(x)["loss"], parameters, materialize_grads=True)
            gradient = torch.cat([part.flatten() for part in parts]).double()
            off = gradient - mean  # Welford's running mean and squares
            mean = mean + off / n
            square = square + off * (gradient - mean)
    return mean, square / (repeats - 1)


def signal_to_noise(model, x: Tensor, repeats: int = 100, *, seed: int = 0) -> float:
    """Length of the encoder's average gradient over the scatter of one estimate: sqrt(|E g|^2 / tr Var g).

    The share of |mean|^2 that scatter alone produces is taken off. Source: Rainforth et al. 2018, section 3, over all
    parameters together instead of one by one.
    """
    mean, variance = gradient_moments(model, x, repeats, seed=seed)
    noise = variance.sum()
    if noise <= 1e-20 * mean.square().sum():
        raise ValueError(
            f"model: got {type(model).__name__}, whose gradient has no noise; accepted is a model whose "
            "loss is estimated from draws"
        )
    return math.sqrt(max(0.0, ((mean.square().sum() - noise / repeats) / noise).item()))


def _widened(q: Posterior, flow: int | None) -> Posterior:
    """`q` in the family with `flow` planar steps, from where the search sets out."""
    flow = (
        (0 if q.u is None else len(q.u)) if flow is None else require.integer("flow", flow, low=0)
    )
    if flow == 0:
        return Posterior(q.mu, q.log_var)
    if q.u is not None and len(q.u) == flow:
        return q
    shape = (flow, *q.mu.shape)
    w = torch.randn(shape, device=q.mu.device, dtype=q.mu.dtype) / math.sqrt(shape[2])
    return Posterior(
        q.mu,
        q.log_var,
        torch.zeros_like(w),
        w,
        torch.zeros(shape[:2], device=w.device, dtype=w.dtype),
    )


def _search(model, x: Tensor, q: Posterior, steps: int, lr: float, draws: int) -> Posterior:
    """Adam on the parameters of `q` alone; images do not touch each other, so the sum is as good as one by one."""
    free = {
        name: value.detach().clone().requires_grad_()
        for name, value in vars(q).items()
        if value is not None
    }
    adam = torch.optim.Adam(free.values(), lr=lr)
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        adam.zero_grad()
        bound = log_weights(model, x, Posterior(**free), draws).mean(0).sum()
        for value, gradient in zip(free.values(), torch.autograd.grad(-bound, list(free.values()))):
            value.grad = gradient
        adam.step()
    return Posterior(**{name: value.detach() for name, value in free.items()})
