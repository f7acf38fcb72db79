"""What cannot work is refused before the first step, by name, with the model as it was."""

import numpy as np
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
    "an array": (X.numpy(), TypeError, "images: got an array of shape .*Images, a Split"),
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
    "sparse": (X.to_sparse(), ValueError, "images: got a tensor of the layout torch.sparse_coo"),
    "without content": (X.to("meta"), ValueError, "images: got a tensor .*device meta"),
    "nested": (
        torch.nested.as_nested_tensor(list(X), layout=torch.jagged),
        ValueError,
        "images: got a nested tensor",
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
    ({"seed": 2**64}, ValueError, "seed: got 18446744073709551616; accepted .* and at most"),
    ({"schedule": lambda t: None}, TypeError, "schedule at progress 0: got None; accepted is"),
    ({"schedule": lambda t: float("nan")}, ValueError, "schedule at progress 0: got nan"),
    (
        {"weights": {"beta": lambda t: None}},
        TypeError,
        r"weights\['beta'\] at progress 0: got None",
    ),
    ({"weights": {"beta": lambda t: "1"}}, TypeError, r"weights\['beta'\] at progress 0: got '1'"),
    (
        {"transform": lambda x: None},
        ValueError,
        r"transform: got None for 12 images.*\[12, 1, 4, 5\]",
    ),
    ({"transform": lambda x: (x, x)}, ValueError, r"transform: got \(tensor"),
    (
        {"transform": lambda x: x[:5]},
        ValueError,
        r"transform: got a tensor of shape \[5, 1, 4, 5\]",
    ),
    ({"transform": lambda x: x[:, :, 1:]}, ValueError, r"transform: got .*\[12, 1, 3, 5\]"),
    ({"transform": lambda x: x.double()}, ValueError, "transform: got .*float64 for 12.*float32"),
    ({"transform": lambda x: x > 0.5}, ValueError, "transform: got .*bool for 12 images"),
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


class Counted(IterableDataset):
    """As many images in each pass as `passes` says, with a length of its own."""

    def __init__(self, length, *passes):
        self.length, self.passes = length, list(passes)

    def __len__(self):
        return self.length

    def __iter__(self):
        return iter(X[: self.passes.pop(0)])


@pytest.mark.parametrize(
    "length, passes, came",
    [(12, (12, 8), "2 batches"), (12, (12, 12, 0), "0 batches"), (8, (12, 12), "more than 2")],
)
def test_a_loader_gives_as_many_batches_as_its_length_says(length, passes, came, vae):
    """The first pass is that of the check before the run. With another number schedules would end elsewhere, and no
    checkpoint could be resumed."""
    loader = DataLoader(Counted(length, *passes), batch_size=4)
    accepted = f"DataLoader whose length is {length // 4}; accepted is one that gives as many"
    with pytest.raises(ValueError, match=f"images: got {came}.* from a {accepted}"):
        train.fit(vae(), loader, epochs=2, progress=False)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64, torch.tensor])
def test_a_schedule_may_give_a_number_of_any_kind(kind, vae, weights):
    one, other = vae(), vae()
    train.fit(one, X, epochs=2, schedule=lambda t: 0.5, cache=False, progress=False)
    train.fit(other, X, epochs=2, schedule=lambda t: kind(0.5), cache=False, progress=False)
    assert torch.equal(weights(one), weights(other))


def test_a_schedule_may_switch(vae, weights):
    one, other = vae(), vae()
    for model, weight in ((one, lambda t: t >= 0.5), (other, lambda t: float(t >= 0.5))):
        train.fit(model, X, epochs=2, weights={"beta": weight}, cache=False, progress=False)
    assert torch.equal(weights(one), weights(other))


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
