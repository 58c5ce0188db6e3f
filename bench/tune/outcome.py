"""From the journals of the three stages to a `Tuned`: who left and why, what is proved, what to set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.results import race
from bench.results.summary import summarise
from bench.results.tuned import Advice, Arm, Finalist
from bench.results.view import GroupView
from bench.spec import BASELINE
from bench.tune import stages
from bench.tune.arms import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.results.published import Export
    from bench.results.records import Untimed
    from bench.results.store import Journal
    from bench.results.tuned import Goal, Left, State
    from bench.tune.arms import Arm as Tried
    from bench.tune.arms import Combination

GOALS: tuple[Goal, ...] = ("latency", "peak", "kept", "cpu")
MEMORY: tuple[Goal, ...] = ("peak", "kept")


def view(journal: Journal) -> GroupView:
    """The only group."""
    (record,) = journal.header.groups
    return GroupView(journal, record)


def export(journal: Journal) -> Export:
    return summarise(stages.experiment(journal.header.experiment, journal.header.cases), journal)


@dataclass(frozen=True, slots=True)
class Screened:
    """The settings after screening."""

    checks: Journal
    rounds: GroupView
    goals: tuple[Goal, ...]

    def left(self, tried: Iterable[Tried]) -> list[Arm]:
        """How it went with each."""
        return [self._left(one) for one in tried]

    def _left(self, tried: Tried) -> Arm:
        case = tried.case.id
        how: Left = "stayed"
        reason = by = ""
        rounds = len([one for one in self.rounds.by_round(case, race.RATIO) if one is not None])
        if failed := self._failed(case):
            how, reason = "failed", failed
        elif (looked := self._checked(case)).outcome in ("nothing", "unseen"):
            how = "nothing" if looked.outcome == "nothing" else "unseen"
        elif by := race.beaten_by(self.rounds, case, self.goals):
            how = "beaten"
        return Arm(case=case, family=tried.family, left=how, rounds=rounds, by=by, reason=reason)

    def _failed(self, case: str) -> str:
        """Why it could not be measured; of one that was not sampled, why it could not even be checked."""
        if case in self.rounds.record.cases:
            return self.rounds.failure(case) or ""
        failure = self._checked(case).failure
        return failure.reason if failure else ""

    def _checked(self, case: str) -> Untimed:
        return next(one for one in self.checks.untimed if one.case == case)

    def seen(self, arms: Iterable[Arm]) -> dict[str, Seen]:
        """Medians of the default and of what stayed."""
        stayed = [BASELINE, *(one.case for one in arms if one.left == "stayed")]
        found = {case: race.middle(self.rounds, case, "ratio") for case in stayed}
        return {
            case: Seen(
                ratio, {goal: race.middle(self.rounds, case, race.COSTS[goal][0]) for goal in race.COSTS}
            )
            for case, ratio in found.items()
            if ratio is not None
        }


def finalists(rounds: GroupView, combined: Sequence[Combination]) -> list[Finalist]:
    return [
        Finalist(case=one.case.id, goals=list(one.goals), arms=list(one.arms), state=_state(rounds, one))
        for one in combined
    ]


def _state(rounds: GroupView, one: Combination) -> State:
    if rounds.failure(one.case.id):
        return "failed"
    if rounds.outcome(one.case.id) != "effect":
        return "unproven"
    return race.standing(rounds, one.case.id, one.goals)


def advice(
    rounds: GroupView | None, found: Sequence[Finalist], goals: Iterable[Goal], limits: Mapping[Goal, float]
) -> list[Advice]:
    """For each need the best of all combinations that are proved for it and keep the reader's limits."""
    told = []
    for goal in goals:
        able = (
            []
            if rounds is None or rounds.noisy
            else [
                one.case
                for one in found
                if one.state not in ("failed", "unproven")
                and race.stands_for(rounds, one.case, goal) == "proved"
                and within(rounds, one.case, limits)
            ]
        )
        best = min(able, key=lambda case: _cost(rounds, case, goal), default=BASELINE)
        keeps = best != BASELINE or rounds is None or within(rounds, BASELINE, limits)
        told.append(Advice(goal=goal, case=best, within_limits=keeps))
    return told


def _cost(rounds: GroupView | None, case: str, goal: Goal) -> float:
    assert rounds
    metric = race.COSTS[goal][0] if goal in race.COSTS else "ratio"
    found = race.middle(rounds, case, metric)
    assert found is not None, (case, metric)
    return found


def within(rounds: GroupView, case: str, limits: Mapping[Goal, float]) -> bool:
    """Whether no round went beyond what the reader named."""
    worst = {goal: rounds.values(case, race.metric(goal)) for goal in limits}
    return all(values and max(values) <= limits[goal] for goal, values in worst.items())
