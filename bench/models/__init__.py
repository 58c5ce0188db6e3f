"""The networks that are measured: one file each, found by convention.

A module here with a `MODEL` constant is a model, and the module has the name of its id. Importing
this package is cheap: onnx, Pillow and whatever else builds a model are imported while building it,
which happens in a child process (see `bench.models.prepared`).
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

from bench.models._errors import ModelError

if TYPE_CHECKING:
    from bench.spec import Model

__all__ = ["MODELS", "ModelError"]

HELPERS = frozenset({"flops", "prepared"})


def _discover() -> dict[str, Model]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = (
        import_module(f"{__name__}.{name}") for name in names if name[0] != "_" and name not in HELPERS
    )
    models: list[Model] = [module.MODEL for module in modules if hasattr(module, "MODEL")]
    return {model.id: model for model in models}


MODELS: dict[str, Model] = _discover()
"""Every model by id, in alphabetical order."""
