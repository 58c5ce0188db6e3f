"""Faults that other projects could mend: every script in `docs/upstream` runs in a process of its own and prints a line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "给上游的报告"
FOLDER = Path(__file__).parents[2] / "docs" / "upstream"
LIMIT_S = 60
FOREIGN = ("ORT_", "OMP_", "MALLOC_", "GLIBC_TUNABLES")
"""How variables begin that would change what is shown."""


def load():
    """Nothing: every script imports for itself."""


def report(job):
    """{script: the line that it prints}."""
    return {script.stem: [_tried(script)] for script in sorted(FOLDER.glob("*.py"))}


def _tried(script):
    env = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(script)], cwd=folder, env={**env, "ORT_DISABLE_TELEMETRY": "1"},
                capture_output=True, text=True, errors="replace", check=False, timeout=LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"NOT FINISHED: {LIMIT_S} s"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"
