"""What stands in result files. Strangers' files will be read one day, so reading validates.

A journal is a JSON-lines file: one `Header`, then `Sample`, `Untimed`, `ScriptReport` and `TraceSummary` lines in
the order in which they were taken, at last one `Footer`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, NonNegativeFloat, NonNegativeInt, PositiveInt

Profile = Literal["smoke", "quick", "default", "thorough"]
Text = Annotated[str, Field(max_length=4000)]
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


class Record(BaseModel):
    """Base of all lines: nothing unknown, nothing changed after reading, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Failure(Record):
    """Why a sample has no figures."""

    kind: FailureKind
    reason: Text


class CaseRecord(Record):
    """A case as it was resolved for this machine."""

    id: str
    title: str
    settings: dict[str, bool | int | str]
    run_settings: dict[str, str]
    shared_arena: dict[str, int]
    env: dict[str, str]
    saved_by: dict[str, bool | int | str]
    since: str
    may_fail: bool


class GroupRecord(Record):
    """A group as it was measured."""

    index: NonNegativeInt
    """Place in the experiment; samples name their group by it."""
    model: str
    model_title: str
    model_sha256: str
    parameters: PositiveInt
    input: str
    shapes: list[list[PositiveInt]]
    flops: NonNegativeInt
    """Of one run, that is of all shapes together."""
    cases: list[str]
    memory_only: bool
    cpu_share: Annotated[float, Field(gt=0, le=1)]
    processes: PositiveInt
    note: Text = ""
    """Chinese: what the reader must know of the choice, such as a batch cut to fit."""


class Header(Record):
    """First line of a journal."""

    kind: Literal["header"] = "header"
    schema_version: Literal[3] = 3
    experiment: str
    build: str
    key: str
    profile: Profile
    rounds: PositiveInt
    seed: NonNegativeInt
    started_at: str
    """UTC, ISO 8601."""
    machine: dict[str, str | int | float | bool | list[str] | None]
    software: dict[str, str]
    cases: list[CaseRecord]
    groups: list[GroupRecord]


class Figures(Record):
    """What one process reports. Times in ns per call, memory in bytes of the whole process."""

    onnxruntime: str
    session_ns: PositiveInt
    first_run_ns: PositiveInt
    second_run_ns: PositiveInt
    latency_ns: PositiveInt
    fastest_ns: PositiveInt
    slowest_ns: PositiveInt
    loop_ns: PositiveInt
    calls: PositiveInt
    cpu_ns: NonNegativeInt
    minor_faults: NonNegativeFloat | None
    involuntary_switches: NonNegativeInt | None
    idle_cpu_ns: NonNegativeInt | None
    base_bytes: PositiveInt | None
    after_first_bytes: PositiveInt | None
    after_second_bytes: PositiveInt | None
    before_steady_bytes: PositiveInt | None
    peak_bytes: PositiveInt | None
    kept_bytes: PositiveInt | None
    kept_trimmed_bytes: PositiveInt | None
    rss_bytes: list[PositiveInt | None]
    threads_created: NonNegativeInt | None
    huge_page_bytes: NonNegativeInt | None
    session_calls: PositiveInt
    """All calls of the session, the untimed ones too."""
    trace_bytes: NonNegativeInt | None
    """Size of the profiler's file; None without profiling."""
    outputs_compared: NonNegativeInt
    """Calls whose outputs were compared with the baseline's; 0: the fields below say nothing."""
    outputs_finite: bool
    outputs_identical: bool
    outputs_difference: NonNegativeFloat
    worker_ns: PositiveInt


class NoiseRecord(Record):
    """What went on beside us during a round; None where unreadable. Shares are of the usable CPUs."""

    others: NonNegativeFloat | None
    steal: NonNegativeFloat | None
    pressure: NonNegativeFloat | None
    """Share of the time during which some task waited for a CPU."""
    held_back: NonNegativeFloat | None
    """Share of the time during which the cgroup's quota kept us from running."""
    throttled: NonNegativeInt | None
    """How often a core was slowed for heat."""
    frequency_mhz: NonNegativeFloat | None
    """Mean over the usable cores at the end of the round."""
    available_bytes: NonNegativeInt | None
    """Free memory, the lower of before and after."""
    dirty: bool


class Sample(Record):
    """One process. `position` is its place in the order of the round."""

    kind: Literal["sample"] = "sample"
    group: NonNegativeInt
    round: NonNegativeInt
    attempt: NonNegativeInt
    position: NonNegativeInt
    case: str
    wall_s: NonNegativeFloat
    figures: Figures | None = None
    failure: Failure | None = None


class RoundEnd(Record):
    """A round of a group is whole; without this line it is repeated on resume."""

    kind: Literal["round"] = "round"
    group: NonNegativeInt
    round: NonNegativeInt
    attempt: NonNegativeInt
    noise: NoiseRecord
    final: bool
    """False when the round was dirty and is about to be repeated."""


class Untimed(Record):
    """An untimed child: does the option show, and what did the log say."""

    kind: Literal["untimed"] = "untimed"
    group: NonNegativeInt
    case: str
    facts: dict[str, FiniteFloat]
    regions: list[NonNegativeInt] = []
    """Sizes in bytes of the arena's regions, in the order in which they were requested."""
    operators: dict[str, PositiveInt] = {}
    """Operator types of one run and how many nodes have them."""
    proven: bool | None
    """None: the case names no proof."""
    evidence: Text
    failure: Failure | None = None


class ScriptReport(Record):
    """What a script of its own reported of a case: lines of text under headings."""

    kind: Literal["report"] = "report"
    script: Literal["line_memory", "log_lines"]
    case: str
    model: str
    input: str
    lines: dict[str, list[Text]]
    failure: Failure | None = None


class Cost(Record):
    """Time of an operator type, or of one node, in a trace."""

    name: str
    operator: str
    nodes: PositiveInt
    """Nodes in one run."""
    microseconds: NonNegativeFloat
    """In one run, the mean over the steady ones."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Of the time of all nodes."""


class TraceSummary(Record):
    """What the profiler's trace of one untimed child says."""

    kind: Literal["trace"] = "trace"
    case: str
    model: str
    input: str
    runs: PositiveInt
    """Steady runs that the figures are means of."""
    run_microseconds: NonNegativeFloat
    """One run as a whole, the time between nodes included."""
    operators: list[Cost]
    nodes: list[Cost]
    """The most expensive ones."""


class Footer(Record):
    """Last line: the plan was carried out, maybe with fewer rounds than planned."""

    kind: Literal["footer"] = "footer"
    finished_at: str
    measured_s: NonNegativeFloat
    rounds: PositiveInt
    resumed: NonNegativeInt


Line = Annotated[
    Header | Sample | RoundEnd | Untimed | ScriptReport | TraceSummary | Footer, Field(discriminator="kind")
]
