"""What must hold in each of several processes; writes what it saw to FOLDER/<rank>.json."""

import json
import os
import sys
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from aecourse import data, models, nets, train
from aecourse.train import state

folder = Path(sys.argv[1])
fabric = Fabric(accelerator="cpu", devices=int(os.environ["WORLD_SIZE"]), strategy="ddp")
fabric.launch()
x = torch.rand(50, 1, 4, 5, generator=torch.Generator().manual_seed(0))
RUN = dict(epochs=3, batch_size=8, progress=False, engine=fabric)


def built(kind=models.VAE):
    torch.manual_seed(
        fabric.global_rank
    )  # other weights in every process: those of the first one count
    return kind(2, nets.mlp((6,)), shape=(1, 4, 5))


def message(error, *arguments, **options):
    try:
        train.fit(*arguments, **options)
    except error as caught:
        return str(caught)


seen, noise = {}, []
model = built()
history = train.fit(
    model,
    x,
    transform=lambda part: noise.append(torch.rand(1).item()) or data.binarize(part),
    validation=x[:9],
    **RUN,
)
seen["weights"], seen["terms"], seen["noise"] = (
    state.digest(model.state_dict()),
    history.terms,
    noise,
)

# A run that is interrupted everywhere in its last epoch goes on bit for bit.
whole, again = built(), built()
train.fit(whole, x, ema=0.9, **RUN)
left = iter(range(2 * 7))


def interrupted(part):
    if next(left, None) is None:
        raise KeyboardInterrupt
    return part


first = train.fit(again, x, ema=0.9, checkpoint=folder / "run.pt", transform=interrupted, **RUN)
again, left = built(), iter(range(1000))
second = train.fit(again, x, ema=0.9, checkpoint=folder / "run.pt", transform=interrupted, **RUN)
seen["resumed"] = [
    first.epochs,
    second.epochs,
    state.digest(again.state_dict()) == state.digest(whole.state_dict()),
]


class Poisoned(models.VAE):
    def loss(self, part, poison=0.0):
        terms = super().loss(part)
        bad = float("inf") if poison and fabric.global_rank == 1 else 0.0  # in one process only
        return {**terms, "kl": terms["kl"] + bad}


model = built(Poisoned)
seen["diverged"] = message(
    train.Diverged, model, x, weights={"poison": lambda t: float(t > 8.5 / 21)}, **RUN
)

dataset = TensorDataset(x)
plain = DataLoader(dataset, batch_size=4)
split = DataLoader(dataset, batch_size=4, sampler=DistributedSampler(dataset, seed=3))
seen["same images"] = message(ValueError, built(), plain, **RUN)
pixels = []
history = train.fit(
    built(), split, transform=lambda part: pixels.append(part[:, 0, 0, 0].tolist()) or part, **RUN
)
seen["pixels"] = [sum(pixels[i * 7 : (i + 1) * 7], []) for i in range(3)]
seen["loader"] = history["loss"]

(folder / f"{fabric.global_rank}.json").write_text(json.dumps(seen))
