"""What one made-up process reports, and the lines of a journal around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.results import records
from bench.results.process import Outputs, Phase

if TYPE_CHECKING:
    from speed.mill_truth import World

MIB = 1 << 20
PASSES, TOLD = 100, 10
"""Timed passes, and how many of their latencies a process reports."""
TRIMMED = 0.97
"""Of what is kept, what a trim leaves."""


def process(
    world: World,
    feeds: int,
    latency: float,
    peak: float,
    kept: float,
    *,
    cores: float,
    grown: float = 0.0,
    rest: float = 0.3,
    threads: int | None = None,
) -> tuple[float, records.Figures]:
    """A process with one true latency (in seconds) and true memories (in MiB)."""
    ns, calls, busy = int(latency * 1e9), PASSES * feeds, min(cores, world.cores)
    kept_bytes = int(kept * MIB)
    before = max(MIB, kept_bytes - int(grown * calls / 1000 * MIB))
    most = max(int(peak * MIB), kept_bytes)
    opened, first = int(min(50.0, kept) * MIB), int(kept * 0.9 * MIB)
    phases = {
        "import": _phase(0, 50_000_000, 1, opened, opened),
        "open": _phase(0, 5_000_000, 1, opened, opened),
        "first": _phase(feeds, 2 * ns, busy, first, most),
        "second": _phase(feeds, 2 * ns, busy, kept_bytes, most),
        "warm_up": _phase(0, 0, busy, before, most),
        "steady": _phase(calls, ns, busy, kept_bytes, most),
        "trim": _phase(0, 1_000_000, 1, int(kept * TRIMMED * MIB), most),
    }
    figures = {
        "onnxruntime": "1.31.1",
        "phases": phases,
        "latencies_ns": [ns] * TOLD,
        "rss_bytes": [first, kept_bytes],
        "threads_created": (world.threads if threads is None else threads) - 1,
        "threads_pinned": 0,
        "huge_page_bytes": None,
        "outputs": Outputs(compared=0, finite=True, identical=True, difference=0),
        "unchanged": [],
        "trace_bytes": None,
        "worker_ns": int(sum(one.wall_ns for one in phases.values()) * 1.01 + rest * 0.3 * 1e9),
    }
    made = records.Figures.model_construct(**figures)
    return made.worker_ns / 1e9 + 0.05, made


def _phase(calls: int, ns: int, cores: float, resident: int, peak: int) -> Phase:
    """So many calls of that length each; without calls, a stretch of that length."""
    run = ns * max(calls, 1)
    return Phase.model_construct(
        calls=calls,
        wall_ns=int(run * 1.02),
        run_ns=run,
        cpu_ns=int(run * cores),
        minor_faults=12 * calls,
        involuntary_switches=3,
        rss_bytes=resident,
        peak_bytes=max(resident, peak),
        threads=2,
    )


def sample(
    group: int, number: int, position: int, case: str, started: float, wall: float, **result: Any
) -> records.Sample:
    """Not validated: the files of every fifth build are."""
    return records.Sample.model_construct(
        kind="sample",
        group=group,
        round=number,
        attempt=0,
        position=position,
        case=case,
        started_s=round(started, 4),
        wall_s=round(wall, 4),
        **result,
    )
