"""Which candidate meets a need best: decided on one half of the rounds, shown on the other.

A candidate that won by luck would look better than it is on the rounds that chose it.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from bench import harmless
from bench.results import stats
from bench.results.metrics import METRICS
from bench.results.published import CandidateRow, Choice
from bench.results.rows import control
from bench.results.view import GroupView
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.answers import Limit, Scenario
    from bench.results.store import Journal
    from bench.spec import Experiment


def choose(experiment: Experiment, journal: Journal) -> Iterator[Choice]:
    """The winner of every scenario of the experiment."""
    for scenario in experiment.scenarios:
        records = [record for record in journal.header.groups if record.index in scenario.groups]
        views = [GroupView(journal, record, "choosing") for record in records]
        published = [GroupView(journal, record, "published") for record in records]
        yield _choice(scenario, views, published, proven=_proven(journal))


def _time_decides(scenario: Scenario, rows: Sequence[CandidateRow]) -> bool:
    """Whether noise in time could change the winner: not where one candidate alone is fit for other reasons."""
    if any(limit.metric == "ratio" for limit in scenario.limits):
        return True
    return scenario.minimise == "ratio" and sum(row.able for row in rows) > 1


def _too_noisy(views: Sequence[GroupView]) -> str:
    """Where identical settings differ more than a recommendation is worth, none is made."""
    worst = max(_noise(view) for view in views)
    if worst <= stats.UNDECIDED_WIDTH:
        return ""
    return f"默认设置测两遍，延迟的偏差最大到 {worst:.0%}，噪声太大，选不出来"


def _proven(journal: Journal) -> dict[str, bool]:
    """Whether a case was seen to take effect, wherever it was observed."""
    found: dict[str, bool] = {}
    for record in journal.untimed:
        found[record.case] = found.get(record.case, True) and record.proven is True
    return found | {BASELINE: True}


def _choice(
    scenario: Scenario, views: Sequence[GroupView], published: Sequence[GroupView], *, proven: dict[str, bool]
) -> Choice:
    rounds = min((len(view.ends) for view in views), default=0)
    rows = [_candidate(scenario, views, case, proven=proven.get(case, False)) for case in scenario.candidates]
    reason = _nothing_to_choose_by([*views, *published])
    if not reason and _time_decides(scenario, rows):
        reason = _too_noisy([*views, *published])
    winner = BASELINE if reason else _simplest_of_the_best(rows, _tied(scenario, views))
    if not reason and winner is None:
        reason = "没有候选满足全部条件"
    return Choice(
        scenario=scenario.id, winner=winner or BASELINE, reason=reason, rounds=rounds, candidates=rows
    )


def _nothing_to_choose_by(views: Sequence[GroupView]) -> str:
    """Why no winner could be chosen, or none could be shown to be one: both halves must be fit for verdicts."""
    if not views:
        return "这台机器上没有测到它的任何一组输入"
    if views[0].draft:
        return "草稿，不作推荐"
    if any(not view.judged for view in views):
        return "测量时机器繁忙，不作推荐"
    rounds = min(len(view.ends) for view in views)
    return f"有一半只有 {rounds} 轮，不作推荐" if rounds < stats.MIN_ROUNDS else ""


def _tied(scenario: Scenario, views: Sequence[GroupView]) -> float:
    """Scores this close are a tie."""
    if scenario.minimise == "ratio":
        return sum(_noise(view) for view in views) / len(views) if views else stats.MIN_EFFECT
    return stats.MEMORY_EFFECT


def _simplest_of_the_best(rows: Sequence[CandidateRow], tied: float) -> str | None:
    """The first candidate that the best one does not clearly beat."""
    able = [(row.case, row.score) for row in rows if row.able and row.score is not None]
    if not able:
        return None
    best = min(score for _, score in able)
    return next(case for case, score in able if score <= best * (1 + tied))


def _candidate(scenario: Scenario, views: Sequence[GroupView], case: str, *, proven: bool) -> CandidateRow:
    ratios = [_relative(view, case, scenario.minimise, BASELINE) for view in views]
    if not ratios or any(ratio is None for ratio in ratios):
        failure = next((f for view in views if (f := view.failure(case))), "没有测到")
        return CandidateRow(case=case, score=None, refused=failure)
    refused = "" if proven else "没有观察到它生效"
    for limit in scenario.limits:
        broken = [view for view in views if _breaks(view, case, limit)]
        if broken and not refused:
            where = "、".join(
                f"{view.record.model_title} {input_title(view.record.input)}" for view in broken
            )
            refused = harmless.text(f"不满足“{limit.text}”（{where}）")
    score = math.prod(ratio for ratio in ratios if ratio is not None) ** (1 / len(ratios))
    return CandidateRow(case=case, score=float(f"{score:.6g}"), refused=refused)


def _relative(view: GroupView, case: str, metric: str, than: str) -> float | None:
    """A metric of a case over that of another; latencies are compared within rounds.

    A case that failed in any round has none, as in the tables.
    """
    if view.failure(case) or view.failure(than):
        return None
    if metric == "ratio":
        values = view.ratios_to(case, than)
        return median(values) if values else None
    own, other = (view.values(name, METRICS[metric]) for name in (case, than))
    return median(own) / median(other) if own and other else None


def _breaks(view: GroupView, case: str, limit: Limit) -> bool:
    """Whether a candidate goes beyond a limit on this group; what cannot be compared does."""
    if case == limit.than:
        return limit.factor < 1
    ratio = _relative(view, case, limit.metric, limit.than)
    if ratio is None:
        return True
    return ratio > limit.factor + (_noise(view) if limit.metric == "ratio" else 0)


def _noise(view: GroupView) -> float:
    """What identical settings were seen to differ by in time."""
    return stats.noise_floor(control(view))
