"""What one process, or one round, is known by: figures, a failure, and the noise beside it."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from bench.results.kinds import (
    Bytes,
    Count,
    Id,
    Label,
    Nanoseconds,
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
    "expected",
]
"""`expected`: it crashed or hung as the case is there to show."""
NOT_HERE = "本机不适用"
"""How the reason of a `not_applicable` begins."""


class Failure(Record):
    """Why a sample has no figures."""

    kind: FailureKind
    reason: Text


class Phase(Record):
    """One stretch of a process's life. Counters are of the whole process; at most as many as it has cores."""

    calls: Count
    """Calls of the subject."""
    wall_ns: Nanoseconds
    """From its beginning to its end."""
    run_ns: Nanoseconds
    """Of this, in the calls; where nothing is called, all of it."""
    cpu_ns: Annotated[int, Field(ge=0, lt=1 << 60, json_schema_extra={"x-unit": "ns"})]
    """CPU time meanwhile; like the next two, of the calls alone."""
    minor_faults: Count | None
    involuntary_switches: Count | None
    rss_bytes: PositiveBytes | None
    """Resident at its end."""
    peak_bytes: PositiveBytes | None
    """The kernel's high-water mark of it."""
    threads: Count | None
    """At its end."""


class Outputs(Record):
    """Outputs held against the baseline's."""

    compared: Count
    """Calls whose outputs were compared; 0: the fields below say nothing."""
    finite: bool
    identical: bool
    """Bit by bit."""
    difference: Annotated[float, Field(ge=0)]
    """Largest, relative to the largest absolute output of the baseline."""
    cosine: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Of the output that fits worst; None: not compared."""
    agreement: Share | None = None
    """Of what a user makes of the outputs, the share that is the same; None: not compared, or nothing but numbers."""


PHASES = ("import", "open", "first", "second", "warm_up", "steady", "idle", "trim")
"""In the order in which a process goes through them; the last two are not always there."""
CALLED = ("first", "second", "warm_up", "steady")
"""Phases that consist of calls."""


class Figures(Record):
    """What one process reports."""

    onnxruntime: Label
    """Version that the process itself names; empty: it loaded none."""
    phases: Annotated[dict[Id, Phase], Field(max_length=len(PHASES))]
    latencies_ns: Annotated[list[PositiveNanoseconds], Field(min_length=1, max_length=100_000)]
    """Of the passes of the steady phase, per call, each or every nth; a pass is one call for every feed."""
    rss_bytes: Annotated[list[PositiveBytes | None], Field(max_length=10_000)]
    """Resident after each of the first calls, and after the steady phase."""
    callers: Positive = 1
    """Threads that called in the steady phase."""
    processes: Positive = 1
    """That did the same at the same time, this one among them."""
    items: Positive = 1
    """Rows of the first input, pictures, lines or texts, that a call is given; of several feeds, the first."""
    items_at_once: Positive | None = None
    """Of these, how many go through the session together; None: all."""
    throttled_share: Share | None = None
    """Of the periods of its quota in the steady phase, those in which the quota was used up."""
    threads_created: Count | None
    """By opening."""
    threads_pinned: Count | None
    """Of these, how many are bound to other cores than the process."""
    huge_page_bytes: Bytes | None
    """Most transparent huge pages seen."""
    share_bytes: PositiveBytes | None = None
    """After all calls and the trim: resident, but of pages that several processes have, each counts its part (PSS)."""
    allocators: Count | None = None
    """Allocators that have taken malloc's place; only observed processes are asked."""
    heaps: Count | None = None
    """That glibc has opened; asked likewise."""
    denormals_are_zero: bool | None = None
    """In the thread that opened and calls; only observed processes are asked."""
    character_error: Share | None = None
    """Of a subject that reads text: the largest share of a page's characters that came out wrong."""
    outputs: Outputs
    unchanged: Annotated[list[Label], Field(max_length=100)] = Field(default_factory=list)
    """SessionOptions attributes that the case sets to the value that they have anyway."""
    trace_bytes: Bytes | None = None
    """Size of the profiler's file; None without profiling."""
    worker_ns: PositiveNanoseconds
    """From the start of the process to its report."""

    def latency_ns(self, share: float = 0.5) -> float:
        """Quantile of the latencies; of an even number of values, the median is between the middle two."""
        ordered = sorted(self.latencies_ns)
        place = share * (len(ordered) - 1) if share == 0.5 else math.ceil(share * len(ordered)) - 1
        below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
        return (below + above) / 2

    @property
    def steady(self) -> Phase:
        return self.phases["steady"]

    @property
    def calls(self) -> int:
        """Of all phases."""
        return sum(phase.calls for phase in self.phases.values())

    def rss(self, phase: str) -> int | None:
        return self.phases[phase].rss_bytes if phase in self.phases else None

    @property
    def peak_bytes(self) -> int | None:
        """High-water mark from the first call on."""
        peaks = [self.phases[name].peak_bytes for name in CALLED]
        return max(peak for peak in peaks if peak is not None) if None not in peaks else None


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
    retaken: Count | None
    """Samples taken again since the cores lay farther apart than usual."""
    apart: Count | None
    """Samples kept although they did."""
    dirty: bool
    """Others took so much that the round does not count as quiet."""
