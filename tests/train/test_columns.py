"""A loss receives the columns that its signature names, and what they must be is checked before the first step."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from aecourse import models, nets, train
from aecourse.data import Images, Split

X = torch.rand(12, 1, 4, 5, generator=torch.Generator().manual_seed(0))
MASK = (X > 0.5).float()
LABELS = torch.arange(12) % 3


class Row(nn.Module):
    """A model of rows [N, 3] that is none of the course's: it learns y from x where the mask is 1."""

    shape = (3,)

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.line, self.seen = nn.Linear(3, 1), []

    def loss(self, x, y, mask=None, scale=1.0):
        self.seen.append((x, y, mask))
        error = (self.line(x)[:, 0] - y).square()
        return {"loss": scale * (error if mask is None else error * mask).mean()}


ROWS = Split(torch.rand(10, 3), y=torch.arange(10.0), mask=torch.ones(10), other=torch.zeros(10, 2))


def quiet(model, data, **options):
    return train.fit(
        model, data, **{"epochs": 1, "batch_size": 4, "progress": False, "cache": False, **options}
    )


def test_a_split_holds_named_columns_and_cuts_all_of_them():
    part = ROWS[2:5]
    assert list(part.columns) == ["x", "y", "mask", "other"] and len(part) == 3
    assert torch.equal(part.y, torch.tensor([2.0, 3.0, 4.0])) and part.other.shape == (3, 2)
    assert part.labels is None and "y [3]" in repr(part)
    with pytest.raises(AttributeError, match="no column 'z'; it has x, y, mask, other"):
        _ = part.z
    with pytest.raises(
        ValueError, match=r"labels: got a tensor of shape \[2\].*beside x of shape \[3, 1, 4, 5\]"
    ):
        Split(X[:3], torch.zeros(2, dtype=torch.long))


@pytest.mark.parametrize("given", ["split", "images", "loader"])
def test_each_row_comes_with_its_own_columns_and_no_others(given):
    model = Row()
    data = {
        "split": ROWS,
        "images": Images("rows", ROWS, ROWS),
        "loader": DataLoader(
            [{name: column[i] for name, column in ROWS.columns.items()} for i in range(10)],
            batch_size=4,
            shuffle=True,
        ),
    }[given]
    quiet(model, data, **({} if given == "loader" else {"seed": 3}))
    seen = {round(float(y)): x for xs, ys, masks in model.seen for x, y in zip(xs, ys)}
    assert len(seen) == 10 and all(torch.equal(seen[i], ROWS.x[i]) for i in range(10))
    assert all(mask is not None for _, _, mask in model.seen)


def test_a_column_may_be_left_out_where_the_loss_has_a_default():
    model = Row()
    quiet(model, Split(ROWS.x, y=ROWS.y), weights={"scale": 0.5})
    assert model.seen and all(mask is None for _, _, mask in model.seen)


def test_validation_gets_its_columns_too():
    history = quiet(Row(), ROWS, validation=Images("rows", ROWS, ROWS[:5]))
    assert (
        "val_loss" in history.as_dict()["terms"]
        if "terms" in history.as_dict()
        else history["val_loss"]
    )


class Labelled(models.Classifier):
    pass


BAD = {
    "missing": (
        Row,
        Split(ROWS.x),
        ValueError,
        "images: got images without y; Row needs 'y' for each image",
    ),
    "not a tensor": (
        Row,
        Split(ROWS.x, y=list(range(10))),
        TypeError,
        "images: got y of type list",
    ),
    "NaN": (
        Row,
        Split(ROWS.x, y=torch.full((10,), float("nan"))),
        ValueError,
        "images: got NaN or infinite numbers in y",
    ),
    "gradient": (
        Row,
        Split(ROWS.x, y=torch.rand(10, requires_grad=True)),
        ValueError,
        "images: got y that requires a gradient",
    ),
    "x with gradient": (
        Row,
        Split(torch.rand(10, 3, requires_grad=True), y=ROWS.y),
        ValueError,
        "images: got images that require a gradient",
    ),
    "labels float": (
        Labelled,
        Split(X, LABELS.float()),
        ValueError,
        "images: got labels of float32; accepted is int64",
    ),
    "labels int32": (
        Labelled,
        Split(X, LABELS.int()),
        ValueError,
        "images: got labels of int32; accepted is int64",
    ),
    "labels too high": (
        Labelled,
        Split(X, LABELS + 8),
        ValueError,
        "images: got labels from 8 to 10; accepted is 0 to 9",
    ),
    "labels negative": (
        Labelled,
        Split(X, LABELS - 1),
        ValueError,
        "images: got labels from -1 to 1; accepted is 0 to 9",
    ),
    "loader: labels": (
        Labelled,
        DataLoader([(x, 11) for x in X], batch_size=4),
        ValueError,
        r"images \(first batch\): got labels from 11 to 11",
    ),
    "loader: later labels": (
        Labelled,
        DataLoader([(x, 0 if i < 8 else 12) for i, x in enumerate(X)], batch_size=4),
        ValueError,
        r"images \(batch 2\): got labels from 12 to 12",
    ),
    "loader: later pixels": (
        lambda: models.VAE(2, nets.mlp((4,)), shape=(1, 4, 5)),
        DataLoader([x * (1 + (i > 7)) for i, x in enumerate(X)], batch_size=4),
        ValueError,
        r"images \(batch 2\): got pixels in",
    ),
    "loader: later columns": (
        Labelled,
        DataLoader([(X[:4], LABELS[:4]), (X[4:],)], batch_size=None),
        ValueError,
        r"images \(batch 1\): got the columns x; accepted are those of the first batch, x, labels",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_columns_that_cannot_work_are_refused(kind):
    build, data, error, message = BAD[kind]
    model = build() if build is not Labelled else Labelled(shape=(1, 4, 5), net=nets.mlp((4,)))
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(error, match=message):
        quiet(model, data)
    if "later" not in kind:
        assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))


# --- what a loss returns --------------------------------------------------------------------------------------------


class Own(nn.Module):
    """A model in the reader's own style; `gives` is what its loss returns."""

    def __init__(self, gives):
        super().__init__()
        self.line, self.gives = nn.Linear(20, 20), gives

    def loss(self, images):
        return self.gives((self.line(images.flatten(1)) - images.flatten(1)).square().sum(1).mean())


@pytest.mark.parametrize(
    "gives, error, message",
    [
        (
            lambda value: value,
            TypeError,
            "Own.loss: got a tensor of shape .*; accepted is a dict of scalar tensors with the key 'loss'",
        ),
        (lambda value: (value, value), TypeError, "Own.loss: got .*accepted is a dict"),
        (lambda value: value.item(), TypeError, "Own.loss: got .*accepted is a dict"),
        (lambda value: None, TypeError, "Own.loss: got None; accepted is a dict"),
        (
            lambda value: {"total": value},
            ValueError,
            "Own.loss: got a dict with 'total'; accepted is a dict",
        ),
        (lambda value: {}, ValueError, "Own.loss: got a dict with nothing"),
        (lambda value: {"loss": value.item()}, ValueError, "Own.loss: got .* as 'loss'"),
        (
            lambda value: {"loss": value[None]},
            ValueError,
            "Own.loss: got a tensor of shape \\[1\\].* as 'loss'",
        ),
        (lambda value: {"loss": value, "kl": 3.0}, ValueError, "Own.loss: got 3.0 as 'kl'"),
        (
            lambda value: {"loss": value.detach()},
            ValueError,
            "Own.loss: got a 'loss' that no parameter can learn from",
        ),
    ],
)
def test_a_loss_that_returns_something_else_is_told_what_is_wanted(gives, error, message):
    model = Own(gives)
    before = model.line.weight.clone()
    with pytest.raises(error, match=message):
        quiet(model, X)
    assert torch.equal(model.line.weight, before)


class Late(Own):
    """Returns something else from the third batch on, and in evaluation if asked."""

    def __init__(self, first, later, evaluated=None):
        super().__init__(first)
        self.calls, self.later, self.evaluated = 0, later, evaluated

    def loss(self, images):
        value = super().loss(images)["loss"]
        self.calls += self.training
        if not self.training and self.evaluated:
            return self.evaluated(value)
        return self.later(value) if self.calls > 2 else {"loss": value, "one": value * 0 + 1}


def test_terms_in_another_order_keep_their_names():
    model = Late(
        lambda value: {"loss": value, "one": value * 0 + 1},
        lambda value: {"one": value * 0 + 1, "loss": value},
    )
    history = quiet(model, X, epochs=3, batch_size=2, validation=Split(X))
    assert history["one"] == pytest.approx([1.0] * 3) == history["val_one"]
    assert min(history["loss"]) > 1.5


@pytest.mark.parametrize(
    "gives, error, message",
    [
        (lambda v: {"loss": v}, ValueError, "the terms loss; accepted are those .*, loss, one"),
        (
            lambda v: {"loss": v, "one": v, "two": v},
            ValueError,
            "the terms loss, one, two; accepted are those of the first batch, loss, one",
        ),
        (lambda v: {"loss": v, "two": v}, ValueError, "the terms loss, two; accepted"),
        (lambda v: {"loss": v, "one": 1.0}, ValueError, "1.0 as 'one'"),
        (lambda v: v, TypeError, "accepted is a dict of scalar tensors"),
        (lambda v: {"loss": v.detach(), "one": v}, ValueError, "no parameter can learn from"),
        (lambda v: {"loss": v, "one": v + 1j}, ValueError, "complex64 as 'one'"),
    ],
)
def test_a_later_batch_is_looked_at_too(gives, error, message):
    model = Late(lambda value: {"loss": value, "one": value * 0 + 1}, gives)
    with pytest.raises(error, match=f"Late.loss: got .*{message}"):
        quiet(model, X, batch_size=2)


@pytest.mark.parametrize(
    "gives, error, message",
    [
        (lambda v: v, TypeError, "accepted is a dict of scalar tensors"),
        (lambda v: {}, ValueError, "a dict with nothing"),
        (lambda v: {"loss": v.item()}, ValueError, "as 'loss'"),
        (lambda v: {"loss": v[None]}, ValueError, r"shape \[1\], float32 as 'loss'"),
    ],
)
def test_what_the_loss_gives_in_evaluation_is_looked_at_too(gives, error, message):
    usual = lambda value: {"loss": value, "one": value * 0 + 1}
    with pytest.raises(error, match=f"Late.loss: got .*{message}"):
        quiet(Late(usual, usual, gives), X, validation=Split(X), keep="best")


@pytest.mark.parametrize("name", [3, "val_loss"])
def test_a_term_has_a_name_of_its_own(name):
    model = Own(lambda value: {"loss": value, name: value})
    with pytest.raises(ValueError, match=f"got a term called {name!r}; accepted are texts"):
        quiet(model, X, validation=Split(X))


def test_where_no_validation_loss_is_a_number_the_last_weights_are_kept_and_it_is_said():
    usual = lambda value: {"loss": value}
    model = Late(usual, usual, lambda value: {"loss": value * float("nan")})
    model.calls = 3
    with pytest.warns(RuntimeWarning, match="keep='best': .*after no epoch; the last weights"):
        history = quiet(model, X, validation=Split(X), keep="best")
    assert history.best_epoch is None


def test_a_readers_own_model_trains():
    model = Own(lambda value: {"loss": value})
    history = quiet(model, X, epochs=30, lr=1e-2, validation=Images("x", Split(X), Split(X)))
    assert history["loss"][-1] < history["loss"][0] / 2


# --- the model ------------------------------------------------------------------------------------------------------


class Named(nn.Module):
    """A loss in the place of a method."""

    def __init__(self, loss):
        super().__init__()
        self.line, self.loss = nn.Linear(3, 3), loss


class ByNameOnly(Own):
    def loss(self, *, x):
        return super().loss(x)


class ByPlaceOnly(Own):
    def loss(self, x, labels, /):
        return super().loss(x)


class Waiting(Own):
    def __init__(self, gives):
        super().__init__(gives)
        self.layer = nn.LazyLinear(3)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: lambda x: x,
            TypeError,
            "model: got .*; accepted is a torch.nn.Module with a method loss",
        ),
        (
            lambda: nn.Linear(3, 3),
            TypeError,
            "model: got .*accepted is a torch.nn.Module with a method loss",
        ),
        (
            lambda: Own(dict).double(),
            ValueError,
            "model: got float64 weights in 'line.weight'; accepted is float32: use model.float",
        ),
        (lambda: Own(dict).half(), ValueError, "model: got float16 weights"),
        (
            lambda: Named(nn.MSELoss()),
            TypeError,
            "model: got Named, whose loss is the module MSELoss; accepted is a method loss",
        ),
        (
            lambda: ByNameOnly(dict),
            TypeError,
            "model: got ByNameOnly, whose loss takes 'x' by name only; accepted is loss",
        ),
        (
            lambda: ByPlaceOnly(dict),
            TypeError,
            "model: got ByPlaceOnly, whose loss takes 'labels' by place only; accepted is loss",
        ),
        (lambda: Waiting(dict), ValueError, "model: got 'layer.weight' of a lazy layer"),
        (
            lambda: Own(dict).requires_grad_(False),
            ValueError,
            "model: got Own without a parameter that requires a gradient",
        ),
    ],
)
def test_models_that_cannot_be_trained_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        quiet(make(), X)


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_training_works_where_gradients_are_switched_off(context):
    with_grad, without = (models.Autoencoder(2, nets.mlp((4,)), shape=(1, 4, 5)) for _ in range(2))
    without.load_state_dict(with_grad.state_dict())
    quiet(with_grad, X)
    with context():
        quiet(without, X)
    assert torch.equal(with_grad.decoder[0].weight, without.decoder[0].weight)


def test_a_run_does_not_depend_on_autocast_around_it():
    histories = []
    for context in (nullcontext(), torch.autocast("cpu", torch.bfloat16)):
        torch.manual_seed(0)
        model = models.VAE(2, nets.mlp((4,)), shape=(1, 4, 5))
        with context:
            histories.append(quiet(model, X, epochs=2, validation=Split(X)).terms)
    assert histories[0] == histories[1]


def test_a_last_batch_of_one_joins_the_batch_before_where_batch_normalisation_could_not_take_it():
    sizes = []

    class Normed(Own):
        def __init__(self):
            super().__init__(lambda value: {"loss": value})
            self.normed = nn.BatchNorm1d(20)

        def loss(self, images):
            sizes.append(len(images))
            return super().loss(self.normed(images.flatten(1)).view_as(images))

    quiet(Normed(), X[:9])
    assert sizes == [4, 5]
    assert (
        train.fit(
            models.LadderVAE(shape=(1, 8, 8)),
            torch.rand(129, 1, 8, 8),
            epochs=1,
            progress=False,
            cache=False,
        ).epochs
        == 1
    )


# --- the loop that a reader can read --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["autoencoder", "vae"])
def test_fit_is_the_printed_loop_bit_for_bit(kind, images, weights, request):
    build = request.getfixturevalue(kind)
    plain, fitted = build(), build()
    with torch.random.fork_rng(devices=[]):
        train.plain(plain, images.train.x, epochs=3, batch_size=8, lr=0.01, seed=5)
    quiet(fitted, images, epochs=3, batch_size=8, lr=0.01, seed=5, schedule="constant")
    assert torch.equal(weights(plain), weights(fitted))
