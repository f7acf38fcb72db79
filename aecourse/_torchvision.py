"""torchvision, imported so that it also works beside a CPU build of torch.

torchvision's ordinary wheel registers Python-side rules for its compiled operators `nms` and `qnms` while it is
imported. Where the compiled part cannot load (its CUDA libraries are missing, as with a CPU build of torch) those
operators do not exist and the import fails with "operator torchvision::nms does not exist", although nothing in
this course uses them. Declaring their schemas is enough for datasets, transforms and utils to work. Where
torchvision imports by itself, none of this happens.
"""

from __future__ import annotations

import importlib
import sys

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library = None  # kept alive: the schemas vanish with it


def load():
    """The module torchvision, its missing operators declared first if that is what stops it."""
    global _library
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _library is not None:
            raise
    for name in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    _library = torch.library.Library("torchvision", "DEF")
    for schema in _SCHEMAS:
        _library.define(schema)
    return importlib.import_module("torchvision")
