"""From a journal to an `Export`: values of rounds, intervals, paired ratios, verdicts."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.results import stats
from bench.results.metrics import METRICS, MIB, Metric
from bench.results.schema import (
    Build,
    Curve,
    Export,
    GroupSummary,
    OutputRow,
    ProofRow,
    Row,
)
from bench.results.stats import Estimate
from bench.results.view import GroupView
from bench.spec import BASELINE, CONTROL, Experiment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.store import Journal

JUDGED_MEMORY = ("peak_mib", "kept_mib", "kept_trimmed_mib")


def summarise(experiment: Experiment, journal: Journal) -> Export:
    """Reduce a complete journal."""
    header, footer = journal.header, journal.footer
    if footer is None:
        raise ValueError(f"{journal.path.name} is not complete")
    views = [GroupView(journal, record) for record in header.groups]
    build = Build(
        id=header.build,
        profile=header.profile,
        started_at=header.started_at,
        finished_at=footer.finished_at,
        measured_s=footer.measured_s,
        key=header.key,
        rounds=footer.rounds,
        planned_rounds=header.rounds,
        resumed=footer.resumed,
    )
    return Export(
        experiment=experiment.id,
        build=build,
        machine=header.machine,
        software=header.software,
        groups=[_group_summary(view) for view in views],
        cases=header.cases,
        rows=[row for view in views for row in _rows(experiment.id, view)],
        curves=[curve for view in views for curve in _curves(view)] if _wants_curves(experiment) else [],
        proofs=[
            ProofRow(
                case=record.case,
                proven=record.proven,
                evidence=record.failure.reason if record.failure else record.evidence,
            )
            for record in journal.untimed
        ],
        outputs=[row for view in views for row in _outputs(view)],
        line_profiles=journal.line_profiles,
    )


def _control(view: GroupView) -> Estimate | None:
    ratios = view.ratios(CONTROL) if CONTROL in view.record.cases else []
    return stats.estimate(ratios) if ratios else None


def _group_summary(view: GroupView) -> GroupSummary:
    record, control = view.record, _control(view)
    excludes = bool(
        control
        and control.low is not None
        and control.high is not None
        and not control.low <= 1 <= control.high
    )
    return GroupSummary(
        model=record.model,
        model_title=record.model_title,
        input=record.input,
        parameters=record.parameters,
        flops=record.flops,
        calls=len(record.shapes),
        rounds=len(view.ends),
        dirty_rounds=view.dirty,
        repeated_rounds=view.repeated,
        noise_floor=round(stats.noise_floor(control), 4),
        control_excludes_one=excludes,
        memory_only=record.memory_only,
        note=record.note,
        verdicts=view.judged,
    )


def _rows(experiment: str, view: GroupView) -> list[Row]:
    """Every metric that could be had, whether a table shows it or not."""
    floor = stats.noise_floor(_control(view))
    rows = []
    for case in view.record.cases:
        failure = view.failure(case)
        for metric in METRICS.values():
            found = None if failure else _estimate(view, case, metric)
            if found is None and failure is None:
                continue  # not to be had on this machine, for this case, or in this profile
            rows.append(_row(experiment, view, case, metric, found, failure, floor))
    return rows


def _estimate(view: GroupView, case: str, metric: Metric) -> Estimate | None:
    if metric.id == "ratio":
        if case == BASELINE:
            return Estimate(1.0, None, None, len(view.ends))
        return _of(view.ratios(case))
    if metric.id == "speed_up":
        return _of(view.speed_ups(case))
    if metric.id == "efficiency":
        return _efficiency(view, case)
    values = view.values(case, metric)
    if not values:
        return None
    return stats.spread(values) if metric.kind == "memory" else stats.estimate(values)


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
    if found and case != BASELINE and (view.judged or memory_alone):
        if metric.id == "ratio" and not view.record.memory_only:
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


def _wants_curves(experiment: Experiment) -> bool:
    return any(chart.kind == "memory_over_runs" for chart in experiment.charts)


def _curves(view: GroupView) -> list[Curve]:
    """RSS after each call that was watched, medians over the rounds; the last point is the end."""
    curves = []
    for case in view.record.cases:
        series = [
            s.figures.rss_bytes for samples in view.rounds for s in samples if s.case == case and s.figures
        ]
        complete = [[v for v in one if v is not None] for one in series if None not in one]
        if not complete:
            continue
        length = min(len(one) for one in complete)
        y = [round(median(one[i] for one in complete) / MIB, 2) for i in range(length)]
        curves.append(
            Curve(
                name="rss_mib",
                model=view.record.model,
                input=view.record.input,
                case=case,
                x=list(range(1, length + 1)),
                y=y,
            )
        )
    return curves


def _outputs(view: GroupView) -> list[OutputRow]:
    rows = []
    for case in view.record.cases:
        figures = [
            s.figures
            for samples in view.rounds
            for s in samples
            if s.case == case and s.figures and s.figures.outputs_compared
        ]
        if figures:
            rows.append(
                OutputRow(
                    model=view.record.model,
                    input=view.record.input,
                    case=case,
                    identical=all(f.outputs_identical for f in figures),
                    difference=max(f.outputs_difference for f in figures),
                )
            )
    return rows
