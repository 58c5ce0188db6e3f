"""Recommendations held against their own tables, and against the truth.

The page promises the limits in each group and the least product over all of them; a group that it left out for
noise is not held against it, and neither is the default where nothing was chosen. The truth contradicts a limit
when it goes beyond it by more than twice the limit's tolerance, or twice the margin of `same` where it has none.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from bench.results import stats
from bench.spec import BASELINE, input_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from speed.mill_judge import Judge

    from bench.pages.words import Words
    from bench.results.published import GroupSummary
    from bench.spec import Limit, Scenario

    Figure = Callable[[GroupSummary, str, str], float | None]

CHOSEN, LEFT_OUT = "测试机上选出", "快慢没有算进去（噪声太大）："
TWICE = 2.0


def recommendation(
    judge: Judge, words: Words, scenario: Scenario, winner: str, told: str, figure: Figure
) -> None:
    """A winner: in effect, within its limits on its own table and, twice over, in truth."""
    if not told.startswith(CHOSEN):
        return
    left_out = told.partition(LEFT_OUT)[2]
    groups = [
        group
        for group in words.groups()
        if group.index in scenario.groups
        and f"{group.model_title} {input_title(group.input)}" not in left_out
    ]
    where = f"seed {judge.world.seed}, {scenario.id} -> {winner}"
    unproven = [g.index for g in groups if not judge.took_effect(words, g.index, winner)]
    judge.tally.note("unproven", f"{where} {unproven}", wrong=bool(unproven))
    against = list(_against(words, scenario, winner, groups, figure))
    judge.tally.note("recommended", f"{where} {against}", wrong=bool(against))
    if not unproven:
        beyond = list(_beyond(judge, words, scenario, winner, groups))
        judge.tally.note("limit", f"{where} {beyond}", wrong=bool(beyond))


def _against(
    words: Words, scenario: Scenario, winner: str, groups: Sequence[GroupSummary], figure: Figure
) -> Iterator[str]:
    for group in groups:
        row = words.row(group, winner, scenario.minimise)
        if row and row.verdict in ("slower", "more"):
            yield f"{group.model} {scenario.minimise} {row.verdict}"
        for limit in scenario.limits:
            if winner == limit.than:
                continue
            found = _times(limit, group, winner, figure)
            if found is None or found > limit.factor * (1 + 1e-6):
                yield f"{group.model} {limit.metric} {found} > {limit.factor}"


def _times(limit: Limit, group: GroupSummary, case: str, figure: Figure) -> float | None:
    if limit.metric == "ratio":
        return figure(group, case, "ratio" if limit.than == BASELINE else "ratio_original")
    own, other = figure(group, case, limit.metric), figure(group, limit.than, limit.metric)
    return own / other if own is not None and other else None


def _beyond(
    judge: Judge, words: Words, scenario: Scenario, winner: str, groups: Sequence[GroupSummary]
) -> Iterator[str]:
    name = words.export.experiment
    scores = [_truth(judge, name, g.index, winner, scenario.minimise, BASELINE) for g in groups]
    score = prod(scores) ** (1 / len(scores))
    if score > 1 + 2 * stats.SAME_MARGIN:
        yield f"{scenario.minimise} {score:.3f}"
    for group in groups:
        for limit in scenario.limits:
            found = _truth(judge, name, group.index, winner, limit.metric, limit.than)
            tolerance = max(limit.factor - 1, stats.SAME_MARGIN)
            if found > 1 + TWICE * tolerance + 1e-9:
                yield f"{group.model} {limit.metric} {found:.3f}"


def _truth(judge: Judge, name: str, index: int, case: str, metric: str, than: str) -> float:
    own, other = (judge.effect(name, index, one) for one in (case, than))
    if metric == "ratio":
        return own.time / other.time
    if metric == "cores_used":
        most = judge.world.cores
        return min(own.cores, most) / min(other.cores, most)
    return own.memory(metric) / other.memory(metric)
