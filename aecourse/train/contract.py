"""What `fit` and a model promise each other, and every check of it that can be made before the first step.

A batch is a dict of columns: "x" and, beside it, those columns of the data that the signature of `model.loss` names, such as
labels or a mask. What a column must be is said by the model, in `accepts`: name -> (dtype, lowest, highest).
"""

from __future__ import annotations

import inspect
import math

import torch
from torch import Tensor, nn

from aecourse import require

Batch = dict[str, Tensor]
RESULT = "a dict of scalar tensors with the key 'loss', e.g. {'loss': error + kl, 'kl': kl}"


def asked_by(model) -> dict[str, bool]:
    """The arguments of `model.loss` beside x: name -> whether it must be given."""
    found = inspect.signature(model.loss).parameters.values()
    return {
        p.name: p.default is p.empty
        for p in list(found)[1:]
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }


def check_model(model) -> None:
    """A module with a `loss`, float32 weights and something to train; one clear error each."""
    if not isinstance(model, nn.Module) or not callable(getattr(model, "loss", None)):
        raise TypeError(
            f"model: got {require.described(model)}; accepted is a torch.nn.Module with a method loss(x)"
        )
    if isinstance(model.loss, nn.Module):
        raise TypeError(
            f"model: got {type(model).__name__}, whose loss is the module {type(model.loss).__name__}; accepted is a method "
            "loss(x) of the model: give the module another name and call it there"
        )
    first, *others = [*inspect.signature(model.loss).parameters.values(), None]  # pyright: ignore[reportArgumentType]
    if first is None:
        raise TypeError(
            f"model: got {type(model).__name__}, whose loss takes no argument; accepted is loss(x)"
        )
    if first.kind in (first.KEYWORD_ONLY, first.VAR_KEYWORD):
        raise TypeError(
            f"model: got {type(model).__name__}, whose loss takes {first.name!r} by name only; accepted is loss(x)"
        )
    for other in filter(None, others):
        if other.kind is other.POSITIONAL_ONLY and other.default is other.empty:
            raise TypeError(
                f"model: got {type(model).__name__}, whose loss takes {other.name!r} by place only; accepted is "
                f"loss(x, {other.name}), since columns are given by name"
            )
    for name, parameter in model.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(
                f"model: got {name!r} of a lazy layer, whose shape is not known yet; accepted are weights that exist: call the "
                "model once on a few images"
            )
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ValueError(
            f"model: got {type(model).__name__} without a parameter that requires a gradient; accepted is at least one"
        )
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.dtype != torch.float32:
            raise ValueError(
                f"model: got {str(parameter.dtype).removeprefix('torch.')} weights in {name!r}; accepted is float32: use model.float()"
            )
        if parameter.is_inference():
            raise ValueError(
                f"model: got {name!r} made under torch.inference_mode(), which cannot be trained; make the model outside of it"
            )


def check_columns(name: str, columns: Batch, model) -> None:
    """Every column of some data that the model asks for: present, of one length, dtype and range; one clear error each."""
    asked = asked_by(model)
    accepts = getattr(model, "accepts", {})
    x = columns["x"]
    if "x" in accepts:
        if not isinstance(x, Tensor) or tuple(x.shape[1:]) != tuple(model.shape) or not len(x):
            raise ValueError(
                f"{name}: got {require.described(x)}; accepted is a tensor [N, {', '.join(map(str, model.shape))}] with N of at least 1"
            )
        check_column(name, "x", x, accepts)
    else:
        check_images(name, x, model)
    for column, required in asked.items():
        if required and columns.get(column) is None:
            kind = {"labels": "a label"}.get(column, f"{column!r}")
            raise ValueError(
                f"{name}: got images without {column}; {type(model).__name__} needs {kind} for each image"
            )
    for column in (column for column in asked if columns.get(column) is not None):
        value = columns[column]
        if not isinstance(value, Tensor):
            raise TypeError(
                f"{name}: got {column} of type {type(value).__name__}; accepted is a tensor [{len(x)}, ...]"
            )
        if value.dim() == 0 or len(value) != len(x):
            came = len(value) if value.dim() else "one number as"
            raise ValueError(
                f"{name}: got {came} {column} for {len(x)} images; accepted is one each"
            )
        check_column(name, column, value, accepts)


def check_some_labels(name: str, columns: Batch, model) -> None:
    """For a model that takes -1 as "not known": labels of two classes at least, over all of the data."""
    if getattr(model, "accepts", {}).get("labels", (None, 0))[1] >= 0:
        return
    found = columns["labels"][columns["labels"] >= 0].unique()
    if len(found) < 2:
        came = f"labels of the one class {found[0].item()}" if len(found) else "no labels at all"
        raise ValueError(
            f"{name}: got {came}; {type(model).__name__} needs labels of two classes or more"
        )


def check_column(name: str, column: str, value: Tensor, accepts: dict) -> None:
    """The dtype and range that the model names, finite numbers, and nothing that is part of another computation."""
    if value.requires_grad:
        raise ValueError(
            f"{name}: got {column} that requires a gradient; accepted is plain data: use .detach()"
        )
    if column in accepts:
        dtype, low, high = accepts[column]
        if value.dtype != dtype:
            raise ValueError(
                f"{name}: got {column} of {str(value.dtype).removeprefix('torch.')}; accepted is {str(dtype).removeprefix('torch.')}"
            )
        found = [bound.item() for bound in torch.aminmax(value)]
        if found[0] < low or found[1] > high:
            raise ValueError(
                f"{name}: got {column} from {found[0]:g} to {found[1]:g}; accepted is {low:g} to {high:g}"
            )
    elif value.is_floating_point() and not torch.isfinite(value).all():
        raise ValueError(
            f"{name}: got NaN or infinite numbers in {column}; accepted are finite numbers"
        )


def check_images(name: str, x, model) -> None:
    """Images or rows x [N, ...] as the model's shape and likelihood want them: float32, finite, in range."""
    if getattr(x, "dtype", None) == torch.uint8:
        raise ValueError(f"{name}: got uint8 pixels; accepted is float32 in [0, 1]: divide by 255")
    plain = isinstance(x, Tensor) and x.layout is torch.strided and not x.is_nested
    require.batch(name, x, tuple(getattr(model, "shape", None) or (x.shape[1:] if plain else ())))
    if x.dtype != torch.float32:
        raise ValueError(
            f"{name}: got {str(x.dtype).removeprefix('torch.')}; accepted is float32: use x.float()"
        )
    if x.requires_grad:
        raise ValueError(
            f"{name}: got images that require a gradient; accepted is plain data: use x.detach()"
        )
    low, high = (bound.item() for bound in torch.aminmax(x))
    if not (low > -math.inf and high < math.inf):
        raise ValueError(f"{name}: got NaN or infinite pixels; accepted are finite numbers")
    allowed = getattr(model, "input_range", None)
    if high > 50 and (allowed or x.dim() == 4):
        raise ValueError(
            f"{name}: got pixels up to {high:g}, which look like 0-255; accepted is [0, 1]: divide by 255"
        )
    if allowed and (low < allowed[0] or high > allowed[1]):
        raise ValueError(
            f"{name}: got pixels in [{low:g}, {high:g}]; accepted by the likelihood of "
            f"{type(model).__name__} is [{allowed[0]:g}, {allowed[1]:g}]"
        )


def transformed(result, x: Tensor, model) -> Tensor:
    """What a transform made of the batch x [B, ...], if the model takes it: as many rows, of the same dtype, in its shape."""
    shape = tuple(getattr(model, "shape", None) or getattr(result, "shape", ())[1:])
    if (
        not isinstance(result, Tensor)
        or result.dtype != x.dtype
        or result.shape != (len(x), *shape)
    ):
        dtype = str(x.dtype).removeprefix("torch.")
        raise ValueError(
            f"transform: got {require.described(result)} for {len(x)} images; accepted is a tensor "
            f"[{', '.join(map(str, (len(x), *shape)))}], {dtype}: one for each"
        )
    return result


def check_terms(model, terms, names=(), *, trained: bool = True) -> None:
    """What `loss` returned: a dict of scalar tensors, of which "loss" can be differentiated where the model is `trained`.

    names   of the terms at the first call, or nothing where this is the first one
    """
    who = f"{type(model).__name__}.loss"
    if not isinstance(terms, dict):
        raise TypeError(f"{who}: got {require.described(terms)}; accepted is {RESULT}")
    if "loss" not in terms:
        raise ValueError(
            f"{who}: got a dict with {', '.join(map(repr, terms)) or 'nothing'}; accepted is {RESULT}"
        )
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.dim() or term.is_complex():
            raise ValueError(
                f"{who}: got {require.described(term)} as {name!r}; accepted is {RESULT}"
            )
        if not isinstance(name, str) or name.startswith("val_"):
            raise ValueError(
                f"{who}: got a term called {name!r}; accepted are texts that do not begin with 'val_', the mark of validation"
            )
    if names and set(names) != terms.keys():
        raise ValueError(
            f"{who}: got the terms {', '.join(terms)}; accepted are those of the first batch, {', '.join(names)}"
        )
    if trained and not terms["loss"].requires_grad:
        raise ValueError(
            f"{who}: got a 'loss' that no parameter can learn from (detached, or computed under no_grad); accepted is one "
            "with a gradient"
        )
