"""Trains in child processes that are killed at random moments: python killing.py FOLDER ROUNDS

Prints how many of the rounds ended with the very weights of an undisturbed run. The parent computes nothing itself,
so that its children can be forked from it after the slow imports.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
import torch._dynamo  # torch's optimisers import it at first use, which takes a second in each child

from aecourse import data, models, nets, train

FOLDER, ROUNDS = Path(sys.argv[1]), int(sys.argv[2])


EPOCHS, STEPS = 16, 10


def training(checkpoint: Path, result: Path, beats: int) -> None:
    """A run that writes a byte for every batch, so that it can be killed at a known place."""

    def noisy(x):
        os.write(beats, b".")
        return data.binarize(x)

    x = torch.rand(150, 1, 7, 5, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = models.VAE(3, nets.mlp((16,)), shape=(1, 7, 5))
    train.fit(
        model,
        x,
        epochs=EPOCHS,
        batch_size=15,
        transform=noisy,
        ema=0.9,
        validation=x[:20],
        keep="best",
        checkpoint=checkpoint,
        cache=False,
        progress=False,
    )
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    result.write_text(hashlib.sha256(weights.numpy().tobytes()).hexdigest())


def child(name: str, steps: int | None = None, pause: float = 0.0) -> None:
    """One training process; with `steps`, killed so long after its so many-th batch."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.close(read)
            training(FOLDER / f"{name}.pt", FOLDER / f"{name}.txt", write)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    if steps is None:
        while os.read(read, 1000):
            pass
    else:
        for _ in range(steps):
            assert os.read(read, 1), f"training {name} ended before its kill"
        time.sleep(pause)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(read)
    assert steps is not None or status == 0, f"training {name} failed"


def epochs_done(name: str) -> int:
    """How many epochs the checkpoint holds."""
    path = FOLDER / f"{name}.pt"
    return (
        len(torch.load(path, weights_only=True)["content"]["history"]["seconds"])
        if path.exists()
        else 0
    )


def main() -> None:
    chance = random.Random(0)
    child("undisturbed")
    expected, identical, epochs = (FOLDER / "undisturbed.txt").read_text(), 0, []
    for number in range(ROUNDS):
        name = f"round{number}"
        for _ in range(2):
            left = (EPOCHS - (epochs_done(name))) * STEPS
            child(name, chance.randint(1, max(1, left - 2 * STEPS)), chance.uniform(0, 0.005))
            epochs.append(epochs_done(name))
        child(name)
        identical += (FOLDER / f"{name}.txt").read_text() == expected
    print(
        json.dumps(
            {
                "rounds": ROUNDS,
                "identical": identical,
                "kills": len(epochs),
                "epochs_at_kill": epochs,
            }
        )
    )


if __name__ == "__main__":
    main()
