"""Listens to the torch functions that a program calls, for what only the program's steps can show."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

DRAWN = {torch.randn_like, torch.randn, Tensor.normal_}
TURNED = {
    Tensor.permute,
    torch.permute,
    Tensor.movedim,
    torch.movedim,
    Tensor.transpose,
    torch.transpose,
    torch.einsum,
}
FLATTENED = {Tensor.view, Tensor.reshape, torch.reshape}
CHOSEN = {
    torch.argmin,
    Tensor.argmin,
    torch.min,
    Tensor.min,
    torch.argmax,
    Tensor.argmax,
    torch.cdist,
    torch.topk,
    Tensor.topk,
}
PRODUCT = {torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__}
SIGMOIDS = {torch.sigmoid, Tensor.sigmoid, F.sigmoid, torch.special.expit}
SAME = {
    Tensor.contiguous,
    Tensor.clone,
    torch.clone,
    Tensor.flatten,
    torch.flatten,
    Tensor.squeeze,
    Tensor.clamp,
    torch.clamp,
    *FLATTENED,
}
WITH_LOGITS = {F.binary_cross_entropy_with_logits}
NEAREST = {torch.argmin, Tensor.argmin, torch.min, Tensor.min, torch.argmax, Tensor.argmax}


class Listener(TorchFunctionMode):
    """Inside the block, every call of a torch function is heard, and passed on unchanged.

    mu, second   what encode gives for the batch that is looked at, or None: with them a sample is recognised

    unpermuted, cut, probabilities, targets   words for what was found, or ""
    entries                          among how many entries a quantiser chooses, or 0
    sampled                          how the sample reads `second`: "log-variance", "sigma", "log-sigma", or ""
    """

    def __init__(self, mu: Tensor | None = None, second: Tensor | None = None):
        super().__init__()
        self.mu, self.second = mu, second
        self.unpermuted = self.cut = self.probabilities = self.targets = self.sampled = ""
        self.entries = 0
        self._kept: list = []  # so that no id is given twice
        self._turned: set[int] = set()
        self._drawn: dict[int, Tensor] = {}
        self._squashed: set[int] = set()
        self._rows = ""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        try:
            with torch._C.DisableTorchFunction():
                self._hear(func, args, kwargs, out)
        except Exception:  # hearing must not disturb
            pass
        return out

    def _hear(self, func, args, kwargs, out) -> None:
        first = args[0] if args and isinstance(args[0], Tensor) else kwargs.get("input")
        if isinstance(out, Tensor):
            self._kept.append(out)
        if func in TURNED or func in SAME and id(first) in self._turned:
            self._turned.add(id(out))
        if func in SIGMOIDS or func in SAME and id(first) in self._squashed:
            self._squashed.add(id(out))
        if func in DRAWN:
            self._drawn[id(out)] = out
        if func is torch.normal:
            mean = args[0] if args else kwargs.get("mean")
            if (
                isinstance(mean, Tensor)
                and self.mu is not None
                and mean.shape == self.mu.shape
                and mean.abs().max() > 0
            ):
                self.cut = "the code comes from torch.normal(mean, std) or Normal.sample(), which give no gradient"
            elif isinstance(out, Tensor):
                self._drawn[id(out)] = out
        if func in FLATTENED and first is not None and first.dim() == 4 and out.dim() in (2, 3):
            channels, places = first.shape[1], first.shape[2] * first.shape[3]
            wrong = (-1, channels) if out.dim() == 2 else (len(first), places, channels)
            wrong = out.shape[1:] == wrong[1:] and (out.dim() == 2 or channels != places)
            if wrong and places > 1 and id(first) not in self._turned:
                self._rows = f"a tensor {list(first.shape)} becomes rows {list(out.shape)} without a permutation"
        if func in CHOSEN and self._rows:
            self.unpermuted = (
                self._rows + "; each row mixes places instead of holding the channels of one"
            )
        if func in NEAREST and first is not None and self._asked(args, kwargs):
            index = out if isinstance(out, Tensor) else out.indices
            self.entries = max(self.entries, first.numel() // index.numel())
        if func in WITH_LOGITS or func is F.binary_cross_entropy:
            target = args[1] if len(args) > 1 else kwargs["target"]
            low, high = target.min().item(), target.max().item()
            if low < -1e-4 or high > 1.0001:
                self.targets = f"the targets of the cross-entropy run from {low:.3g} to {high:.3g}: it has no minimum outside [0, 1]"
        if func in WITH_LOGITS and id(first) in self._squashed:
            self.probabilities = "what a sigmoid gave is handed to binary_cross_entropy_with_logits, which applies another"
        if func in PRODUCT and self.second is not None and len(args) == 2 and not self.sampled:
            pair = [value for value in args if isinstance(value, Tensor)]
            noise = next((value for value in pair if id(value) in self._drawn), None)
            sigma = next((value for value in pair if value is not noise), None)
            if noise is not None and sigma is not None and sigma.shape == self.second.shape:
                self._read(sigma.detach(), self.second)

    @staticmethod
    def _asked(args, kwargs) -> bool:
        """Whether a smallest or largest entry is looked for along one dimension."""
        return len(args) > 1 and isinstance(args[1], int) or "dim" in kwargs or "axis" in kwargs

    def _read(self, sigma: Tensor, second: Tensor) -> None:
        ways = {"log-variance": (0.5 * second).exp(), "sigma": second, "log-sigma": second.exp()}
        for way, value in ways.items():
            if torch.allclose(sigma, value.to(sigma), rtol=1e-3, atol=1e-5):
                self.sampled = way
                return
