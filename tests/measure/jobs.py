"""What a worker is told, for tests that start a real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.models.prepared import Prepared
    from bench.spec import Input, Model


def job_of(model: Model, prepared: Prepared, entry: Input, /, **changes: Any) -> dict[str, Any]:
    """A short sample of the default settings, observed in no way; `changes` replace single entries."""
    return {
        "model": str(prepared.model_path),
        "input_name": model.input_name,
        "input": str(prepared.input_paths[entry.label]),
        "shapes": entry.shapes,
        "settings": {},
        "run_settings": {},
        "shared_arena": {},
        "cpus": None,
        "processes": 1,
        "company": False,
        "trace_prefix": str(prepared.model_path.with_name("trace")),
        "warm_up": 2,
        "min_calls": 3,
        "min_seconds": 0.02,
        "idle_seconds": 0.0,
        "observe": False,
        "verify": sorted({0, len(entry.shapes) - 1}),
        "reference": None,
        "write_reference": None,
        **changes,
    }
