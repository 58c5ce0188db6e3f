"""What a real worker is told, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measure.child import Outcome, run_worker
from bench.spec import Input

if TYPE_CHECKING:
    from bench.models.prepared import Prepared
    from bench.results.records import Figures
    from bench.spec import Model

TIMEOUT_S = 60.0
ONE = Input(label="batch=16", shapes=((16, 256),))
LARGE = Input(label="batch=2048", shapes=((2048, 256),))
MANY = Input(label="3 shapes", shapes=((4, 256), (16, 256), (9, 256)))


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
        "verbose": changes.get("observe", False),
        "verify": sorted({0, len(entry.shapes) - 1}),
        "reference": None,
        "write_reference": None,
        **changes,
    }


def figures_of(job: dict[str, Any], env: dict[str, str] | None = None) -> Figures:
    outcome = run_worker(job, env or {}, TIMEOUT_S)
    assert outcome.failure is None
    assert outcome.figures is not None
    return outcome.figures


def failure_of(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.reason
