"""Checkers of lesson 06. Two of these exercises are about gradients, so right numbers are not enough to pass."""
from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.core import Answer, Named, compare


def reparameterize(function) -> Answer:
    """function(mu, log_var, eps) -> mu + sigma * eps with sigma^2 = exp(log_var), all [B, k], differentiable in mu and log_var."""
    def reference(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
        return mu + torch.exp(0.5 * log_var) * eps

    mistakes = {
        "exp(log_var) is the variance; eps is multiplied by the standard deviation, exp(0.5 * log_var).":
            lambda m, v, e: m + v.exp() * e,
        "log_var is used as if it were the standard deviation: that is exp(0.5 * log_var).": lambda m, v, e: m + v * e,
        "0.5 * log_var is the logarithm of the standard deviation; the exponential is missing.": lambda m, v, e: m + 0.5 * v * e,
        "exp(2 * log_var) is the square of the variance: halve log_var instead of doubling it.":
            lambda m, v, e: m + (2 * v).exp() * e,
        "the mean is missing: that is noise around 0.": lambda m, v, e: (0.5 * v).exp() * e,
        "the standard deviation multiplies the mean as well; it belongs to eps alone.": lambda m, v, e: (m + e) * (0.5 * v).exp(),
        "eps is missing: that is mu + sigma, the same at every draw.": lambda m, v, e: m + (0.5 * v).exp(),
        "the sign of eps is turned. The distribution would be the same, since eps is symmetric, but not this draw.":
            lambda m, v, e: m - (0.5 * v).exp() * e,
    }
    generator = torch.Generator().manual_seed(6)
    cases = [tuple(torch.randn(3, b, k, generator=generator)) for b, k in ((5, 3), (1, 7), (4, 1))]
    mu, log_var, eps = cases[0]
    hard = {"log-variances from -20 to 20": (mu, 20 * log_var.tanh(), eps), "eps = 0": (mu, log_var, 0 * eps),
            "log_var = 0": (mu, 0 * log_var, eps),
            "as many images as latents": tuple(torch.randn(3, 4, 4, generator=generator))}
    return compare(function, reference, cases, mistakes, hard=hard, still=("eps",),
                   praise="the chance is in eps, and gradients reach mu and log_var past it.")


def score_function_gradient(function) -> Answer:
    """function(f, theta, z) -> f(z) dlog q(z)/dtheta for q = N(theta, 1): one estimate per draw, [N] -> [N]."""
    def reference(f: Callable, theta: Tensor, z: Tensor) -> Tensor:
        return f(z) * (z - theta)

    def pathwise(f, theta, z):
        z = z.clone().requires_grad_()
        return torch.autograd.grad(f(z).sum(), z)[0]

    mistakes = {
        "the sign is wrong: log q is -(z - theta)^2 / 2 plus a constant, and its derivative with respect to theta, not z, is z - theta.":
            lambda f, t, z: f(z) * (t - z),
        "that is the pathwise estimator, the derivative of f; here f may have none.": pathwise,
        "that is the score alone: multiply it by f(z).": lambda f, t, z: z - t,
        "the score of N(theta, 1) is z - theta, not z.": lambda f, t, z: f(z) * z,
        "f is evaluated at theta; it belongs at the draws z.": lambda f, t, z: f(t) * (z - t),
        "f(z) is multiplied by the logarithm of the density; its derivative with respect to theta is wanted.":
            lambda f, t, z: f(z) * -0.5 * (z - t).square(),
        "that is the average over the draws; return one estimate per draw.": lambda f, t, z: (f(z) * (z - t)).mean(),
        "that is the sum over the draws; return one estimate per draw.": lambda f, t, z: (f(z) * (z - t)).sum(),
        "a baseline that contains f of the draw itself is not free: it biases the estimate. Here no baseline is asked for.":
            lambda f, t, z: (f(z) - f(z).mean()) * (z - t),
    }
    generator = torch.Generator().manual_seed(6)
    cases = [(f, torch.tensor(theta), theta + torch.randn(n, generator=generator)) for f, theta, n in (
        (Named("f(z) = z^2", torch.square), 1.5, 7), (Named("f(z) = 3 + sin z", lambda z: 3 + torch.sin(z)), -0.7, 4),
        (Named("f(z) = sign z", torch.sign), 0.4, 1))]
    step = Named("f(z) = 1 above 0, else 0", lambda z: (z > 0).to(z.dtype))
    far = torch.randn(40, generator=generator)
    hard = {"a step from 0 to 1": (step, torch.tensor(0.2), 0.2 + torch.randn(9, generator=generator)),
            "f(z) = z^2 far from 0": (cases[0][0], torch.tensor(30.0), 30 + far),
            "theta = 0": (cases[1][0], torch.tensor(0.0), far[:6])}
    return compare(function, reference, cases, mistakes, hard=hard, gradient=False,
                   praise="one estimate per draw, and it works for a step, which has no useful derivative.")


def straight_through(function) -> Answer:
    """function(y) -> one-hot at the largest entry of each row, with the gradient of y itself: [B, K] -> [B, K]."""
    def reference(y: Tensor) -> Tensor:
        return F.one_hot(y.argmax(1), y.shape[1]).to(y.dtype) + y - y.detach()

    mistakes = {
        "that is the mixture as it came: on the way forward a pure choice is wanted, a 1 and zeros.": lambda y: y,
        "y is added to the choice but not taken off again: add something that is zero in value.":
            lambda y: reference(y) + y,
        "the choice is made in every column; the options lie along dimension 1.":
            lambda y: F.one_hot(y.argmax(0), y.shape[0]).T.to(y.dtype),
        "that is the smallest entry of each row; the largest is chosen.": lambda y: F.one_hot(y.argmin(1), y.shape[1]).to(y.dtype),
        "rounding chooses nothing where the largest entry is below one half; take the largest, however small.":
            lambda y: y.round(),
        "those are the places of the largest entries; a one-hot vector for each row is wanted.": lambda y: y.argmax(1),
    }
    generator = torch.Generator().manual_seed(6)
    cases = [(torch.randn(b, k, generator=generator).softmax(1),) for b, k in ((5, 4), (2, 7), (3, 2))]
    hard = {"as many rows as options": (torch.randn(4, 4, generator=generator).softmax(1),),
            "one row": (torch.randn(1, 3, generator=generator).softmax(1),), "300 options, all of them unlikely": (
                torch.randn(3, 300, generator=generator).softmax(1),),
            "rows that are all but decided": ((40 * torch.randn(4, 5, generator=generator)).softmax(1),)}
    return compare(function, reference, cases, mistakes, hard=hard,
                   praise="a pure choice on the way forward, and on the way back as if it had been the mixture.")
