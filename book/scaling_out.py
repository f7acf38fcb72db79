"""Trains an autoencoder in as many processes as torchrun starts: scaling_out.py RESULT EPOCHS"""
import json
import os
import sys

import torch
from lightning_fabric import Fabric

from aecourse import data, models, nets, train

here, all_machines = (int(os.environ.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
fabric = Fabric(devices=here, num_nodes=all_machines // here, strategy="ddp")
fabric.launch()

images = data.load("digits").subset(2_017)            # 16 batches, and one image left over
torch.manual_seed(0)
model = models.Autoencoder(8, nets.mlp((64,)))
history = train.fit(model, images, epochs=int(sys.argv[2]), batch_size=126, validation=images,
                    checkpoint=f"{sys.argv[1]}.checkpoint", engine=fabric)

if fabric.global_rank == 0:
    torch.save(model.state_dict(), f"{sys.argv[1]}.pt")
    with open(f"{sys.argv[1]}.json", "w") as file:
        json.dump({"processes": fabric.world_size, **history.as_dict()}, file)
