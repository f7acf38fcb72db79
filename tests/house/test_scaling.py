"""One training run shared out among processes: the same result as in one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from aecourse import models, nets
from aecourse.train.batches import TensorBatches
from aecourse.train.schedules import constant
from aecourse.train.shared import SharedRun

ROOT = Path(__file__).resolve().parents[2]


def launched(processes: int, script: Path, *arguments) -> None:
    pytest.importorskip("lightning_fabric", reason="needs the extra 'scale'")
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch has no gloo to connect processes with")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={processes}",
            str(script),
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONPATH": str(ROOT),
        },
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_two_processes_reach_the_loss_of_one(tmp_path):
    """The script of the page "Scaling out", with equal global batch and seed. The last batch has one image only."""
    for processes in (1, 2):
        launched(processes, ROOT / "book" / "scaling_out.py", tmp_path / str(processes), 3)
    one, two = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (1, 2))
    assert (one["processes"], two["processes"]) == (1, 2)
    for term in ("loss", "val_loss"):
        assert two["terms"][term] == pytest.approx(one["terms"][term], rel=1e-5), term
    weights = [torch.load(tmp_path / f"{n}.pt", weights_only=True) for n in (1, 2)]
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_processes_agree_on_weights_faults_checkpoints_and_images(tmp_path):
    launched(2, ROOT / "tests" / "train" / "several_processes.py", tmp_path)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first["weights"] == second["weights"] and first["terms"] == second["terms"]
    drawn = first["noise"] + second["noise"]
    assert len(drawn) == 2 * 3 * 7 and len(set(drawn)) == len(
        drawn
    )  # no process repeats another's noise, or its own
    assert first["resumed"] == second["resumed"] == [2, 3, True]
    assert (
        "epoch 1, step 2 " in first["diverged"]
        and "'kl' is inf" in first["diverged"] == second["diverged"]
    )
    assert "DistributedSampler" in first["same images"] == second["same images"]
    for mine, yours in zip(first["pixels"], second["pixels"]):
        assert len(mine) == len(yours) == 25 and not set(mine) & set(
            yours
        )  # each image once, in one of the two
    assert first["pixels"][0] != first["pixels"][1] and first["loader"] == second["loader"]


class Whole(torch.nn.Module):
    """Stands for the engine's wrapper: nothing is exchanged."""

    def __init__(self, model):
        super().__init__()
        self.loss = model.loss

    def mark_forward_method(self, name):
        assert name == "loss"


@pytest.mark.parametrize("images", [12, 7, 2, 1])
def test_the_mean_over_processes_is_that_of_the_whole_batch(images):
    """In terms and in gradients, also where the batch cannot be divided, or has fewer images than there are processes."""
    torch.manual_seed(0)
    x, model, size = (
        torch.rand(images, 1, 4, 5),
        models.Autoencoder(2, nets.mlp((3,)), shape=(1, 4, 5)),
        3,
    )
    expected = model.loss(x)["loss"]
    gradient = torch.autograd.grad(expected, model.parameters())
    total, sums = 0.0, [torch.zeros_like(g) for g in gradient]
    for rank in range(size):
        engine = SimpleNamespace(global_rank=rank, world_size=size, setup_module=Whole)
        batches = TensorBatches({"x": x}, images, torch.device("cpu"), seed=0)
        run = SharedRun(
            model,
            batches,
            engine=engine,
            seed=0,
            epochs=1,
            lr=0.1,
            rate=constant(),
            weights={},
            transform=None,
            clip=None,
            ema=None,
            precision="float32",
            device=torch.device("cpu"),
        )
        term = run.terms({"x": x})["loss"]
        total += term.item() / size
        for own, part in zip(sums, torch.autograd.grad(term, model.parameters())):
            own += part / size
    assert total == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(sums, list(gradient))
