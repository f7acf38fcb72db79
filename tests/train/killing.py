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

from aecourse import data, models, nets, train

FOLDER, ROUNDS = Path(sys.argv[1]), int(sys.argv[2])


def training(checkpoint: Path, result: Path, started: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(200, 1, 7, 5, generator=generator)
    torch.manual_seed(0)
    model = models.VAE(3, nets.mlp((16,)), shape=(1, 7, 5))
    os.write(started, b"!")
    train.fit(model, x, epochs=20, batch_size=16, transform=data.binarize, ema=0.9, validation=x[:20], keep="best",
              checkpoint=checkpoint, cache=False, progress=False)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    result.write_text(hashlib.sha256(weights.numpy().tobytes()).hexdigest())


def child(name: str, seconds: float | None = None) -> float:
    """One training process, killed after so many seconds of training; returns how long it lived."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            training(FOLDER / f"{name}.pt", FOLDER / f"{name}.txt", write)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    os.read(read, 1)
    os.close(read)
    began = time.monotonic()
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert seconds is not None or status == 0, f"training {name} failed"
    return time.monotonic() - began


def epochs_done(name: str) -> int:
    """How many epochs the checkpoint holds."""
    path = FOLDER / f"{name}.pt"
    return len(torch.load(path, weights_only=True)["content"]["history"]["seconds"]) if path.exists() else 0


def main() -> None:
    chance = random.Random(0)
    duration = child("undisturbed")
    expected, identical, kills, epochs = (FOLDER / "undisturbed.txt").read_text(), 0, 0, []
    for number in range(ROUNDS):
        name = f"round{number}"
        for _ in range(2):
            child(name, chance.uniform(0, 0.8 * duration))
            if (FOLDER / f"{name}.txt").exists():
                break                                            # it had finished before the kill
            kills += 1
            epochs.append(epochs_done(name))
        child(name)
        identical += (FOLDER / f"{name}.txt").read_text() == expected
    print(json.dumps({"rounds": ROUNDS, "identical": identical, "kills": kills, "epochs_at_kill": epochs}))


if __name__ == "__main__":
    main()
