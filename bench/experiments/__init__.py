"""One file per question, found by convention: every module here that has an `EXPERIMENT`."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from bench.spec import BASELINE, CONTROL, Experiment

SOURCES = Path(__file__).parent


def _discover() -> dict[str, Experiment]:
    found = {}
    for module in pkgutil.iter_modules(__path__):
        experiment = getattr(importlib.import_module(f"{__name__}.{module.name}"), "EXPERIMENT", None)
        if experiment is not None:
            if experiment.id != module.name:
                raise ValueError(f"experiment {experiment.id} stands in {module.name}.py")
            found[experiment.id] = experiment
    return found


EXPERIMENTS: dict[str, Experiment] = _discover()

__all__ = ["BASELINE", "CONTROL", "EXPERIMENTS", "SOURCES"]
