"""Checkers of lesson 06. Two of these exercises are about gradients, so right numbers are not enough to pass."""
from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from aecourse.check.core import Answer, compare


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
    answer = compare(function, reference, cases, mistakes,
                     praise="the chance is in eps, and gradients reach mu and log_var past it.")
    if answer.passed:
        return _with_gradient(answer, function, cases[0], reference, {0: "mu", 1: "log_var"})
    if _differs_from_call_to_call(function, cases[0]):
        return Answer(False, "two calls with the same arguments give different results: your function draws numbers of its own. "
                             "The noise is given, as eps.")
    return answer


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
        (_Named("f(z) = z^2", torch.square), 1.5, 7), (_Named("f(z) = 3 + sin z", lambda z: 3 + torch.sin(z)), -0.7, 4),
        (_Named("f(z) = sign z", torch.sign), 0.4, 1))]
    return compare(function, reference, cases, mistakes, gradient=False,
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
    answer = compare(function, reference, cases, mistakes,
                     praise="a pure choice on the way forward, and on the way back as if it had been the mixture.")
    return _with_gradient(answer, function, cases[0], reference, {0: "y"}) if answer.passed else answer


class _Named:
    """A function that says in messages what it is."""

    def __init__(self, name: str, function: Callable):
        self.name, self.function = name, function

    def __call__(self, z: Tensor) -> Tensor:
        return self.function(z)

    def __repr__(self) -> str:
        return self.name


def _with_gradient(answer: Answer, function, case, reference, names: dict[int, str]) -> Answer:
    """`answer`, unless the gradient with respect to a named argument is not the reference's."""
    weights = torch.randn(reference(*case).shape, generator=torch.Generator().manual_seed(1))

    def gradients(g) -> list[Tensor | None]:
        given = [a.clone().requires_grad_(i in names) for i, a in enumerate(case)]
        return torch.autograd.grad((g(*given) * weights).sum(), [given[i] for i in names], allow_unused=True)

    for name, found, wanted in zip(names.values(), gradients(function), gradients(reference)):
        if found is None or not found.any():
            return Answer(False, f"the numbers are right, but no gradient reaches {name}: something on its way is detached.")
        if torch.allclose(found, -wanted, rtol=1e-4, atol=1e-5):
            return Answer(False, f"the numbers are right, but the gradient with respect to {name} has the wrong sign: the wrong "
                                 "term is detached.")
        if not torch.allclose(found, wanted, rtol=1e-4, atol=1e-5):
            return Answer(False, f"the numbers are right, but the gradient with respect to {name} is not: its first entry should be "
                                 f"{wanted.flatten()[0]:.4f} and is {found.flatten()[0]:.4f}.")
    return answer


def _differs_from_call_to_call(function, case) -> bool:
    try:
        first, second = function(*case), function(*case)
        return isinstance(first, Tensor) and first.shape == second.shape and not torch.equal(first, second)
    except Exception:
        return False
