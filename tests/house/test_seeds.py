"""One seed moves all randomness of a lesson, and leaves the data alone."""

import os
import subprocess
import sys

import pytest

from aecourse import seeds

DRAWS = """
import numpy as np, torch
from sklearn.utils import check_random_state
from aecourse import data, models, nets, train
torch.manual_seed(0); a = torch.rand(1).item()
b = torch.rand(1, generator=torch.Generator().manual_seed(0)).item()
np.random.seed(0); c = np.random.rand()
print(a, b, c, np.random.default_rng(0).random(), check_random_state(0).rand())
x = data.load("digits").train.x[:64]
torch.manual_seed(0); model = models.Autoencoder(2, nets.mlp((4,)))
torch.manual_seed(5); model.load_state_dict({k: torch.full_like(v, 0.01) for k, v in model.state_dict().items()})
order = train.fit(model, x, epochs=1, batch_size=8, progress=False, cache=False)["loss"]
print(x.double().sum().item())
print(order)
"""


# One child for each seed, forked after the slow imports that are the same under every seed.
CHILDREN = f"""
import os, sys
import numpy, sklearn.model_selection, torch, torch._dynamo
for seed in sys.argv[1:]:
    if os.fork():
        assert os.wait()[1] == 0
        continue
    os.environ["AECOURSE_SEED"] = seed
    status = 1
    try:
        exec({DRAWS!r}, {{}})
        sys.stdout.flush()
        status = 0
    finally:
        os._exit(status)
"""


@pytest.fixture(scope="module")
def drawn() -> list[list[str]]:
    """What is drawn in processes with the seeds 3, 3, 4, none and 0: three lines each."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    command = [sys.executable, "-c", CHILDREN, "3", "3", "4", "", "0"]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 15
    return [lines[i : i + 3] for i in range(0, 15, 3)]


@pytest.mark.slow
def test_every_source_moves_and_repeats_and_the_images_stay(drawn):
    first, again, other, *_ = drawn
    assert first == again
    assert all(a != b for a, b in zip(first[0].split(), other[0].split()))
    assert first[1] == other[1] and first[2] != other[2]  # the same images, in another order


@pytest.mark.slow
def test_nothing_moves_without_it(drawn):
    assert drawn[3] == drawn[4] != drawn[0]
    assert seeds.moved(7) == 7 and seeds.moved(None) is None


@pytest.mark.parametrize("bad", ["-1", "x", "1.5", "10001"])
def test_what_is_no_repetition_is_refused(monkeypatch, bad):
    monkeypatch.setenv("AECOURSE_SEED", bad)
    with pytest.raises(ValueError, match="AECOURSE_SEED: got"):
        seeds.run()
