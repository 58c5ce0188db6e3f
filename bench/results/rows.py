"""The rows of an export: every figure of every case of a group, with its interval and verdict."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import METRICS, Metric
from bench.results.published import Row
from bench.results.stats import Estimate
from bench.spec import BASELINE, ORIGINAL, SINGLE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from bench.results.view import GroupView

Verdict = stats.Verdict | stats.MemoryVerdict


def rows_of(experiment: str, view: GroupView, columns: Collection[str]) -> list[Row]:
    """Every metric that could be had, whether a table shows it or not; some only where one does."""
    wanted = [metric for metric in METRICS.values() if metric.always or metric.id in columns]
    rows = []
    for case in view.record.cases:
        failure, failed_rounds = view.failure(case), view.failed_rounds(case)
        for metric in wanted:
            told = None if metric.kind == "fact" else failure
            found = None if told else _estimate(view, case, metric)
            if found or told:  # else not to be had on this machine, for this case, or in this profile
                rows.append(_row(experiment, view, case, metric, found, told, failed_rounds))
    return rows


def _estimate(view: GroupView, case: str, metric: Metric) -> Estimate | None:
    if metric.kind == "fact":
        observed = view.facts.get(case, {}).get(metric.id)
        return None if observed is None else Estimate(observed, None, None, 1)
    if metric.kind == "ratio":
        return _compared(view, case, metric)
    values = view.values(case, metric)
    if not values:
        return None
    return stats.spread(values) if metric.kind == "memory" else stats.estimate(values)


def _compared(view: GroupView, case: str, metric: Metric) -> Estimate | None:
    """What follows from several processes of a round."""
    if case == metric.than == ORIGINAL:
        return None
    if case == metric.than == BASELINE:
        return Estimate(1.0, None, None, len(view.ends)) if view.enough_calls(metric, case) else None
    ratios = view.values(case, metric)
    if metric.than == SINGLE:
        ratios = [1 / ratio for ratio in ratios]
    found = stats.estimate(ratios) if ratios else None
    return _a_thread(found, view.values(case, METRICS["threads"])) if metric.id == "efficiency" else found


def _a_thread(speed_up: Estimate | None, threads: Sequence[float]) -> Estimate | None:
    """Speed-up over the threads really there."""
    if speed_up is None or not threads:
        return None
    count = median(threads)
    low, high = (None if v is None else v / count for v in (speed_up.low, speed_up.high))
    return Estimate(speed_up.value / count, low, high, speed_up.rounds)


def _row(
    experiment: str,
    view: GroupView,
    case: str,
    metric: Metric,
    found: Estimate | None,
    failure: str | None,
    failed_rounds: int,
) -> Row:
    verdict = None
    if found and metric.judged and _took_effect(view, case, metric):
        verdict = _verdict(view, case, metric, found)
    return Row(
        experiment=experiment,
        model=view.record.model,
        input=view.record.input,
        case=case,
        metric=metric.id,
        unit=metric.unit,
        **{end: _exact(getattr(found, end, None)) for end in ("value", "low", "high")},
        rounds=found.rounds if found else 0,
        verdict=verdict,
        failure=failure,
        failed_rounds=failed_rounds,
    )


def _took_effect(view: GroupView, case: str, metric: Metric) -> bool:
    """Whatever a setting shows that was not seen to be in effect, the setting is not the cause."""
    held = {case, metric.than} if metric.kind == "ratio" else {case}
    return all(view.outcome(one) in ("effect", None) for one in held)


def _verdict(view: GroupView, case: str, metric: Metric, found: Estimate) -> Verdict | None:
    """Compared with the default, or with the case that the metric names; a busy machine takes time, not memory."""
    if view.draft or (case == BASELINE and metric.than == BASELINE):
        return None
    if metric.kind == "ratio":
        judged = view.judged and not view.noisy and view.record.load.timed
        # Held against another case than the default, it is one ratio to the default over another.
        samples = 2 if BASELINE in (metric.than, case) else 4
        if not judged:
            return None
        floor, less = view.floor(metric, samples), metric.better == "less"
        return stats.verdict(found, floor, tolerance=metric.floor, less_is_better=less)
    own, base = view.values(case, metric), view.values(BASELINE, metric)
    enough = not view.record.load.timed or (view.judged and min(len(own), len(base)) >= stats.MIN_ROUNDS)
    return stats.memory_verdict(own, base) if enough and own and base else None


def _exact(value: float | None) -> float | None:
    """Nine significant digits: what no clock here resolves is not carried along."""
    return None if value is None else float(f"{value:.9g}")
