"""How another file is made of a model: one file each, found by convention.

Each runs in a process of its own, without this package: `python -I _job.py`, with {"variant", "source", "folder",
"calibration"} as JSON on stdin, lets its `make` write the file `FILE` in the folder. It has a `TITLE` in Chinese, and,
where readers would want it, the code by which they do the same; what it needs is imported while making. One that is
`LOSSY` changes the outputs, one that is `CALIBRATED` is given feeds from which to take the ranges of activations.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

AS_BUILT = "as_built"
"""The file that the model itself has."""
FOLDER = Path(__file__).parent
_MODULES: dict[str, ModuleType] = {
    info.name: import_module(f"{__name__}.{info.name}")
    for info in pkgutil.iter_modules(__path__)
    if not info.name.startswith("_")
}
VARIANTS: dict[str, str] = {AS_BUILT: "原样", **{name: module.TITLE for name, module in _MODULES.items()}}
"""Name -> title."""
LOSSY = frozenset(name for name, module in _MODULES.items() if hasattr(module, "LOSSY"))
"""Of those, how far outputs are from the default's is a result, no failure."""
CALIBRATED = frozenset(name for name, module in _MODULES.items() if hasattr(module, "CALIBRATED"))
CALIBRATION = "calibration"
"""Label of the input that these are given."""


@dataclass(frozen=True, slots=True)
class ForReaders:
    """How a reader makes the file, and what it is called there."""

    file: str
    code: str


FOR_READERS: dict[str, ForReaders] = {
    name: ForReaders(module.READERS_FILE, module.READERS_CODE.strip())
    for name, module in _MODULES.items()
    if hasattr(module, "READERS_CODE")
}


def script(name: str = "_job") -> Path:
    """The file of a maker, or what starts every one of them."""
    return FOLDER / f"{name}.py"


def file_name(variant: str) -> str:
    """Name of the file that a session loads."""
    name: str = _MODULES[variant].FILE
    return name
