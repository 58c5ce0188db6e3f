"""What stands in result files. Strangers' files will be read one day, so reading validates.

A journal is a JSON-lines file: one `Header`, then `Sample`, `RoundEnd`, `Untimed`, `Told` and `TraceSummary` lines in
the order in which they were taken, at last one `Footer`. Types and ranges are given here; how numbers must relate
to each other is written in `bench.results.plausible`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bench.results.kinds import (
    BuildId,
    Bytes,
    Count,
    Facts,
    Id,
    Index,
    Key,
    Label,
    Moment,
    Number,
    Positive,
    Record,
    RoundCount,
    RoundNumber,
    Seconds,
    Sha256,
    Text,
    Texts,
)
from bench.results.process import Failure, FailureKind, Figures, NoiseRecord
from bench.spec import Block, Case, Load, Place, Scalar, Settled, Subject

# fmt: off
__all__ = [
    "Cost", "Failure", "FailureKind", "Figures", "Footer", "GroupRecord", "Header", "Line", "NoiseRecord", "Outcome",
    "Profile", "Record", "RoundEnd", "Sample", "Text", "Told", "TraceSummary", "Untimed",
]
# fmt: on

Profile = Literal["smoke", "quick", "default", "thorough", "tune"]
Outcome = Literal["effect", "nothing", "unseen"]
"""Of looking for a setting: it took effect, it was seen to change nothing, or neither could be seen."""


class GroupFacts(Record):
    """What a group is called, and what its cases run as."""

    index: Index
    """Place in the experiment; samples name their group by it."""
    model: Id
    model_title: Text
    input: Label
    parameters: Count
    """0: not known."""
    denormals: Count = 0
    """Of these; of the file as it is, whatever variants make of it."""
    flops: Annotated[int, Field(ge=0, lt=1 << 62)] | None
    """Of one run, that is of all feeds together; None: its operators cannot be counted."""
    settings: dict[Label, Scalar] = Field(default_factory=dict, max_length=100)
    """Of every case here, the default too."""
    subject: Subject
    variant: Id
    load: Load
    place: Place
    """Like the four before, unless a case says otherwise."""

    @property
    def block(self) -> Block:
        """Equal for groups of one build that were measured together: they share the default and the A/A row."""
        settled = Settled(self.settings, self.subject, self.variant, self.load, self.place)
        return Block(self.model, self.input, settled.key)


class GroupRecord(GroupFacts):
    """A group as it was measured."""

    model_sha256: Sha256
    shapes: Annotated[
        list[dict[Label, Annotated[list[Count], Field(max_length=16)]]],
        Field(min_length=1, max_length=10_000),
    ]
    """Of the feeds of one run, in their order: name of an input -> its shape."""
    cases: Annotated[list[Id], Field(max_length=1000)]
    note: Text = ""
    """Chinese: what the reader must know of the choice, such as a batch cut to fit."""


class Header(Record):
    """First line of a journal."""

    kind: Literal["header"] = "header"
    schema_version: Literal[7] = 7
    experiment: Id
    build: BuildId
    key: Key
    profile: Profile
    rounds: RoundCount
    """At the most."""
    rule: Label
    """Of the interval and of when a case is settled: `bench.results.looks`."""
    looks: Annotated[list[RoundCount], Field(min_length=1, max_length=100)]
    """Rounds of a timed group after which a case that is settled leaves it."""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    started_at: Moment
    machine: Facts
    software: Texts
    """Name -> version; empty: not installed."""
    cases: Annotated[list[Case], Field(max_length=1000)]
    groups: Annotated[list[GroupRecord], Field(max_length=1000)]
    dropped: list[Text] = Field(default_factory=list, max_length=1000)
    """Chinese: groups that the machine could not hold, with the reason."""


class Sample(Record):
    """One process. `position` is its place in the order of the round."""

    kind: Literal["sample"] = "sample"
    group: Index
    round: RoundNumber
    attempt: RoundNumber
    """0, or higher when the round had been begun before."""
    position: Index
    case: Id
    started_s: Seconds
    """When the process was started, counted from the start of this attempt at the round."""
    wall_s: Seconds
    """From starting the process to its end."""
    figures: Figures | None = None
    failure: Failure | None = None


class RoundEnd(Record):
    """A round of a group is whole; without this line it is repeated on resume."""

    kind: Literal["round"] = "round"
    group: Index
    round: RoundNumber
    attempt: RoundNumber
    noise: NoiseRecord
    final: bool
    """False when the round was dirty and is about to be repeated."""
    settled: list[Id] = Field(default_factory=list, max_length=1000)
    """Cases that leave the group after this round: more of them would change nothing."""


class Untimed(Record):
    """An untimed child: does the option show, and what did the log say."""

    kind: Literal["untimed"] = "untimed"
    group: Index
    case: Id
    facts: Annotated[dict[Label, Number], Field(max_length=1000)]
    """Observed facts by name."""
    regions: list[Bytes] = Field(default_factory=list, max_length=100_000)
    """Sizes in bytes of the arena's regions, in the order in which they were requested."""
    operators: dict[Label, Positive] = Field(default_factory=dict, max_length=1000)
    """Operator types of one run and how many nodes have them."""
    outcome: Outcome | None
    """Whether the case was seen to take effect; None: there is nothing to prove."""
    evidence: Text
    failure: Failure | None = None


class Told(Record):
    """What a subject reported of a case: lines of text under headings."""

    kind: Literal["report"] = "report"
    subject: Id
    case: Id
    model: Id
    input: Label
    lines: Annotated[dict[Label, Annotated[list[Text], Field(max_length=10_000)]], Field(max_length=100)]
    failure: Failure | None = None


class Cost(Record):
    """Time of an operator type, or of one node, in a trace."""

    name: Text
    operator: Text
    nodes: Positive
    """Nodes in one run."""
    microseconds: Number
    """In one run, the mean over the steady ones."""
    share: Annotated[float, Field(ge=0, le=1)]
    """Of the time of all nodes."""


class TraceSummary(Record):
    """What the profiler's trace of one untimed child says."""

    kind: Literal["trace"] = "trace"
    case: Id
    model: Id
    input: Label
    runs: Positive
    """Steady runs that the figures are means of."""
    run_microseconds: Number
    """One run as a whole, the time between nodes included."""
    operators: Annotated[list[Cost], Field(max_length=1000)]
    nodes: Annotated[list[Cost], Field(max_length=1000)]
    """The most expensive ones."""


class Footer(Record):
    """Last line: every group has been measured up to one of its looks."""

    kind: Literal["footer"] = "footer"
    finished_at: Moment
    measured_s: Seconds
    """Of the whole build, all its experiments together."""
    rounds: RoundCount
    """Of the group that has most."""
    resumed: Count
    """Samples of the whole build that were there before it was taken up again."""


Line = Annotated[
    Header | Sample | RoundEnd | Untimed | Told | TraceSummary | Footer, Field(discriminator="kind")
]
