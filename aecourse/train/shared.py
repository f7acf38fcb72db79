"""A run whose work is shared out among several processes, which may sit on several machines.

The engine is Lightning Fabric: it starts from `torchrun`'s environment, wraps the model in DistributedDataParallel,
and lets any method of the model, here `loss`, be the one whose gradients are averaged over the processes.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.data import DistributedSampler

from aecourse import require
from aecourse.train import state
from aecourse.train.batches import LoaderBatches
from aecourse.train.contract import Batch
from aecourse.train.loop import Run


class SharedRun(Run):
    """Every process takes its slice of the same global batch; gradients and terms are averaged.

    The images of a TensorBatches are in every process, in the same order, and `batch_size` is that of the global
    batch. A DataLoader brings each process its own part by a DistributedSampler, and its batch size is each
    process's own. Noise differs between processes.
    """

    recordable = False

    def __init__(self, model, batches, *, engine, seed, **plan):
        sampler = batches.loader.sampler if isinstance(batches, LoaderBatches) else None
        if (
            sampler is not None
            and engine.world_size > 1
            and not isinstance(sampler, DistributedSampler)
        ):
            raise ValueError(
                "images: got a DataLoader whose sampler gives every process the same images; accepted "
                "with an engine is one with sampler=DistributedSampler(dataset)"
            )
        wrapped = engine.setup_module(model)  # from here on all have the first process's weights
        wrapped.mark_forward_method("loss")
        super().__init__(model, batches, **plan)
        self.engine, self.seed, self.sampler, self.loss = engine, seed, sampler, wrapped.loss
        self.rank, self.size = engine.global_rank, engine.world_size

    def begin(self) -> None:
        """Noise of this process's own, in this epoch; the same order of images as everybody else's."""
        super().begin()
        epoch = self.done // self.batches.steps
        state.seed_all(hash((self.seed, epoch, self.rank)) % 2**32)
        if isinstance(self.sampler, DistributedSampler):
            self.sampler.set_epoch(epoch)

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of this process's slice, scaled so that the mean over processes is that of the whole batch."""
        if self.sampler is not None:
            return super().terms(batch)
        mine = slice(self.rank, None, self.size)
        share = self.size * len(batch["x"][mine]) / len(batch["x"])
        if (
            share == 0
        ):  # fewer images than processes: take part in the averaging, with nothing to say
            mine = slice(0, 1)
        terms = super().terms({name: column[mine] for name, column in batch.items()})
        return {name: share * term for name, term in terms.items()}

    def reduce(self, terms: dict[str, float]) -> dict[str, float]:
        """The mean of each term over all processes."""
        values = torch.tensor(list(terms.values()), dtype=torch.float64, device=self.device)
        return dict(zip(terms, self.engine.all_reduce(values, reduce_op="mean").tolist()))

    def epoch(self, on_step=lambda: None) -> dict[str, float]:
        """Every image once; the mean of each term over all processes."""
        return self.reduce(super().epoch(on_step))


def device_of(engine, device) -> torch.device:
    """The engine's device; raises where `engine` is no Fabric, or where a device is asked for beside it."""
    needed = ("setup_module", "all_reduce", "global_rank", "world_size", "device")
    if not all(hasattr(engine, name) for name in needed):
        raise TypeError(
            f"engine: got {require.described(engine)}; accepted is a launched lightning_fabric.Fabric, or None"
        )
    if device is not None:
        raise ValueError(
            f"device: got {str(device)!r}; accepted with an engine is None, since the engine has chosen it"
        )
    return engine.device
