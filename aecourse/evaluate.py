"""Measures. Likelihoods are in nats per image; each function gives one figure per image where it can."""
from __future__ import annotations

import math
from contextlib import contextmanager

import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from aecourse import _arguments as check
from aecourse.models import kl_divergence


@contextmanager
def _measuring(model, seed: int):
    """Evaluation mode, no gradients, seeded noise; model and random state are left as they were."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            torch.manual_seed(check.integer("seed", seed, low=0))
            yield next(model.parameters()).device
    finally:
        model.train(was_training)


def codes(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """One point per image: codes, or means of q(z|x). x [N, C, H, W] -> [N, latent_dim] on the CPU."""
    with _measuring(model, 0) as device:
        return torch.cat([model.code(part.to(device)).cpu() for part in check.batch("x", x, model.shape).split(batch_size)])


def reconstruct(model, x: Tensor, batch_size: int = 2000) -> Tensor:
    """Images through code and back, without noise: x [N, C, H, W] -> [N, C, H, W] on the CPU."""
    with _measuring(model, 0) as device:
        return torch.cat([model.reconstruct(part.to(device)).cpu()
                          for part in check.batch("x", x, model.shape).split(batch_size)])


def squared_error(model, x: Tensor) -> Tensor:
    """Squared reconstruction error summed over pixels: x [N, C, H, W] -> [N] (pixel values squared, not nats)."""
    return (reconstruct(model, x) - x.cpu()).square().flatten(1).sum(1)


def log_weights(model, x: Tensor, samples: int) -> Tensor:
    """log p(x, z) - log q(z|x) for `samples` draws of z from q(z|x): x [B, C, H, W] -> [samples, B], nats.

    Their mean is the ELBO; the log of the mean of their exponentials is an estimate of log p(x).
    """
    mu, log_var = model.encode(x)
    eps = torch.randn(samples, *mu.shape, device=mu.device)
    z = mu + torch.exp(0.5 * log_var) * eps
    logits = model.decode(z.flatten(0, 1))
    log_px = model.likelihood.log_prob(logits, x.repeat(samples, *[1] * (x.dim() - 1))).view(samples, len(x))
    log_pz_minus_qz = 0.5 * (eps.square() + log_var - z.square()).sum(2)
    return log_px + log_pz_minus_qz


def log_likelihood(model, x: Tensor, samples: int = 500, *, seed: int = 0, rows: int = 10_000) -> Tensor:
    """An importance-sampled estimate of log p(x): x [N, C, H, W] -> nats per image [N].

    log 1/K sum_k p(x, z_k) / q(z_k|x) with z_k from the encoder's q: on average a lower bound that rises to log p(x)
    as `samples` grows (Burda, Grosse & Salakhutdinov 2016, equation 8). For binary pixels give binary images. `rows`:
    how many decoded images are held in memory at a time.
    """
    samples, rows = check.integer("samples", samples), check.integer("rows", rows)
    check.batch("x", x, model.shape)
    draws, images = min(samples, rows), max(1, rows // samples)
    with _measuring(model, seed) as device:
        return torch.cat([torch.cat([torch.logsumexp(log_weights(model, part.to(device), min(draws, samples - done)), 0)[None]
                                     for done in range(0, samples, draws)]).logsumexp(0).cpu() - math.log(samples)
                          for part in x.split(images)])


def elbo(model, x: Tensor, samples: int = 20, *, seed: int = 0, rows: int = 10_000) -> Tensor:
    """The evidence lower bound, averaged over `samples` draws of z: x [N, C, H, W] -> nats per image [N]."""
    samples, rows = check.integer("samples", samples), check.integer("rows", rows)
    check.batch("x", x, model.shape)
    with _measuring(model, seed) as device:
        return torch.cat([log_weights(model, part.to(device), samples).mean(0).cpu()
                          for part in x.split(max(1, rows // samples))])


def kl_per_latent(model, x: Tensor) -> Tensor:
    """KL(q(z_j|x) || p(z_j)) averaged over images: x [N, C, H, W] -> nats [latent_dim]."""
    check.batch("x", x, model.shape)
    with _measuring(model, 0) as device:
        return torch.cat([kl_divergence(*model.encode(part.to(device))).cpu() for part in x.split(2000)]).mean(0)


def active_units(model, x: Tensor, threshold: float = 0.01) -> int:
    """How many latents move: the variance over images of E_q[z_j|x] is above `threshold`.

    Source: Burda, Grosse & Salakhutdinov 2016, section 5.2.
    """
    return int((codes(model, x).var(0) > check.number("threshold", threshold, low=0)).sum())


def knn_accuracy(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, k: int = 5) -> float:
    """The share of test points whose `k` nearest training points vote for their label; inputs [N, D] or images."""
    k = check.integer("k", k)
    if len(train) != len(train_labels) or len(test) != len(test_labels):
        raise ValueError(f"train_labels, test_labels: got {len(train_labels)} and {len(test_labels)}; "
                         f"accepted are {len(train)} and {len(test)}, one for each point")
    classifier = KNeighborsClassifier(k).fit(train.flatten(1).numpy(), train_labels.numpy())
    return float(classifier.score(test.flatten(1).numpy(), test_labels.numpy()))


def nearest_distance(x: Tensor, among: Tensor) -> Tensor:
    """The Euclidean distance from each image of x [N, ...] to the nearest of `among` [M, ...]: [N]."""
    among = among.flatten(1)
    return torch.cat([torch.cdist(part, among).min(1).values for part in x.flatten(1).split(1000)])


def recognised(classifier, x: Tensor, confidence: float = 0.9) -> tuple[float, float]:
    """(share, spread): how many of x [N, C, H, W] a classifier names with at least `confidence`, and how varied they are.

    spread is the entropy in nats of the classes it names, log(classes) at most and 0 where all are the same. Blurred
    averages of several digits leave a classifier undecided, and copies of one digit have no spread, so that neither
    scores well on both (the idea of the Inception score, Salimans et al. 2016, with its two parts kept apart).
    """
    check.number("confidence", confidence, low=0, high=1)
    check.batch("x", x, classifier.shape)
    with _measuring(classifier, 0) as device:
        sure, named = classifier.probabilities(x.to(device)).cpu().max(1)
    shares = named.bincount() / len(named)
    return (sure >= confidence).float().mean().item(), -torch.special.xlogy(shares, shares).sum().item()



def psnr(image: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each `image` against the clean `x`, both [N, ...] in [0, 1]: dB [N].

    10 log10(1 / mean squared error over the pixels of an image); 10 dB more is a tenth of the error.
    """
    if image.shape != x.shape or image.dim() < 2:
        raise ValueError(f"image: got {check.described(image)} beside x {list(x.shape)}; accepted are two tensors [N, ...] of one shape")
    return -10 * torch.log10((image - x).square().flatten(1).mean(1))
