"""A run goes on where it was killed, bit for bit; a file that does not belong to it is refused."""

import dataclasses
import enum
import functools
import json
import os
import random
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from aecourse import data, models, nets, train
from aecourse.data import binarize
from aecourse.train import loop, state

RUN = dict(epochs=4, batch_size=8, lr=0.01, progress=False)


BATCHES = iter(range(10**9))  # those that are left until somebody interrupts


@contextmanager
def interrupted_at(batch):
    """Inside, the run is interrupted as if by hand, at its `batch`-th call of `noisy` or `same`."""
    global BATCHES
    BATCHES = iter(range(batch))
    yield
    BATCHES = iter(range(10**9))


def same(x):
    if next(BATCHES, None) is None:
        raise KeyboardInterrupt
    return x


def noisy(x):
    """A transform that draws from every generator there is."""
    return (binarize(same(x)) * (0.5 + random.random() / 4 + np.random.rand() / 4)).clamp(0, 1)


@pytest.mark.parametrize("stop", [0, 1, 3, 5, 11])
@pytest.mark.parametrize(
    "extras",
    [{}, {"ema": 0.9, "keep": "best", "clip": 1.0, "weights": {"beta": train.warmup()}}],
    ids=["plain", "all"],
)
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, images, vae, weights, stop, extras):
    options = {**RUN, **extras, "validation": images, "checkpoint": tmp_path / "run.pt"}
    whole, again = vae(), vae(beta=1.0)
    expected = train.fit(whole, images, transform=noisy, **{**options, "checkpoint": None})
    with interrupted_at(stop):
        stopped = train.fit(again, images, transform=noisy, **options)
    assert stopped.interrupted and stopped.epochs == stop // 3
    other = vae()
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()  # where an epoch is saved, what the new model held is forgotten
    resumed = other if stopped.epochs else vae()
    history = train.fit(resumed, images, transform=noisy, **options)
    assert torch.equal(weights(resumed), weights(whole))
    assert (
        history.terms == expected.terms
        and history.best_epoch == expected.best_epoch
        and not history.interrupted
    )


def test_a_finished_run_is_read_back_without_training(tmp_path, images, vae, weights):
    one, two = vae(), vae()
    first = train.fit(one, images, checkpoint=tmp_path / "run.pt", ema=0.9, **RUN)
    second = train.fit(two, images, checkpoint=tmp_path / "run.pt", ema=0.9, **RUN)
    assert (
        torch.equal(weights(one), weights(two))
        and second.terms == first.terms
        and second.seconds == first.seconds
    )


def test_nothing_but_the_checkpoint_is_left_behind(tmp_path, images, vae):
    train.fit(vae(), images, checkpoint=tmp_path / "deep" / "run.pt", **RUN)
    assert os.listdir(tmp_path / "deep") == ["run.pt"]


OTHERS = {
    "lr": ({"lr": 0.02}, {}, "lr=0.01, this one has lr=0.02"),
    "epochs": ({"epochs": 5}, {}, "epochs=4"),
    "batch size": ({"batch_size": 4}, {}, "batch_size=8"),
    "seed": ({"seed": 1}, {}, "seed=0"),
    "schedule": ({"schedule": "cosine"}, {}, "schedule"),
    "weights": ({"weights": {"beta": 0.5}}, {}, "weights"),
    "clip": ({"clip": 1.0}, {}, "clip=None"),
    "ema": ({"ema": 0.9}, {}, "ema=None"),
    "transform": (
        {"transform": binarize},
        {},
        "transform='None', this one has transform='binarize, code",
    ),
    "precision": ({"precision": "bf16"}, {}, "precision"),
    "width": (
        {},
        {"net": nets.mlp((7,))},
        r"model.encoder.1='Linear\(in_features=20, out_features=6",
    ),
    "activation": (
        {},
        {"net": nets.mlp((6,), "gelu")},
        r"model.encoder.2='ReLU\(\)', this one has model.encoder.2=.GELU",
    ),
    "beta": ({}, {"beta": 2.0}, "model.beta=1.0, this one has model.beta=2.0"),
    "depth": ({}, {"net": nets.mlp((6, 6))}, "model.encoder"),
    "likelihood": ({}, {"likelihood": "continuous_bernoulli"}, "model.likelihood='Bernoulli"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_a_checkpoint_of_another_run_is_refused_by_name(tmp_path, images, vae, weights, what):
    options, settings, message = OTHERS[what]
    train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN)
    model = models.VAE(2, **{"net": nets.mlp((6,)), "shape": images.shape, **settings})
    before = weights(model)
    with pytest.raises(train.CheckpointError, match=message):
        train.fit(model, images, checkpoint=tmp_path / "run.pt", **{**RUN, **options})
    assert torch.equal(weights(model), before)


def test_a_checkpoint_of_other_images_or_another_model_is_refused(
    tmp_path, images, vae, autoencoder
):
    train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN)
    with pytest.raises(train.CheckpointError, match="images"):
        train.fit(vae(), images.train.x.flip(0), checkpoint=tmp_path / "run.pt", **RUN)
    with pytest.raises(
        train.CheckpointError, match="model='VAE', this one has model='Autoencoder'"
    ):
        train.fit(autoencoder(), images, checkpoint=tmp_path / "run.pt", **RUN)


def truncated(content):
    return content[: len(content) // 2]


def one_weight_changed(content):
    middle = bytearray(content)
    at = content.index(b"/data/0") + 256  # inside the first tensor
    middle[at] ^= 0xFF
    return bytes(middle)


@pytest.mark.parametrize(
    "damage",
    [truncated, one_weight_changed, lambda content: b"", lambda content: b"not a checkpoint"],
)
def test_a_damaged_checkpoint_is_refused(tmp_path, images, vae, weights, damage):
    path = tmp_path / "run.pt"
    train.fit(vae(), images, checkpoint=path, **RUN)
    path.write_bytes(damage(path.read_bytes()))
    model = vae()
    with pytest.raises(train.CheckpointError, match="cannot be read.*delete it to start anew"):
        train.fit(model, images, checkpoint=path, **RUN)
    assert torch.equal(weights(model), weights(vae()))


class Trap:
    """A pickle that would run a command when read carelessly."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def test_reading_a_checkpoint_runs_no_code(tmp_path, images, vae, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"content": Trap(), "digest": ""}, "run.pt")
    with pytest.raises(train.CheckpointError):
        train.fit(vae(), images, checkpoint="run.pt", **RUN)
    assert not Path("sprung").exists()


# --- what must match, and what a file can do


def kind(name, **options):
    """A builder of models that differ in one thing which neither repr nor state_dict shows."""

    def build(images):
        torch.manual_seed(1)
        return getattr(models, name)(2, nets.mlp((6,)), shape=images.shape, **options)

    return build


def frozen(part):
    def build(images):
        model = kind("VAE")(images)
        model.get_submodule(part).requires_grad_(False)
        return model

    return build


def attention(heads):
    def build(images):
        torch.manual_seed(1)
        return models.CodePrior(4, (4, 5), width=4, heads=heads, layers=1)

    return build


def squashed(function):
    def build(images):
        model = kind("VAE")(images)
        model.squash = function
        return model

    return build


UNLIKE = {
    "a frozen decoder": (
        kind("VAE"),
        frozen("decoder"),
        r"parameter decoder.0.weight='\[6, 2\] float32, trained', this one has .*frozen'",
    ),
    "a frozen encoder": (
        frozen("encoder"),
        kind("VAE"),
        "parameter encoder.1.weight=.*frozen', this one has .*trained'",
    ),
    "a learned sigma": (
        kind("VAE", likelihood=models.Gaussian(0.5)),
        kind("VAE", likelihood=models.Gaussian(0.5, learned=True)),
        "parameter likelihood.log_sigma=None, this one has",
    ),
    "a fixed sigma": (
        kind("VAE", likelihood=models.Gaussian(0.5, learned=True)),
        kind("VAE", likelihood=models.Gaussian(0.5)),
        "likelihood.log_sigma=",
    ),
    "no squash": (
        kind("VAE", likelihood=models.Gaussian(0.5)),
        kind("VAE", likelihood=models.Gaussian(0.5, squash=False)),
        "model.likelihood.squash=True, this one has model.likelihood.squash=False",
    ),
    "other masks": (
        kind("VAE", likelihood=models.MADE((5,), shape=(1, 4, 5), seed=0)),
        kind("VAE", likelihood=models.MADE((5,), shape=(1, 4, 5), seed=1)),
        "buffer likelihood.network.1.mask=",
    ),
    "another function": (squashed(torch.sin), squashed(torch.cos), "model.squash='sin, code"),
    "another lambda": (
        squashed(lambda x: x + 1),
        squashed(lambda x: x + 2),
        "model.squash='code, code",
    ),
    "more heads": (attention(1), attention(2), "num_heads=1, this one has .*num_heads=2"),
}


@pytest.mark.parametrize("what", UNLIKE)
def test_names_shapes_trainability_and_settings_of_parts_must_match(
    tmp_path, images, weights, what
):
    one, other, message = UNLIKE[what]
    x = (3 * images.train.x[:, 0]).long() if "heads" in what else images.train.x
    train.fit(one(images), data.Split(x), checkpoint=tmp_path / "run.pt", **{**RUN, "epochs": 1})
    before, model = (tmp_path / "run.pt").read_bytes(), other(images)
    kept = weights(model)
    with pytest.raises(train.CheckpointError, match=f"belongs to a run with .*{message}"):
        train.fit(model, data.Split(x), checkpoint=tmp_path / "run.pt", **{**RUN, "epochs": 1})
    assert torch.equal(weights(model), kept) and (tmp_path / "run.pt").read_bytes() == before


@dataclasses.dataclass
class Options:
    beta: float = 1.0


class Switch(enum.Enum):
    OFF, ON = range(2)


class Thing:
    def __init__(self, size):
        self.size, self.self = size, self


class Settled(models.VAE):
    """A reader's model with a setting of any kind."""

    def __init__(self, shape, **settings):
        super().__init__(2, nets.mlp((6,)), shape=shape)
        vars(self).update(settings)


def settled(images, **settings):
    torch.manual_seed(1)
    return Settled(images.shape, **settings)


SETTINGS = {
    "dict": lambda a: {"beta": [a]},
    "tensor": lambda a: torch.full((2000,), float(a)),
    "end of a tensor": lambda a: torch.tensor([0.0] * 2000 + [float(a)] + [0.0] * 2000),
    "tensors in a list": lambda a: [torch.zeros(2000), torch.full((2000,), float(a))],
    "array": lambda a: np.full(2000, a),
    "set": lambda a: {a},
    "complex": lambda a: a * 1j,
    "bytes": lambda a: bytes(a),
    "range": range,
    "dtype": lambda a: (torch.float32, torch.float64)[a],
    "class": lambda a: (int, float)[a],
    "choice": Switch,
    "dataclass": Options,
    "object": Thing,
    "partial": lambda a: functools.partial(max, a),
}


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("name", ["option", "_option"])
def test_a_setting_of_any_kind_must_match(tmp_path, images, kind, name):
    path, options, make = tmp_path / "run.pt", {**RUN, "epochs": 1}, SETTINGS[kind]
    train.fit(settled(images, **{name: make(0)}), images, checkpoint=path, **options)
    train.fit(settled(images, **{name: make(0)}), images, checkpoint=path, **options)
    with pytest.raises(train.CheckpointError, match=f"belongs to a run with model.{name}="):
        train.fit(settled(images, **{name: make(1)}), images, checkpoint=path, **options)


def own(loss):
    return type("Ours", (models.VAE,), {"__module__": __name__, "loss": loss})


def by(factor):
    def loss(self, x):
        return {"loss": factor * models.VAE.loss(self, x)["loss"]}

    return loss


def rooted(self, x):
    """Words about it do not matter."""
    return {"loss": models.VAE.loss(self, x)["loss"].sqrt()}


def rooted_again(self, x):
    return {"loss": models.VAE.loss(self, x)["loss"].sqrt()}


def test_the_code_of_the_readers_own_model_must_match(tmp_path, images):
    def run(loss, hook=None):
        torch.manual_seed(1)
        model = own(loss)(2, nets.mlp((6,)), shape=images.shape)
        if hook:
            model.decoder[0].register_forward_hook(hook)
        options = {**RUN, "epochs": 1}
        train.fit(model, images, checkpoint=tmp_path / f"{first.__name__}.pt", **options)

    first = by(1.0)
    run(first), run(by(1.0))
    for other in (by(2.0), rooted):
        with pytest.raises(train.CheckpointError, match="belongs to a run with model.code="):
            run(other)
    with pytest.raises(train.CheckpointError, match="model.decoder.0.hooks=None, this one"):
        run(first, hook=lambda layer, given, out: out * 2)
    first = rooted
    run(rooted), run(rooted_again)


@pytest.mark.parametrize("kind", ["autoencoder", "recurrent"])
def test_one_model_goes_on_after_training_has_changed_it(tmp_path, images, kind):
    """What training changes is no setting: weights that an attribute holds, too, and results of a computation."""
    torch.manual_seed(1)
    model = models.Autoencoder(2, nets.mlp((6,)), shape=images.shape)
    if kind == "recurrent":
        model.extra = torch.nn.LSTM(2, 2)
        vars(model)["weights"] = list(model.parameters())
        vars(model)["last"] = model.encode(images.train.x)
    for _ in range(2):
        train.fit(model, images, checkpoint=tmp_path / "run.pt", **{**RUN, "epochs": 1})
        if kind == "recurrent":
            vars(model)["last"] = model.encode(images.train.x)


def test_a_link_stays_one(tmp_path, images, vae):
    (tmp_path / "far").mkdir()
    (tmp_path / "run.pt").symlink_to(tmp_path / "far" / "run.pt")
    train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN)
    assert (tmp_path / "run.pt").is_symlink() and (tmp_path / "far" / "run.pt").is_file()
    assert train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN).epochs == 4


def test_another_validation_set_is_another_run(tmp_path, images, vae):
    train.fit(vae(), images, validation=images.test, checkpoint=tmp_path / "run.pt", **RUN)
    with pytest.raises(train.CheckpointError, match="validation="):
        train.fit(
            vae(), images, validation=images.test.x[1:], checkpoint=tmp_path / "run.pt", **RUN
        )


def test_moments_belong_to_names(tmp_path, images, vae):
    train.fit(vae(), images, checkpoint=tmp_path / "run.pt", ema=0.9, **RUN)
    saved, model = state.read(tmp_path / "run.pt")["content"]["run"], vae()
    shapes = {name: p.shape for name, p in model.named_parameters()}
    assert {
        name: moments["exp_avg"].shape for name, moments in saved["optimizer"].items()
    } == shapes
    assert {name: average.shape for name, average in saved["averages"].items()} == shapes


class Unused(models.VAE):
    """A parameter that no loss depends on, and that the optimiser therefore knows nothing of."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.unused = torch.nn.Parameter(torch.ones(3))


def test_a_parameter_that_no_loss_asks_for_resumes(tmp_path, images, weights, monkeypatch):
    monkeypatch.setattr(loop, "SWEEP", 1)

    def model():
        torch.manual_seed(1)
        return Unused(2, nets.mlp((6,)), shape=images.shape)

    whole, resumed = model(), model()
    train.fit(whole, images, **RUN)
    with interrupted_at(5):
        train.fit(model(), images, transform=same, checkpoint=tmp_path / "run.pt", **RUN)
    history = train.fit(resumed, images, transform=same, checkpoint=tmp_path / "run.pt", **RUN)
    assert history.epochs == 4 and torch.equal(weights(resumed), weights(whole))


def put(*path, value):
    """A change of one place in what a file holds."""

    def change(content):
        place = content
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value(place[path[-1]]) if callable(value) else value

    return change


def renamed(content):
    moments = content["content"]["run"]["optimizer"]
    moments["decoder.9.weight"] = moments.pop("decoder.0.weight")


def swapped(content):
    moments = content["content"]["run"]["optimizer"]
    one, other = "encoder.1.weight", "decoder.0.weight"
    moments[one], moments[other] = moments[other], moments[one]


def tuple_with(position, value):
    return lambda old: (*old[:position], value, *old[position + 1 :])


IN_RUN = ("content", "run")
FORGED = {
    "moments of other parameters": swapped,
    "moments of an unknown parameter": renamed,
    "no moments": put(*IN_RUN, "optimizer", "decoder.0.weight", value={}),
    "moments that are too short": put(
        *IN_RUN, "optimizer", "decoder.0.weight", "exp_avg", value=torch.zeros(1)
    ),
    "moments that are too long": put(
        *IN_RUN, "optimizer", "decoder.0.weight", "exp_avg_sq", value=torch.zeros(10**6)
    ),
    "moments of doubles": put(
        *IN_RUN, "optimizer", "decoder.0.weight", "exp_avg", value=lambda m: m.double()
    ),
    "moments that are a list": put(
        *IN_RUN, "optimizer", "decoder.0.weight", "exp_avg", value=[0.0]
    ),
    "an optimiser by position": put(
        *IN_RUN, "optimizer", value=lambda m: dict(enumerate(m.values()))
    ),
    "an optimiser that is none": put(*IN_RUN, "optimizer", value=7),
    "a step of many numbers": put(
        *IN_RUN, "optimizer", "decoder.0.weight", "step", value=torch.zeros(3)
    ),
    "a weight of another shape": put(*IN_RUN, "model", "decoder.0.weight", value=torch.zeros(2, 6)),
    "a weight that is a number": put(*IN_RUN, "model", "decoder.0.weight", value=0.0),
    "a weight too many": put(*IN_RUN, "model", "more", value=torch.zeros(1)),
    "no weights": put(*IN_RUN, "model", value=None),
    "averages by position": put(*IN_RUN, "averages", value=lambda a: list(a.values())),
    "averages of another shape": put(
        *IN_RUN, "averages", "decoder.0.weight", value=torch.zeros(())
    ),
    "no averages": put(*IN_RUN, "averages", value=None),
    "best weights of another shape": put(
        "content", "best", value={"decoder.0.weight": torch.zeros(2)}
    ),
    "best weights that are a text": put("content", "best", value="best"),
    "no content": put("content", value=None),
    "no run": put(*IN_RUN, value=[]),
    "no history": put("history", value=None),
    "a history of texts": put("history", "seconds", value="abcd"),
    "a history with more": put("history", "more", value=1),
    "a history with a gap": put("history", "terms", "kl", value=[1.0, 2.0]),
    "terms that are none": put("history", "terms", value=[1.0]),
    "no identity": put("identity", value=None),
    "an identity of tensors": put("identity", "lr", value=torch.ones(2)),
    "a place beyond the end": put(*IN_RUN, "done", value=10**9),
    "a place before the start": put(*IN_RUN, "done", value=-3),
    "a place that is a text": put(*IN_RUN, "done", value="4"),
    "a place within an epoch": put(*IN_RUN, "done", value=4),
    "no random state": put(*IN_RUN, "random", value={}),
    "torch's random state cut": put(*IN_RUN, "random", "cpu", value=lambda s: s[:-8]),
    "torch's random state of zeros": put(*IN_RUN, "random", "cpu", value=torch.zeros_like),
    "torch's random state of ones": put(
        *IN_RUN, "random", "cpu", value=lambda s: torch.full_like(s, 255)
    ),
    "torch's random state of floats": put(*IN_RUN, "random", "cpu", value=lambda s: s.float()),
    "Python's random state cut": put(
        *IN_RUN, "random", "python", value=tuple_with(1, torch.zeros(3, dtype=torch.int64))
    ),
    "Python's random state of another version": put(
        *IN_RUN, "random", "python", value=tuple_with(0, 9)
    ),
    "Python's random state with a wild place": put(
        *IN_RUN, "random", "python", value=tuple_with(1, torch.full((625,), 10**6))
    ),
    "NumPy's random state with a wild place": put(
        *IN_RUN, "random", "numpy", value=tuple_with(2, 10**9)
    ),
    "NumPy's random state with a place before": put(
        *IN_RUN, "random", "numpy", value=tuple_with(2, -1)
    ),
    "NumPy's random state of another kind": put(
        *IN_RUN, "random", "numpy", value=tuple_with(0, "PCG")
    ),
    "NumPy's random state cut": put(
        *IN_RUN, "random", "numpy", value=tuple_with(1, torch.zeros(3, dtype=torch.int64))
    ),
    "no order": put(*IN_RUN, "order", value=None),
    "an order that is a list": put(*IN_RUN, "order", value=[1, 2]),
    "an order of floats": put(*IN_RUN, "order", value=torch.rand(16)),
    "an order of zeros": put(*IN_RUN, "order", value=torch.zeros_like),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_file_is_an_error_and_leaves_everything_as_it_was(
    tmp_path, images, vae, weights, what
):
    path, options = tmp_path / "run.pt", {**RUN, "ema": 0.9, "validation": images, "keep": "best"}
    with interrupted_at(5):
        train.fit(vae(), images, transform=same, checkpoint=path, **options)
    content = state.read(path)
    FORGED[what](content)
    state.write(path, content)
    before, model, random_before = path.read_bytes(), vae(), state.random_state()
    with pytest.raises(
        train.CheckpointError, match="checkpoint: .*run.pt (cannot be read|does not fit|belongs to)"
    ) as caught:
        train.fit(model, images, transform=same, checkpoint=path, **options)
    assert "\n" not in str(caught.value)
    assert torch.equal(weights(model), weights(vae())) and path.read_bytes() == before
    assert state.digest(state.random_state()) == state.digest(random_before)


@pytest.mark.parametrize(
    "content",
    [7, [], {}, {"content": {}, "digest": ""}, {"content": 1, "digest": 2}, torch.ones(3)],
    ids=str,
)
def test_a_file_of_something_else_is_an_error(tmp_path, images, vae, content):
    torch.save(content, tmp_path / "run.pt")
    with pytest.raises(train.CheckpointError, match="cannot be read"):
        train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN)


@pytest.mark.slow
def test_random_damage_never_passes_and_never_crashes(tmp_path, images, vae):
    """A change that leaves the content as it was (in the padding of the archive) may pass."""
    path, chance = tmp_path / "run.pt", random.Random(0)
    train.fit(vae(), images, checkpoint=path, **{**RUN, "epochs": 1})
    sound, whole = path.read_bytes(), state.digest(state.read(path))
    for _ in range(300):
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 1, 20))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(
            damaged if chance.random() < 0.7 else damaged[: chance.randrange(len(damaged))]
        )
        try:
            assert state.digest(state.read(path)) == whole
        except AssertionError:
            raise
        except Exception:
            with pytest.raises(train.CheckpointError, match="cannot be read"):
                state.load_checkpoint(path, {}, None)


@pytest.mark.parametrize("extras", [{}, {"ema": 0.9, "keep": "best"}], ids=["plain", "all"])
def test_a_file_made_on_a_gpu_goes_on_on_the_cpu(tmp_path, images, vae, extras):
    """There the generator of the order has 16 bytes. Its next numbers cannot be had here; the order goes on with this device's own."""
    path, options = tmp_path / "run.pt", {**RUN, "validation": images, **extras}
    with interrupted_at(7):
        train.fit(vae(), images, transform=same, checkpoint=path, **options)
    content = state.read(path)
    content["content"]["run"]["order"] = torch.zeros(16, dtype=torch.uint8)
    content["content"]["run"]["random"]["cuda"] = [torch.zeros(16, dtype=torch.uint8)] * 2
    state.write(path, content)
    resumed, whole = vae(), vae()
    history = train.fit(resumed, images, transform=same, checkpoint=path, **options)
    train.fit(whole, images, transform=same, **{**options, "checkpoint": None})
    assert history.epochs == 4  # and here the order was this device's all along:
    assert all(
        torch.equal(a, b)
        for a, b in zip(resumed.state_dict().values(), whole.state_dict().values())
    )


@pytest.mark.parametrize(
    "value, error",
    [
        (7, TypeError),
        (b"run.pt", TypeError),
        (True, TypeError),
        ("~nobody-of-this-name/run.pt", ValueError),
        ("run\0.pt", ValueError),
    ],
)
def test_what_is_no_path_is_refused_before_the_first_step(images, vae, weights, value, error):
    model = vae()
    with pytest.raises(error, match="checkpoint: got .*; accepted is a path"):
        train.fit(model, images, checkpoint=value, **RUN)
    assert torch.equal(weights(model), weights(vae()))


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path, images, vae):
    with pytest.raises(train.CheckpointError, match="it is no file; accepted is"):
        train.fit(vae(), images, checkpoint=tmp_path, **RUN)


class Noted(models.VAE):
    """An attribute that no file of plain weights can hold."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.width, self.notes, self.nothing = np.float64(0.5), (np.int64(3), object), float("nan")


def test_an_attribute_of_any_type_does_not_spoil_the_file(tmp_path, images):
    for _ in range(2):
        torch.manual_seed(1)
        history = train.fit(
            Noted(2, nets.mlp((6,)), shape=images.shape),
            images,
            checkpoint=tmp_path / "run.pt",
            **RUN,
        )
        assert history.epochs == 4


# --- a disk that fails


def goes_on(images, vae, weights, path):
    model, undisturbed = vae(), vae()
    with pytest.warns(RuntimeWarning, match="could not be written.*training goes on"):
        train.fit(model, images, checkpoint=path, **RUN)
    train.fit(undisturbed, images, **RUN)
    assert torch.equal(weights(model), weights(undisturbed))


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path, images, vae, weights):
    (tmp_path / "file").write_text("in the way")
    goes_on(images, vae, weights, tmp_path / "file" / "run.pt")


def test_a_full_disk_is_a_warning_and_leaves_nothing(tmp_path, images, vae, weights, small_files):
    with small_files(2000):
        goes_on(images, vae, weights, tmp_path / "run.pt")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_later_on_leaves_the_last_good_checkpoint(tmp_path, images, vae, monkeypatch):
    path, save, left = tmp_path / "run.pt", torch.save, [2]

    def full(*arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return save(*arguments, **options)

    monkeypatch.setattr(torch, "save", full)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = train.fit(vae(), images, checkpoint=path, **RUN)
    assert history.epochs == 4 and sum("No space left" in str(w.message) for w in told) == 2
    assert len(torch.load(path, weights_only=True)["content"]["history"]["seconds"]) == 2


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_every_killed_process_goes_on_to_the_same_weights(tmp_path):
    """Training processes are killed at random points, and once more after resuming; all end with one result."""
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), "20"],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "AECOURSE_CACHE": "off",
            "PYTHONPATH": str(Path(train.__file__).parents[2]),
        },
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["identical"] == result["rounds"] == 20
    assert result["kills"] == 40 and len(set(result["epochs_at_kill"])) >= 4, result
