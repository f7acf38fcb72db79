"""Models of rows with holes: what is hidden is never read; the bound, the weights and the fillings of a known model."""

import math

import pytest
import torch
from torch import nn

from aecourse import data, evaluate, missing, models, nets, train
from aecourse.exact import LinearGaussian

D, K = 6, 2
GENERATOR = lambda seed=0: torch.Generator().manual_seed(seed)  # noqa: E731
W = torch.randn(D, K, generator=GENERATOR(), dtype=torch.float64)
B = torch.linspace(-1, 1, D, dtype=torch.float64)
KNOWN = LinearGaussian(W, B, 0.6)
MASK = torch.rand(40, D, generator=GENERATOR(1)) < 0.6
MASK[:, 0] = True
X = W.new_zeros(40, D)
with torch.random.fork_rng():
    torch.manual_seed(0)
    X = KNOWN.sample(40)


def linear(exactly: bool = False) -> models.MIWAE:
    """A MIWAE whose decoder is the known model's, in float64; its encoder is the exact posterior, or any."""
    torch.manual_seed(0)
    net = nets.mlp(())
    model = models.MIWAE(K, net, likelihood=models.Gaussian(0.6, squash=False), shape=(D,)).double()
    with torch.no_grad():
        model.decoder[0].weight.copy_(W)
        model.decoder[0].bias.copy_(B)
    if exactly:
        model.encoder = Exact()
    return model


class Exact(nn.Module):
    """mu and log-variance of the diagonal Gaussian with the exact posterior's mean, and a little wider."""

    def forward(self, both):
        x, mask = both.chunk(2, dim=1)
        seen = mask[:, :, None] * W
        precision = torch.eye(K).double() + seen.mT @ seen / 0.36
        mean = torch.linalg.solve(precision, seen.mT @ (mask * (x - B))[:, :, None] / 0.36)[:, :, 0]
        spread = torch.linalg.inv(precision).diagonal(dim1=1, dim2=2)
        return torch.cat([mean, (1.5 * spread).log()], 1)


# ---- Against a model whose answers are known --------------------------------------------------------------


def test_the_bound_is_below_the_exact_likelihood_and_reaches_it():
    truth = missing.conditional(KNOWN, X, MASK).log_prob
    model, found = linear(), []
    torch.manual_seed(0)
    with torch.no_grad():
        for samples, copies in ((1, 40), (10, 10), (1000, 1)):  # 4000 draws for each row
            model.samples = samples
            many, times = (X.repeat(copies, 1), MASK.repeat(copies, 1)), 4000 // samples // copies
            repeats = torch.stack([-model.loss(*many)["loss"] for _ in range(times)])
            found.append(repeats.mean().item())
            assert repeats.mean() < truth.mean() + 4 * repeats.std() / math.sqrt(len(repeats))
    assert found[0] < found[1] < found[2] < truth.mean() + 0.02
    many = evaluate.observed_log_likelihood(linear(True), X, MASK, 5000)
    assert torch.allclose(many, truth, atol=0.05)


def test_every_weight_is_the_likelihood_where_q_is_exact():
    """One latent: the posterior is a Gaussian that the encoder can say."""
    known = LinearGaussian(W[:, :1], B, 0.6)
    model = models.MIWAE(
        1, nets.mlp(()), likelihood=models.Gaussian(0.6, squash=False), shape=(D,)
    ).double()
    with torch.no_grad():
        model.decoder[0].weight.copy_(W[:, :1])
        model.decoder[0].bias.copy_(B)

    class One(nn.Module):
        def forward(self, both):
            x, mask = both.chunk(2, dim=1)
            precision = 1 + (mask * W[:, 0] ** 2).sum(1, keepdim=True) / 0.36
            mean = (mask * (x - B) * W[:, 0]).sum(1, keepdim=True) / 0.36 / precision
            return torch.cat([mean, -precision.log()], 1)

    model.encoder = One()
    truth = missing.conditional(known, X, MASK).log_prob
    assert torch.allclose(model.log_weights(X, 7, MASK), truth.expand(7, 40))


def test_the_best_guess_is_the_exact_conditional_mean():
    truth = missing.conditional(KNOWN, X, MASK).mean
    for model, samples in ((linear(), 20_000), (linear(True), 5000)):
        guess = evaluate.imputed(model, X, MASK, samples)
        assert evaluate.hole_rmse(guess, truth, MASK) < 0.03
        assert torch.equal(guess[MASK], X[MASK])
    errors = [
        evaluate.hole_rmse(evaluate.imputed(linear(True), X, MASK, n), truth, MASK)
        for n in (10, 1000)
    ]
    assert errors[1] < errors[0] / 5  # as 1 / sqrt(draws)


def test_completions_have_the_exact_mean_width_and_coverage():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        x = KNOWN.sample(4000)
    mask = torch.rand(4000, D, generator=GENERATOR(2)) < 0.5
    mask[:, 2] = True
    draws = evaluate.imputations(linear(True), x, mask, 19, 300)
    assert evaluate.coverage(draws, x, mask) == pytest.approx(0.9, abs=0.012)
    own = missing.conditional(KNOWN, x, mask, 19)
    assert evaluate.coverage(own.draws, x, mask) == pytest.approx(0.9, abs=0.012)
    width = lambda d: (d - own.mean)[:, ~mask].std().item()  # noqa: E731
    assert width(draws) == pytest.approx(width(own.draws), rel=0.02)
    flat = evaluate.imputations(linear(True), x, mask, 19, 300, noise=False)
    assert (
        evaluate.coverage(flat, x, mask) < 0.75
    )  # without the noise of p(x|z) intervals are too narrow


def test_without_holes_it_is_the_importance_weighted_autoencoder():
    model, full = linear(True), torch.ones_like(MASK)
    truth = KNOWN.log_prob(X)
    assert torch.allclose(evaluate.observed_log_likelihood(model, X, full, 5000), truth, atol=0.05)
    assert torch.equal(evaluate.imputed(model, X, full, 3), X)


# ---- What is hidden is never read -------------------------------------------------------------------------

IMAGES = torch.rand(5, 2, 8, 7, generator=GENERATOR(3))
HOLES = torch.rand(IMAGES.shape, generator=GENERATOR(4)) < 0.5


def made(cls, shape=(2, 8, 7), net=None, **options):
    torch.manual_seed(0)
    return cls(3, net or nets.mlp((9,)), shape=shape, **options)


@pytest.mark.parametrize("cls", [models.MIWAE, models.MaskDenoiser])
@pytest.mark.parametrize("net", [nets.mlp((9,)), nets.conv((4,))])
@pytest.mark.parametrize("junk", [0.0, 7.0, float("nan")])
def test_what_stands_in_the_holes_changes_nothing(cls, net, junk):
    model, found = made(cls, net=net), []
    for x in (IMAGES, torch.where(HOLES, IMAGES, junk)):
        torch.manual_seed(1)
        loss = model.loss(x, HOLES)["loss"]
        model.zero_grad()
        loss.backward()
        gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
        filled = model.impute(x, HOLES)
        found.append((loss.detach(), gradient, filled.detach()))
    for one, other in zip(*found):
        assert one.isfinite().all() and torch.equal(one, other)
    assert torch.equal(found[0][2][HOLES], IMAGES[HOLES])


def test_the_denoiser_is_scored_on_what_was_observed_and_then_hidden():
    model = made(models.MaskDenoiser, hide=models.Masking(0.0))
    assert model.loss(IMAGES, HOLES)["loss"] == 0  # nothing is hidden: nothing is asked
    model = made(models.MaskDenoiser, hide=models.Masking(1.0))
    nothing = torch.zeros_like(HOLES)
    answer = model.reconstruct(IMAGES, nothing)
    wanted = (answer - IMAGES)[HOLES].square().sum() / 5
    assert torch.allclose(model.loss(IMAGES, HOLES)["loss"], wanted)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli", "gaussian"])
def test_with_nothing_missing_the_sum_is_the_whole_likelihood(likelihood):
    model = made(models.MIWAE, likelihood=likelihood)
    logits = torch.randn(3, *IMAGES.shape, generator=GENERATOR(5))
    found = models.observed_log_prob(model.likelihood, logits, IMAGES, torch.ones_like(HOLES))
    for one, row in zip(found, logits):
        assert torch.allclose(one, model.likelihood.log_prob(row, IMAGES), rtol=1e-5)
    parts = [
        models.observed_log_prob(model.likelihood, logits, IMAGES, mask) for mask in (HOLES, ~HOLES)
    ]
    assert torch.allclose(sum(parts), found, rtol=1e-4)


def test_gradients_in_float64():
    model = models.MIWAE(2, nets.mlp((4,), "tanh"), samples=3, shape=(D,)).double()
    x = torch.rand(4, D, generator=GENERATOR(6)).double().round()
    names, values = zip(
        *((n, p.detach().clone().requires_grad_()) for n, p in model.named_parameters())
    )
    model.forward = lambda x: model.loss(x, MASK[:4])["loss"]

    def loss(*values):
        torch.manual_seed(1)
        return torch.func.functional_call(model, dict(zip(names, values)), (x,))

    assert torch.autograd.gradcheck(loss, values)


# ---- Training ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [models.MIWAE, models.MaskDenoiser])
def test_it_learns_from_a_table_of_which_no_row_is_complete(cls):
    with torch.random.fork_rng():
        torch.manual_seed(7)
        x = KNOWN.sample(1500).float()
    mask = missing.mcar(x, 0.3)
    mask = mask & (
        torch.arange(D) != torch.arange(1500)[:, None] % D
    )  # something is missing everywhere
    mask[:, 0] |= ~mask.any(1)
    options = (
        {"likelihood": models.Gaussian(1.0, learned=True, squash=False)}
        if cls is models.MIWAE
        else {"output": "identity"}
    )
    model = made(cls, (D,), nets.mlp((32,), "tanh"), **options)
    train.fit(model, data.Split(x, mask=mask), epochs=40, lr=1e-2, progress=False, cache=False)
    best = evaluate.hole_rmse(missing.conditional(KNOWN, x, mask).mean, x.double(), mask)
    mean = evaluate.hole_rmse(x.mean(0).expand_as(x), x, mask)
    found = evaluate.hole_rmse(evaluate.imputed(model, x, mask), x, mask)
    assert best < found < best + 0.25 * (mean - best)


BAD = {
    "no mask": (data.Split(X.float()), "images: got images without mask; .* needs 'mask'"),
    "floats": (data.Split(X.float(), mask=MASK.float()), "got mask of float32; accepted is bool"),
    "another shape": (
        data.Split(X.float(), mask=MASK[:, :3]),
        r"mask: got .*\[40, 3\].*shape \[40, 6\]",
    ),
    "an empty row": (
        data.Split(X.float(), mask=MASK & (torch.arange(40) > 1)[:, None]),
        "mask: got 2 of 40 rows without an observed value; accepted is at least one in each row",
    ),
    "nothing observed": (data.Split(X.float(), mask=MASK & False), "mask: got 40 of 40 rows"),
    "NaN": (data.Split(X.float() / 0 * 0, mask=MASK), "images: got NaN"),
}


@pytest.mark.parametrize("cls", [models.MIWAE, models.MaskDenoiser])
@pytest.mark.parametrize("case", BAD)
def test_what_cannot_work_is_named(cls, case):
    columns, message = BAD[case]
    gaussian = {"likelihood": models.Gaussian(squash=False)} if cls is models.MIWAE else {}
    with pytest.raises((ValueError, TypeError), match=message) as error:
        train.fit(
            made(cls, (D,), **gaussian),
            columns,
            epochs=1,
            batch_size=40,
            progress=False,
            cache=False,
        )
    assert "\n" not in str(error.value)


def test_options_that_are_none_are_named():
    with pytest.raises(TypeError, match="hide: got 0.5; accepted is a Masking"):
        made(models.MaskDenoiser, hide=0.5)
    with pytest.raises(TypeError, match="samples: got 2.5"):
        made(models.MIWAE, samples=2.5)
    with pytest.raises(TypeError, match="mask: got None"):
        made(models.MIWAE).posterior(IMAGES, None)


@pytest.mark.parametrize("likelihood", [models.Multinomial(), models.MADE((4,), shape=(1, 2, 2))])
def test_entries_that_depend_on_each_other_cannot_be_left_out(likelihood):
    """Entry by entry a softmax gives every one the probability 1."""
    with pytest.raises(ValueError, match="likelihood: got .*whose entries depend on each other"):
        models.MIWAE(2, shape=(1, 2, 2), likelihood=likelihood)
