"""Blocks: what several experiments ask of the same model, input, load and cores is measured once for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from bench.measure.plan import round_seconds
from bench.results import looks
from bench.results.records import RoundEnd, Sample
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.measure.child import Outcome
    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.measure.task import Task
    from bench.results.process import NoiseRecord
    from bench.spec import Case


def identity(planned: PlannedExperiment, group: PlannedGroup, case: Case) -> str:
    """What decides a process of a case: equal texts, equal processes."""
    return json.dumps(
        [
            group.group.model,
            group.input.label,
            [list(feed.items()) if isinstance(feed, dict) else feed for feed in group.input.shapes],
            case.settings,
            case.run_settings,
            group.settled(case).key,
            case.expected,
            case.lacking(planned.machine),
        ],
        sort_keys=True,
        default=dict,
    )


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
    """Identity -> case; the default and its second name, alike in every member of a block, go by their own names."""

    def __post_init__(self) -> None:
        planned, common = self.task.planned, (BASELINE, CONTROL)
        self.ids = {
            case if case in common else identity(planned, self.group, planned.case(case)): case
            for case in self.group.cases
        }
        self.target = next((one for one in self.looks if one >= self.done), self.done)

    @property
    def looks(self) -> tuple[int, ...]:
        return self.task.planned.looks(self.group)

    @property
    def done(self) -> int:
        """Rounds on disk, all in a row."""
        return len(self.task.writer.journal.final_rounds(self.group.index))

    @property
    def lacking(self) -> int | None:
        """The next round on the way to the target; None: it is there."""
        return self.done if self.done < self.target else None

    def lacks_figures(self, key: str) -> bool:
        """Whether a case has not been measured yet: the first outputs are compared with the default's."""
        samples = self.task.writer.journal.samples
        return not any((s.group, s.case) == (self.group.index, self.ids[key]) and s.figures for s in samples)

    @property
    def open(self) -> list[str]:
        """Identities of the cases that are neither settled nor failed; the default and its second name never are."""
        gone = self.task.failed.keys() | self.task.settled
        return [key for key, case in self.ids.items() if (self.group.index, case) not in gone]

    @property
    def undecided(self) -> int:
        """Cases whose further rounds would tell something."""
        return sum(key not in (BASELINE, CONTROL) for key in self.open)

    @property
    def next_look(self) -> int | None:
        """None: there is none, or nothing to look at."""
        return next((one for one in self.looks if one > self.target), None) if self.undecided else None

    def begin(self, number: int) -> Place:
        samples = self.task.writer.journal.samples
        begun = [s.attempt for s in samples if (s.group, s.round) == (self.group.index, number)]
        return Place(number, 1 + max(begun, default=-1))

    def take(self, case: str, place: Place, started_s: float, outcome: Outcome) -> None:
        """Write down a sample that was taken, maybe for others as well; its place is that among the group's own."""
        journal, where = self.task.writer.journal, (self.group.index, *place)
        position = sum((s.group, s.round, s.attempt) == where for s in journal.samples)
        self.task.writer.append(
            Sample(
                group=self.group.index,
                round=place.number,
                attempt=place.attempt,
                position=position,
                case=case,
                started_s=round(started_s, 4),
                wall_s=round(outcome.wall_s, 4),
                figures=outcome.figures,
                failure=outcome.failure,
            )
        )
        if outcome.failure:
            self.task.note_failure(self.group.index, case, outcome.failure)

    def end(self, place: Place, seen: NoiseRecord, *, final: bool) -> None:
        """Close a round; after some of them, cases that are settled leave."""
        record = RoundEnd(
            group=self.group.index, round=place.number, attempt=place.attempt, noise=seen, final=final
        )
        if final and place.number + 1 in self.looks:
            record = record.model_copy(update={"settled": self._settled(record)})
        self.task.writer.append(record)
        self.task.settled |= {(self.group.index, case) for case in record.settled}

    def _settled(self, end: RoundEnd) -> list[str]:
        journal, experiment = self.task.writer.journal, self.task.planned.experiment
        group = next(one for one in journal.header.groups if one.index == self.group.index)
        so_far = replace(journal, rounds=[*journal.rounds, end])
        view = GroupView(so_far, group, "published" if experiment.scenarios else None)
        cases = [self.ids[key] for key in self.open if key not in (BASELINE, CONTROL)]
        return [case for case in cases if looks.settled(view, case, experiment.columns)]


@dataclass(slots=True, eq=False)
class Block:
    """Groups with the same default, measured in one go; what several want is measured once."""

    members: Sequence[Member]
    seconds: float | None = None
    """Length of its last round."""
    repeats: int = 0
    """Rounds that were repeated since the machine was busy."""

    @property
    def first(self) -> Member:
        return self.members[0]

    @property
    def name(self) -> str:
        return repr(self.first.task.planned.block(self.first.group))

    def waiting(self, number: int) -> list[Member]:
        """Members whose round of that number is planned and not on disk."""
        return [one for one in self.members if one.done <= number < one.target]

    def expected_s(self, members: Sequence[Member]) -> float:
        """Of one round for these members."""
        wanted = {key for one in members for key in one.open}
        everything = {key for one in self.members for key in one.ids}
        if self.seconds is not None:
            return self.seconds * len(wanted) / max(1, len(everything))
        longest = max(members, key=lambda one: len(one.ids))
        whole = round_seconds(longest.task.planned, longest.group)
        return whole * len(wanted) / len(longest.ids)


def blocks(tasks: Sequence[Task]) -> list[Block]:
    """The groups of all tasks, those with equal defaults together."""
    found: dict[str, list[Member]] = {}
    for task in tasks:
        for group in task.planned.groups:
            default = identity(task.planned, group, task.planned.case(BASELINE))
            found.setdefault(default, []).append(Member(task, group))
    return [Block(members) for members in found.values()]
