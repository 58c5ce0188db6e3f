"""What one process, or one round, is known by: figures, a failure, and the noise beside it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.results.kinds import (
    Bytes,
    Count,
    Label,
    Nanoseconds,
    Number,
    Positive,
    PositiveBytes,
    PositiveNanoseconds,
    Record,
    Share,
    Text,
)

FailureKind = Literal[
    "crashed",
    "out_of_memory",
    "timeout",
    "garbage",
    "not_finite",
    "wrong_output",
    "unsupported",
    "not_applicable",
]


class Failure(Record):
    """Why a sample has no figures."""

    kind: FailureKind
    reason: Text


class Figures(Record):
    """What one process reports. Times in ns per call, memory in bytes of the whole process."""

    onnxruntime: Label
    """Version that the process itself names."""
    session_ns: PositiveNanoseconds
    """Creating the session."""
    first_run_ns: PositiveNanoseconds
    second_run_ns: PositiveNanoseconds
    latency_ns: PositiveNanoseconds
    """Median over the passes of the timed loop; a pass is one call for every shape."""
    fastest_ns: PositiveNanoseconds
    """Of the passes of the timed loop."""
    slowest_ns: PositiveNanoseconds
    """Of the passes of the timed loop."""
    loop_ns: PositiveNanoseconds
    """The timed loop as a whole, making feeds included."""
    calls: Positive
    """Calls in the timed loop."""
    run_ns: PositiveNanoseconds
    """Of these calls together, without what lies between them."""
    cpu_ns: Annotated[int, Field(ge=0, lt=1 << 60, json_schema_extra={"x-unit": "ns"})]
    """CPU time of the process per call of the timed loop."""
    minor_faults: Number | None
    """Minor page faults per call of the timed loop."""
    involuntary_switches: Count | None
    """In the timed loop."""
    idle_cpu_ns: Nanoseconds | None
    """CPU time burned in a short while of doing nothing after a call; None where it was not watched."""
    base_bytes: PositiveBytes | None
    """Resident after the session was created, like all that follow."""
    after_first_bytes: PositiveBytes | None
    after_second_bytes: PositiveBytes | None
    before_steady_bytes: PositiveBytes | None
    """Before the timed loop."""
    peak_bytes: PositiveBytes | None
    """The kernel's high-water mark from the first run on."""
    kept_bytes: PositiveBytes | None
    """At the end, the session still there."""
    kept_trimmed_bytes: PositiveBytes | None
    """The same after malloc_trim."""
    rss_bytes: Annotated[list[PositiveBytes | None], Field(max_length=10_000)]
    """Resident after each of the first calls, and at the end."""
    threads_created: Count | None
    """By creating the session."""
    threads_pinned: Count | None
    """Of these, how many are bound to other cores than the process."""
    unchanged: Annotated[list[Label], Field(max_length=100)]
    """SessionOptions attributes that the case sets to the value that they have anyway."""
    huge_page_bytes: Bytes | None
    """Most transparent huge pages seen."""
    session_calls: Positive
    """All calls of the session, the untimed ones too."""
    trace_bytes: Bytes | None
    """Size of the profiler's file; None without profiling."""
    outputs_compared: Count
    """Calls whose outputs were compared with the baseline's; 0: the fields below say nothing."""
    outputs_finite: bool
    outputs_identical: bool
    """Bit by bit."""
    outputs_difference: Annotated[float, Field(ge=0)]
    """Largest, relative to the largest absolute output of the baseline."""
    worker_ns: PositiveNanoseconds
    """From the start of the process to its report."""


class NoiseRecord(Record):
    """What went on beside us during a round; None where unreadable. Shares are of the usable CPUs."""

    others: Share | None
    """CPU time of other processes."""
    steal: Share | None
    """CPU time that the hypervisor gave to other machines."""
    pressure: Share | None
    """Share of the time during which some task waited for a CPU."""
    held_back: Share | None
    """Share of the time during which the cgroup's quota kept us from running."""
    throttled: Count | None
    """How often a core was slowed for heat."""
    frequency_mhz: Annotated[float, Field(ge=0, le=1e6)] | None
    """Mean over the usable cores at the end of the round."""
    available_bytes: Bytes | None
    """Free memory, the lower of before and after."""
    dirty: bool
    """Others took so much that the round does not count as quiet."""
