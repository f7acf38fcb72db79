"""On a CUDA GPU: the same losses as on the CPU, and a recorded step that computes what the step itself computes."""

import pytest
import torch

from aecourse import models, nets, train
from aecourse.data import binarize
from aecourse.train import fitting, graphs, loop

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
RUN = dict(epochs=3, batch_size=8, lr=0.01, progress=False, device="cuda")


@pytest.fixture
def replays(monkeypatch):
    """How many recorded graphs were replayed."""
    counted, replay = [], torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(
        torch.cuda.CUDAGraph, "replay", lambda graph: counted.append(1) or replay(graph)
    )
    return counted


@pytest.fixture
def eager(monkeypatch):
    """Switches the recording off when called."""
    return lambda: monkeypatch.setattr(loop.Run, "recordable", False)


def test_losses_agree_with_the_cpu(images, autoencoder):
    """The loss draws no noise; only the order of images differs, so full batches are compared."""
    on = {
        device: train.fit(autoencoder(), images, **{**RUN, "batch_size": 22, "device": device})
        for device in ("cpu", "cuda")
    }
    assert on["cuda"]["loss"] == pytest.approx(on["cpu"]["loss"], rel=1e-4)


@pytest.mark.parametrize(
    "extras",
    [
        {},
        {"clip": 0.1, "ema": 0.9, "transform": binarize, "weights": {"beta": train.warmup(0.5)}},
        {"precision": "bf16"},
    ],
    ids=["plain", "all", "bf16"],
)
def test_a_recorded_step_is_the_step(images, vae, weights, replays, eager, extras):
    recorded, plain = vae(), vae()
    one = train.fit(recorded, images, **RUN, **extras)
    assert len(replays) == 6  # two full batches in each of three epochs
    eager()
    two = train.fit(plain, images, **RUN, **extras)
    assert len(replays) == 6
    torch.testing.assert_close(weights(recorded), weights(plain), rtol=1e-4, atol=1e-5)
    assert one["kl"] == pytest.approx(two["kl"], rel=1e-3)


def test_batch_norm_is_not_touched_by_the_rehearsal(images, replays):
    torch.manual_seed(0)
    model = models.Autoencoder(2, nets.conv((2,), batch_norm=True), shape=images.shape)
    train.fit(model, images, **RUN)
    [count] = {int(b) for name, b in model.named_buffers() if name.endswith("num_batches_tracked")}
    assert count == 9 and len(replays) == 6


class ReadsBack(models.Autoencoder):
    def loss(self, x):
        terms = super().loss(x)
        return {"loss": terms["loss"] * (2.0 if terms["loss"].item() > 1e9 else 1.0)}


def test_a_step_that_reads_a_value_back_is_run_as_it_is(images, replays, autoencoder, weights):
    torch.manual_seed(1)
    model = ReadsBack(2, nets.mlp((6,), "tanh"), shape=images.shape)
    train.fit(model, images, **RUN)
    plain = autoencoder()
    assert not replays
    train.fit(plain, images, **RUN)
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-5)


def test_an_interrupted_run_goes_on_on_the_gpu(images, vae, weights, tmp_path, monkeypatch):
    whole, again, fresh = vae(), vae(), vae()
    train.fit(whole, images, **RUN)
    epoch, left = loop.Run.epoch, [2]

    def interrupted(run, on_step):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return epoch(run, on_step)

    monkeypatch.setattr(loop.Run, "epoch", interrupted)
    assert train.fit(again, images, checkpoint=tmp_path / "run.pt", **RUN).epochs == 2
    monkeypatch.undo()
    train.fit(fresh, images, checkpoint=tmp_path / "run.pt", **RUN)
    torch.testing.assert_close(weights(fresh), weights(whole), rtol=1e-4, atol=1e-5)


class Poisoned(models.VAE):
    def loss(self, x, poison=0.0):
        terms = super().loss(x)
        bad = torch.where(torch.as_tensor(poison, device=x.device) >= 1, float("inf"), 0.0)
        return {**terms, "kl": terms["kl"] + bad, "loss": terms["loss"] + bad}


def test_a_fault_in_a_recorded_step_is_found_and_undone(images, weights, replays):
    model = Poisoned(2, nets.mlp((6,)), shape=images.shape)
    before = weights(model)
    with pytest.raises(train.Diverged, match=r"epoch 0, step 1 .*'kl' is inf"):
        train.fit(model, images, weights={"poison": lambda t: float(t > 0.5 / 9)}, **RUN)
    assert torch.equal(weights(model), before) and replays


def test_the_callers_gpu_random_numbers_are_left_alone(images, vae):
    torch.manual_seed(5)
    expected = torch.rand(3, device="cuda")
    torch.manual_seed(5)
    train.fit(vae(), images, **RUN)
    assert torch.equal(torch.rand(3, device="cuda"), expected)


def test_the_gpu_is_chosen_where_there_is_one():
    assert fitting.pick_device().type == "cuda" and graphs.Graphed is not None
