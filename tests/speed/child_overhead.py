"""Seconds that a measuring child costs beside the model. Aim: at most 0.5. Run by hand, machine idle."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from statistics import median

from bench.measure.child import run_worker
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Input

RUNS = 15


def main() -> None:
    small = Input(label="batch=16", shapes=((16, 256),))
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(MODELS["tiny"], (small,), Path(folder))
        job = {
            "model": str(prepared.model_path), "input_name": MODELS["tiny"].input_name,
            "input": str(prepared.input_paths[small.label]), "shapes": small.shapes, "settings": {},
            "run_settings": {}, "shared_arena": {}, "warm_up": 0, "min_calls": 3, "min_seconds": 0.1,
            "idle_seconds": 0.0, "observe": False, "verify": [0], "reference": None, "write_reference": None,
            "cpus": None, "processes": 1, "company": False, "trace_prefix": "",
            "parent_pid": os.getpid(),
        }  # fmt: skip
        overheads = []
        for _ in range(RUNS):
            outcome = run_worker(job, {}, 60.0)
            figures = outcome.figures
            assert figures, outcome.failure
            model_ns = figures.session_ns + figures.first_run_ns + figures.second_run_ns + figures.loop_ns
            overheads.append(outcome.wall_s - model_ns / 1e9)
    print(f"child overhead: median {median(overheads):.3f} s, worst {max(overheads):.3f} s of {RUNS}")


if __name__ == "__main__":
    main()
