"""What is opened and called in the measured process: one file each, found by convention.

The files run in that process alone, beside `bench.measure.worker`, without this package: they import what a reader
would import, in `load`. Each has a `TITLE` in Chinese and one of

- `load()`, which imports what it needs, and `start(job)`, which returns an object with `call(feed)` -> outputs and
  `close()` -> facts for the report: its records end there, but outputs are compared by calls after it;
- `load()` and `report(job)` -> {heading: lines of text}.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path

FOLDER = Path(__file__).parent
SUBJECTS: dict[str, str] = {
    info.name: import_module(f"{__name__}.{info.name}").TITLE for info in pkgutil.iter_modules(__path__)
}
"""Name -> title."""
