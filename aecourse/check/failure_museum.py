"""Exercises of lesson 23."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from aecourse.check.core import Mistake, Named, exercise

# ---- The swap test ---------------------------------------------------------------------------------


def swap_test(x, encode, decode) -> torch.Tensor:
    """The share of the squared error that the own code saves: a scalar, 0 for a
    decoder that does not listen.

    x [B, P]; encode(x) -> codes [B, k]; decode(z) -> images [B, P].
    The stranger's code is that of the image before: torch.roll(z, 1, 0)."""
    z = encode(x)
    own = (decode(z) - x).square().mean()
    strangers = (decode(torch.roll(z, 1, 0)) - x).square().mean()
    return 1 - own / strangers


def _halves(pixels: int, k: int, seed: int):
    """A small encoder and decoder with seeded weights."""
    g = torch.Generator().manual_seed(seed)
    into, out = torch.randn(pixels, k, generator=g), torch.randn(k, pixels, generator=g)
    return (
        Named("encode", lambda x: torch.tanh(x @ into.to(x.dtype))),
        Named("decode", lambda z: torch.sin(z @ out.to(z.dtype))),
    )


def _swap_case(generator, b: int, pixels: int, k: int):
    return (torch.rand(b, pixels, generator=generator), *_halves(pixels, k, seed=b + pixels))


def _swapped(x, encode, decode, *, turn=1, whole=False, rolled="z", power=2):
    """The solution with one thing changed."""
    z = encode(x)
    own = (decode(z) - x).abs().pow(power).mean()
    if rolled == "x":
        other = (decode(z) - torch.roll(x, turn, 0)).abs().pow(power).mean()
    elif rolled == "places":
        other = (decode(torch.roll(z, turn, 1)) - x).abs().pow(power).mean()
    else:
        other = (decode(torch.roll(z, turn, 0)) - x).abs().pow(power).mean()
    return other - own if whole else 1 - own / other


def _by_index(x, encode, decode):
    z = encode(x)
    before = [len(x) - 1, *range(len(x) - 1)]
    errors = [((decode(code) - x) ** 2).sum() for code in (z, z[before])]
    return (errors[1] - errors[0]) / errors[1]


exercise(
    swap_test,
    cases=lambda generator: [_swap_case(generator, 5, 7, 3), _swap_case(generator, 4, 6, 2)],
    hard=lambda generator: {
        "two images": _swap_case(generator, 2, 5, 3),
        "as many numbers in a code as images": _swap_case(generator, 3, 6, 3),
        "a decoder that ignores the code": (
            torch.rand(4, 5, generator=generator),
            Named("encode", lambda x: x[:, :2]),
            Named("decode", lambda z: 0 * z[:, :1] + 0.5 * z.new_ones(len(z), 5)),
        ),
    },
    mistakes=[
        Mistake(
            "the ratio upside down",
            lambda x, e, d: 1 - 1 / (1 - _swapped(x, e, d)),
            "the ratio is upside down: divide the error with the own code by that with the stranger's.",
        ),
        Mistake(
            "no 1 -",
            lambda *a: 1 - _swapped(*a),
            "that is the share of the error that is left; what is saved is 1 minus it.",
        ),
        Mistake(
            "the difference",
            lambda *a: _swapped(*a, whole=True),
            "that is a difference in squared units; divide by the error with the stranger's code.",
        ),
        Mistake(
            "the images rolled",
            lambda *a: _swapped(*a, rolled="x"),
            "each image is paired with the code of the image after it (rolling the images does that, too): take that of "
            "the image before, torch.roll(z, 1, 0).",
        ),
        Mistake(
            "rolled within the code",
            lambda *a: _swapped(*a, rolled="places"),
            "the numbers of each code are rolled; roll the images' codes against each other, along dimension 0.",
        ),
        Mistake(
            "the absolute error",
            lambda *a: _swapped(*a, power=1),
            "that is the absolute error: square the differences.",
        ),
    ],
    also_right={"by an index": _by_index},
    also_wrong=[
        Mistake("the code after", lambda *a: _swapped(*a, turn=-1), "the image after"),
        Mistake(
            "a random order",
            lambda x, e, d: (
                1
                - (d(e(x)) - x).square().mean()
                / (d(e(x)[torch.randperm(len(x))]) - x).square().mean()
            ),
            "draws numbers of its own",
        ),
        Mistake("a number", lambda *a: _swapped(*a).item(), "tensor"),
    ],
    praise="0 where the decoder does not listen, near 1 where it does, whatever the KL says.",
)


# ---- The effective beta ----------------------------------------------------------------------------


def effective_beta(total, reconstruction, kl) -> torch.Tensor:
    """The weight of a nat of KL in units of a nat of reconstruction: a scalar.

    total, reconstruction, kl   of two batches each, [2]: the loss as it is minimised,
    and both terms summed over an image. total = a * reconstruction + b * kl with
    unknown a and b; the effective beta is b / a."""
    terms = torch.stack([reconstruction, kl], dim=1)
    a, b = torch.linalg.solve(terms, total)
    return b / a


def _beta_case(generator, a: float, b: float, dtype=torch.float64):
    # KLs much further apart than the reconstructions: of batches that are nearly multiples of each other, rounding to
    # float32 leaves no weights to be read off, whichever way they are solved for.
    reconstruction = 100 * (1 + torch.rand(2, generator=generator, dtype=dtype))
    kl = torch.tensor([1, 10]) * (1 + torch.rand(2, generator=generator, dtype=dtype))
    return a * reconstruction + b * kl, reconstruction, kl


def _by_determinants(t, r, k):
    return (r[0] * t[1] - r[1] * t[0]) / (t[0] * k[1] - t[1] * k[0])


exercise(
    effective_beta,
    cases=lambda generator: [
        _beta_case(generator, 1 / 784, 1.0),
        _beta_case(generator, 2.0, 3.0),
        _beta_case(generator, 0.5, 0.1),
    ],
    hard=lambda generator: {
        "a KL that is not applied": _beta_case(generator, 0.3, 0.0),
        "a KL with the wrong sign": _beta_case(generator, 2.0, -0.5),
    },
    mistakes=[
        Mistake(
            "upside down",
            lambda *given: 1 / effective_beta(*given),
            "that is a / b: the weight of the KL is to stand above that of the reconstruction (are the columns swapped?).",
        ),
        Mistake(
            "a taken to be 1",
            lambda t, r, k: ((t - r) / k)[0],
            "you take the reconstruction's weight to be 1; it is unknown, and where pixels are averaged it is 1/784.",
        ),
        Mistake(
            "b alone",
            lambda t, r, k: torch.linalg.solve(torch.stack([r, k], 1), t)[1],
            "that is b; divide it by a, the weight of the reconstruction.",
        ),
        Mistake(
            "shares of the loss",
            lambda t, r, k: (k / r).mean(),
            "that compares the sizes of the terms; the question is how much each nat of them counts in the total.",
        ),
        Mistake(
            "the system transposed",
            lambda t, r, k: _ratio(torch.linalg.solve(torch.stack([r, k], 0), t)),
            "the system is transposed: a row holds both terms of one batch, so stack them along dimension 1.",
        ),
    ],
    also_right={
        "by determinants": _by_determinants,
        "least squares in float64": lambda t, r, k: _ratio(
            torch.linalg.lstsq(torch.stack([r, k], 1).double(), t[:, None].double()).solution[:, 0]
        ).to(t.dtype),
        "the first equation solved for a": lambda t, r, k: (
            (t[1] / r[1] - t[0] / r[0])
            / (k[1] / r[1] - k[0] / r[0])
            / ((t[0] / k[0] - t[1] / k[1]) / (r[0] / k[0] - r[1] / k[1]))
        ),
    },
    also_wrong=[
        Mistake("a number", lambda *a: effective_beta(*a).item(), "tensor"),
        Mistake("detached", lambda t, r, k: effective_beta(t.detach(), r, k), "gradient"),
    ],
    praise="two batches are enough to read the weight off any loss, however it is averaged.",
)


def _ratio(weights):
    return weights[1] / weights[0]


# ---- Do gradients arrive? --------------------------------------------------------------------------


def gradients_arrive(loss, parameters) -> torch.Tensor:
    """For each parameter whether the loss moves it: 1.0 or 0.0, a tensor [P].

    loss         a scalar that has not been through backward()
    parameters   a list of P tensors; some may have no part in the loss, some a
                 gradient that is exactly 0 everywhere"""
    slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return torch.tensor([float(g is not None and bool(g.any())) for g in slopes])


class _Graph:
    """A loss built from parameters: arguments that are copied for each call have to be built anew."""

    def __init__(self, seed: int, kind: str):
        g = torch.Generator().manual_seed(seed)
        self.kind = kind
        self.values = [
            torch.randn(3, 4, generator=g),
            torch.randn(4, 2, generator=g),
            torch.randn(2, generator=g),
        ]
        self.values += [torch.randn(5, generator=g)]
        self.x = torch.randn(6, 3, generator=g)

    def __repr__(self):
        return self.kind

    def build(self):
        a, b, c, d = (nn.Parameter(v.clone()) for v in self.values)
        h = torch.tanh(self.x @ a)
        if self.kind == "a detached first layer":
            h = h.detach()
        out = h @ b + c
        if self.kind == "gradients that cancel":
            out = out - out.mean(0, keepdim=True)  # the bias has no effect
        loss = out.square().sum()
        if self.kind == "a unit that is always off":
            loss = loss + torch.relu(d - 100).sum()
        if self.kind == "a sum of slopes that is 0":
            loss = loss + d[0] - d[1]
        return loss, [a, b, c, d]


def _through(function):
    """The answer as a function of a recipe: the loss is built, and nothing may be left in .grad or in the graph."""

    def run(recipe):
        loss, parameters = recipe.build()
        answer = function(loss, parameters)
        if any(p.grad is not None for p in parameters):
            raise ValueError(
                "backward() leaves gradients in .grad; use torch.autograd.grad, which leaves nothing"
            )
        if answer is None:
            return None
        if not isinstance(answer, Tensor) or tuple(answer.shape) != (len(parameters),):
            got = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
            raise ValueError(f"a tensor [{len(parameters)}] is wanted, yours is {got}")
        loss.backward()  # what comes after must still be possible
        return answer.float()

    return run


def _each(test):
    def function(loss, parameters):
        slopes = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        return torch.tensor([float(test(g, p)) for g, p in zip(slopes, parameters)])

    return function


def _one_by_one(loss, parameters):
    found = []
    for p in parameters:
        (g,) = torch.autograd.grad(loss, p, retain_graph=True, allow_unused=True)
        found.append(0.0 if g is None else float(g.abs().max() > 0))
    return torch.tensor(found)


exercise(
    gradients_arrive,
    through=_through,
    gradient=False,
    cases=lambda generator: [
        (_Graph(0, "a parameter without a part"),),
        (_Graph(1, "a detached first layer"),),
        (_Graph(2, "a unit that is always off"),),
    ],
    hard=lambda generator: {"a sum of slopes that is 0": (_Graph(3, "a sum of slopes that is 0"),)},
    mistakes=[
        Mistake(
            "None counts",
            _each(lambda g, p: g is None or bool(g.any())),
            "a parameter without a part in the loss has the gradient None: that is none at all.",
        ),
        Mistake(
            "zeros count",
            _each(lambda g, p: g is not None),
            "a gradient is there and exactly 0 everywhere (a dead unit): it moves nothing.",
        ),
        Mistake(
            "requires_grad",
            _each(lambda g, p: p.requires_grad),
            "requires_grad says that a parameter may have a gradient, not that this loss gives it one.",
        ),
        Mistake(
            "all entries",
            _each(lambda g, p: g is not None and bool(g.all()) and g.numel() > 4),
            "a gradient moves a parameter if any of its entries is not 0.",
        ),
        Mistake(
            "turned round",
            _each(lambda g, p: g is None or not bool(g.any())),
            "that marks those that get no gradient: 1 means that it arrives.",
        ),
    ],
    also_right={"one by one": _one_by_one},
    also_wrong=[
        Mistake(
            "the sum of the slopes",
            _each(lambda g, p: g is not None and g.sum() != 0),
            "right in ordinary cases",
        ),
        Mistake("backward", lambda loss, ps: loss.backward(), "backward() leaves gradients"),
        Mistake("a list", lambda loss, ps: [1.0] * len(ps), "a tensor [4] is wanted"),
        Mistake(
            "the graph used up",
            lambda loss, ps: torch.tensor(
                [
                    float(g is not None and bool(g.any()))
                    for g in torch.autograd.grad(loss, ps, allow_unused=True)
                ]
            ),
            "raised",
        ),
    ],
    praise="one line after the first step tells you which weights will ever learn.",
)
