"""Real processes: what the worker is told on the smallest model, and what it answers."""

from __future__ import annotations

import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench import subjects
from bench.measure.child import run_worker
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Input

if TYPE_CHECKING:
    from bench.measure.child import Outcome
    from bench.models.prepared import Prepared
    from bench.results.process import Figures

TIMEOUT_S = 60.0
TINY = MODELS["tiny"]
ONE = Input(label="batch=16", shapes=((16, 256),))
LARGE = Input(label="batch=2048", shapes=((2048, 256),))
MANY = Input(label="3 shapes", shapes=((4, 256), (16, 256), (9, 256)))
FOLDER = tempfile.TemporaryDirectory()  # of the model: it goes with the interpreter
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are those of POSIX")


@cache
def tiny() -> Prepared:
    """Made once for all tests."""
    return prepare(TINY, (ONE, LARGE, MANY), Path(FOLDER.name))


def job_of(entry: Input = ONE, **changes: Any) -> dict[str, Any]:
    """A short sample of the default settings, observed in no way; `changes` replace single entries."""
    prepared = tiny()
    inputs = [
        {name: str(path) for name, path in files.items()} for files in prepared.input_paths[entry.label]
    ]
    return {
        "subjects": str(subjects.FOLDER), "subject": "session", "options": {}, "model": str(prepared.model_path),
        "inputs": inputs, "shapes": [TINY.shapes(feed) for feed in entry.shapes],
        "settings": {}, "run_settings": {}, "cpus": None, "callers": 1, "gap_seconds": 0.0, "variant": "as_built", "processes": 1, "company": False,
        "report": False, "observe": False, "verbose": changes.get("observe", False),
        "trace_prefix": str(prepared.model_path.with_name("trace")), "decides": "",
        "warm_up": 2, "min_calls": 3, "min_seconds": 0, "idle_seconds": 0.0,
        "verify": sorted({0, len(entry.shapes) - 1}), "reference": None, "write_reference": None, **changes,
    }  # fmt: skip


def made_up(folder: Path, code: str, entry: Input = ONE, **changes: Any) -> dict[str, Any]:
    """A job for a subject that is written in a test: `code` has what subjects have, or replaces parts of an idle one."""
    idle = "class Thing:\n    def call(self, feed): return []\n    def close(self): return {}\n"
    text = f"{idle}def load(): pass\ndef start(job): return Thing()\n{code}"
    (folder / "made_up.py").write_text(text, encoding="utf-8")
    return job_of(entry, subjects=str(folder), subject="made_up", **changes)


def run(job: dict[str, Any], timeout_s: float = TIMEOUT_S, **env: str) -> Outcome:
    return run_worker(job, env, timeout_s)


def figures_of(job: dict[str, Any]) -> Figures:
    outcome = run(job)
    assert outcome.failure is None
    assert outcome.figures is not None
    return outcome.figures


def failure_of(outcome: Outcome) -> tuple[str, str]:
    assert outcome.figures is None
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.reason
