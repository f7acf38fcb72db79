"""Decoders that draw pixel by pixel: masks by gradients, probabilities that sum to one, samples that follow them."""

import itertools
import re

import pytest
import torch

from aecourse import evaluate, models, nets
from aecourse.models.autoregressive import PerPixel, masks

DOUBLE = torch.float64
MAKERS = {
    "direct": lambda shape: models.MADE((), shape=shape),
    "one layer": lambda shape: models.MADE((40,), shape=shape),
    "two layers": lambda shape: models.MADE((30, 50), shape=shape, seed=3),
    "window 3": lambda shape: models.MaskedConv(3, 8),
    "window 5": lambda shape: models.MaskedConv(5, 8),
}


def jacobian(model, shape):
    """|d logit_i / d x_j| at a random image with random context: [pixels, pixels]."""
    torch.manual_seed(0)
    context, x = torch.randn(1, *shape, dtype=DOUBLE), torch.rand(1, *shape, dtype=DOUBLE)
    full = torch.autograd.functional.jacobian(lambda x: model.logits(context, x), x)
    return full.reshape(context.numel(), context.numel()).abs()


@pytest.mark.parametrize("shape", [(1, 5, 7), (1, 7, 3), (1, 1, 6)])
@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_no_logit_depends_on_its_own_pixel_or_a_later_one(make, shape):
    torch.manual_seed(1)
    found = jacobian(make(shape).double(), shape)
    assert torch.triu(found).max() == 0 and torch.tril(found, -1).max() > 0


@pytest.mark.parametrize("make", [MAKERS["direct"], MAKERS["one layer"]])
def test_a_made_sees_all_earlier_pixels(make):
    shape, seen = (1, 3, 5), torch.zeros(15, 15)
    for seed in range(4):  # a ReLU may be silent in one network, not in four
        torch.manual_seed(seed)
        seen += jacobian(make(shape).double(), shape)
    assert (seen[torch.ones(15, 15).tril(-1).bool()] > 0).all()


def test_one_network_per_pixel_is_a_convolution_of_one_by_one():
    torch.manual_seed(0)
    linear, x = torch.nn.Linear(4, 3).double(), torch.randn(2, 4, 5, 6, dtype=DOUBLE)
    convolved = torch.nn.functional.conv2d(x, linear.weight[:, :, None, None], linear.bias)
    assert torch.allclose(PerPixel(linear)(x), convolved)


def test_a_window_sees_its_half_and_nothing_else():
    torch.manual_seed(0)
    rows, columns = 5, 6
    found = sum(jacobian(models.MaskedConv(3, 16).double(), (1, rows, columns)) for _ in range(3))
    place = [(i // columns, i % columns) for i in range(rows * columns)]
    near = torch.tensor(
        [
            [abs(r - s) <= 1 and abs(c - d) <= 1 and j < i for j, (s, d) in enumerate(place)]
            for i, (r, c) in enumerate(place)
        ]
    )
    assert torch.equal(found > 0, near)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_the_probabilities_of_all_images_sum_to_one(make):
    torch.manual_seed(2)
    model, shape = make((1, 2, 3)).double(), (1, 2, 3)
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6)), dtype=DOUBLE).view(
        -1, *shape
    )
    for _ in range(3):
        context = 2 * torch.randn(1, *shape, dtype=DOUBLE)
        assert model.log_prob(
            context.expand(64, -1, -1, -1), every
        ).exp().sum().item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("make", [MAKERS["one layer"], MAKERS["window 3"]])
def test_samples_occur_as_often_as_their_probability_says(make):
    torch.manual_seed(3)
    model, context = make((1, 2, 3)), torch.randn(1, 1, 2, 3)
    drawn = model.sample(context.expand(40_000, -1, -1, -1))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    every = torch.tensor(list(itertools.product((0.0, 1.0), repeat=6))).view(-1, 1, 2, 3)
    shares = (drawn.flatten(1) @ 2.0 ** torch.arange(5, -1, -1)).long().bincount(
        minlength=64
    ) / 40_000
    wanted = model.log_prob(context.expand(64, -1, -1, -1), every).exp()
    assert ((shares - wanted).abs() < 5 * (wanted * (1 - wanted) / 40_000).sqrt() + 1e-4).all()
    assert torch.allclose(
        model.mean(context.expand(500, -1, -1, -1)).mean(0), drawn.mean(0), atol=0.05
    )


def test_without_hidden_layers_and_with_zero_weights_the_context_is_the_logit():
    made, (x, context) = models.MADE((), shape=(2, 3, 5)), torch.rand(2, 4, 2, 3, 5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    assert torch.allclose(
        made.log_prob(context, x.round()), models.Bernoulli().log_prob(context, x.round())
    )


def test_masks_of_the_paper():
    first, last = masks(4, (50,), seed=0)
    assert first.shape == (50, 4) and last.shape == (4, 50)
    paths = last @ first  # how many ways lead from pixel j to logit i
    assert torch.equal(paths > 0, torch.ones(4, 4).tril(-1) > 0)
    assert torch.equal(first, masks(4, (50,), seed=0)[0]) and not torch.equal(
        first, masks(4, (50,), seed=1)[0]
    )
    assert (
        first[:, 0].all() and not last[0].any()
    )  # everybody may know the first pixel; its logit knows nothing
    assert [tuple(m.shape) for m in masks(1, (3,))] == [(3, 1), (1, 3)] and not masks(1, ())[
        0
    ].any()


def test_gradients_in_float64():
    torch.manual_seed(0)
    model = models.VAE(
        2, nets.mlp((4,), "tanh"), likelihood=models.MADE((9,), shape=(1, 2, 3)), shape=(1, 2, 3)
    ).double()
    x = torch.bernoulli(torch.full((3, 1, 2, 3), 0.5, dtype=DOUBLE))
    names, values = zip(
        *((n, p.detach().clone().requires_grad_()) for n, p in model.named_parameters())
    )

    def loss(*values):
        torch.manual_seed(1)
        return torch.func.functional_call(model, dict(zip(names, values)), (x,))

    model.forward = lambda x: model.loss(x)["loss"]
    assert torch.autograd.gradcheck(loss, values)


@pytest.mark.parametrize(
    "likelihood", [lambda: models.MADE((20,), shape=(1, 3, 5)), lambda: models.MaskedConv(3, 4)]
)
def test_as_the_likelihood_of_a_vae(likelihood):
    torch.manual_seed(0)
    vae = models.VAE(2, nets.mlp((8,)), likelihood=likelihood(), shape=(1, 3, 5))
    x = torch.bernoulli(torch.full((6, 1, 3, 5), 0.4))
    terms = vae.loss(x)
    assert torch.allclose(terms["loss"], terms["reconstruction"] + terms["kl"])
    assert evaluate.log_likelihood(vae, x, samples=20).shape == (6,)
    assert vae.sample(3).shape == (3, 1, 3, 5) and vae.reconstruct(x).shape == x.shape


def test_codeless_is_the_likelihood_itself():
    torch.manual_seed(0)
    model, x = (
        models.Codeless(models.MADE((8,), shape=(1, 3, 2)), shape=(1, 3, 2)),
        torch.ones(4, 1, 3, 2),
    )
    with torch.no_grad():
        model.offset.normal_()
    log_p = model.likelihood.log_prob(model.context(4), x)
    assert torch.allclose(model.loss(x)["loss"], -log_p.mean())
    assert torch.allclose(evaluate.log_likelihood(model, x, samples=7), log_p)
    assert model.sample(5).shape == (5, 1, 3, 2)


def test_independent_pixels_find_the_frequencies():
    """Its optimum is known: the entropy of every pixel by itself."""
    torch.manual_seed(0)
    model, x = (
        models.Codeless(shape=(1, 2, 3)),
        torch.bernoulli(torch.linspace(0.1, 0.9, 6).expand(3000, 6)).view(-1, 1, 2, 3),
    )
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = model.loss(x)["loss"]
        loss.backward()
        return loss

    optimizer.step(closure)
    p = x.mean(0)
    assert model.loss(x)["loss"].item() == pytest.approx(
        -(p * p.log() + (1 - p) * (1 - p).log()).sum().item(), rel=1e-5
    )


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: models.MADE((0,)), "hidden[0]: got 0"),
        (lambda: models.MADE(shape=(28, 28)), "shape: got (28, 28)"),
        (lambda: models.MADE(seed=-1), "seed: got -1"),
        (lambda: models.MaskedConv(4), "window: got 4; accepted is an odd number"),
        (lambda: models.MaskedConv(1), "window: got 1"),
        (lambda: models.MaskedConv(3, 0), "channels: got 0"),
        (lambda: models.Codeless("poisson"), "likelihood: got 'poisson'"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        make()
