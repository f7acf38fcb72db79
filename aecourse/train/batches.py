"""Where batches come from, and every check of them that can be made before the first step."""
from __future__ import annotations

import inspect
from typing import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from aecourse import _arguments as check
from aecourse.data import Images, Split

ACCEPTED = "Images, a Split, a float tensor [N, C, H, W] or a torch DataLoader"


class TensorBatches:
    """One tensor on the device, visited in a fresh random order every epoch."""

    def __init__(self, split: Split, batch_size: int, device: torch.device):
        self.x = split.x.to(device)
        self.labels = None if split.labels is None else split.labels.to(device)
        self.batch_size, self.device, self.images = batch_size, device, len(split)
        self.steps = -(-self.images // batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        order = torch.randperm(self.images, device=self.device)
        for rows in order.split(self.batch_size):
            yield self.x[rows], None if self.labels is None else self.labels[rows]


class LoaderBatches:
    """A DataLoader's batches, sent to the device as they come: for data that do not fit in memory."""

    def __init__(self, loader: DataLoader, device: torch.device):
        self.loader, self.device, self.steps = loader, device, len(loader)
        if self.steps == 0:
            raise ValueError("images: got a DataLoader without batches; accepted is one with at least one")
        self.batch_size = loader.batch_size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        for item in self.loader:
            x, labels = (item[0], item[1] if len(item) > 1 else None) if isinstance(item, (tuple, list)) else (item, None)
            yield (x.to(self.device, non_blocking=True),
                   None if labels is None else labels.to(self.device, non_blocking=True))


def as_batches(name: str, images, model, batch_size: int, device: torch.device) -> TensorBatches | LoaderBatches:
    """Batches from whatever was given; raises before the first step on anything that `model.loss` cannot take."""
    if isinstance(images, DataLoader):
        batches = LoaderBatches(images, device)
        first, labels = next(iter(batches))
        check_images(f"{name} (first batch)", first, labels, model)
        return batches
    split = images.train if isinstance(images, Images) else Split(images) if isinstance(images, Tensor) else images
    if not isinstance(split, Split):
        raise TypeError(f"{name}: got {check.described(images)}; accepted is {ACCEPTED}")
    check_images(name, split.x, split.labels, model)
    return TensorBatches(split, check.integer("batch_size", batch_size), device)


def check_images(name: str, x: Tensor, labels: Tensor | None, model) -> None:
    """Shape, dtype, range, finiteness and labels; one clear error each."""
    shape = tuple(getattr(model, "shape", x.shape[1:]))
    if x.dtype == torch.uint8:
        raise ValueError(f"{name}: got uint8 pixels; accepted is float32 in [0, 1]: divide by 255")
    check.batch(name, x, shape)
    if x.dtype != torch.float32:
        raise ValueError(f"{name}: got {str(x.dtype).removeprefix('torch.')}; accepted is float32: use x.float()")
    low, high = (bound.item() for bound in torch.aminmax(x))
    if not (low > -float("inf") and high < float("inf")):
        raise ValueError(f"{name}: got NaN or infinite pixels; accepted are finite numbers")
    if high > 50:
        raise ValueError(f"{name}: got pixels up to {high:g}, which look like 0-255; accepted is [0, 1]: divide by 255")
    allowed = getattr(model, "input_range", None)
    if allowed and (low < allowed[0] or high > allowed[1]):
        raise ValueError(f"{name}: got pixels in [{low:g}, {high:g}]; accepted by the likelihood of "
                         f"{type(model).__name__} is [{allowed[0]:g}, {allowed[1]:g}]")
    if labels is not None and len(labels) != len(x):
        raise ValueError(f"{name}: got {len(labels)} labels for {len(x)} images; accepted is one each")
    parameter = inspect.signature(model.loss).parameters.get("labels")
    if parameter is not None and parameter.default is inspect.Parameter.empty and labels is None:
        raise ValueError(f"{name}: got images without labels; {type(model).__name__} needs a label for each image")
