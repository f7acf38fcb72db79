"""A training step recorded once as a CUDA graph and replayed: one launch instead of the hundred that a small model's
step is made of, which on a fast GPU take longer to launch than to run."""
from __future__ import annotations

import torch
from torch import Tensor

from aecourse.train import state


class Graphed:
    """Calls like `run.step(batch)`. Batches of the common size replay the recorded graph; the odd last one does not.

    The graph reads its images, learning rate and loss weights from fixed places, which are filled before each replay,
    and draws its noise from the device's generator, which a replay advances as the step itself would. A step that
    cannot be recorded (because its transform reads a value back, say) is run as it is.
    """

    def __init__(self, run):
        self.run, self.graph, self.usable = run, None, True

    def __call__(self, batch: tuple[Tensor, Tensor | None]) -> Tensor:
        if not self.usable or len(batch[0]) != self.run.batches.batch_size:
            return self.run.step(batch)
        if self.graph is None:
            self._record(batch)
            if not self.usable:
                return self.run.step(batch)
        for place, tensor in zip(self.places, batch):
            if tensor is not None:
                place.copy_(tensor)
        self.graph.replay()
        return self.terms.clone()

    def _record(self, batch) -> None:
        run = self.run
        self.places = tuple(None if tensor is None else tensor.clone() for tensor in batch)
        before = state.take(run)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):                                   # lets libraries choose and allocate before recording
                run.step(self.places)
        torch.cuda.current_stream().wait_stream(stream)
        state.put(before, run)
        try:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.terms = run.step(self.places)
        except RuntimeError:
            self.graph, self.usable = None, False
            run.optimizer.zero_grad(set_to_none=True)
            state.put(before, run)
