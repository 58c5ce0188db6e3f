"""Which candidate meets a need best: chosen on some of the rounds, confirmed and shown on the others.

A candidate that won by luck would look better than it is on the rounds that chose it. Tolerances are fixed
numbers, never the noise of the day, which is itself a matter of luck.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import METRICS
from bench.results.process import NOT_HERE
from bench.results.published import CandidateRow, Choice
from bench.results.view import GroupView
from bench.spec import BASELINE, input_title
from bench.system import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.results.store import Journal
    from bench.spec import Experiment, Limit, Scenario

RESAMPLES = 200
STABLE = 0.8
"""Share of the resamplings that must choose the same, or the choice counts as unstable."""
PLAUSIBLE = 0.2
"""Of an unstable choice, the simplest candidate chosen at least so often is taken."""

Picks = tuple[tuple[int, ...], ...]
"""For each group, the rounds that count; drawn with repetition when the choice is tried again."""


@dataclass(frozen=True, slots=True)
class _Half:
    """The groups of a scenario on one half of the rounds."""

    scenario: Scenario
    views: tuple[GroupView, ...]
    noisy: frozenset[int]
    """Indices of the groups that are too noisy on either half."""

    def counted(self, metric: str) -> list[int]:
        """Indices of the groups that a metric is compared on: noise takes time, not memory."""
        timed = METRICS[metric].kind != "memory"
        return [n for n in range(len(self.views)) if not (timed and n in self.noisy)]

    def all_rounds(self) -> Picks:
        return tuple(tuple(range(len(view.ends))) for view in self.views)

    def relative(self, case: str, metric: str, than: str, picks: Picks) -> list[float] | None:
        """A metric of a case over that of another, a value a group; None where one has none."""
        found = [_relative(self.views[n], case, metric, than, picks[n]) for n in self.counted(metric)]
        known = [value for value in found if value is not None]
        return known if len(known) == len(found) else None

    def score(self, case: str, picks: Picks) -> float | None:
        """Product of the minimised metric's ratios to the baseline."""
        ratios = self.relative(case, self.scenario.minimise, BASELINE, picks)
        return math.prod(ratios) ** (1 / len(ratios)) if ratios else None

    def broken(self, case: str, picks: Picks) -> Iterator[tuple[Limit, GroupView]]:
        """Limits that a candidate goes beyond, and where; what cannot be compared does."""
        for limit in self.scenario.limits:
            for n in self.counted(limit.metric):
                if not self.views[n].enough_calls(METRICS[limit.metric], limit.than):
                    continue  # a tail that nobody can see limits nothing
                same = case == limit.than
                found = 1.0 if same else _relative(self.views[n], case, limit.metric, limit.than, picks[n])
                if found is None or found > limit.factor:
                    yield limit, self.views[n]


def choose(experiment: Experiment, journal: Journal) -> Iterator[Choice]:
    """The winner of every scenario of the experiment."""
    for scenario in experiment.scenarios:
        records = [record for record in journal.header.groups if record.index in scenario.groups]
        halves = [
            (GroupView(journal, record, "choosing"), GroupView(journal, record, "published"))
            for record in records
        ]
        halves = [both for both in halves if not _not_possible(both[0])]
        yield _choice(scenario, halves, journal.header.seed)


def _not_possible(view: GroupView) -> bool:
    """Whether this machine cannot run the group at all: no right to set a quota, say."""
    return (view.failure(BASELINE) or "").startswith(NOT_HERE)


def _choice(scenario: Scenario, halves: Sequence[tuple[GroupView, GroupView]], seed: int) -> Choice:
    reason = _nothing_to_choose_by([view for both in halves for view in both])
    noisy = frozenset(n for n, both in enumerate(halves) if any(view.noisy for view in both))
    choosing = _Half(scenario, tuple(view for view, _ in halves), noisy)
    published = _Half(scenario, tuple(view for _, view in halves), noisy)
    if not reason and len(noisy) == len(halves):
        reason = "每一组都受扰太多，或默认设置测两遍的偏差太大，选不出来"
    unfit = {case: _unfit([*choosing.views, *published.views], case) for case in scenario.candidates}
    rows = [_candidate(choosing, case, unfit[case]) for case in scenario.candidates]
    able = [row.case for row in rows if row.able]
    fit_cases = [row.case for row in rows if row.score is not None and not unfit[row.case]]
    votes = _votes(choosing, fit_cases, seed) if able and not reason else Counter[str]()
    winner, stable = _elected(choosing, able, votes)
    if not reason:
        reason = _doubt(published, winner)
    return Choice(
        scenario=scenario.id,
        winner=BASELINE if reason or winner is None else winner,
        reason=reason,
        rounds=min((len(view.ends) for view in choosing.views), default=0),
        candidates=rows,
        left_out=[_place(view) for n, view in enumerate(published.views) if n in noisy and not view.draft],
        vote=votes[winner or ""] / RESAMPLES if votes else None,
        stable=stable,
    )


def _nothing_to_choose_by(views: Sequence[GroupView]) -> str:
    """Why no winner could be chosen, or none could be shown to be one: both halves must be fit for verdicts."""
    if not views:
        return "这台机器上没有测到它的任何一组输入"
    if views[0].draft:
        return "草稿，不作推荐"
    rounds = min(len(view.ends) for view in views)
    return f"用来选或用来核对的只有 {rounds} 轮，不作推荐" if rounds < stats.MIN_ROUNDS else ""


def _votes(half: _Half, fit: Sequence[str], seed: int) -> Counter[str]:
    """What would have been chosen on rounds drawn anew from those that chose, with repetition."""
    rng = random.Random(f"{seed}/{half.scenario.id}")
    found: Counter[str] = Counter()
    for _ in range(RESAMPLES):
        picks = tuple(tuple(rng.choices(rounds, k=len(rounds))) for rounds in half.all_rounds())
        able = [case for case in fit if not any(half.broken(case, picks))]
        won = _simplest_of_the_best(half.scenario, able, partial(half.score, picks=picks))
        found[won or ""] += 1
    return found


def _elected(half: _Half, able: Sequence[str], votes: Counter[str]) -> tuple[str | None, bool]:
    """(winner, whether drawing rounds anew mostly chooses the same)."""
    picks = half.all_rounds()
    best = _simplest_of_the_best(half.scenario, able, partial(half.score, picks=picks))
    if best is None or not votes or votes[best] >= STABLE * RESAMPLES:
        return best, True
    often = [case for case in able if votes[case] >= PLAUSIBLE * RESAMPLES]
    return (often[0] if often else best), False


def _simplest_of_the_best(
    scenario: Scenario, able: Sequence[str], score: Callable[[str], float | None]
) -> str | None:
    """The first candidate that the best one does not clearly beat."""
    scores = [(case, found) for case in able if (found := score(case)) is not None]
    if not scores:
        return None
    minimised = METRICS[scenario.minimise]
    tied = minimised.floor if minimised.kind == "ratio" else stats.MEMORY_EFFECT
    best = min(found for _, found in scores)
    return next(case for case, found in scores if found <= best * (1 + tied))


def _candidate(choosing: _Half, case: str, unfit: str) -> CandidateRow:
    picks = choosing.all_rounds()
    score = choosing.score(case, picks)
    broken = list(choosing.broken(case, picks)) if score is not None and not unfit else []
    refused = unfit
    if broken:
        limit = broken[0][0]
        where = "、".join(_place(view) for found, view in broken if found is limit)
        refused = harmless.text(f"不满足“{limit.text}”（{where}）")
    if score is not None:
        return CandidateRow(case=case, score=float(f"{score:.6g}"), refused=refused)
    counted = choosing.counted(choosing.scenario.minimise)
    missing = "没有测到" if counted else "每一组都受扰太多，没有算进去"
    return CandidateRow(case=case, score=None, refused=refused or missing)


def _unfit(views: Sequence[GroupView], case: str) -> str:
    """Why a candidate may not win whatever its figures: it failed, or was not seen to take effect."""
    for view in views:
        if failure := view.failure(case):
            return failure
        if view.failed_rounds(case):
            return "有的轮次里没有测成"
        match view.outcome(case):
            case "nothing":
                return "设了和默认一样，什么都没有改变"
            case "unseen":
                return "没有观察到它生效"
    return ""


def _doubt(published: _Half, winner: str | None) -> str:
    """Why the rounds that did not choose speak against the winner; empty: they do not."""
    if winner is None:
        return "没有候选满足全部条件"
    picks = published.all_rounds()
    for limit, view in published.broken(winner, picks):
        return f"选出的那一套在核对的轮次里不满足“{limit.text}”（{_place(view)}）"
    if winner == BASELINE or any(published.broken(BASELINE, picks)):  # what is unfit itself is no measure
        return ""
    minimised = published.scenario.minimise
    for view in (published.views[n] for n in published.counted(minimised)):
        if _is_worse(view, winner, minimised):
            return f"选出的那一套在核对的轮次里反而更差（{_place(view)}）"
    return ""


def _is_worse(view: GroupView, case: str, metric: str) -> bool:
    """Whether the published rounds judge a case worse than the default in what was to be small."""
    compared = METRICS[metric]
    own = view.values(case, compared)
    if compared.kind == "ratio":
        return bool(own) and stats.verdict(stats.estimate(own), view.floor(compared, 2)) == "slower"
    base = view.values(BASELINE, compared)
    return bool(own and base) and stats.memory_verdict(own, base) == "more"


def _relative(view: GroupView, case: str, metric: str, than: str, rounds: Sequence[int]) -> float | None:
    """Ratios are compared within rounds, other figures by their medians."""
    own, other = (view.by_round(name, METRICS[metric]) for name in (case, than))
    if METRICS[metric].kind == "ratio":
        pairs = [(a, b) for n in rounds if (a := own[n]) is not None and (b := other[n]) is not None]
        return median(a / b for a, b in pairs) if pairs else None
    above, below = ([value for n in rounds if (value := one[n]) is not None] for one in (own, other))
    return median(above) / base if above and below and (base := median(below)) else None


def _place(view: GroupView) -> str:
    record = view.record
    ran = f"，{record.load.processes} 个进程同时跑" if record.load.processes > 1 else ""
    ran = f"{ran}，只给 {record.place.cores:.0%} 的核" if record.place.cores else ran
    return harmless.text(f"{record.model_title} {input_title(record.input)}{ran}")
