"""Five ways to train the same VAE for an epoch: each function returns a call that does so, from the start, with a fresh model."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import tempfile
import time
import warnings

import torch
from torch.utils.data import DataLoader

from aecourse import _torchvision, data, models, nets, train

LATENT = 20
load = functools.lru_cache(data.load)  # the same images for every contender, read once
NETS = {"dense": nets.mlp((400,)), "conv": nets.conv((32, 64))}


def built(kind: str) -> models.VAE:
    """The model: 784-400-20 for "dense", 1-32-64 channels of 3x3 and 20 latents for "conv"."""
    torch.manual_seed(0)
    return models.VAE(LATENT, NETS[kind])


def torchvision_dataset(name: str, count: int):
    """torchvision's MNIST with ToTensor; for digits its class around the course's images, turned to bytes."""
    torchvision = _torchvision.load()
    if name == "mnist":
        dataset = torchvision.datasets.MNIST(
            data.folder(), train=True, transform=torchvision.transforms.ToTensor()
        )
    else:
        images, dataset = load(name), object.__new__(torchvision.datasets.MNIST)
        dataset.data, dataset.targets = (
            (images.train.x[:, 0] * 255).round().byte(),
            images.train.labels,
        )
        dataset.transform, dataset.target_transform = torchvision.transforms.ToTensor(), None
    dataset.data, dataset.targets = dataset.data[:count], dataset.targets[:count]
    return dataset


def tutorial(name: str, count: int, kind: str, batch_size: int):
    """The loop that is copied from tutorial to tutorial: a transform per image, a DataLoader, `.item()` at each step."""
    loader = DataLoader(torchvision_dataset(name, count), batch_size=batch_size, shuffle=True)

    def epoch():
        model = built(kind).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
        total = 0.0
        for x, _ in loader:
            optimizer.zero_grad()
            loss = model.loss(x)["loss"]
            loss.backward()
            total += loss.item()
            optimizer.step()
        return total / len(loader)

    return epoch


def pythae(name: str, count: int, kind: str, batch_size: int):
    """The trainer of the library pythae, with its own VAE around the same layers. Raises ImportError without it."""
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig

    class Encoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers = NETS[kind].encoder((1, 28, 28), 2 * LATENT)

        def forward(self, x):
            mu, log_var = self.layers(x).chunk(2, dim=1)
            return ModelOutput(embedding=mu, log_covariance=log_var)

    class Decoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = NETS[kind].decoder(LATENT, (1, 28, 28))

        def forward(self, z):
            return ModelOutput(reconstruction=torch.sigmoid(self.layers(z)))

    logging.disable(logging.WARNING)
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=LATENT, reconstruction_loss="bce")
    part, folder = load(name).train[:count], tempfile.mkdtemp()

    def epoch():
        torch.manual_seed(0)
        with silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            trainer = BaseTrainer(
                VAE(config, encoder=Encoder(), decoder=Decoder()),
                BaseDataset(part.x, part.labels),
                training_config=BaseTrainerConfig(
                    output_dir=folder,
                    num_epochs=1,
                    no_cuda=True,
                    per_device_train_batch_size=batch_size,
                    learning_rate=1e-3,
                ),
            )
            trainer.prepare_training()
            return trainer.train_step(1)

    return epoch


def plain(name: str, count: int, kind: str, batch_size: int):
    """The bare loop over one tensor, with the optimiser that fit uses, and nothing else."""
    x = load(name).train.x[:count]
    return lambda: bare(x, built(kind), batch_size, epochs=1)


def bare(x: torch.Tensor, model, batch_size: int, epochs: int) -> tuple[list[float], list[float]]:
    """What the bare loop does; for each epoch its seconds, and which share of Adam's first moments is subnormal after it."""
    optimizer, seconds, shares = (
        torch.optim.Adam(model.train().parameters(), lr=1e-3, fused=True),
        [],
        [],
    )
    for _ in range(epochs):
        began = time.perf_counter()
        for rows in torch.randperm(len(x)).split(batch_size):
            model.loss(x[rows])["loss"].backward()
            optimizer.step()
            optimizer.zero_grad()
        seconds.append(time.perf_counter() - began)
        moments = torch.cat([state["exp_avg"].flatten() for state in optimizer.state.values()])
        shares.append(
            ((moments != 0) & (moments.abs() < torch.finfo(moments.dtype).tiny))
            .float()
            .mean()
            .item()
        )
    return seconds, shares


def fit(name: str, count: int, kind: str, batch_size: int, precision: str = "float32"):
    """`train.fit` as a reader calls it: the whole call, with its checks, its schedule and its progress bar."""
    images = load(name).subset(count)

    def epoch():
        with silence():
            train.fit(
                built(kind),
                images,
                epochs=1,
                batch_size=batch_size,
                precision=precision,
                cache=False,
            )

    return epoch


ALL = {
    "tutorial": tutorial,
    "pythae": pythae,
    "plain": plain,
    "fit": fit,
    "bf16": functools.partial(fit, precision="bf16"),
}


@contextlib.contextmanager
def silence():
    """Progress bars go nowhere."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        yield
