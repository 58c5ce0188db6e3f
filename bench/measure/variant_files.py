"""The file that a case opens: the model as it was built, or a variant that a process of its own makes once a build."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench import variants
from bench.measure.child import LEFT, ChildrenLeft, run_script
from bench.measure.ending import ended_badly

if TYPE_CHECKING:
    from pathlib import Path

    from bench.models.prepared import Prepared
    from bench.results.records import Failure


def make(variant: str, folder: Path, model: Prepared, timeout_s: float) -> Failure | None:
    """Into a folder that is there only when it is whole."""
    part = folder.with_name(f"part-{folder.name}")  # cut short, it must not pass for the whole
    shutil.rmtree(part, ignore_errors=True)  # weights are added to what is there
    part.mkdir(parents=True)
    (calibration,) = model.input_paths.get(variants.CALIBRATION, ({},))
    job = {
        "variant": variant,
        "source": str(model.model_path),
        "folder": str(part),
        "calibration": {name: str(file) for name, file in calibration.items()},
    }
    try:
        failure = ended_badly(*run_script(variants.script(), job, {}, timeout_s), timeout_s)
    except ChildrenLeft:
        return LEFT
    if not failure:
        part.replace(folder)
    return failure
