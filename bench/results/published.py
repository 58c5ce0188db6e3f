"""What is published of a result: the numbers of its journal reduced to rows, for pages and for other programs."""

from __future__ import annotations

from typing import Literal

from pydantic import FiniteFloat, NonNegativeFloat, NonNegativeInt, PositiveInt

from bench.results.schema import CaseRecord, Profile, Record, ScriptReport, Text, TraceSummary


class Row(Record):
    """One cell of a table. `value` is None when the cell failed."""

    experiment: str
    model: str
    input: str
    case: str
    metric: str
    unit: str
    value: FiniteFloat | None
    low: FiniteFloat | None
    high: FiniteFloat | None
    rounds: NonNegativeInt
    verdict: Literal["faster", "slower", "same", "unclear", "less", "more"] | None
    failure: str | None


class Curve(Record):
    """Values of one case over a list of x, medians over the rounds."""

    name: Literal["rss_mib"]
    model: str
    input: str
    case: str
    x: list[int]
    y: list[FiniteFloat]


class ProofRow(Record):
    """Does the option of a case show."""

    case: str
    proven: bool | None
    evidence: str


class OperatorRow(Record):
    """Operator types of one run of a case."""

    model: str
    input: str
    case: str
    operators: dict[str, PositiveInt]


class CandidateRow(Record):
    """How a candidate of a scenario did on the half of the rounds that chose."""

    case: str
    score: FiniteFloat | None
    """Product of the metric's ratios to the baseline; None: not to be had."""
    refused: Text
    """Chinese: why it could not win; empty when it could."""


class Choice(Record):
    """The winner of a scenario."""

    scenario: str
    winner: str
    reason: Text
    """Chinese: why nothing was chosen and the default stands in; empty when it was chosen."""
    rounds: NonNegativeInt
    """Rounds that chose; none of the published figures comes from them."""
    candidates: list[CandidateRow]


class OutputRow(Record):
    """Outputs of a case against the baseline's."""

    model: str
    input: str
    case: str
    identical: bool
    difference: NonNegativeFloat


class GroupSummary(Record):
    """What a caption says about a group."""

    index: NonNegativeInt
    model: str
    model_title: str
    input: str
    parameters: int
    flops: int
    calls: int
    rounds: int
    dirty_rounds: int
    repeated_rounds: int
    noise_floor: NonNegativeFloat
    control_excludes_one: bool
    memory_only: bool
    cpu_share: float
    processes: int
    cost_s: NonNegativeFloat
    """What measuring this group took, repeated rounds included."""
    note: str
    verdicts: bool
    """False: draft or dirty, so no verdict words."""


class Build(Record):
    """Where and when the numbers of an export come from."""

    id: str
    profile: Profile
    started_at: str
    finished_at: str
    measured_s: NonNegativeFloat
    key: str
    rounds: int
    planned_rounds: int
    resumed: int


class Export(Record):
    """`data/<experiment>.json`: everything that a page shows of one experiment."""

    schema_version: Literal[3] = 3
    experiment: str
    build: Build
    machine: dict[str, str | int | float | bool | list[str] | None]
    software: dict[str, str]
    groups: list[GroupSummary]
    cases: list[CaseRecord]
    rows: list[Row]
    curves: list[Curve]
    proofs: list[ProofRow]
    outputs: list[OutputRow]
    operators: list[OperatorRow]
    reports: list[ScriptReport]
    traces: list[TraceSummary]
    choices: list[Choice]
