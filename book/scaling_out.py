"""Trains an autoencoder in as many processes as torchrun starts.

scaling_out.py RESULT EPOCHS
"""

import json
import os
import sys

import torch
from lightning_fabric import Fabric

from aecourse import data, models, nets, train

on_this_machine = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
machines = int(os.environ.get("WORLD_SIZE", 1)) // on_this_machine
fabric = Fabric(devices=on_this_machine, num_nodes=machines, strategy="ddp")
fabric.launch()

result, epochs = sys.argv[1], int(sys.argv[2])
images = data.load("digits").subset(2_017)  # 16 batches, and one image more
torch.manual_seed(0)
model = models.Autoencoder(8, nets.mlp((64,)))
history = train.fit(
    model,
    images,
    epochs=epochs,
    batch_size=126,
    validation=images,
    engine=fabric,
    checkpoint=f"{result}.checkpoint",
)

if fabric.global_rank == 0:
    torch.save(model.state_dict(), f"{result}.pt")
    with open(f"{result}.json", "w") as file:
        found = {"processes": fabric.world_size, **history.as_dict()}
        json.dump(found, file)
