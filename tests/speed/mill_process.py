"""What one made-up process reports, and the lines of a journal around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.results import schema

if TYPE_CHECKING:
    from speed.mill_truth import World

MIB = 1 << 20
PASSES = 10
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
    base: float = 50.0,
) -> tuple[float, schema.Figures]:
    """A process with one true latency (in seconds) and true memories (in MiB)."""
    ns, calls = int(latency * 1e9), PASSES * feeds
    loop = int(ns * calls * 1.02)
    kept_bytes = int(kept * MIB)
    figures = {
        "onnxruntime": "1.31.1",
        "session_ns": 5_000_000,
        "first_run_ns": 2 * ns,
        "second_run_ns": 2 * ns,
        "latency_ns": ns,
        "fastest_ns": int(ns * 0.97),
        "slowest_ns": int(ns * 1.05),
        "loop_ns": loop,
        "calls": calls,
        "run_ns": ns * calls,
        "cpu_ns": int(ns * min(cores, world.cores)),
        "minor_faults": 12.5,
        "involuntary_switches": 3,
        "idle_cpu_ns": 1_000_000,
        "base_bytes": int(min(base, kept) * MIB),
        "after_first_bytes": int(kept * 0.9 * MIB),
        "after_second_bytes": kept_bytes,
        "before_steady_bytes": max(MIB, kept_bytes - int(grown * calls / 1000 * MIB)),
        "peak_bytes": max(int(peak * MIB), kept_bytes),
        "kept_bytes": kept_bytes,
        "kept_trimmed_bytes": int(kept * TRIMMED * MIB),
        "rss_bytes": [int(kept * 0.9 * MIB), kept_bytes],
        "threads_created": (world.threads if threads is None else threads) - 1,
        "threads_pinned": 0,
        "unchanged": [],
        "huge_page_bytes": None,
        "session_calls": calls + 4 * feeds,
        "trace_bytes": None,
        "outputs_compared": 0,
        "outputs_finite": True,
        "outputs_identical": True,
        "outputs_difference": 0.0,
        "worker_ns": int((loop + 4 * ns * feeds + 5_000_000) * 1.01 + rest * 0.3 * 1e9),
    }
    made = schema.Figures.model_construct(**figures)
    return made.worker_ns / 1e9 + 0.05, made


def sample(
    group: int, number: int, position: int, case: str, started: float, wall: float, **result: Any
) -> schema.Sample:
    """Not validated: the files of every fifth build are."""
    return schema.Sample.model_construct(
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


def end(group: int, number: int, *, dirty: bool) -> schema.RoundEnd:
    noise = schema.NoiseRecord(
        others=0.3 if dirty else 0.001,
        steal=0.0,
        pressure=None,
        held_back=None,
        throttled=None,
        frequency_mhz=2300.0,
        available_bytes=8 << 30,
        dirty=dirty,
    )
    return schema.RoundEnd(group=group, round=number, attempt=0, noise=noise, final=True)
