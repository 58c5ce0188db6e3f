"""The rows of an export: every figure of every case of a group, with its interval and verdict."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import FACT_METRICS, METRICS, Metric
from bench.results.published import Row
from bench.results.stats import Estimate
from bench.results.view import ORIGINAL, GroupView
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from collections.abc import Sequence

JUDGED_MEMORY = ("peak_mib", "kept_mib", "kept_trimmed_mib")


def control(view: GroupView) -> Estimate | None:
    ratios = view.ratios(CONTROL) if CONTROL in view.record.cases else []
    return stats.estimate(ratios) if ratios else None


def rows_of(experiment: str, view: GroupView) -> list[Row]:
    """Every metric that could be had, whether a table shows it or not."""
    floor = stats.noise_floor(control(view))
    rows = []
    for case in view.record.cases:
        failure = view.failure(case)
        for metric in METRICS.values():
            found = None if failure else _estimate(view, case, metric)
            if found is None and failure is None:
                continue  # not to be had on this machine, for this case, or in this profile
            rows.append(_row(experiment, view, case, metric, found, failure, floor))
        rows += _fact_rows(experiment, view, case)
    return rows


def _fact_rows(experiment: str, view: GroupView, case: str) -> list[Row]:
    return [
        Row(
            experiment=experiment,
            model=view.record.model,
            input=view.record.input,
            case=case,
            metric=fact,
            unit="",
            value=view.facts[case][fact],
            low=None,
            high=None,
            rounds=1,
            verdict=None,
            failure=None,
        )
        for fact in FACT_METRICS
        if fact in view.facts.get(case, {})
    ]


def _estimate(view: GroupView, case: str, metric: Metric) -> Estimate | None:
    if metric.kind == "derived":
        return _derived(view, case, metric)
    values = view.values(case, metric)
    if not values:
        return None
    return stats.spread(values) if metric.kind == "memory" else stats.estimate(values)


def _derived(view: GroupView, case: str, metric: Metric) -> Estimate | None:
    """What follows from several processes of a round."""
    match metric.id:
        case "ratio" if case == BASELINE:
            return Estimate(1.0, None, None, len(view.ends))
        case "ratio":
            return _of(view.ratios(case))
        case "ratio_original":
            return _of(view.ratios_to(case, ORIGINAL)) if case != ORIGINAL else None
        case "speed_up":
            return _of(view.speed_ups(case))
        case "efficiency":
            return _efficiency(view, case)
    raise KeyError(metric.id)


def _of(values: Sequence[float]) -> Estimate | None:
    return stats.estimate(values) if values else None


def _efficiency(view: GroupView, case: str) -> Estimate | None:
    """Speed-up over the threads really there."""
    speed_up, threads = _of(view.speed_ups(case)), view.values(case, METRICS["threads"])
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
    floor: float,
) -> Row:
    verdict: stats.Verdict | stats.MemoryVerdict | None = None
    memory_alone = view.record.memory_only and not view.draft  # a busy machine takes time, not memory
    judged = case != BASELINE or metric.id == "ratio_original"
    if found and judged and (view.judged or memory_alone):
        if metric.id in ("ratio", "ratio_original") and not view.record.memory_only:
            verdict = stats.verdict(found, floor)
        elif metric.id in JUDGED_MEMORY:
            verdict = _memory_verdict(view, case, metric)
    return Row(
        experiment=experiment,
        model=view.record.model,
        input=view.record.input,
        case=case,
        metric=metric.id,
        unit=metric.unit,
        value=None if found is None else _exact(found.value),
        low=None if found is None or found.low is None else _exact(found.low),
        high=None if found is None or found.high is None else _exact(found.high),
        rounds=found.rounds if found else 0,
        verdict=verdict,
        failure=failure,
    )


def _memory_verdict(view: GroupView, case: str, metric: Metric) -> stats.MemoryVerdict | None:
    """Medians must differ enough, and with several rounds their intervals must not touch."""
    own, baseline = view.values(case, metric), view.values(BASELINE, metric)
    if not own or not baseline:
        return None
    a, b = stats.estimate(own), stats.estimate(baseline)
    if stats.overlap(a, b):
        return "same"
    return stats.memory_verdict(a.value, b.value)


def _exact(value: float) -> float:
    """Nine significant digits: what no clock here resolves is not carried along."""
    return float(f"{value:.9g}")
