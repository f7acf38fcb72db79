"""Where batches come from: the columns of some data that a model's loss asks for, in order or shuffled."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from aecourse import require
from aecourse.data import Images, Split
from aecourse.train import state
from aecourse.train.contract import Batch, asked_by, check_columns, check_some_labels

ACCEPTED = "Images, a Split, a float tensor [N, C, H, W] (or the shape of your model) or a torch DataLoader"


class TensorBatches:
    """Columns on the device, visited in a fresh random order every epoch.

    columns      name -> tensor [N, ...], among them "x"
    batch_size   images in a batch; the last one of an epoch may be smaller
    seed         of the order, which has a generator of its own, so that it does not depend on the noise that a model draws; None
                 visits the images as they lie
    no_single    whether a last batch of one image joins the batch before it, since batch normalisation cannot take one
    """

    def __init__(
        self,
        columns: Batch,
        batch_size: int,
        device: torch.device,
        seed: int | None,
        *,
        no_single: bool = False,
    ):
        self.columns = {name: column.to(device) for name, column in columns.items()}
        self.batch_size, self.device, self.images = batch_size, device, len(columns["x"])
        self.joined = no_single and self.images > batch_size > 1 and self.images % batch_size == 1
        self.steps = -(-self.images // batch_size) - self.joined
        self.generator = None if seed is None else torch.Generator(device).manual_seed(seed)

    def __iter__(self) -> Iterator[Batch]:
        if self.generator is None:
            order = torch.arange(self.images, device=self.device)
        else:
            order = torch.randperm(self.images, generator=self.generator, device=self.device)
        parts = list(order.split(self.batch_size))
        if self.joined:
            parts[-2:] = [torch.cat(parts[-2:])]
        for rows in parts:
            yield {name: column[rows] for name, column in self.columns.items()}

    def description(self) -> str:
        """Enough to tell one set of data from another."""
        return "; ".join(
            ("" if name == "x" else f"{name} ")
            + f"{list(column.shape)}, digest {state.summary(column)}"
            for name, column in self.columns.items()
        )


class LoaderBatches:
    """A DataLoader's batches, sent to the device as they come: for data that do not fit in memory.

    It gives x alone, (x, labels), or a dict of columns. The first batch is checked before training begins, each later one
    against it, on the processor and before it is used.
    """

    def __init__(self, name: str, loader: DataLoader, device: torch.device, model):
        self.name, self.loader, self.device, self.model = name, loader, device, model
        self.batch_size, self.generator = loader.batch_size, loader.generator
        self.wanted = ["x", *asked_by(model)]
        try:
            self.steps = len(loader)
        except TypeError as error:
            raise ValueError(
                f"{name}: got a DataLoader of unknown length; accepted is one with a length, since "
                "schedules need to know how far training has come"
            ) from error
        if self.steps == 0:
            raise ValueError(
                f"{name}: got a DataLoader without batches; accepted is one with at least one"
            )
        first = self.first()
        check_columns(f"{name} (first batch)", first, model)
        self.columns = {column: value[:0] for column, value in first.items()}

    def __iter__(self) -> Iterator[Batch]:
        number = -1
        for number, item in enumerate(self.loader):
            if number == self.steps:
                raise self.another_length(f"more than {self.steps} batches")
            batch = self.read(item)
            if batch.keys() != self.columns.keys():
                raise ValueError(
                    f"{self.name} (batch {number}): got the columns {', '.join(batch)}; accepted are those of the first "
                    f"batch, {', '.join(self.columns)}"
                )
            check_columns(f"{self.name} (batch {number})", batch, self.model)
            yield {
                column: value.to(self.device, non_blocking=True) for column, value in batch.items()
            }
        if number + 1 < self.steps:
            raise self.another_length(f"{number + 1} batches")

    def another_length(self, came: str) -> ValueError:
        """The error for a loader whose length is not the number of its batches, so that schedules would end elsewhere."""
        return ValueError(
            f"{self.name}: got {came} from a DataLoader whose length is {self.steps}; accepted is one that gives as many "
            "in every epoch"
        )

    def read(self, item) -> Batch:
        """The columns of what the loader gave, of which only those that the loss asks for are kept."""
        if isinstance(item, Tensor):
            item = {"x": item}
        elif isinstance(item, (tuple, list)) and item and isinstance(item[0], Tensor):
            item = dict[str, Tensor](zip(("x", "labels"), item))
        if not isinstance(item, dict) or not isinstance(item.get("x"), Tensor):
            raise TypeError(
                f"{self.name}: got a DataLoader that gives {type(item).__name__}; accepted is one that gives tensors, alone, "
                "as (x, labels), or in a dict of columns with the key 'x'"
            )
        return {column: item[column] for column in self.wanted if item.get(column) is not None}

    def first(self) -> Batch:
        """The first batch, drawn without a trace in any random state."""
        generator = self.generator
        kept = None if generator is None else generator.get_state()
        with state.seeded(0):
            batch = self.read(next(iter(self.loader)))
        if generator is not None and kept is not None:
            generator.set_state(kept)
        return batch

    def description(self) -> str:
        """Enough to tell some loaders from others."""
        return f"{self.steps} batches of a DataLoader"


def as_batches(
    name: str, images, model, batch_size: int, device: torch.device, seed: int | None = None
) -> TensorBatches | LoaderBatches:
    """Batches from whatever was given; raises before the first step on anything that `model.loss` cannot take."""
    if isinstance(images, DataLoader):
        return LoaderBatches(name, images, device, model)
    split = (
        images.train
        if isinstance(images, Images)
        else Split(images)
        if isinstance(images, Tensor)
        else images
    )
    if not isinstance(split, Split):
        raise TypeError(f"{name}: got {require.described(images)}; accepted is {ACCEPTED}")
    batch_size = require.integer("batch_size", batch_size)
    wanted = ("x", *asked_by(model))
    columns = {column: value for column, value in split.columns.items() if column in wanted}
    check_columns(name, columns, model)
    check_some_labels(name, columns, model)
    single = any(isinstance(layer, nn.BatchNorm1d) for layer in model.modules())
    return TensorBatches(columns, batch_size, device, seed, no_single=single)
