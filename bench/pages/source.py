"""Where pages get their numbers: exported files, and a child that measures what is missing.

Nothing of `bench.measure` is loaded into the process that renders pages.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.folders import Folders
from bench.parent import bound
from bench.results.published import Export
from bench.results.selfchecks import SELFTEST

if TYPE_CHECKING:
    from pathlib import Path

PROFILE_VARIABLE = "BENCH_MISSING_PROFILE"
"""Profile in which a page measures what is missing; tests set it to `smoke`."""
PREVIEW_VARIABLE = "BENCH_PREVIEW"
"""Set while a live preview rebuilds: old results stand in, nothing is measured again."""


class MissingResult(Exception):
    """An experiment could neither be found nor measured."""


def load(experiment: str) -> Export:
    """The exported result of an experiment; measured once, quickly, if there is none."""
    ensure(experiment)
    return _read(Folders.here().export / "data" / f"{experiment}.json")


def selftest() -> Export | None:
    """The exported self-test of the measuring code; None where none was made."""
    path = Folders.here().export / "data" / f"{SELFTEST}.json"
    return _read(path) if path.exists() else None


def chart_specs(experiment: str) -> dict[str, Any]:
    """Chart id -> Vega-Lite specification."""
    path = Folders.here().export / "charts" / f"{experiment}.json"
    specs: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return specs


def has_trace(experiment: str) -> bool:
    """Whether a profiler's trace was exported with the result."""
    return (Folders.here().export / "data" / f"{experiment}.trace.json").exists()


def is_stale(experiment: str) -> bool:
    """Whether an old result stands in during a live preview."""
    return status().get(experiment) == "stale"


def status() -> dict[str, str]:
    """Experiment -> "valid" or "stale", as the last export left it."""
    path = Folders.here().export / "status.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def ensure(experiment: str) -> None:
    """Measure an experiment in a child if it has no result. Raises MissingResult."""
    if experiment in status():
        return
    logging.getLogger("mkdocs.bench").info("没有 %s 的有效结果，现在快速测一遍，要几分钟", experiment)
    profile = os.environ.get(PROFILE_VARIABLE, "quick")
    _bench("run", experiment, "--profile", profile, "--reuse")
    refresh()
    if experiment not in status():
        raise MissingResult(f"{experiment}：测量之后仍没有可用的结果")


def refresh() -> None:
    """Export anew what has changed."""
    _bench("export", *(["--stale-ok"] if os.environ.get(PREVIEW_VARIABLE) else []))
    _read.cache_clear()


def _bench(*arguments: str) -> None:
    """Run the CLI as a child. A failed case (3) is data, everything else that is not 0 an error."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **bound(), "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode not in (0, 3):
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"退出码 {done.returncode}"]
        raise MissingResult(f"python -m bench {' '.join(arguments)}：{said[-1]}")


@cache
def _read(path: Path) -> Export:
    return Export.model_validate_json(path.read_text(encoding="utf-8"))
