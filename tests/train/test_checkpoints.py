"""A run goes on where it was killed, bit for bit; a file that does not belong to it is refused."""

import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from aecourse import models, nets, train
from aecourse.data import binarize

RUN = dict(epochs=4, batch_size=8, lr=0.01, progress=False)


def noisy(x):
    """A transform that draws from every generator there is."""
    return (binarize(x) * (0.5 + random.random() / 4 + np.random.rand() / 4)).clamp(0, 1)


def interrupted_at(batch, transform):
    left = [batch]

    def noisy(x):                                                # the same name, as a transform's name is compared
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return transform(x)
    noisy.__qualname__ = transform.__qualname__
    return noisy


@pytest.mark.parametrize("stop", [0, 1, 3, 5, 11])
@pytest.mark.parametrize("extras", [{}, {"ema": 0.9, "keep": "best", "clip": 1.0, "weights": {"beta": train.warmup()}}], ids=["plain", "all"])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, images, vae, weights, stop, extras):
    options = {**RUN, **extras, "validation": images, "checkpoint": tmp_path / "run.pt"}
    whole, again = vae(), vae(beta=1.0)
    expected = train.fit(whole, images, transform=noisy, **{**options, "checkpoint": None})
    stopped = train.fit(again, images, transform=interrupted_at(stop, noisy), **options)
    assert stopped.interrupted and stopped.epochs == stop // 3
    other = vae()
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()                                            # where an epoch is saved, what the new model held is forgotten
    resumed = other if stopped.epochs else vae()
    history = train.fit(resumed, images, transform=noisy, **options)
    assert torch.equal(weights(resumed), weights(whole))
    assert history.terms == expected.terms and history.best_epoch == expected.best_epoch and not history.interrupted


def test_a_finished_run_is_read_back_without_training(tmp_path, images, vae, weights):
    one, two = vae(), vae()
    first = train.fit(one, images, checkpoint=tmp_path / "run.pt", ema=0.9, **RUN)
    second = train.fit(two, images, checkpoint=tmp_path / "run.pt", ema=0.9, **RUN)
    assert torch.equal(weights(one), weights(two)) and second.terms == first.terms and second.seconds == first.seconds


def test_nothing_but_the_checkpoint_is_left_behind(tmp_path, images, vae):
    train.fit(vae(), images, checkpoint=tmp_path / "deep" / "run.pt", **RUN)
    assert os.listdir(tmp_path / "deep") == ["run.pt"]


OTHERS = {
    "lr": ({"lr": 0.02}, {}, "lr=0.01, this one has lr=0.02"), "epochs": ({"epochs": 5}, {}, "epochs=4"),
    "batch size": ({"batch_size": 4}, {}, "batch_size=8"), "seed": ({"seed": 1}, {}, "seed=0"),
    "schedule": ({"schedule": "cosine"}, {}, "schedule"), "weights": ({"weights": {"beta": 0.5}}, {}, "weights"),
    "clip": ({"clip": 1.0}, {}, "clip=None"), "ema": ({"ema": 0.9}, {}, "ema=None"),
    "transform": ({"transform": binarize}, {}, "transform='NoneType', this one has transform='binarize'"),
    "precision": ({"precision": "bf16"}, {}, "precision"),
    "width": ({}, {"net": nets.mlp((7,))}, r"model.encoder.1='Linear\(in_features=20, out_features=6"),
    "activation": ({}, {"net": nets.mlp((6,), "gelu")}, r"model.encoder.2='ReLU\(\)', this one has model.encoder.2=.GELU"),
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


def test_a_checkpoint_of_other_images_or_another_model_is_refused(tmp_path, images, vae, autoencoder):
    train.fit(vae(), images, checkpoint=tmp_path / "run.pt", **RUN)
    with pytest.raises(train.CheckpointError, match="images"):
        train.fit(vae(), images.train.x.flip(0), checkpoint=tmp_path / "run.pt", **RUN)
    with pytest.raises(train.CheckpointError, match="model='VAE', this one has model='Autoencoder'"):
        train.fit(autoencoder(), images, checkpoint=tmp_path / "run.pt", **RUN)


def truncated(content):
    return content[:len(content) // 2]


def one_weight_changed(content):
    middle = bytearray(content)
    at = content.index(b"/data/0") + 256                         # inside the first tensor
    middle[at] ^= 0xFF
    return bytes(middle)


@pytest.mark.parametrize("damage", [truncated, one_weight_changed, lambda content: b"", lambda content: b"not a checkpoint"])
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_every_killed_process_goes_on_to_the_same_weights(tmp_path):
    """Training processes are killed at random points, and once more after resuming; all end with one result."""
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path), "20"], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "AECOURSE_CACHE": "off",
                               "PYTHONPATH": str(Path(train.__file__).parents[2])})
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["identical"] == result["rounds"] == 20
    assert result["kills"] == 40 and len(set(result["epochs_at_kill"])) >= 4, result
