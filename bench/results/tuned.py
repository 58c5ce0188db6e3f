"""What tuning found out about a reader's own model: `tuned.json`, for pages and for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from bench.results.kinds import (
    BuildId,
    Count,
    Id,
    Key,
    Label,
    Moment,
    Positive,
    Record,
    Seconds,
    Sha256,
    Text,
    complaint,
)
from bench.results.published import Export

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    "latency_ms",
    "ratio",
    "p95_ms",
    "p95_ratio",
    "peak_mib",
    "kept_mib",
    "kept_trimmed_mib",
    "cpu_s",
    "session_ms",
    "first_run_ms",
    "threads",
)
"""Metrics of a stage, in the order of its table."""
Goal = Literal["latency", "peak", "kept", "cpu"]
"""What is to be small: a call's time, memory at the most, memory afterwards, processor time of a call."""
Left = Literal["stayed", "nothing", "unseen", "failed", "beaten"]
"""How it went with a setting that was tried: to the end, seen to change nothing, not seen to take effect, failed, or
slower than another one in every round without saving anything."""
State = Literal["proved", "dropped", "open", "unproven", "failed"]
"""How it went with a combination: keeps its margin and gains, breaks its margin or gains nothing, cannot be told in
the time, was not seen to take effect, failed."""


class BadResult(Exception):
    """A file that is no result of tuning; the message is one sentence."""


class ModelFacts(Record):
    """The reader's file."""

    name: Label
    sha256: Sha256
    """Of the file itself; of external data the sizes are in `bytes`."""
    bytes: Positive
    """With its external data."""
    parameters: Count
    denormals: Count
    """Of these, see `bench.results.records.GroupFacts`."""


class InputFacts(Record):
    """One input of the model, as it was fed."""

    name: Label
    dtype: Label
    shapes: Annotated[list[list[Count]], Field(min_length=1, max_length=10_000)]
    """Of each call of a run."""
    made: Text
    """Chinese: where its values come from."""


class Arm(Record):
    """A setting that was tried, one step away from the default."""

    case: Id
    family: Id
    """What it changes: of one family at most one setting is in a combination."""
    left: Left
    rounds: Count
    by: Id | Literal[""] = ""
    """The setting that beat it."""
    reason: Text = ""
    """Of a failure."""


class Finalist(Record):
    """A combination that was measured on fresh rounds."""

    case: Id
    goals: Annotated[list[Goal], Field(min_length=1)]
    """What it was put together for."""
    arms: Annotated[list[Id], Field(min_length=1)]
    state: State


class Advice(Record):
    """What to set for one need."""

    goal: Goal
    case: Id
    """`default` where nothing better was proved."""
    within_limits: bool
    """False: not even the default keeps what the reader asked for."""


class Conditions(Record):
    """How the model was called."""

    goal: Goal | Literal["all"]
    budget_s: Seconds
    gap_ms: Count
    callers: Positive
    cores: Positive
    """Usable ones."""
    quota: Annotated[float, Field(gt=0)] | None
    """Cores that a cgroup granted; None: no limit of ours."""
    limits: dict[Goal, Annotated[float, Field(gt=0)]]
    """Upper bounds that the reader named: of memory in MiB."""
    seed: Count


class Tuned(Record):
    """The whole result. Figures of `screening` chose what was measured again; those to quote are in `confirmation`."""

    schema_version: Literal[1] = 1
    build: BuildId
    key: Key
    started_at: Moment
    finished_at: Moment
    measured_s: Seconds
    """Of screening and confirmation."""
    model: ModelFacts
    inputs: Annotated[list[InputFacts], Field(max_length=1000)]
    conditions: Conditions
    noisy: bool
    """The machine was too restless: nothing is recommended."""
    arms: Annotated[list[Arm], Field(max_length=100)]
    finalists: Annotated[list[Finalist], Field(max_length=3)]
    advice: Annotated[list[Advice], Field(min_length=1, max_length=4)]
    checks: Export
    """Whether each setting took effect; nothing was timed."""
    screening: Export
    confirmation: Export | None
    """None: no combination was left to measure."""


def in_folder(folder: Path) -> list[Tuned]:
    """All results there, by the names of their files."""
    return [read(path) for path in sorted(folder.glob("*.json"))]


def read(path: Path) -> Tuned:
    """A result file. Raises BadResult with the reason when it cannot be believed."""
    try:
        return Tuned.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BadResult(f"{path.name}：{complaint(error)}") from error
