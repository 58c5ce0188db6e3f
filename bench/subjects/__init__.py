"""What is opened and called in the measured process: one file each, found by convention.

The files run in that process alone, beside `bench.measure.worker`, without this package: they import what a reader
would import, in `load`. Each has a `TITLE` in Chinese and one of

- `load()`, which imports what it needs, and `start(job)`, which returns an object with `call(feed)` -> outputs and
  `close()` -> facts for the report: its records end there, but outputs are compared by calls after it;
- `load()` and `report(job)` -> {heading: lines of text}.

What readers write for it stands in `READERS_CODE`, before the session is opened, and comes from `readers_use(options)`
after that; or is the whole of `readers_code(settings, options, made)`.
"""

from __future__ import annotations

import json
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

FOLDER = Path(__file__).parent
_MODULES: dict[str, ModuleType] = {
    info.name: import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)
}
SUBJECTS: dict[str, str] = {name: module.TITLE for name, module in _MODULES.items()}
"""Name -> title."""
FOREIGN = frozenset(name for name, module in _MODULES.items() if hasattr(module, "FOREIGN"))
"""Other engines: how far their outputs are from ours is a result, no failure."""


POOL_CODE = """
ort.set_global_thread_pool_sizes({global_pool_threads}, 1)  # 每个会话都要设 use_per_session_threads = False
"""
"""Several subjects may share one pool among their sessions."""
ARENA = "arena_extend_strategy"
"""Option of subjects whose sessions share an arena."""
POOL_SINCE = (1, 23)
"""Version of onnxruntime whose Python has that call."""


def whole_code(
    subject: str, settings: Sequence[str], options: Mapping[str, object], made: tuple[str, str] | None
) -> str | None:
    """All that a reader writes, where it is not a session that he opens; None: it is.

    `settings`: statements on `options`; `made`: name of the file that takes the place of the model's, and the code
    that makes it of `model.onnx`.
    """
    make = getattr(_MODULES[subject], "readers_code", None)
    return make(settings, options, made) if make else None


def reader_code(subject: str, options: Mapping[str, object]) -> str:
    """What a reader writes before he opens the session; empty: nothing."""
    if "global_pool_threads" in options:
        code = POOL_CODE
    else:
        own = "shared_arena" if ARENA in options else subject
        code = getattr(_MODULES[own], "READERS_CODE", "")
    arena = json.dumps({ARENA: options[ARENA]} if ARENA in options else {})
    return code.strip().format(arena=arena, **options)


def since(options: Mapping[str, object]) -> tuple[int, int]:
    """Lowest version of onnxruntime that has what `reader_code` calls."""
    return POOL_SINCE if "global_pool_threads" in options else (0, 0)


def use_code(subject: str, options: Mapping[str, object]) -> str:
    """What a reader writes once the session is open; empty: nothing."""
    make = getattr(_MODULES[subject], "readers_use", None)
    return make(options).strip() if make else ""
