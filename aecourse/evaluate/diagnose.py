"""What is wrong with a model, found from outside: the tests of the failure museum, for the reader's own PyTorch code."""

from __future__ import annotations

import math
import time
import types
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from aecourse import contents
from aecourse.evaluate import listening

MEAN = "the mean alone"
ROWS, GROUP, DRAWS = 256, 16, 3  # images looked at; images in a batch of the loss; draws averaged

# kind -> what it is called, the lesson that explains it, what to do
KINDS = {
    "raises": ("Your function raises an error", "bottleneck", "Run it on one batch alone."),
    "not finite": (
        "Numbers that are not finite",
        "reparameterization",
        "Lower the learning rate; predict log-variances and keep them in bounds.",
    ),
    "input range": (
        "Inputs that were not normalised",
        "bottleneck",
        "Bring pixels to [0, 1] (divide by 255), columns to mean 0 and standard deviation 1.",
    ),
    "output range": (
        "An output that cannot reach the data",
        "bottleneck",
        "Let the last activation and the data have one range.",
    ),
    "cut head": (
        "An activation cuts what the encoder gives",
        "reparameterization",
        "Let the layers that give mu and log_var end without an activation.",
    ),
    "sigmoid twice": (
        "The sigmoid is applied twice",
        "bottleneck",
        "Give logits to the loss with logits, or probabilities to the plain one.",
    ),
    "logits as probabilities": (
        "Logits are taken for probabilities",
        "bottleneck",
        "Use binary_cross_entropy_with_logits, or apply the sigmoid first.",
    ),
    "KL not applied": (
        "The KL term does not reach the loss",
        "vae_elbo",
        "Add it to the number that backward() is called on.",
    ),
    "KL sign": (
        "The KL term has the wrong sign",
        "vae_elbo",
        "Minimise reconstruction + KL, with KL = -1/2 sum(1 + log_var - mu^2 - exp(log_var)).",
    ),
    "KL too heavy": (
        "The KL term outweighs the pixels",
        "vae_elbo",
        "Sum over pixels and latents, then average over the batch.",
    ),
    "log-variance as sigma": (
        "Sample and KL read the variance differently",
        "reparameterization",
        "sigma = exp(log_var / 2), in the sample and in the KL.",
    ),
    "no noise": (
        "The code is not sampled in training",
        "reparameterization",
        "z = mu + sigma * torch.randn_like(sigma).",
    ),
    "fixed noise": (
        "Every batch gets the same noise",
        "reparameterization",
        "Seed once, before training.",
    ),
    "no gradient through the sample": (
        "The sample passes no gradient",
        "reparameterization",
        "Use mu + sigma * eps, or rsample().",
    ),
    "no gradient": (
        "Gradients do not arrive",
        "reparameterization",
        "Look for detach(), .data, no_grad, numpy(), argmax, or frozen parameters.",
    ),
    "collapse": (
        "The decoder does not listen to the code",
        "posterior_collapse",
        "First exclude other causes: a KL that is too heavy, a gradient that does not arrive, a Gaussian decoder with a large "
        "sigma. Then weaken the decoder, warm the KL up or give free bits, and repeat the swap test.",
    ),
    "dead units": (
        "Units that never change",
        "sparse",
        "Lower the learning rate or the penalty, or use another activation.",
    ),
    "dead codes": (
        "Most codebook entries are never used",
        "vq_vae",
        "Revive dead entries, start from k-means, update by moving averages.",
    ),
    "not permuted": (
        "The quantiser reads rows, not places",
        "vq_vae",
        "z.permute(0, 2, 3, 1).reshape(-1, C) before the distances, and back afterwards.",
    ),
    "train mode": (
        "The model is tested in training mode",
        "failure_museum",
        "Call model.eval() before you measure, model.train() before you go on.",
    ),
    "running statistics": (
        "Training and evaluation mode disagree",
        "failure_museum",
        "Train longer or with a larger momentum, so that the running statistics settle.",
    ),
    "leakage": (
        "Test data were trained on",
        "failure_museum",
        "Split first; drop rows that stand in both parts.",
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing found.

    kind      its name among `diagnose.KINDS`, e.g. "KL not applied"
    sure      "certain", "likely" or "possible"
    evidence  what was measured, with its figures
    """

    kind: str
    sure: str
    evidence: str

    def __str__(self) -> str:
        title, slug, cure = KINDS[self.kind]
        lesson = contents.lesson(slug)
        return f"{title} ({self.sure}).\n  Seen: {self.evidence}\n  Do: {cure}\n  Read: lesson {lesson.label}, {lesson.title}."


@dataclass
class Diagnosis:
    """What `diagnose` found, and what it measured on the way.

    findings  the faults, the surest first; empty for a model on which nothing was found
    facts     figures without judgement: the scale of the loss, the effective beta, the swap test
    skipped   checks that could not be made, with the reason
    seconds   how long it took
    """

    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, float | str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def kinds(self) -> list[str]:
        """The kinds of the findings, the surest first."""
        return [finding.kind for finding in self.findings]

    def __str__(self) -> str:
        found = "\n".join(map(str, self.findings)) or "Nothing found."
        measured = "\n".join(
            f"  {name}: {value:.4g}" if isinstance(value, float) else f"  {name}: {value}"
            for name, value in self.facts.items()
        )
        left = "".join(f"\n  not checked: {name} ({why})" for name, why in self.skipped.items())
        return f"{found}\nMeasured in {self.seconds:.1f} s:\n{measured}{left}"

    def _add(self, kind: str, sure: str, evidence: str) -> None:
        if kind not in self.kinds:
            self.findings.append(Finding(kind, sure, evidence))


def diagnose(model, data, *, test=None, seconds: float = 10.0) -> Diagnosis:
    """What is wrong with a model, as a `Diagnosis`. It never raises; nothing of the model is left changed.

    model    an nn.Module with methods, or a dict of plain functions, of these names:
             encode(x)  images [N, ...] -> the code z; or (mu, log_var), with z before or behind; or a Normal; or a
                        tuple with integer tokens among its parts; or anything that decode takes whole
             decode(z)  codes -> images, or their logits
             loss(x)    what backward() is called on, of one batch: a scalar; or a tuple that begins with it or ends
                        with it as the sum of the rest; or a dict with "loss" or "total"
             corrupt(x) (optional) the noise of a denoising autoencoder
             module     (optional, in a dict) the nn.Module; otherwise it is looked for in what the functions use
    data     training images or rows [N, ...]: a tensor, an array, a list of tensors, a data set or a loader; 256 of
             them are used
    test     images that should not have been trained on
    seconds  no new check begins after that time

    The effective beta comes from a regression of the loss on reconstruction and KL, each computed anew from encode and
    decode over batches in which both vary. Collapse is found by the swap test: with the code of another image the
    reconstruction has to become worse. Whether both terms reach the encoder is read off the loss's gradient.
    """
    start, report = time.monotonic(), Diagnosis()
    try:
        patient = _Patient(model, data, test, report)
    except Exception as error:
        report._add("raises", "certain", f"the model or the data cannot be used: {_line(error)}")
        return report
    threads_state = torch.random.get_rng_state()
    modes = [(part, part.training) for module in patient.modules for part in module.modules()]
    kept = [
        {name: value.clone() for name, value in module.named_buffers()}
        for module in patient.modules
    ]
    try:
        for check in CHECKS:
            if time.monotonic() - start > seconds:
                report.skipped[check.__name__.strip("_")] = "no time was left"
                continue
            for part, mode in modes:
                part.training = mode
            try:
                check(patient, report)
            except Exception as error:
                report.skipped[check.__name__.strip("_")] = _line(error)
    finally:
        for part, mode in modes:
            part.training = mode
        with torch.no_grad():
            for module, buffers in zip(patient.modules, kept):
                for name, value in module.named_buffers():
                    if value.shape == buffers[name].shape:
                        value.copy_(buffers[name])
        torch.random.set_rng_state(threads_state)
    order = ("certain", "likely", "possible")
    report.findings.sort(key=lambda finding: order.index(finding.sure))
    report.seconds = time.monotonic() - start
    return report


# ---- the patient ---------------------------------------------------------------------------------------------------


class _Patient:
    """The functions of a model under one set of names, with a few rows of its data."""

    def __init__(self, model, data, test, report: Diagnosis):
        self.report = report
        given: Mapping = (
            model
            if isinstance(model, Mapping)
            else {
                name: getattr(model, name, None) for name in ("encode", "decode", "loss", "corrupt")
            }
        )
        self.by_functions = not isinstance(model, nn.Module)
        self.functions = {name: f for name, f in given.items() if callable(f) and name != "module"}
        if not self.functions:
            raise TypeError("model: neither encode, decode nor loss is there")
        module = model if isinstance(model, nn.Module) else given.get("module")
        self.modules = [module] if isinstance(module, nn.Module) else _modules(self.functions)
        self.x = _rows(data)
        self.test = None if test is None else _rows(test, every=True)
        self.every = _rows(data, every=True)
        self.device = next(
            (p.device for m in self.modules for p in m.parameters()), torch.device("cpu")
        )
        self.dtype = next(
            (p.dtype for m in self.modules for p in m.parameters() if p.is_floating_point()),
            torch.float32,
        )
        self.x = self.x.to(self.device)
        if not self.x.is_floating_point():
            self.integers = True
            self.x = self.x.to(self.dtype)
        else:
            self.integers = False
        self._code = self._decoded = self._place = None
        self._drop, self.sampled, self.entries = -1, "", 0

    def meet(self) -> None:
        """Finds out what encode gives and decode takes."""
        self._pack()
        self._drop = self._sample()

    def _pack(self) -> None:
        """Where decode wants all that encode gives (skip connections, levels), z becomes one tensor of all of it."""
        encode, decode = self.functions.get("encode"), self.functions.get("decode")
        if not encode or not decode:
            return
        with torch.no_grad(), self._as_it_was():
            try:
                out = encode(self.x[:8])
                try:
                    decode(_parts(out)[0])
                    return
                except Exception:
                    decode(out)
            except Exception:
                return
        shapes = [part.shape[1:] for part in _leaves(out)]

        def packed(x):
            return torch.cat([part.flatten(1) for part in _leaves(encode(x))], 1)

        def unpacked(z):
            parts = z.split([math.prod(shape) for shape in shapes], 1)
            return decode(_filled_in(out, (p.view(-1, *s) for p, s in zip(parts, shapes))))

        self.functions |= {"encode": packed, "decode": unpacked}

    @contextmanager
    def _as_it_was(self):
        """Everything in evaluation mode inside the block, and as it was behind it."""
        parts = [part for module in self.modules for part in module.modules()]
        modes = [part.training for part in parts]
        self.mode(False)
        try:
            yield
        finally:
            for part, mode in zip(parts, modes):
                part.training = mode

    def has(self, *names: str) -> None:
        for name in names:
            if name not in self.functions:
                raise LookupError(f"there is no {name}")

    def call(self, name: str, *arguments) -> Any:
        """The function's result; an error of its own becomes a finding, and ends the check."""
        self.has(name)
        try:
            return self.functions[name](*arguments)
        except Exception as error:
            text = _line(error)
            if name == "loss" and "between 0 and 1" in text:
                self.report._add(
                    "logits as probabilities", "certain", f"loss(x) stops with: {text}"
                )
            else:
                self.report._add("raises", "certain", f"{name}: {text}")
            raise

    def mode(self, training: bool) -> None:
        for module in self.modules:
            module.train(training)

    @torch.no_grad()
    def code(self, x=None) -> Any:
        """(z, second or None, tokens or None) of images: what encode gives, told apart."""
        if x is None:
            if self._code is None:
                self.mode(False)
                self._code = self.code(self.x)
            return self._code
        return self.parts(self.call("encode", x))

    def parts(self, out) -> Any:
        """(z or mu, second or None, tokens or None); of three tensors of one shape, the sample is left out."""
        if self._drop >= 0:
            out = list(out.values() if isinstance(out, Mapping) else out)
            del out[self._drop]
        return _parts(out)

    @torch.no_grad()
    def _sample(self) -> int:
        """Which part of encode's (mu, log_var, z) is the sample: the one that changes, or that repeats mu; or -1."""
        runs = []
        with self._as_it_was():
            for seed in (0, 1):
                torch.manual_seed(seed)
                try:
                    out = self.functions["encode"](self.x[:8])
                except Exception:
                    return -1
                runs.append(list(out.values()) if isinstance(out, Mapping) else out)
        one, two = runs
        if not isinstance(one, (tuple, list)) or len(one) != 3:
            return -1
        if not all(isinstance(p, Tensor) and p.is_floating_point() for p in one):
            return -1
        if len({p.shape for p in one}) > 1:
            return -1
        changed = [i for i in range(3) if not torch.equal(one[i], two[i])]
        if len(changed) == 1:
            return changed[0]
        again = [j for i, j in ((0, 1), (0, 2), (1, 2)) if torch.equal(one[i], one[j])]
        return again[0] if again else 0

    @torch.no_grad()
    def decode(self, z) -> Tensor:
        out = self.call("decode", z)
        out = out[0] if isinstance(out, (tuple, list)) else out
        return getattr(out, "mean", out) if not isinstance(out, Tensor) else out

    def decoded(self) -> Tensor:
        if self._decoded is None:
            self._decoded = self.decode(self.code()[0])
        return self._decoded

    def total(self, x) -> Tensor:
        """The number that is minimised, of a batch."""
        out = self.call("loss", x)
        if isinstance(out, Mapping):
            named = [key for word in ("loss", "total") for key in out if key == word]
            named += [key for key in out if "total" in str(key).lower()]
            out = out[named[0]] if named else list(out.values())
        if isinstance(out, (tuple, list)):
            if self._place is None:
                self._place = 0
                self._place = self._last_is_sum()
            out = out[self._place]
        if not isinstance(out, Tensor):
            raise TypeError(f"loss: gives a {type(out).__name__}, not a tensor")
        return out.mean() if out.dim() else out

    @torch.no_grad()
    def _last_is_sum(self) -> int:
        """-1 where the last part of the loss is a sum of the others with weights above 0, else 0."""
        table = []
        for i in range(6):
            out = self.call("loss", self.x[4 * i : 4 * i + 16])
            parts = list(out.values()) if isinstance(out, Mapping) else out
            if len(parts) < 3 or not all(isinstance(p, Tensor) and not p.dim() for p in parts):
                return 0
            table.append([p.double().item() for p in parts])
        rows = torch.tensor(table, dtype=torch.float64)
        weights = torch.linalg.lstsq(rows[:, :-1], rows[:, -1:]).solution
        left = (rows[:, -1:] - rows[:, :-1] @ weights).abs().max()
        return -1 if weights.min() > 1e-6 and left < 1e-4 * rows[:, -1].abs().max() else 0


def _rows(data, every: bool = False) -> Tensor:
    for name in ("train", "x"):  # an `Images` or a `Split` of the course
        data = getattr(data, name, data) if not isinstance(data, Tensor) else data
    data = getattr(data, "dataset", data)  # a loader
    plain = isinstance(data, (Tensor, tuple, list)) or hasattr(data, "__array__")
    if not plain and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        step = max(1, len(data) // (20 * ROWS if every else ROWS))
        data = [data[i] for i in range(0, len(data), step)]
    elif not plain and hasattr(data, "__iter__"):
        data = next(iter(data))  # its first batch
    if isinstance(data, (tuple, list)) and data:
        first = data[0]
        if isinstance(first, (tuple, list)) and first and hasattr(first[0], "__len__"):
            data = torch.stack([torch.as_tensor(pair[0]) for pair in data])  # (image, label) pairs
        elif isinstance(first, Tensor) and first.dim():
            alike = len(data) > 3 and len({part.shape for part in data}) == 1
            data = torch.stack(list(data)) if alike else first  # images, or (images, labels)
    x = torch.as_tensor(data)
    if x.dim() < 2 or len(x) < 4:
        raise ValueError(
            f"data: got shape {list(x.shape)}; accepted are at least four rows [N, ...]"
        )
    return x.detach() if every else x.detach()[:: max(1, len(x) // ROWS)][:ROWS]


def _parts(out):
    """What an encoder gives, as (z or mu, log-variance or None, integer tokens or None)."""
    if isinstance(out, Mapping):
        out = tuple(out.values())
    if not isinstance(out, (tuple, list)):
        if isinstance(out, Tensor):
            return (out, None, None) if out.is_floating_point() else (out, None, out)
        if hasattr(out, "mean") and hasattr(out, "stddev"):  # a torch.distributions.Normal
            return out.mean, 2 * out.stddev.log(), None
        raise TypeError(f"encode: gives a {type(out).__name__}, not tensors")
    tensors = [part for part in out if isinstance(part, Tensor)]
    whole = [part for part in tensors if part.is_floating_point() and part.dim() > 1]
    tokens = [part for part in tensors if not part.is_floating_point()]
    if not whole and not tokens:
        raise TypeError("encode: gives no tensors")
    if tokens:
        return (whole or tokens)[0], None, tokens[0]
    alike = [part for part in whole if part.shape == whole[0].shape]
    return whole[0], (alike[1] if len(alike) == 2 else None), None


def _leaves(tree) -> list[Tensor]:
    """The tensors of nested tuples, lists and dictionaries."""
    if isinstance(tree, Tensor):
        return [tree]
    return [
        leaf
        for part in (tree.values() if isinstance(tree, Mapping) else tree)
        for leaf in _leaves(part)
    ]


def _filled_in(tree, tensors):
    """The same nesting with other tensors."""
    if isinstance(tree, Tensor):
        return next(tensors)
    if isinstance(tree, Mapping):
        return {key: _filled_in(part, tensors) for key, part in tree.items()}
    return type(tree)([_filled_in(part, tensors) for part in tree])


def _modules(functions: Mapping[str, Callable]) -> list[nn.Module]:
    """The networks that plain functions use: as methods, in closures, in defaults, as variables of their module."""
    found: dict[int, nn.Module] = {}

    def look(value, depth: int) -> None:
        if isinstance(value, nn.Module):
            found[id(value)] = value
        elif isinstance(value, types.MethodType):
            look(value.__self__, depth)
            look(value.__func__, depth)
        elif isinstance(value, types.FunctionType) and depth:
            inside = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
            names = {name for code in _codes(value.__code__) for name in code.co_names}
            inside += [value.__globals__[name] for name in names if name in value.__globals__]
            for item in [*inside, *(value.__defaults__ or ())]:
                look(item, depth - 1)
        elif hasattr(value, "func") and hasattr(value, "keywords"):  # functools.partial
            for item in (value.func, *value.args, *value.keywords.values()):
                look(item, depth)
        elif isinstance(value, (list, tuple, dict)) and depth:
            for item in value.values() if isinstance(value, dict) else value:
                look(item, depth - 1)
        elif depth and not isinstance(value, (type, types.ModuleType, Tensor)):
            for item in vars(value).values() if hasattr(value, "__dict__") else ():
                look(item, depth - 1) if isinstance(item, nn.Module) else None

    for function in functions.values():
        look(function, 3)
    inner = {id(part) for module in found.values() for part in list(module.modules())[1:]}
    return [module for key, module in found.items() if key not in inner]


def _codes(code: types.CodeType):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _filled(cell) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


# ---- the checks ----------------------------------------------------------------------------------------------------


def _manners(patient: _Patient, report: Diagnosis) -> None:
    patient.meet()


def _inputs(patient: _Patient, report: Diagnosis) -> None:
    x = patient.x.double()
    fine = patient.every.isfinite()
    if not fine.all():
        bad = int((~fine).flatten(1).any(1).sum())
        report._add("not finite", "certain", f"{bad} of {len(fine)} inputs hold NaN or infinity")
        patient.x = patient.x[patient.x.flatten(1).isfinite().all(1)]
        x = patient.x.double()
    low, high = x.min().item(), x.max().item()
    report.facts["input range"] = f"[{low:.3g}, {high:.3g}]"
    if x.dim() > 2 and (high > (10 if x.dim() == 4 else 20) or 0 <= low and 0 < high < 0.02):
        sure = "certain" if x.dim() == 4 else "likely"
        report._add("input range", sure, f"the numbers run from {low:.3g} to {high:.3g}")
    elif x.dim() == 2:
        spread, middle = x.std(0), x.mean(0).abs()
        used = spread > 0
        if used.any():
            widest, far = spread[used].max().item(), (middle[used] / spread[used]).max().item()
            ratio = widest / spread[used].median().item()
            if widest > 20 and (ratio > 100 or widest > 100) or far > 100:
                report._add(
                    "input range",
                    "likely",
                    f"the widest column has a standard deviation of {widest:.3g}, {ratio:.3g} times that of the "
                    f"middle one; a mean lies {far:.3g} standard deviations from 0",
                )


def _numbers(patient: _Patient, report: Diagnosis) -> None:
    for module in patient.modules:
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if value.is_floating_point() and not value.isfinite().all():
                return report._add("not finite", "certain", f"{name} holds NaN or infinite numbers")
    for part in patient.code()[:2]:
        if part is not None and not part.isfinite().all():
            return report._add("not finite", "certain", "encode gives NaN or infinite numbers")
    if not patient.decoded().isfinite().all():
        report._add("not finite", "certain", "decode gives NaN or infinite numbers")


def _outputs(patient: _Patient, report: Diagnosis) -> None:
    out, x = patient.decoded(), patient.x
    if out.shape != x.shape and out.numel() != x.numel():
        raise ValueError(f"decode gives {list(out.shape)} for images {list(x.shape)}")
    low, high = out.min().item(), out.max().item()
    report.facts["output range"] = f"[{low:.3g}, {high:.3g}]"
    bottom, top = (
        (x.double().flatten().quantile(q).item() for q in (0.02, 0.98))
        if x.numel() < 1e7
        else (x.min().item(), x.max().item())
    )
    if 0.4999 <= low and high <= 0.7311 and high - low > 0.02 and bottom < 0.4:
        report._add(
            "sigmoid twice",
            "certain",
            f"all outputs lie in [{low:.3f}, {high:.3f}]: a sigmoid of what is in [0, 1] stays in [0.5, 0.731]; the data "
            f"go down to {bottom:.2g}",
        )
    elif low >= 0 and bottom < -0.1:
        report._add(
            "output range",
            "certain",
            f"outputs stay in [{low:.2g}, {high:.2g}], the data reach down to {bottom:.2g}",
        )
    elif out[0].numel() > 2 and (out.flatten(1).sum(1) - 1).abs().max() < 1e-4 and low >= 0:
        sums = x.flatten(1).sum(1)
        if (sums - 1).abs().max() > 0.1:
            report._add(
                "output range",
                "certain",
                f"the outputs of each image add up to 1 (a softmax), those of the data to {sums.mean():.3g}",
            )
    elif low >= -1.0001 and high <= 1.0001 and top > 1.5 and high > 0.9:
        report._add(
            "output range",
            "certain",
            f"outputs stay in [{low:.2g}, {high:.2g}], the data reach up to {top:.3g}",
        )
    mu, second, _ = patient.code()
    for name, part in (("mean", mu), ("second output", second)) if second is not None else ():
        zero = (part == 0).double().mean().item()
        if part.min() >= 0 and zero > 0.2:
            report._add(
                "cut head",
                "certain",
                f"encode's {name} is never below 0, and exactly 0 for {zero:.0%} of its numbers",
            )


def _gradients(patient: _Patient, report: Diagnosis) -> None:
    patient.has("loss")
    if not patient.modules:
        raise LookupError("no nn.Module was found")
    named = {name: p for module in patient.modules for name, p in module.named_parameters()}
    if not named:
        raise LookupError("the module has no parameters")
    saved = {name: p.grad for name, p in named.items()}
    try:
        patient.mode(True)
        used = {}
        for name in ("encode", "decode"):
            if name in patient.functions:
                used[name] = _reached(patient, name, named)
        for p in named.values():
            p.grad = None
        with torch.enable_grad():
            total = patient.total(patient.x[:64])
            if not total.requires_grad:
                return report._add("no gradient", "certain", "the loss depends on no parameter")
            total.backward()
        got = {
            name: 0.0 if p.grad is None else p.grad.abs().max().item() for name, p in named.items()
        }
    finally:
        for name, p in named.items():
            p.grad = saved[name]
    if any(not math.isfinite(g) for g in got.values()):
        report._add("not finite", "certain", "a gradient of the loss is NaN or infinite")
    for name, parameters in used.items():
        weights = [n for n in parameters if not n.endswith("bias")] or list(parameters)
        without = [n for n in weights if got[n] == 0]
        frozen = [n for n in weights if not named[n].requires_grad]
        if without and len(without) >= max(1, 0.99 * len(weights)):
            why = " (they are frozen)" if len(frozen) == len(weights) else ""
            report._add(
                "no gradient",
                "certain",
                f"of the {len(weights)} weights that {name} uses, {len(without)} get no gradient from the loss{why}",
            )


def _reached(patient: _Patient, name: str, named: dict) -> list[str]:
    """The parameters that a function's result depends on, by their gradients; frozen ones are thawed meanwhile."""
    frozen = [p for p in named.values() if not p.requires_grad and p.is_floating_point()]
    for p in frozen:
        p.requires_grad_(True)
    called: set[int] = set()
    hooks = [
        part.register_forward_hook(
            lambda part, *_: called.update(map(id, part._parameters.values()))
        )
        for module in patient.modules
        for part in module.modules()
    ]
    try:
        with torch.enable_grad():
            if name == "encode":
                out = patient.call("encode", patient.x[:8])
                parts = (
                    out
                    if isinstance(out, (tuple, list))
                    else tuple(out.values())
                    if isinstance(out, Mapping)
                    else [out]
                )
            else:
                z = patient.code(patient.x[:8])[0]
                parts = [patient.call("decode", z)]
            parts = [
                p for part in parts for p in (part if isinstance(part, (tuple, list)) else [part])
            ]
            parts = [p for p in parts if isinstance(p, Tensor) and p.requires_grad]
            slopes: tuple = (None,) * len(named)
            if parts:
                chance = torch.Generator().manual_seed(0)
                total = torch.stack(
                    [
                        (p * torch.randn(p.shape, generator=chance).to(p)).sum().double()
                        for p in parts
                    ]
                ).sum()
                slopes = torch.autograd.grad(total, list(named.values()), allow_unused=True)
        return [
            n
            for (n, p), slope in zip(named.items(), slopes)
            if slope is not None or id(p) in called
        ]
    finally:
        for hook in hooks:
            hook.remove()
        for p in frozen:
            p.requires_grad_(False)


def _noise(patient: _Patient, report: Diagnosis) -> None:
    patient.has("loss", "encode")
    patient.mode(True)
    mu, second, _ = patient.code(patient.x[:GROUP])
    x = patient.x[:GROUP]
    if second is None and "corrupt" not in patient.functions:
        return
    values, after = [], []
    with torch.no_grad():
        for seed in (1, 2):
            torch.manual_seed(seed)
            before = torch.random.get_rng_state()
            values.append(patient.total(x).item())
            after.append((before, torch.random.get_rng_state()))
    drew = [not torch.equal(a, b) for a, b in after]
    if "corrupt" in patient.functions:
        noisy = [patient.call("corrupt", x) for _ in range(2)]
        if torch.equal(noisy[0], x):
            report._add("no noise", "certain", "corrupt(x) gives x back unchanged")
        elif torch.equal(*noisy):
            report._add("fixed noise", "likely", "corrupt(x) gives the same noise twice")
    if second is None or values[0] != values[1]:
        return
    if any(drew) and torch.equal(after[0][1], after[1][1]):
        report._add(
            "fixed noise",
            "certain",
            "two seeds give the same loss, and the same state of the generator: the loss seeds it anew",
        )
    elif not any(drew):
        report._add(
            "no noise",
            "certain",
            f"encode gives two tensors [{', '.join(map(str, mu.shape))}], but the loss of a batch is the same number "
            "twice and draws no random number",
        )


def _mode(patient: _Patient, report: Diagnosis) -> None:
    patient.has("encode", "decode")
    parts = [part for module in patient.modules for part in module.modules()]
    uneven = [
        p
        for p in parts
        if isinstance(p, (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd))
    ]
    training = [p for p in uneven if p.training]

    @torch.no_grad()
    def error(x) -> float:
        torch.manual_seed(0)
        out = patient.decode(patient.code(x)[0])
        return (out.reshape(x.shape) - x).square().mean().item()

    x = patient.x[:64]
    if patient.by_functions and training:
        with torch.no_grad():
            torch.manual_seed(1)
            one = patient.decode(patient.code(x)[0])
            torch.manual_seed(2)
            two = patient.decode(patient.code(x)[0])
            alone = patient.decode(patient.code(x[:2])[0])
        scale = one.std().item() + 1e-12
        if (one - two).abs().max().item() > 1e-3 * scale:
            report._add(
                "train mode",
                "likely",
                "the same images decode differently twice: dropout is at work",
            )
        elif (one[:2] - alone).abs().max().item() > 1e-3 * scale:
            report._add(
                "train mode",
                "likely",
                "an image decodes differently in a batch of 2 and in a larger one: batch statistics are at work",
            )
    if any(isinstance(p, nn.modules.batchnorm._NormBase) and p.track_running_stats for p in uneven):
        patient.mode(False)
        still = error(x)
        patient.mode(True)
        moving = error(x)
        if still > 2 * moving:
            report._add(
                "running statistics",
                "likely",
                f"the squared error per pixel is {moving:.3g} in training mode and {still:.3g} in evaluation mode",
            )


def _swap(patient: _Patient, report: Diagnosis) -> None:
    patient.mode(False)
    x = patient.x
    z, second, tokens = patient.code(x)  # anew: decode may remember what was encoded last
    out = patient.decode(z).reshape(x.shape)
    squash = (lambda y: y.sigmoid()) if _logits(patient) else (lambda y: y)
    turn = torch.arange(len(x)).roll(len(x) // 2 + 1)
    other = patient.decode(z[turn]).reshape(x.shape)

    def worse(images, strangers) -> float:
        own = (squash(images) - x).square().mean().item()
        swapped = (squash(strangers) - x).square().mean().item()
        return 1 - own / swapped if swapped else 0.0

    gain = worse(out, other)
    report.facts["swap test: error saved by the own code"] = gain
    if x.std(0).max() == 0:
        raise ValueError("all images are one image")
    if tokens is not None:
        where = tokens.flatten().unique()
        size = max(int(where.max()) + 1, patient.entries)
        share = (
            torch.bincount(tokens.flatten().long().cpu(), minlength=size).double() / tokens.numel()
        )
        words = math.exp(-(share[share > 0] * share[share > 0].log()).sum().item())
        report.facts["codebook perplexity"] = words
        report.facts["codebook entries used"] = f"{len(where)} of {size}"
        if size >= 8 and (words < 2 or len(where) < 0.1 * min(size, tokens.numel() / 8)):
            report._add(
                "dead codes",
                "likely" if words > 2 else "certain",
                f"{len(where)} of {size} entries are used on {len(x)} images; perplexity {words:.2g}",
            )
    if second is not None:
        nats = _kl(z, second, "log-variance").mean().item()
        report.facts["KL, nats per image (second output read as log-variance)"] = nats
    if gain < 0.02:
        moved = (
            (z.double() - z.double().mean(0)).abs().max().item() if z.is_floating_point() else 1.0
        )
        which = (
            "the codes of all images are the same"
            if moved < 1e-4
            else "the codes differ, the decoder ignores them"
        )
        report._add(
            "collapse",
            "certain" if gain < 0.005 else "likely",
            f"with its own code the squared error of an image is only {max(gain, 0):.2%} smaller than with another's; {which}",
        )
    elif second is None and tokens is None and z.is_floating_point():
        flat = z.flatten(1).double()
        still = (flat.std(0) <= 1e-6 * flat.std(0).max()).double().mean().item()
        if still >= 0.5 and flat.shape[1] > 1:
            report._add(
                "dead units",
                "likely",
                f"{still:.0%} of the {flat.shape[1]} numbers of a code never change",
            )


def _dead(patient: _Patient, report: Diagnosis) -> None:
    alive: dict[str, Tensor] = {}
    hooks = []

    def listen(name):
        def hook(_, __, out):
            if isinstance(out, Tensor) and out.dim() > 1:
                axes = [d for d in range(out.dim()) if d != 1]
                now = (
                    (out > 0).any(dim=axes[0])
                    if len(axes) == 1
                    else (out > 0).transpose(0, 1).flatten(1).any(1)
                )
                alive[name] = alive.get(name, torch.zeros_like(now)) | now

        return hook

    for module in patient.modules:
        for name, part in module.named_modules():
            if isinstance(part, (nn.ReLU, nn.ReLU6)):
                hooks.append(part.register_forward_hook(listen(name)))
    try:
        patient.mode(False)
        patient.decode(patient.code(patient.x)[0])
    finally:
        for hook in hooks:
            hook.remove()
    for name, units in alive.items():
        dead = 1 - units.double().mean().item()
        if dead > 0.9:
            report._add(
                "dead units",
                "likely",
                f"in the layer {name}, {dead:.0%} of {len(units)} units are 0 for all {len(patient.x)} images",
            )


def _listening(patient: _Patient, report: Diagnosis) -> None:
    patient.has("encode")
    patient.mode(False)
    x = patient.x[:GROUP]
    mu, second, _ = patient.code(x)
    heard = listening.Listener(mu if second is not None else None, second)
    with heard:
        torch.manual_seed(0)
        if "loss" in patient.functions:
            for training in (False, True):  # some sample in training mode only
                patient.mode(training)
                with torch.enable_grad():
                    patient.total(x)
        else:
            patient.call("encode", x)
    patient.mode(False)
    if heard.unpermuted:
        report._add("not permuted", "certain", heard.unpermuted)
    if heard.cut:
        report._add("no gradient through the sample", "certain", heard.cut)
    if heard.probabilities:
        report._add("sigmoid twice", "certain", heard.probabilities)
    if heard.targets:
        report._add("input range", "certain", heard.targets)
    patient.sampled, patient.entries = heard.sampled, heard.entries


def _scale(patient: _Patient, report: Diagnosis) -> None:
    """The loss as a R + b K + c: a, b and the way it reads its tensors, from batches in which both terms vary."""
    patient.has("encode", "decode", "loss")
    patient.mode(False)
    batches = _batches(patient.x)
    total = torch.zeros(len(batches), dtype=torch.float64)
    error: dict[tuple, Tensor] = {}
    price: dict[str, Tensor] = {}
    gaussian = patient.code()[1] is not None
    readings = ("log-variance", "sigma", "log-sigma")
    ways = (*readings, *([MEAN] if _still(patient, batches[0]) else ())) if gaussian else ("",)
    charges = (*readings, "log-variance, but exp(s / 2) for exp(s)") if gaussian else ()
    with torch.no_grad():
        for k, x in enumerate(batches):
            z, second, _ = patient.code(x)
            for way in charges:
                row = price.setdefault(way, torch.zeros(len(batches), dtype=torch.float64))
                row[k] = _kl(z, second, way).mean()
            for draw in range(DRAWS if gaussian else 1):
                torch.manual_seed(draw)
                total[k] += patient.total(x).double().item() / (DRAWS if gaussian else 1)
                for way in ways:
                    torch.manual_seed(draw)
                    noisy = z if not gaussian else z + _sigma(second, way) * torch.randn_like(z)
                    out = patient.decode(noisy).reshape(x.shape)
                    for name, value in _errors(out, x).items():
                        key = (name, way)
                        row = error.setdefault(key, torch.zeros(len(batches), dtype=torch.float64))
                        row[k] += value.item() / (DRAWS if gaussian else 1)
    if not total.isfinite().all():
        return report._add("not finite", "certain", "the loss is NaN or infinite")
    best = None
    for (name, way), r in error.items():
        for charge in price or {"": None}:
            k = price.get(charge)
            fit = _regress(total, r, k)
            if fit and (best is None or fit["left"] < best["left"] - 1e-9):
                best = {**fit, "error": name, "sampled": way, "charged": charge}
    if best is None or best["left"] > 0.02:
        raise ArithmeticError("the loss is no sum of a known reconstruction and a Gaussian KL")
    size = patient.x[0].numel()
    report.facts["reconstruction"] = (
        f"{best['error']}, times {best['a']:.4g} ({_convention(best['a'], size)})"
    )
    report.facts["part of the loss not explained"] = best["left"]
    if best["error"] == "cross-entropy of logits":
        out = patient.decoded()
        cut = (out == 0).double().mean().item()
        if out.min() >= 0 and out.max() <= 1 and out.max() - out.min() > 0.05 and cut < 0.05:
            report._add(
                "sigmoid twice",
                "certain",
                f"decode gives numbers in [{out.min():.3f}, {out.max():.3f}], and the loss takes them for logits",
            )
        elif out.min() >= 0 and patient.x.median() < 0.4:
            report._add(
                "output range",
                "certain",
                f"decode gives logits of at least {out.min():.2g}: no pixel can be darker than 1/2, half of the data's are "
                f"below {patient.x.median():.2g}",
            )
    elif best["error"].startswith("cross-entropy, clamped"):
        report._add(
            "logits as probabilities",
            "certain",
            f"outputs run from {patient.decoded().min():.3g} to {patient.decoded().max():.3g} and are cut to [0, 1] by the loss",
        )
    if not gaussian:
        return
    beta = best["b"] / best["a"]
    report.facts["effective beta"] = beta
    report.facts["KL term"] = f"times {best['b']:.4g}, second output read as {best['charged']}"
    reaches = abs(best["b"]) * price[best["charged"]].std() / total.std()
    if (
        abs(best["b"]) < 4 * best["doubt"]
        and 4 * best["doubt"] < 0.02 * abs(best["a"])
        or reaches < 1e-5
    ) and price[best["charged"]].std() > 0.3:
        report._add(
            "KL not applied",
            "likely",
            f"over {len(batches)} batches the KL varies by {price[best['charged']].std():.3g} nats, and the loss does not follow: "
            f"its weight is {best['b']:.2g} beside {best['a']:.3g} for the reconstruction",
        )
    elif best["b"] < -4 * best["doubt"] and reaches > 1e-3:
        report._add("KL sign", "certain", f"the loss falls by {-best['b']:.3g} for each nat of KL")
    elif beta > 20:
        report._add(
            "KL too heavy",
            "certain" if beta > 50 else "likely",
            f"one nat of KL weighs as much as {beta:.4g} of the reconstruction ({best['error']}, summed over {size} numbers)"
            + (": pixels are averaged, latents summed" if 0.4 < beta / size < 2.5 else ""),
        )
    heard = _slopes(patient, best) if patient.modules else {}
    if heard.get("a", 1) < 0.1:
        report._add(
            "no gradient through the sample",
            "certain",
            f"the encoder's gradient holds {max(heard['a'], 0):.1%} of that of the reconstruction, which is in the loss",
        )
    if best["b"] > 0 and reaches > 0.01 and heard.get("b", 1) < 0.1:
        report._add(
            "KL not applied",
            "certain",
            f"the KL is in the number, {max(heard['b'], 0):.1%} of it in the encoder's gradient: item(), detach() or no_grad",
        )
    if (
        patient.sampled
        and patient.sampled != best["charged"]
        and reaches > 0.01
        and best["left"] < 0.005
    ):
        report._add(
            "log-variance as sigma",
            "certain",
            f"the sample reads encode's second output as {patient.sampled}, the KL as {best['charged']}",
        )


def _still(patient: _Patient, x: Tensor) -> bool:
    """Whether the loss of a batch is the same number under two seeds: then the mean may be what is decoded."""
    values = []
    with torch.no_grad():
        for seed in (1, 2):
            torch.manual_seed(seed)
            values.append(patient.total(x).item())
    return values[0] == values[1]


def _slopes(patient: _Patient, best: dict) -> dict[str, float]:
    """Which shares of reconstruction and KL, as they are in the loss, are in its gradient at the encoder's parameters."""
    named = {n: p for module in patient.modules for n, p in module.named_parameters()}
    own = [named[n] for n in _reached(patient, "encode", named) if named[n].requires_grad]
    patient.mode(False)
    x = patient.x[:64]
    with torch.enable_grad():
        torch.manual_seed(0)
        total = patient.total(x)
        mu, second, _ = patient.parts(patient.call("encode", x))
        if not (own and total.requires_grad and mu.requires_grad and second.requires_grad):
            return {}
        torch.manual_seed(0)
        out = patient.call("decode", mu + _sigma(second, best["sampled"]) * torch.randn_like(mu))
        terms = (
            total,
            best["a"] * _errors(out[0] if isinstance(out, tuple) else out, x)[best["error"]],
            best["b"] * _kl(mu, second, best["charged"]).mean(),
        )
        slopes = [
            torch.cat(
                [
                    (torch.zeros_like(p) if g is None else g).flatten().double()
                    for p, g in zip(
                        own, torch.autograd.grad(term, own, retain_graph=True, allow_unused=True)
                    )
                ]
            )
            for term in terms
        ]
    g, terms = slopes[0], dict(zip("ab", slopes[1:]))
    largest = max(term.norm() for term in terms.values())
    terms = {name: term for name, term in terms.items() if term.norm() > 1e-3 * largest}
    if not terms or not g.isfinite().all():
        return {}  # of a term that is drowned by the other, nothing can be said
    scale = torch.stack([term.norm() for term in terms.values()])
    table = torch.stack(list(terms.values()), 1) / scale
    weights = torch.linalg.lstsq(table, g[:, None]).solution[:, 0] / scale
    return dict(zip(terms, weights.tolist()))


def _leakage(patient: _Patient, report: Diagnosis) -> None:
    if patient.test is None:
        return
    known, rows = (part.cpu().float().flatten(1) for part in (patient.every, patient.test))
    if known.shape[1] != rows.shape[1]:
        raise ValueError(
            f"test rows have {rows.shape[1]} numbers, those of the data {known.shape[1]}"
        )
    keys = Counter(row.numpy().tobytes() for row in known[:200_000])
    own = sum(count for count in keys.values() if count > 1) / keys.total()  # honest repetition
    same = sum(row.numpy().tobytes() in keys for row in rows[:20_000]) / len(rows[:20_000])
    some, probes = known[:20_000], rows[:: max(1, len(rows) // 500)]
    apart = torch.cdist(some[:: max(1, len(some) // 300)], some).kthvalue(2, dim=1).values
    hair = 0.02 * apart.median().item()
    near = (torch.cdist(probes, some).min(1).values < hair).double().mean().item()
    own = max(own, (apart < hair).double().mean().item())
    report.facts["test rows that stand in the training data"] = f"{max(same, near):.1%}"
    if max(same, near) > 0.02 + 2 * own:
        report._add(
            "leakage",
            "certain" if max(same, near) > 0.2 + 2 * own else "likely",
            f"{same:.1%} of the test rows stand in the training data, number for number"
            if same >= near
            else f"{near:.1%} of the test rows lie within a hair of a training row",
        )


# ---- figures -------------------------------------------------------------------------------------------------------


def _batches(x: Tensor) -> list[Tensor]:
    """Batches whose reconstruction and KL differ: images as they are, faded to their mean, and mixed with others."""
    groups = [x[i : i + GROUP] for i in range(0, len(x) - GROUP + 1, GROUP)][:10] or [x]
    mean = x.mean(0, keepdim=True)
    faded = [mean + t * (g - mean) for g, t in zip(groups, (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9))]
    mixed = [0.5 * (g + g.flip(0)) for g in groups[:3]]
    return [*groups, *faded, *mixed]


def _sigma(second: Tensor, way: str) -> Tensor:
    return {
        "log-variance": lambda s: (0.5 * s).exp(),
        "sigma": lambda s: s,
        "log-sigma": torch.exp,
        MEAN: torch.zeros_like,
    }[way](second)


def _kl(mu: Tensor, second: Tensor, way: str) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) in nats per image [B]; a negative sigma counts by its size."""
    mu, second = mu.double(), second.double()
    if way not in ("log-variance", "sigma", "log-sigma"):
        return 0.5 * (mu.square() + (0.5 * second).exp() - 1 - second).flatten(1).sum(1)
    sigma = _sigma(second, way)
    each = 0.5 * (mu.square() + sigma.square() - 1) - sigma.abs().clamp(min=1e-12).log()
    return each.flatten(1).sum(1)


def _errors(out: Tensor, x: Tensor) -> dict[str, Tensor]:
    """Reconstruction terms per image, summed over its numbers: those that fit these outputs."""
    out, x = out.double().flatten(1), x.double().flatten(1)
    found = {"squared error": (out - x).square(), "absolute error": (out - x).abs()}
    if x.min() >= 0 and x.max() <= 1:
        found["cross-entropy of logits"] = F.binary_cross_entropy_with_logits(
            out, x, reduction="none"
        )
        inside = bool(out.min() >= 0 and out.max() <= 1)
        name = "cross-entropy of probabilities" if inside else "cross-entropy, clamped"
        for place in (2, 3, 4, 5, 6, 7, 8, 10, 12):
            p = out.clamp(10.0**-place, 1 - 10.0**-place)
            each = -(x * p.log() + (1 - x) * (1 - p).log().clamp(min=-100))
            found[f"{name} at 1e-{place}"] = each
        found["squared error of the sigmoid"] = (out.sigmoid() - x).square()
    return {name: each.sum(1).mean() for name, each in found.items()}


def _regress(total: Tensor, r: Tensor, k: Tensor | None) -> dict | None:
    """Least squares of total on r, k and 1: the weights a and b, b's standard error, and the unexplained share."""
    columns = [r, torch.ones_like(r)] if k is None else [r, k, torch.ones_like(r)]
    table = torch.stack(columns, 1)
    if not table.isfinite().all() or r.std() == 0 or total.std() == 0:
        return None
    scale = table.abs().max(0).values.clamp(min=1e-12)
    weights = torch.linalg.lstsq(table / scale, total[:, None]).solution[:, 0] / scale
    rest = total - table @ weights
    left = (rest.std() / total.std()).item()
    a = weights[0].item()
    if a <= 0:
        return None
    if k is None:
        return {"a": a, "b": 0.0, "doubt": 0.0, "left": left}
    inverse = torch.linalg.pinv((table / scale).T @ (table / scale))
    freedom = max(1, len(total) - len(columns))
    doubt = (rest.square().sum() / freedom * inverse[1, 1]).clamp(min=0).sqrt().item() / scale[
        1
    ].item()
    return {"a": a, "b": weights[1].item(), "doubt": doubt, "left": left}


def _convention(a: float, size: int) -> str:
    for factor, words in (
        (1.0, "summed over pixels"),
        (0.5, "half of the sum"),
        (1 / size, "averaged over pixels"),
        (float(GROUP), "summed over pixels and batch"),
    ):
        if abs(a / factor - 1) < 0.02:
            return words
    return f"{a * size:.3g} times the average over pixels"


def _logits(patient: _Patient) -> bool:
    """Whether decode gives logits, as far as its range and the data's tell."""
    x, out = patient.x, patient.decoded()
    return bool(x.min() >= 0 and x.max() <= 1 and (out.min() < -1 or out.max() > 2))


CHECKS = (
    _manners,
    _inputs,
    _numbers,
    _outputs,
    _leakage,
    _noise,
    _mode,
    _listening,
    _gradients,
    _swap,
    _scale,
    _dead,
)
