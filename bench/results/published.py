"""What is published of a result: the numbers of its journal reduced to rows, for pages and for other programs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.results import stats
from bench.results.kinds import (
    BuildId,
    Count,
    Facts,
    Id,
    Key,
    Label,
    Moment,
    Number,
    Positive,
    Real,
    RoundCount,
    Seconds,
    Share,
    Text,
    Texts,
)
from bench.results.records import GroupFacts, Outcome, Profile, Record, Told, TraceSummary
from bench.results.view import DRAFT_PROFILES
from bench.spec import Case


class Row(Record):
    """One cell of a table. `value` is None when the cell failed."""

    experiment: Id
    model: Id
    input: Label
    case: Id
    metric: Id
    unit: Label
    value: Real | None
    low: Real | None
    """Lower end of the 95 % interval of the median; of memory: the least value of any round."""
    high: Real | None
    rounds: Count
    """Values that the figure is a median of."""
    verdict: Literal["faster", "slower", "same", "unclear", "less", "more"] | None
    """Compared with the default setting; None: none can be given, or the setting was not seen to take effect."""
    failure: Text | None
    """Why there is no value."""
    failed_rounds: Count
    """Rounds in which this case failed; the others give the value."""


class Curve(Record):
    """Values of one case over a list of x, medians over the rounds."""

    name: Literal["rss_mib"]
    model: Id
    input: Label
    case: Id
    x: Annotated[list[Count], Field(max_length=10_000)]
    y: Annotated[list[Number], Field(max_length=10_000)]


class ProofRow(Record):
    """Did a case take effect, where it was observed."""

    model: Id
    input: Label
    case: Id
    outcome: Outcome | None
    """None: there is nothing to prove, or it did not run."""
    evidence: Text


class OperatorRow(Record):
    """Operator types of one run of a case."""

    model: Id
    input: Label
    case: Id
    operators: Annotated[dict[Label, Positive], Field(max_length=1000)]
    """Operator type -> nodes of one run that have it."""


class CandidateRow(Record):
    """How a candidate of a scenario did on the half of the rounds that chose."""

    case: Id
    score: Number | None
    """Product of the metric's ratios to the baseline; None: not to be had."""
    refused: Text
    """Chinese: why it could not win; empty when it could."""

    @property
    def able(self) -> bool:
        """Whether it was measured and keeps every limit."""
        return self.score is not None and not self.refused


class Choice(Record):
    """The winner of a scenario."""

    scenario: Id
    winner: Id
    reason: Text
    """Chinese: why nothing was chosen and the default stands in; empty when it was chosen."""
    rounds: Count
    """Rounds that chose; none of the published figures comes from them."""
    candidates: Annotated[list[CandidateRow], Field(max_length=1000)]
    left_out: Annotated[list[Text], Field(max_length=1000)]
    """Groups too noisy for anything on time to rest on them; their memory counts."""
    vote: Share | None
    """Share of the resamplings of the choosing rounds that choose the winner; None: nothing was chosen."""
    stable: bool
    """False: drawn anew, the rounds choose now this and now that; then the simplest of the usual ones was taken."""


class OutputRow(Record):
    """Outputs of a case against the baseline's."""

    model: Id
    input: Label
    case: Id
    identical: bool
    """Bit by bit."""
    difference: Annotated[float, Field(ge=0)]
    """Largest, relative to the largest absolute output of the baseline."""


class NoiseSummary(Record):
    """The worst of what went on beside the rounds of a group that count; None where unreadable."""

    others: Share | None
    steal: Share | None
    pressure: Share | None
    held_back: Share | None
    throttled: Count | None
    """Over all rounds."""
    frequency_low_mhz: Number | None
    frequency_high_mhz: Number | None
    available_mib: Count | None
    retaken: Count | None
    apart: Count | None
    """Over all rounds, like `retaken`."""
    involuntary_switches: Count | None
    """Of all timed loops together."""


class GroupSummary(GroupFacts):
    """What a caption says about a group."""

    calls: Count
    """In one run, that is of all shapes together."""
    rounds: Count
    """That give figures."""
    all_rounds: Count
    """And those that only chose a setting."""
    looks: Annotated[list[RoundCount], Field(max_length=100)]
    """Rounds, of all, after which cases that are settled leave."""
    settled: Annotated[dict[Id, RoundCount], Field(max_length=1000)]
    """Case -> rounds, of all, after which it was known what there is to know."""
    open: Annotated[list[Id], Field(max_length=1000)]
    """Cases of which more rounds would tell more."""
    next_look: RoundCount | None
    """Rounds, of all, after which open cases may be told, in this profile or a more thorough one; None: in no profile."""
    round_s: Annotated[dict[Id, Seconds], Field(max_length=1000)]
    """What one round more would take: open case, or default, or its second name -> its processes of the last round."""
    dirty_rounds: Count
    repeated_rounds: Count
    noise_floor: Number
    """Smallest effect that counts as one, as a share: what identical settings differed by, at least 2 %."""
    control_excludes_one: bool
    cost_s: Seconds
    """What measuring this group took, repeated rounds included."""
    note: Text
    noisy: bool
    """Times of this group must not be quoted: a busy machine, or identical settings that differed too much."""
    farthest_baseline_s: Seconds
    """Longest way, end to start, from a sample to the default's that it is compared with."""
    verdicts: bool
    """False: draft or dirty, so no verdict words."""
    noise: NoiseSummary


class Build(Record):
    """Where and when the numbers of an export come from."""

    id: BuildId
    profile: Profile
    started_at: Moment
    finished_at: Moment
    """Of an unfinished build: when this was made of it."""
    complete: bool
    """False: it is still being measured, and the figures will change."""
    measured_s: Seconds
    key: Key
    rounds: RoundCount
    planned_rounds: RoundCount
    resumed: Count
    dropped: Annotated[list[Text], Field(max_length=1000)]
    """Chinese: groups that the machine could not hold."""


class Export(Record):
    """`data/<experiment>.json`: everything that a page shows of one experiment."""

    schema_version: Literal[7] = 7
    experiment: Id
    build: Build
    machine: Facts
    software: Texts
    groups: Annotated[list[GroupSummary], Field(max_length=1000)]
    cases: Annotated[list[Case], Field(max_length=1000)]
    rows: Annotated[list[Row], Field(max_length=100_000)]
    curves: Annotated[list[Curve], Field(max_length=10_000)]
    proofs: Annotated[list[ProofRow], Field(max_length=10_000)]
    outputs: Annotated[list[OutputRow], Field(max_length=10_000)]
    operators: Annotated[list[OperatorRow], Field(max_length=10_000)]
    reports: Annotated[list[Told], Field(max_length=1000)]
    traces: Annotated[list[TraceSummary], Field(max_length=1000)]
    choices: Annotated[list[Choice], Field(max_length=1000)]

    @property
    def draft(self) -> bool:
        """Whether no conclusions on time follow from it: by its profile, or since few rounds are there as yet."""
        few = any(group.load.timed and group.rounds < stats.MIN_ROUNDS for group in self.groups)
        return self.build.profile in DRAFT_PROFILES or (few and not self.build.complete)

    @property
    def explicit_threads(self) -> dict[str, int]:
        """Cases that set the number of threads and nothing else -> that number."""
        option = "intra_op_num_threads"
        return {case.id: int(case.settings[option]) for case in self.cases if case.keys == {option}}
