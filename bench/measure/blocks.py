"""Blocks: what several experiments ask of the same model, input, load and cores is measured once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import cost
from bench.measure.plan import baseline_reach, identities
from bench.results.records import RoundEnd, Sample
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure.child import Outcome
    from bench.measure.plan import PlannedGroup
    from bench.measure.task import Task
    from bench.results.process import NoiseRecord


class Place(NamedTuple):
    """A round of a group, begun for the so manieth time."""

    number: int
    attempt: int


@dataclass(slots=True, eq=False)
class Member:
    """A group of an experiment, measured up to one of its looks."""

    task: Task
    group: PlannedGroup
    target: int = 0
    """Rounds up to the look that it is on its way to."""
    ids: dict[str, str] = field(default_factory=dict)
    """Identity -> case, see `bench.measure.plan.identities`."""
    done: int = 0
    """Rounds on disk, all in a row."""
    _measured: set[str] = field(default_factory=set)
    """Cases that have figures."""
    _position: int = 0
    """Of the next sample, among the group's own of this round."""

    def __post_init__(self) -> None:
        journal = self.task.writer.journal
        self.ids = identities(self.task.planned, self.group)
        self.done = len(journal.final_rounds(self.group.index))
        own = (one for one in journal.samples if one.group == self.group.index)
        self._measured = {one.case for one in own if one.figures}
        self.target = next((one for one in self.looks if one >= self.done), self.done)

    @property
    def repeats(self) -> int:
        """Rounds that were begun again."""
        ends = self.task.writer.journal.rounds
        return sum(end.group == self.group.index and not end.final for end in ends)

    @property
    def looks(self) -> tuple[int, ...]:
        return self.task.planned.looks(self.group)

    @property
    def lacking(self) -> int | None:
        """The next round on the way to the target; None: it is there."""
        return self.done if self.done < self.target else None

    def lacks_figures(self, key: str) -> bool:
        """Whether a case has not been measured yet: the first outputs are compared with the default's."""
        return self.ids[key] not in self._measured

    @property
    def open(self) -> list[str]:
        """Identities of the cases that are neither settled nor failed; the default and its second name never are."""
        index, failed, settled = self.group.index, self.task.failed, self.task.settled
        return [
            key
            for key, case in self.ids.items()
            if (index, case) not in failed and (index, case) not in settled
        ]

    @property
    def undecided(self) -> int:
        """Cases whose further rounds would tell something: none, where there is no default to compare with."""
        if (self.group.index, BASELINE) in self.task.failed:
            return 0
        return sum(key not in (BASELINE, CONTROL) for key in self.open)

    @property
    def next_look(self) -> int | None:
        """None: there is none, or nothing to look at."""
        return next((one for one in self.looks if one > self.target), None) if self.undecided else None

    def begin(self, number: int) -> Place:
        samples = self.task.writer.journal.samples
        begun = [s.attempt for s in samples if (s.group, s.round) == (self.group.index, number)]
        self._position = 0
        return Place(number, 1 + max(begun, default=-1))

    def take(self, case: str, place: Place, started_s: float, outcome: Outcome) -> None:
        """Write down a sample that was taken, maybe for others as well; its place is that among the group's own."""
        self.task.writer.append(
            Sample(
                group=self.group.index,
                round=place.number,
                attempt=place.attempt,
                position=self._position,
                case=case,
                started_s=round(started_s, 4),
                wall_s=round(outcome.wall_s, 4),
                figures=outcome.figures,
                failure=outcome.failure,
            )
        )
        self._position += 1
        if outcome.failure:
            self.task.note_failure(self.group.index, case, outcome.failure)
        else:
            self._measured.add(case)

    def end(self, place: Place, seen: NoiseRecord, *, final: bool) -> None:
        """Close a round; after some of them, cases that are settled leave."""
        record = RoundEnd(
            group=self.group.index, round=place.number, attempt=place.attempt, noise=seen, final=final
        )
        if final and place.number + 1 in self.looks:
            record = record.model_copy(update={"settled": self._settled(record)})
        self.task.writer.append(record)
        self.task.settled |= {(self.group.index, case) for case in record.settled}
        self.done += final

    def _settled(self, end: RoundEnd) -> list[str]:
        journal, experiment = self.task.writer.journal, self.task.planned.experiment
        group = next(one for one in journal.header.groups if one.index == self.group.index)
        so_far = replace(journal, rounds=[*journal.rounds, end])
        view = GroupView(so_far, group, "published" if experiment.scenarios else None)
        cases = [self.ids[key] for key in self.open if key not in (BASELINE, CONTROL)]
        return [case for case in cases if self.task.leaves(view, case, experiment.columns)]


@dataclass(slots=True, eq=False)
class Block:
    """Groups with the same default, measured in one go; what several want is measured once."""

    members: Sequence[Member]
    pace: float = 1.0
    """Length of its last round, over what samples usually take."""
    repeats: int = 0
    """Rounds that were repeated since the machine was busy."""
    _lengths: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repeats = max(one.repeats for one in self.members)
        self._lengths = cost.lengths((one.task.planned, one.group) for one in self.members)

    @property
    def first(self) -> Member:
        return self.members[0]

    @property
    def name(self) -> str:
        return repr(self.first.task.planned.block(self.first.group))

    def waiting(self, number: int) -> list[Member]:
        """Members whose round of that number is planned and not on disk."""
        return [one for one in self.members if one.done <= number < one.target]

    def outstanding_s(self, further: Member | None = None) -> float:
        """Up to the looks that its members are on their way to; where asked, one of them to the look after."""
        ends = [(one, one.next_look or one.target if one is further else one.target) for one in self.members]
        steps = sorted(
            {number for one, end in ends for number in (one.done, end)}
        )  # between them all rounds are alike
        rounds = (
            (after - number) * self.usual_s([one for one, end in ends if one.done <= number < end])
            for number, after in pairwise(steps)
        )
        return self.pace * sum(rounds)

    def samples(self) -> dict[tuple[int, int, str, float], float]:
        """Those on disk, what several members have once: which it is -> seconds."""
        return {
            (sample.round, sample.attempt, key, sample.started_s): sample.wall_s
            for one in self.members
            for key, case in one.ids.items()
            for sample in one.task.writer.journal.samples
            if (sample.group, sample.case) == (one.group.index, case)
        }

    def usual_s(self, members: Sequence[Member]) -> float:
        """Of one round for these members, if samples are as long as they usually are."""
        seconds = {key: self._lengths[key] for one in members for key in one.open}
        return cost.round_seconds(seconds, baseline_reach(self.first.task.planned, self.first.group))


def blocks(tasks: Sequence[Task]) -> list[Block]:
    """The groups of all tasks, those with equal defaults together."""
    found: dict[str, list[Member]] = {}
    for task in tasks:
        for group in task.planned.groups:
            found.setdefault(cost.default_of(task.planned, group), []).append(Member(task, group))
    return [Block(members) for members in found.values()]
