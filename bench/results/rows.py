"""The rows of an export: every figure of every case of a group, with its interval and verdict."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import FACT_METRICS, METRICS, Metric
from bench.results.published import Row
from bench.results.stats import Estimate
from bench.results.view import ORIGINAL, GroupView
from bench.spec import BASELINE

if TYPE_CHECKING:
    from collections.abc import Sequence

JUDGED_MEMORY = ("peak_mib", "kept_mib", "kept_trimmed_mib")


def rows_of(experiment: str, view: GroupView) -> list[Row]:
    """Every metric that could be had, whether a table shows it or not."""
    rows = []
    for case in view.record.cases:
        failure = view.failure(case)
        for metric in METRICS.values():
            found = None if failure else _estimate(view, case, metric)
            if found is None and failure is None:
                continue  # not to be had on this machine, for this case, or in this profile
            rows.append(_row(experiment, view, case, metric, found, failure))
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
            failed_rounds=0,
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
) -> Row:
    verdict = _verdict(view, case, metric, found) if found and _took_effect(view, case, metric) else None
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
        failed_rounds=view.failed_rounds(case),
    )


def _took_effect(view: GroupView, case: str, metric: Metric) -> bool:
    """Whatever a setting shows that was not seen to be in effect, the setting is not the cause."""
    held = (case, ORIGINAL) if metric.id == "ratio_original" else (case,)
    return all(view.outcome(one) in ("effect", None) for one in held)


def _verdict(
    view: GroupView, case: str, metric: Metric, found: Estimate
) -> stats.Verdict | stats.MemoryVerdict | None:
    """Compared with the default, or with the article's settings; a busy machine takes time, not memory."""
    if view.draft or (case == BASELINE and metric.id != "ratio_original"):
        return None
    if metric.id in ("ratio", "ratio_original"):
        judged = view.judged and not view.noisy and not view.record.memory_only
        # Held against the article's, a case is one ratio to the default over another.
        samples = 4 if metric.id == "ratio_original" and case != BASELINE else 2
        return stats.verdict(found, stats.noise_floor(view.control, samples)) if judged else None
    if metric.id in JUDGED_MEMORY:
        own, base = view.values(case, metric), view.values(BASELINE, metric)
        enough = view.record.memory_only or (view.judged and min(len(own), len(base)) >= stats.MIN_ROUNDS)
        return stats.memory_verdict(own, base) if enough and own and base else None
    return None


def _exact(value: float) -> float:
    """Nine significant digits: what no clock here resolves is not carried along."""
    return float(f"{value:.9g}")
