"""What cannot work is refused before the first step, by name, with the model as it was."""

import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset

from aecourse import models, nets, train
from aecourse.data import Images, Split

X = torch.rand(12, 1, 4, 5, generator=torch.Generator().manual_seed(0))


class Stream(IterableDataset):
    def __iter__(self):
        return iter(X)


def with_pixel(value):
    x = X.clone()
    x[3, 0, 1, 1] = value
    return x


IMAGES = {
    "bytes": ((X * 255).byte(), ValueError, "images: got uint8 pixels.*divide by 255"),
    "0 to 255": (
        (X * 255).round(),
        ValueError,
        "images: got pixels up to 25.*0-255.*divide by 255",
    ),
    "above 1": (
        with_pixel(1.5),
        ValueError,
        r"images: got pixels in \[.*, 1.5\].*likelihood of VAE is \[0, 1\]",
    ),
    "below 0": (with_pixel(-0.5), ValueError, r"images: got pixels in \[-0.5"),
    "NaN": (with_pixel(float("nan")), ValueError, "images: got NaN or infinite"),
    "infinite": (with_pixel(-float("inf")), ValueError, "images: got NaN or infinite"),
    "double": (X.double(), ValueError, r"images: got float64.*x.float\(\)"),
    "integers": ((X > 0.5).long(), ValueError, "images: got a tensor of shape .*int64"),
    "no channel": (X[:, 0], ValueError, r"images: got .*\[12, 4, 5\].*\[N, 1, 4, 5\]"),
    "other size": (X[:, :, :3], ValueError, r"images: got .*\[12, 1, 3, 5\]"),
    "one image": (X[0], ValueError, r"images: got .*\[1, 4, 5\]"),
    "empty": (X[:0], ValueError, r"images: got .*\[0, 1, 4, 5\].*N of at least 1"),
    "an array": (X.numpy(), TypeError, "(?s)images: got array.*Images, a Split"),
    "nothing": (None, TypeError, "images: got None"),
    "split of a list": (Split(X.tolist()), TypeError, "images: got list"),
    "loader of doubles": (
        DataLoader(X.double(), batch_size=4),
        ValueError,
        r"images \(first batch\): got float64",
    ),
    "loader above 1": (
        DataLoader(X * 3, batch_size=4),
        ValueError,
        r"images \(first batch\): got pixels in",
    ),
    "loader of nothing": (
        DataLoader(X[:3], batch_size=4, drop_last=True),
        ValueError,
        "images: got a DataLoader without batches",
    ),
    "loader of lists of arrays": (
        DataLoader([x.numpy() for x in X], collate_fn=list),
        TypeError,
        "images: got a DataLoader that gives list",
    ),
    "endless loader": (
        DataLoader(Stream()),
        ValueError,
        "images: got a DataLoader of unknown length",
    ),
}

ARGUMENTS = [
    ({"epochs": 0}, ValueError, "epochs: got 0"),
    ({"epochs": -1}, ValueError, "epochs: got -1"),
    ({"epochs": 1.5}, TypeError, "epochs: got 1.5"),
    ({"epochs": True}, TypeError, "epochs"),
    ({"batch_size": 0}, ValueError, "batch_size: got 0"),
    ({"batch_size": "8"}, TypeError, "batch_size: got '8'"),
    ({"lr": 0}, ValueError, "lr: got 0"),
    ({"lr": -1e-3}, ValueError, "lr: got -0.001"),
    ({"lr": float("nan")}, ValueError, "lr: got nan"),
    ({"lr": "fast"}, TypeError, "lr: got 'fast'"),
    ({"schedule": "cosin"}, ValueError, "schedule: got 'cosin'.*'cosine'"),
    ({"weights": {"gamma": 1.0}}, ValueError, "weights: got 'gamma'; accepted is one of 'beta'"),
    ({"weights": {"beta": "up"}}, ValueError, r"weights\['beta'\]: got 'up'"),
    ({"transform": "binarize"}, TypeError, "transform: got 'binarize'"),
    ({"clip": 0}, ValueError, "clip: got 0"),
    ({"ema": 1.5}, ValueError, "ema: got 1.5"),
    ({"keep": "first"}, ValueError, "keep: got 'first'"),
    ({"keep": "best"}, ValueError, "validation: got None"),
    ({"validation": X * 2}, ValueError, "validation: got pixels in"),
    ({"validation": Images("empty", Split(X), Split(X[:0]))}, ValueError, "validation: got"),
    ({"seed": -1}, ValueError, "seed: got -1"),
    ({"precision": "fp16"}, ValueError, "precision: got 'fp16'"),
    ({"device": "abacus"}, ValueError, "device: got 'abacus'"),
    ({"device": "cuda:99"}, ValueError, "device: got 'cuda:99'"),
    ({"engine": "fabric"}, TypeError, "engine: got 'fabric'"),
]


def refused(model, vector, error, message, images, **options):
    before, calls = vector(model), []
    model.register_forward_pre_hook(lambda *_: calls.append(1))
    model.encoder.register_forward_pre_hook(lambda *_: calls.append(1))
    with pytest.raises(error, match=message):
        train.fit(model, images, progress=False, **options)
    assert not calls and torch.equal(vector(model), before)


@pytest.mark.parametrize("kind", IMAGES)
def test_images_that_cannot_work_are_refused(kind, vae, weights):
    images, error, message = IMAGES[kind]
    refused(vae(), weights, error, message, images)


@pytest.mark.parametrize(
    "options, error, message",
    ARGUMENTS,
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_arguments_that_cannot_work_are_refused(options, error, message, vae, weights):
    refused(vae(), weights, error, message, X, **options)


class Conditional(models.Autoencoder):
    def loss(self, x, labels):
        return super().loss(x)


@pytest.mark.parametrize(
    "images", [X, Split(X), DataLoader(X, batch_size=4)], ids=["tensor", "split", "loader"]
)
def test_missing_labels_are_noticed_where_the_loss_needs_them(images, weights):
    model = Conditional(2, nets.mlp(()), shape=(1, 4, 5))
    refused(
        model,
        weights,
        ValueError,
        "images.*without labels; Conditional needs a label for each image",
        images,
    )


def test_the_range_is_left_to_the_likelihood():
    for model in (
        models.Autoencoder(2, nets.mlp(()), shape=(1, 4, 5)),
        models.LinearAutoencoder(2, shape=(1, 4, 5)),
        models.VAE(2, nets.mlp(()), shape=(1, 4, 5), likelihood="gaussian"),
    ):
        train.fit(model, X * 4 - 2, epochs=1, progress=False)


def test_a_bar_is_never_begun_for_what_is_refused(vae, capsys):
    with pytest.raises(ValueError):
        train.fit(vae(), X, epochs=0)
    assert capsys.readouterr().err == ""
