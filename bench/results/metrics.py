"""Metrics: what each is called, its unit, and how one process's figures become its value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.results.schema import Figures

MIB = 1 << 20
ENOUGH_CALLS = 100
"""From so many timed calls on, growth is told as a rate."""

Kind = Literal["time", "memory", "other", "derived"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`read` is None for what is derived from several processes."""

    id: str
    unit: str
    kind: Kind
    read: Callable[[Figures], float | None] | None = None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value / factor


def _grown(figures: Figures) -> float | None:
    """Resident memory gained over the timed loop, for a thousand runs; a few runs show no rate."""
    if figures.kept_bytes is None or figures.before_steady_bytes is None or figures.calls < ENOUGH_CALLS:
        return None
    return (figures.kept_bytes - figures.before_steady_bytes) / MIB / figures.calls * 1000


def _trace(figures: Figures) -> float | None:
    return None if figures.trace_bytes is None else figures.trace_bytes / 1024 / figures.session_calls


METRICS: dict[str, Metric] = {
    metric.id: metric
    for metric in (
        Metric("latency_ms", "ms", "time", lambda f: f.latency_ns / 1e6),
        Metric("ratio", "", "derived"),
        Metric("ratio_original", "", "derived"),
        Metric("speed_up", "", "derived"),
        Metric("efficiency", "", "derived"),
        Metric("session_ms", "ms", "time", lambda f: f.session_ns / 1e6),
        Metric("first_run_ms", "ms", "time", lambda f: f.first_run_ns / 1e6),
        Metric("second_run_ms", "ms", "time", lambda f: f.second_run_ns / 1e6),
        Metric("cpu_s", "s", "time", lambda f: f.cpu_ns / 1e9),
        Metric("cores_used", "", "other", lambda f: f.cpu_ns * f.calls / f.run_ns),
        Metric("base_mib", "MiB", "memory", lambda f: _scaled(f.base_bytes, MIB)),
        Metric("after_first_mib", "MiB", "memory", lambda f: _scaled(f.after_first_bytes, MIB)),
        Metric("after_second_mib", "MiB", "memory", lambda f: _scaled(f.after_second_bytes, MIB)),
        Metric("peak_mib", "MiB", "memory", lambda f: _scaled(f.peak_bytes, MIB)),
        Metric("kept_mib", "MiB", "memory", lambda f: _scaled(f.kept_bytes, MIB)),
        Metric("kept_trimmed_mib", "MiB", "memory", lambda f: _scaled(f.kept_trimmed_bytes, MIB)),
        Metric("grown_mib_per_1000", "MiB", "other", _grown),
        Metric("trace_kib_per_run", "KiB", "other", _trace),
        Metric("minor_faults", "", "other", lambda f: f.minor_faults),
        Metric(
            "threads", "", "other", lambda f: None if f.threads_created is None else f.threads_created + 1
        ),
    )
}
"""`threads` counts the calling thread; times are per call."""

FACT_METRICS = ("nodes", "overlapping_nodes", "node_threads", "session_info_lines", "idle_cpu_s")
"""Observed facts that tables show like metrics; they come from an untimed child."""
