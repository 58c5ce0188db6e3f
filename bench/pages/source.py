"""Where pages get their numbers: exported files, brought up to date by a child. Nothing is measured here.

Nothing of `bench.measure` is loaded into the process that renders pages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.experiments import EXPERIMENTS
from bench.results.published import Export
from bench.results.trust import SELFTEST
from bench.system.folders import Folders
from bench.system.parent import bound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PREVIEW_VARIABLE = "BENCH_PREVIEW"
"""Set during a live preview: old results stand in."""


class MissingResult(Exception):
    """Pages ask for what was not measured; the message is one sentence for the user."""


def load(experiment: str) -> Export:
    """The exported result of an experiment. Raises MissingResult."""
    if experiment not in status():
        raise MissingResult(_not_measured([experiment]))
    return _read(Folders.here().export / "data" / f"{experiment}.json")


def selftests() -> dict[str, Export]:
    """Id of a build that is shown -> its own self-test of the measuring code, where one was made."""
    return {path.stem: _read(path) for path in (Folders.here().export / "data" / SELFTEST).glob("*.json")}


def rules() -> dict[str, float]:
    """Name -> number by which samples are taken, as the last export left them."""
    found: dict[str, float] = json.loads((Folders.here().export / "rules.json").read_text(encoding="utf-8"))
    return found


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


def require(experiments: set[str]) -> None:
    """Export anew what has changed. Raises MissingResult unless all of `experiments` have a result then."""
    _export("--stale-ok" if os.environ.get(PREVIEW_VARIABLE) else "")
    _read.cache_clear()
    missing = sorted((experiments & EXPERIMENTS.keys()) - status().keys())
    if missing:
        raise MissingResult(_not_measured(missing))


def _not_measured(experiments: Iterable[str]) -> str:
    return f"还没有本机的有效结果：{'、'.join(experiments)}。先运行 nox -s docs；已有的为什么不能用，看 nox -s bench -- check"


def _export(option: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "export", *option.split()],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, **bound(), "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"退出码 {done.returncode}"]
        raise MissingResult(f"结果导不出来：{said[-1]}")


@cache
def _read(path: Path) -> Export:
    return Export.model_validate_json(path.read_text(encoding="utf-8"))
