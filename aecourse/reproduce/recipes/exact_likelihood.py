"""The estimator of log p(x) against a model whose log p(x) is known."""

from __future__ import annotations

import math

import torch

from aecourse import nets
from aecourse.evaluate.measuring import measuring
from aecourse.exact import LinearGaussian
from aecourse.models import VAE, Gaussian
from aecourse.reproduce.recipe import Measured, Recipe, Row

SAMPLES = 5000
SETTING = (
    "probabilistic PCA with 10 latents, fitted in closed form; q(z|x) with the exact mean and 1.3 times the exact "
    "variance, so that weights differ; 500 test images, 5,000 samples each"
)


def as_vae(known: LinearGaussian, wider: float) -> VAE:
    """The same model as a VAE whose encoder gives the exact mean and `wider` times the exact variances."""
    pixels, latents = known.W.shape
    likelihood = Gaussian(known.sigma, squash=False)
    model = VAE(latents, nets.mlp(()), likelihood=likelihood, shape=(1, 1, pixels))
    inverse = torch.linalg.inv(known.M)
    towards = (known.W @ inverse).T  # the posterior mean is this times (x - b)
    encoder = [layer for layer in model.encoder if isinstance(layer, torch.nn.Linear)][0]
    decoder = [layer for layer in model.decoder if isinstance(layer, torch.nn.Linear)][0]
    with torch.no_grad():
        encoder.weight.zero_()
        encoder.weight[:latents] = towards.float()
        encoder.bias[:latents] = -(towards @ known.b).float()
        encoder.bias[latents:] = (wider * known.sigma**2 * inverse.diagonal()).log().float()
        decoder.weight.copy_(known.W.float())
        decoder.bias.copy_(known.b.float())
    return model.double()


def run(lab, part: str) -> dict[str, Measured]:
    """Estimate minus truth, with the standard error that the weights themselves give it."""
    train = lab.train.x.flatten(1)
    known = LinearGaussian.fit(train, lab.toy(10, 4))
    model = as_vae(known, wider=1.3)
    x = lab.test.x[: lab.toy(500, 50)].flatten(1).double()
    samples, off, errors = lab.toy(SAMPLES, 100), [], []
    with measuring(model, lab.seed):
        for some in x.split(20):
            log_w = model.log_weights(some[:, None, None], samples).double()
            estimate = torch.logsumexp(log_w, 0) - math.log(samples)
            share = torch.softmax(log_w, 0) * samples  # weights over their mean
            errors.append(share.std(0) / math.sqrt(samples))
            off.append(estimate - known.log_prob(some))
    off, errors = torch.cat(off), torch.cat(errors)
    within = (off.abs() <= 2 * errors).double().mean().item()
    spread = errors.square().sum().sqrt().item() / len(off)
    return {part: Measured(off.mean().item(), spread, {"within": within})}


RECIPE = Recipe(
    name="exact-likelihood",
    title="The estimator of log p(x) against the truth",
    about="Every likelihood on this page is estimated by importance sampling. Here the same function estimates one that is "
    "known: a linear-Gaussian model of MNIST.",
    measure="nats per image",
    lower=None,
    binarisation="grey",
    rows=(
        Row(
            "estimate minus exact log p(x)",
            SETTING,
            published=0,
            source="exact: the marginal of a linear-Gaussian model",
            key="tipping1999",
            exact=True,
        ),
    ),
    run=run,
    minutes=1,
)
