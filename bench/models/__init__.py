"""The networks that are measured: one file each, found by convention.

A module here with a `MODEL` constant is a model, and the module has the name of its id. Importing
this package is cheap: onnx, Pillow and whatever else builds a model are imported while building it,
which happens in a child process (see `bench.models.prepared`).
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.spec import Model

__all__ = ["MODELS", "ModelError"]


class ModelError(Exception):
    """A model cannot be had. The message is one Chinese sentence for the reader of a terminal."""


def _discover() -> dict[str, Model]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name[0] != "_")
    modules = (import_module(f"{__name__}.{name}") for name in names)
    return {module.MODEL.id: module.MODEL for module in modules if hasattr(module, "MODEL")}


MODELS: dict[str, Model] = _discover()
"""Every model by id, in alphabetical order."""
