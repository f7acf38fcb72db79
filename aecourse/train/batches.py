"""Where batches come from, and every check of them that can be made before the first step."""
from __future__ import annotations

import inspect
from typing import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from aecourse import _arguments as check
from aecourse.data import Images, Split
from aecourse.train import state

ACCEPTED = "Images, a Split, a float tensor [N, C, H, W] or a torch DataLoader"


class TensorBatches:
    """One tensor on the device, visited in a fresh random order every epoch.

    seed: of the order, which has a generator of its own, so that it does not depend on the noise that a model draws;
    None visits the images as they lie.
    """

    def __init__(self, split: Split, batch_size: int, device: torch.device, seed: int | None):
        self.x = split.x.to(device)
        self.labels = None if split.labels is None else split.labels.to(device)
        self.batch_size, self.device, self.images = batch_size, device, len(split)
        self.steps = -(-self.images // batch_size)
        self.generator = None if seed is None else torch.Generator(device).manual_seed(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        if self.generator is None:
            order = torch.arange(self.images, device=self.device)
        else:
            order = torch.randperm(self.images, generator=self.generator, device=self.device)
        for rows in order.split(self.batch_size):
            yield self.x[rows], None if self.labels is None else self.labels[rows]

    def description(self) -> str:
        """Enough to tell one set of images from another."""
        sample = self.x[::max(1, self.images // 100)]
        return f"{list(self.x.shape)}, digest {state.digest(sample)[:8]}"


class LoaderBatches:
    """A DataLoader's batches, sent to the device as they come: for data that do not fit in memory."""

    def __init__(self, name: str, loader: DataLoader, device: torch.device):
        self.loader, self.device, self.batch_size, self.generator = loader, device, loader.batch_size, loader.generator
        try:
            self.steps = len(loader)
        except TypeError as error:
            raise ValueError(f"{name}: got a DataLoader of unknown length; accepted is one with a length, since "
                             "schedules need to know how far training has come") from error
        if self.steps == 0:
            raise ValueError(f"{name}: got a DataLoader without batches; accepted is one with at least one")

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        for item in self.loader:
            x, labels = (item[0], item[1] if len(item) > 1 else None) if isinstance(item, (tuple, list)) else (item, None)
            if not isinstance(x, Tensor):
                raise TypeError(f"images: got a DataLoader that gives {type(x).__name__}; accepted is one that gives "
                                "tensors [B, C, H, W], alone or as the first of several")
            yield (x.to(self.device, non_blocking=True),
                   None if labels is None else labels.to(self.device, non_blocking=True))

    def first(self) -> tuple[Tensor, Tensor | None]:
        """The first batch, drawn without a trace in any random state."""
        kept = None if self.generator is None else self.generator.get_state()
        with state.seeded(0):
            batch = next(iter(self))
        if kept is not None:
            self.generator.set_state(kept)
        return batch

    def description(self) -> str:
        """Enough to tell some loaders from others."""
        return f"{self.steps} batches of a DataLoader"


def as_batches(name: str, images, model, batch_size: int, device: torch.device,
               seed: int | None = None) -> TensorBatches | LoaderBatches:
    """Batches from whatever was given; raises before the first step on anything that `model.loss` cannot take."""
    if isinstance(images, DataLoader):
        batches = LoaderBatches(name, images, device)
        check_images(f"{name} (first batch)", *batches.first(), model)
        return batches
    split = images.train if isinstance(images, Images) else Split(images) if isinstance(images, Tensor) else images
    if not isinstance(split, Split):
        raise TypeError(f"{name}: got {check.described(images)}; accepted is {ACCEPTED}")
    batch_size = check.integer("batch_size", batch_size)
    check_images(name, split.x, split.labels, model)
    wanted = split.labels if "labels" in inspect.signature(model.loss).parameters else None
    return TensorBatches(Split(split.x, wanted), batch_size, device, seed)


def check_images(name: str, x: Tensor, labels: Tensor | None, model) -> None:
    """Shape, dtype, range, finiteness and labels; one clear error each."""
    if getattr(x, "dtype", None) == torch.uint8:
        raise ValueError(f"{name}: got uint8 pixels; accepted is float32 in [0, 1]: divide by 255")
    check.batch(name, x, tuple(getattr(model, "shape", None) or getattr(x, "shape", ())[1:]))
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
