"""Measures of models that are told a label, and of what a code knows about one."""

from __future__ import annotations

import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from aecourse import require
from aecourse.evaluate.codes import _labels, _points
from aecourse.evaluate.likelihood import log_likelihood
from aecourse.evaluate.measuring import fitting, measuring, needs


def _one_each(labels, x: Tensor) -> None:
    """Raises an error where labels are not one whole number for each of x."""
    if not isinstance(labels, Tensor) or labels.shape != (len(x),) or labels.is_floating_point():
        raise ValueError(
            f"labels: got {require.described(labels)} for {len(x)} images or points; accepted is one label each"
        )


def log_likelihood_given(
    model, x: Tensor, labels: Tensor, samples: int = 500, *, seed: int = 0
) -> Tensor:
    """An importance-sampled estimate of log p(x|y): x [N, C, H, W], labels [N] -> nats per image [N].

    `evaluate.log_likelihood` of the model given each label in turn.
    """
    needs(model, "given(y)")
    _one_each(labels, x)
    nats = torch.empty(len(x), dtype=x.dtype)
    for y in labels.unique().tolist():
        chosen = labels == y
        nats[chosen] = log_likelihood(model.given(y), x[chosen], samples, seed=seed)
    return nats


def style_codes(model, x: Tensor, labels: Tensor, batch_size: int = 2000) -> Tensor:
    """The means of q(z|x, y): x [N, C, H, W], labels [N] -> [N, latent_dim] on the CPU."""
    fitting(model, x, "code(x, y)", spoiled=True)
    _one_each(labels, x)
    require.integer("batch_size", batch_size)
    with measuring(model, 0) as device:
        return torch.cat(
            [
                model.code(part.to(device), y.to(device)).cpu()
                for part, y in zip(x.split(batch_size), labels.split(batch_size))
            ]
        )


def named_as(classifier, x: Tensor, labels: Tensor) -> float:
    """The share of images x [N, C, H, W] to which a classifier gives the label [N] that was asked for."""
    fitting(classifier, x, "probabilities(x)", spoiled=True)
    _one_each(labels, x)
    with measuring(classifier, 0) as device:
        named = classifier.probabilities(x.to(device)).cpu().argmax(1)
    return (named == labels.cpu()).float().mean().item()


def probe_accuracy(
    train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor, strength: float = 1.0
) -> float:
    """The share of test points whose label a linear classifier reads off: points [N, D], labels [N].

    Logistic regression on coordinates of mean 0 and width 1 (of the training points); strength is scikit-learn's C.
    """
    train, test = _points("train", train), _points("test", test)
    for points, labels in ((train, train_labels), (test, test_labels)):
        _one_each(labels, points)
    if train.shape[1] != test.shape[1]:
        raise ValueError(
            f"test: got {test.shape[1]} numbers per point; accepted are {train.shape[1]}, as in train"
        )
    if len(train_labels.unique()) < 2:
        raise ValueError("train_labels: got one class; accepted are two or more")
    strength = require.number("strength", strength, low=0, above=True)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))
    probe.fit(train.numpy(), _labels("train_labels", train_labels))
    return float(probe.score(test.numpy(), _labels("test_labels", test_labels)))
