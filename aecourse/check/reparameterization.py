"""Exercises of lesson 06. Two of these exercises are about gradients, so right numbers are not enough to pass."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from aecourse.check.core import Mistake, Named, exercise

# ---- Reparameterization --------------------------------------------------------------------------


def reparameterize(mu, log_var, eps) -> torch.Tensor:
    """z ~ N(mu, exp(log_var)) from eps ~ N(0, I): all [B, k] -> [B, k]."""
    return mu + torch.exp(0.5 * log_var) * eps


def _reparameterize_hard(generator):
    mu, log_var, eps = torch.randn(3, 5, 3, generator=generator)
    return {
        "log-variances from -20 to 20": (mu, 20 * log_var.tanh(), eps),
        "eps = 0": (mu, log_var, 0 * eps),
        "log_var = 0": (mu, 0 * log_var, eps),
        "as many images as latents": tuple(torch.randn(3, 4, 4, generator=generator)),
    }


exercise(
    reparameterize,
    cases=lambda generator: [
        tuple(torch.randn(3, b, k, generator=generator)) for b, k in ((5, 3), (1, 7), (4, 1))
    ],
    hard=_reparameterize_hard,
    still=("eps",),
    mistakes=[
        Mistake(
            "the variance",
            lambda m, v, e: m + v.exp() * e,
            "exp(log_var) is the variance; eps is multiplied by the standard deviation, exp(0.5 *"
            " log_var).",
        ),
        Mistake(
            "log_var as sigma",
            lambda m, v, e: m + v * e,
            "log_var is used as if it were the standard deviation: that is exp(0.5 * log_var).",
        ),
        Mistake(
            "no exponential",
            lambda m, v, e: m + 0.5 * v * e,
            "0.5 * log_var is the logarithm of the standard deviation; the exponential is missing.",
        ),
        Mistake(
            "the square of the variance",
            lambda m, v, e: m + (2 * v).exp() * e,
            "exp(2 * log_var) is the square of the variance: halve log_var instead of doubling it.",
        ),
        Mistake(
            "no mean",
            lambda m, v, e: (0.5 * v).exp() * e,
            "the mean is missing: that is noise around 0.",
        ),
        Mistake(
            "sigma times mu",
            lambda m, v, e: (m + e) * (0.5 * v).exp(),
            "the standard deviation multiplies the mean as well; it belongs to eps alone.",
        ),
        Mistake(
            "no eps",
            lambda m, v, e: m + (0.5 * v).exp(),
            "eps is missing: that is mu + sigma, the same at every draw.",
        ),
        Mistake(
            "minus eps",
            lambda m, v, e: m - (0.5 * v).exp() * e,
            "the sign of eps is turned. The distribution would be the same, since eps is "
            "symmetric, but not this draw.",
        ),
        Mistake(
            "the inverse",
            lambda m, v, e: m + (-0.5 * v).exp() * e,
            "that divides by the standard deviation: exp(-0.5 * log_var) is 1 / sigma.",
        ),
        Mistake(
            "softplus",
            lambda m, v, e: m + F.softplus(v) * e,
            "softplus makes a positive number, too, but log_var is a logarithm: the standard "
            "deviation is exp(0.5 * log_var).",
        ),
        Mistake(
            "half the variance",
            lambda m, v, e: m + 0.5 * v.exp() * e,
            "the half stands outside the exponential: that is half the variance; inside it makes "
            "the root.",
        ),
    ],
    also_right={
        "addcmul, a root": lambda m, v, e: torch.addcmul(m, v.exp().sqrt(), e.detach()),
        "halved": lambda m, v, e: torch.exp(v / 2) * e + m,
        "a power of e": lambda m, v, e: m + v.exp() ** 0.5 * e,
    },
    also_wrong=[
        Mistake(
            "half a gradient",
            lambda m, v, e: m + (v / 4).exp() * (v / 4).exp().detach() * e,
            "respect to log_var",
        ),
        Mistake("clamped", lambda m, v, e: m + (v.clamp(-8, 8) / 2).exp() * e, "from -20 to 20"),
        Mistake("summed", lambda m, v, e: reparameterize(m, v, e).sum(1), "shape should be"),
        Mistake(
            "torch.normal", lambda m, v, e: torch.normal(m, (v / 2).exp()), "numbers of its own"
        ),
        Mistake(
            "noise of its own",
            lambda m, v, e: reparameterize(m, v, torch.randn_like(m)),
            "numbers of its own",
        ),
        Mistake("detached", lambda m, v, e: reparameterize(m, v, e).detach(), "no gradient"),
        Mistake(
            "sigma detached",
            lambda m, v, e: reparameterize(m, v.detach(), e),
            "no gradient reaches log_var",
        ),
        Mistake(
            "mu detached",
            lambda m, v, e: reparameterize(m.detach(), v, e),
            "no gradient reaches mu",
        ),
    ],
    praise="the chance is in eps, and gradients reach mu and log_var past it.",
)


# ---- The score function --------------------------------------------------------------------------


def score_function_gradient(f, theta: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """theta scalar, z [N] drawn from N(theta, 1) -> one estimate per draw, [N]."""
    return f(z) * (z - theta)


def _pathwise(f, theta, z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(f(z).sum(), z)[0]


def _score_by_autograd(f, theta, z):
    means = theta.expand(len(z)).clone().requires_grad_()
    log_q = torch.distributions.Normal(means, 1.0).log_prob(z)
    return f(z) * torch.autograd.grad(log_q.sum(), means)[0]


def _functions(generator):
    functions = [
        (Named("f(z) = z^2", torch.square), 1.5, 7),
        (Named("f(z) = 3 + sin z", lambda z: 3 + torch.sin(z)), -0.7, 4),
        (Named("f(z) = sign z", torch.sign), 0.4, 1),
    ]
    return [
        (f, torch.tensor(theta), theta + torch.randn(n, generator=generator))
        for f, theta, n in functions
    ]


def _unkind_functions(generator):
    step = Named("f(z) = 1 above 0, else 0", lambda z: (z > 0).to(z.dtype))
    square, wave = (
        Named("f(z) = z^2", torch.square),
        Named("f(z) = 3 + sin z", lambda z: 3 + z.sin()),
    )
    return {
        "a step from 0 to 1": (step, torch.tensor(0.2), 0.2 + torch.randn(9, generator=generator)),
        "f(z) = z^2 far from 0": (
            square,
            torch.tensor(30.0),
            30 + torch.randn(40, generator=generator),
        ),
        "theta = 0": (wave, torch.tensor(0.0), torch.randn(6, generator=generator)),
    }


exercise(
    score_function_gradient,
    cases=_functions,
    hard=_unkind_functions,
    gradient=False,
    mistakes=[
        Mistake(
            "the sign",
            lambda f, t, z: f(z) * (t - z),
            "the sign is wrong: log q is -(z - theta)^2 / 2 plus a constant, and its derivative "
            "with respect to theta, not z, is z - theta.",
        ),
        Mistake(
            "pathwise",
            _pathwise,
            "that is the pathwise estimator, the derivative of f; here f may have none.",
        ),
        Mistake(
            "score alone", lambda f, t, z: z - t, "that is the score alone: multiply it by f(z)."
        ),
        Mistake(
            "no theta", lambda f, t, z: f(z) * z, "the score of N(theta, 1) is z - theta, not z."
        ),
        Mistake(
            "f at theta",
            lambda f, t, z: f(t) * (z - t),
            "f is evaluated at theta; it belongs at the draws z.",
        ),
        Mistake(
            "log density",
            lambda f, t, z: f(z) * -0.5 * (z - t).square(),
            "f(z) is multiplied by the logarithm of the density; its derivative with respect to "
            "theta is wanted.",
        ),
        Mistake(
            "mean",
            lambda f, t, z: (f(z) * (z - t)).mean(),
            "that is the average over the draws; return one estimate per draw.",
        ),
        Mistake(
            "sum",
            lambda f, t, z: (f(z) * (z - t)).sum(),
            "that is the sum over the draws; return one estimate per draw.",
        ),
        Mistake(
            "own baseline",
            lambda f, t, z: (f(z) - f(z).mean()) * (z - t),
            "a baseline that contains f of the draw itself is not free: it biases the estimate. "
            "Here no baseline is asked for.",
        ),
        Mistake(
            "f(theta) as baseline",
            lambda f, t, z: (f(z) - f(t)) * (z - t),
            "f(theta) is subtracted as a baseline: that leaves the mean as it is, but here the "
            "plain estimate is asked for.",
        ),
        Mistake(
            "centred at the draws",
            lambda f, t, z: f(z) * (z - z.mean()),
            "the score is z - theta; the average of the draws is only near theta.",
        ),
        Mistake(
            "the mean of f",
            lambda f, t, z: f(z).mean() * (z - t),
            "f is averaged before it is multiplied: each draw keeps its own f(z).",
        ),
        Mistake(
            "density for its logarithm",
            lambda f, t, z: f(z) * torch.exp(-0.5 * (z - t).square()),
            "f(z) is multiplied by the density itself; the derivative of its logarithm is wanted.",
        ),
    ],
    also_right={
        "NumPy": lambda f, t, z: torch.from_numpy(f(z).numpy() * (z.numpy() - t.numpy())),
        "the other way round": lambda f, t, z: (z - t) * f(z),
        "the score by autograd": _score_by_autograd,
    },
    also_wrong=[
        Mistake("doubled", lambda f, t, z: 2 * f(z) * (z - t), "2 times"),
        Mistake("1 added", lambda f, t, z: f(z) * (z - t) + 1, "1 too large, everywhere"),
        Mistake("z added", lambda f, t, z: f(z) * (z - t) + z, "f(z) = z^2"),
    ],
    praise="one estimate per draw, and it works for a step, which has no useful derivative.",
)


# ---- Straight through ----------------------------------------------------------------------------


def straight_through(y: torch.Tensor) -> torch.Tensor:
    """y [B, K], rows that sum to 1 -> one-hot [B, K] whose gradient is that of y."""
    choice = F.one_hot(y.argmax(1), y.shape[1]).to(y.dtype)
    return choice + y - y.detach()


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y):
        return torch.zeros_like(y).scatter_(1, y.argmax(1, keepdim=True), 1)

    @staticmethod
    def backward(ctx, slope):
        return slope


def _one_hot(y):
    return torch.eye(y.shape[1], dtype=y.dtype)[y.argmax(1)]


exercise(
    straight_through,
    cases=lambda generator: [
        (torch.randn(b, k, generator=generator).softmax(1),) for b, k in ((5, 4), (2, 7), (3, 2))
    ],
    hard=lambda generator: {
        "as many rows as options": (torch.randn(4, 4, generator=generator).softmax(1),),
        "one row": (torch.randn(1, 3, generator=generator).softmax(1),),
        "300 options, all of them unlikely": (torch.randn(3, 300, generator=generator).softmax(1),),
        "rows that are all but decided": (
            (40 * torch.randn(4, 5, generator=generator)).softmax(1),
        ),
    },
    mistakes=[
        Mistake(
            "the mixture",
            lambda y: y,
            "that is the mixture as it came: on the way forward a pure choice is wanted, a 1 and "
            "zeros.",
        ),
        Mistake(
            "y left in",
            lambda y: straight_through(y) + y,
            "y is added to the choice but not taken off again: add something that is zero in "
            "value.",
        ),
        Mistake(
            "every column",
            lambda y: F.one_hot(y.argmax(0), y.shape[0]).T.to(y.dtype),
            "the choice is made in every column; the options lie along dimension 1.",
        ),
        Mistake(
            "the smallest",
            lambda y: F.one_hot(y.argmin(1), y.shape[1]).to(y.dtype),
            "that is the smallest entry of each row; the largest is chosen.",
        ),
        Mistake(
            "rounded",
            lambda y: y.round(),
            "rounding chooses nothing where the largest entry is below one half; take the "
            "largest, however small.",
        ),
        Mistake(
            "indices",
            lambda y: y.argmax(1),
            "those are the places of the largest entries; a one-hot vector for each row is wanted.",
        ),
        Mistake(
            "times y",
            lambda y: F.one_hot(y.argmax(1), y.shape[1]).to(y.dtype) * y,
            "the largest entry is kept as it is: a choice is a 1.",
        ),
        Mistake(
            "the largest of all",
            lambda y: F.one_hot(y.argmax(), y.numel()).view_as(y).to(y.dtype),
            "one entry of the whole batch is chosen; every row has its own.",
        ),
        Mistake(
            "the mixture again",
            lambda y: y.softmax(1),
            "the rows are mixtures already, and softmax makes them flatter; a choice is wanted.",
        ),
    ],
    also_right={
        "a function with its own backward": _Through.apply,
        "compared with the largest": lambda y: (
            ((y == y.amax(1, keepdim=True)).to(y.dtype) - y).detach() + y
        ),
        "rows of the identity": lambda y: y + (_one_hot(y) - y).detach(),
    },
    also_wrong=[
        Mistake("another gradient", lambda y: _one_hot(y) * y / y.detach(), "the gradient is not"),
        Mistake("integers", lambda y: F.one_hot(y.argmax(1), y.shape[1]), "dtype"),
        Mistake("no way back", _one_hot, "no gradient"),
        Mistake("the sign", lambda y: _one_hot(y) - y + y.detach(), "wrong sign"),
        Mistake("twice", lambda y: _one_hot(y) + 2 * (y - y.detach()), "should be"),
    ],
    praise="a pure choice on the way forward, and on the way back as if it had been the mixture.",
)
