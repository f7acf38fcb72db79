"""A training step recorded once as a CUDA graph and replayed: one launch instead of the hundred that a small model's
step is made of, which on a fast GPU take longer to launch than to run."""

from __future__ import annotations

import torch
from torch import Tensor

from aecourse.train import state
from aecourse.train.contract import Batch


class Graphed:
    """Calls like `run.step(batch)`. Batches of the common size replay the recorded graph; the odd last one does not.

    The graph reads its images, learning rate and loss weights from fixed places, which are filled before each replay,
    and draws its noise from the device's generator, which a replay advances as the step itself would. Python code in
    `model.loss` runs while the step is recorded and not again. A step that waits for the device (because it reads a
    value back, say) cannot be recorded; a rehearsal finds that out, and the step is then run as it is.
    """

    def __init__(self, run):
        self.run, self.graph, self.usable = run, None, True

    def __call__(self, batch: Batch) -> Tensor:
        if self.usable and self.graph is None and len(batch["x"]) == self.run.batches.batch_size:
            with torch.cuda.device(self.run.device):
                self._record(batch)
        if self.graph is None or len(batch["x"]) != self.run.batches.batch_size:
            return self.run.step(batch)
        for name, place in self.places.items():
            place.copy_(batch[name])
        self.graph.replay()
        return self.terms.clone()  # the next replay writes into the same place

    def _record(self, batch: Batch) -> None:
        """Rehearses the step, undoes what that did, and records it; recording itself computes nothing."""
        self.places = {name: column.clone() for name, column in batch.items()}
        before, stream = state.take(self.run), torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        self.usable = self._rehearse(stream)
        torch.cuda.current_stream().wait_stream(stream)
        state.put(before, self.run)
        if self.usable:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                self.terms = self.run.step(self.places)
            self.graph = graph

    def _rehearse(self, stream) -> bool:
        """Lets libraries choose and allocate, makes the optimiser's state, and finds out whether a step ever waits."""
        mode = torch.cuda.get_sync_debug_mode()
        try:
            with torch.cuda.stream(stream):
                self.run.step(self.places)
                self.run.step(self.places)
                torch.cuda.set_sync_debug_mode("error")
                self.run.step(self.places)
        except RuntimeError:  # an error of the model's own shows when it is run as it is
            return False
        finally:
            torch.cuda.set_sync_debug_mode(mode)
            self.run.optimizer.zero_grad(set_to_none=True)
        return True
