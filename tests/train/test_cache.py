"""A trained model is read back only when everything that made it is the same."""

import importlib
import os
import sys
from types import ModuleType

import pytest
import torch

from aecourse import models, nets, train
from aecourse.data import binarize
from aecourse.train import cache
from aecourse.train.greedy import pretrain

RUN = dict(epochs=2, batch_size=8, progress=False)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_same_run_is_read_not_trained(images, vae, weights, folder):
    one, two = vae(), vae()
    first = train.fit(one, images, validation=images, keep="best", **RUN)
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    second = train.fit(two, images, validation=images, keep="best", **RUN)
    assert not first.cached and second.cached and "read from the cache" in repr(second)
    assert (
        torch.equal(weights(one), weights(two))
        and second.terms == first.terms
        and second.best_epoch == first.best_epoch
    )
    assert (
        not two.training and torch.equal(torch.rand(1), expected) and len(os.listdir(folder)) == 1
    )


CHANGES = {
    "epochs": {"epochs": 3},
    "batch_size": {"batch_size": 4},
    "lr": {"lr": 2e-3},
    "schedule": {"schedule": "cosine"},
    "one_cycle's own setting": {"schedule": train.one_cycle(warm=0.3)},
    "beta schedule": {"weights": {"beta": train.warmup(0.3)}},
    "seed": {"seed": 1},
    "clip": {"clip": 1.0},
    "ema": {"ema": 0.9},
    "transform": {"transform": binarize},
    "precision": {"precision": "bf16"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_argument_trains_again(images, vae, what):
    train.fit(vae(), images, **RUN)
    assert not train.fit(vae(), images, **{**RUN, **CHANGES[what]}).cached
    assert train.fit(vae(), images, **{**RUN, **CHANGES[what]}).cached


def test_the_settings_of_a_schedule_count(images, vae):
    for fraction in (0.2, 0.3):
        assert not train.fit(vae(), images, weights={"beta": train.warmup(fraction)}, **RUN).cached
        assert train.fit(vae(), images, weights={"beta": train.warmup(fraction)}, **RUN).cached


def test_a_changed_image_label_or_validation_set_trains_again(images, vae):
    changed = images.train.x.clone()
    changed[3, 0, 2, 2] += 1e-3
    train.fit(vae(), images, **RUN)
    assert not train.fit(vae(), changed, **RUN).cached
    assert not train.fit(vae(), images, validation=images, **RUN).cached
    assert not train.fit(vae(), images, validation=images.test.x[1:], **RUN).cached
    assert train.fit(
        vae(), images.train.x, **RUN
    ).cached  # labels that the loss does not ask for play no part


@pytest.mark.parametrize(
    "settings",
    [
        {"beta": 2.0},
        {"net": nets.mlp((6,), "gelu")},
        {"likelihood": "bernoulli"},
        {"likelihood": models.Gaussian(squash=False)},
    ],
    ids=["beta", "gelu", "likelihood", "squash"],
)
def test_a_changed_model_trains_again(images, settings):
    def build(**settings):
        torch.manual_seed(0)
        return models.VAE(
            2,
            **{
                "net": nets.mlp((6,)),
                "shape": images.shape,
                "likelihood": models.Gaussian(),
                **settings,
            },
        )

    train.fit(build(), images, **RUN)
    assert not train.fit(build(**settings), images, **RUN).cached
    assert train.fit(build(), images, **RUN).cached


def test_other_initial_weights_train_again(images, vae):
    train.fit(vae(), images, **RUN)
    model = vae()
    with torch.no_grad():
        model.decoder[0].bias[0] += 1e-3
    assert not train.fit(model, images, **RUN).cached


def test_a_model_of_the_readers_own_file_is_not_cached(images, tmp_path, monkeypatch, folder):
    (tmp_path / "my_models.py").write_text(
        "from aecourse import models\nclass Mine(models.Autoencoder):\n    pass"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    mine = importlib.import_module("my_models")
    assert not any(
        train.fit(mine.Mine(2, nets.mlp(()), shape=images.shape), images, **RUN).cached
        for _ in range(2)
    )
    assert not folder.exists()
    sys.modules.pop("my_models")


def test_a_model_typed_into_a_notebook_is_not_cached(images, folder, monkeypatch):
    notebook = ModuleType("notebook_without_a_file")
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    exec("from aecourse import models\nclass Typed(models.Autoencoder):\n    pass", vars(notebook))
    for _ in range(2):
        torch.manual_seed(0)
        assert not train.fit(
            notebook.Typed(2, nets.mlp(()), shape=images.shape), images, **RUN
        ).cached
    assert not folder.exists()


def test_a_transform_of_unknown_content_is_not_cached(images, vae, folder):
    class Level:
        def __call__(self, x):
            return x

    for _ in range(2):
        assert not train.fit(vae(), images, transform=Level(), **RUN).cached
    assert not folder.exists()


def test_the_layers_of_a_stack_are_read_too(images):
    for cached in (False, True):
        torch.manual_seed(0)
        model = models.Autoencoder(2, nets.mlp((6,)), shape=images.shape)
        histories = pretrain(model, images.train.x, epochs=1, progress=False)
        assert [history.cached for history in histories] == [cached, cached]


@pytest.mark.parametrize("name", ["relu", "tanh", "sigmoid", "nn.functional.gelu"])
def test_torchs_own_functions_are_known_by_every_name(images, name):
    """Built-ins call themselves otherwise: torch.relu is a method of a hidden class, gelu lives in torch._C."""
    function = torch
    for part in name.split("."):
        function = getattr(function, part)

    def fitted(act):
        torch.manual_seed(0)
        model = models.Autoencoder(2, nets.mlp((4,)), shape=(1, 4, 5))
        model.act = act
        return train.fit(model, images, **RUN).cached

    assert [fitted(function), fitted(function), fitted(torch.nn.functional.silu)] == [
        False,
        True,
        False,
    ]


def test_an_interrupted_run_is_not_kept(images, vae, folder):
    def stop(x):
        raise KeyboardInterrupt

    assert train.fit(vae(), images, transform=stop, **RUN).interrupted
    assert not folder.exists()


def truncated(content):
    return content[: len(content) // 2]


def one_weight_changed(content):
    damaged = bytearray(content)
    damaged[content.index(b"/data/0") + 256] ^= 0xFF
    return bytes(damaged)


@pytest.mark.parametrize("damage", [truncated, one_weight_changed, lambda content: b""])
def test_a_damaged_entry_is_noticed_and_trained_again(images, vae, weights, folder, damage):
    sound = vae()
    train.fit(sound, images, **RUN)
    [entry] = folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    model = vae()
    with pytest.warns(train.CacheWarning, match="damaged.*training it again"):
        assert not train.fit(model, images, **RUN).cached
    assert torch.equal(weights(model), weights(sound))
    assert train.fit(vae(), images, **RUN).cached  # replaced by a sound one


def test_an_entry_under_another_name_is_not_trusted(images, vae, folder):
    train.fit(vae(), images, **RUN)
    [entry] = folder.iterdir()
    content = entry.read_bytes()
    train.fit(vae(), images, **{**RUN, "seed": 1})
    [other] = set(folder.iterdir()) - {entry}
    other.write_bytes(content)
    with pytest.warns(train.CacheWarning, match="another model"):
        assert not train.fit(vae(), images, **{**RUN, "seed": 1}).cached


class Trap:
    def __reduce__(self):
        return os.mkdir, ("sprung",)


def test_reading_an_entry_runs_no_code(images, vae, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train.fit(vae(), images, **RUN)
    [entry] = folder.iterdir()
    torch.save({"content": Trap(), "digest": ""}, entry)
    with pytest.warns(train.CacheWarning):
        train.fit(vae(), images, **RUN)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("setting", ["off", "OFF", "0", "none", "false", "No", " False "])
def test_the_cache_can_be_switched_off(images, vae, tmp_path, monkeypatch, setting):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AECOURSE_CACHE", setting)
    assert not any(train.fit(vae(), images, **RUN).cached for _ in range(2)) and not os.listdir(
        tmp_path
    )


def test_the_home_folder_is_meant_by_a_tilde(images, vae, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AECOURSE_CACHE", "~/kept")
    train.fit(vae(), images, checkpoint="~/run.pt", **RUN)
    assert sorted(os.listdir(tmp_path / "home")) == ["kept", "run.pt"] and os.listdir(tmp_path) == [
        "home"
    ]
    monkeypatch.setenv("AECOURSE_CACHE", "~nobody-of-this-name/kept")
    with pytest.raises(
        ValueError, match="AECOURSE_CACHE: got '~nobody-of-this-name/kept'; accepted is a path"
    ):
        train.fit(vae(), images, **RUN)


@pytest.mark.parametrize("setting", ["", " ", "on", "1", "True", "yes"])
def test_the_usual_folder_is_meant_by_nothing_and_by_yes(monkeypatch, setting):
    monkeypatch.setenv("AECOURSE_CACHE", setting)
    assert cache.folder().name == "models" and cache.folder().is_absolute()


def test_one_call_can_leave_the_cache_alone(images, vae, folder):
    assert (
        not any(train.fit(vae(), images, cache=False, **RUN).cached for _ in range(2))
        and not folder.exists()
    )


def test_a_cache_that_cannot_be_written_is_a_warning(images, vae, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AECOURSE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.warns(train.CacheWarning, match="could not be kept.*AECOURSE_CACHE"):
        assert train.fit(vae(), images, **RUN).epochs == 2


def test_a_full_disk_is_a_warning_and_leaves_nothing(images, vae, folder, small_files):
    with small_files(500), pytest.warns(train.CacheWarning, match="could not be kept"):
        assert train.fit(vae(), images, **RUN).epochs == 2
    assert os.listdir(folder) == []
