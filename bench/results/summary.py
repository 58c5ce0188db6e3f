"""From a journal to an `Export`: values of rounds, intervals, paired ratios, verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.results import stats
from bench.results.choice import choose
from bench.results.metrics import MIB
from bench.results.published import (
    Build,
    Curve,
    Export,
    GroupSummary,
    NoiseSummary,
    OperatorRow,
    OutputRow,
    ProofRow,
    Row,
)
from bench.results.records import Footer, GroupFacts
from bench.results.rows import rows_of
from bench.results.view import GroupView, Half
from bench.spec import BASELINE, CONTROL, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.results.records import GroupRecord, Header, Sample
    from bench.results.store import Journal
    from bench.spec import Case, Experiment


def summarise(experiment: Experiment, journal: Journal) -> Export:
    """Reduce a journal; one that is still being written, to what it holds by now."""
    header, footer = journal.header, journal.footer or _by_now(journal)
    half: Half | None = "published" if experiment.scenarios else None
    views = [GroupView(journal, record, half) for record in header.groups]
    rows = {view.record.index: rows_of(experiment.id, view, experiment.columns) for view in views}
    places = {record.index: _place(record) for record in header.groups}
    untimed = [(one, places[one.group]) for one in journal.untimed if one.group in places]
    build = Build(
        id=header.build,
        complete=journal.complete,
        planned_rounds=header.rounds,
        **header.model_dump(include={"profile", "started_at", "key", "dropped"}),
        **footer.model_dump(include={"finished_at", "measured_s", "rounds", "resumed"}),
    )
    return Export(
        experiment=experiment.id,
        build=build,
        machine=header.machine,
        software=header.software,
        groups=[_group_summary(view, rows[view.record.index]) for view in views],
        cases=_worded(experiment, header),
        rows=[row for found in rows.values() for row in found],
        curves=[curve for view in views for curve in _curves(view)] if _wants_curves(experiment) else [],
        proofs=[
            ProofRow(
                **place,
                case=one.case,
                outcome=one.outcome,
                evidence=one.failure.reason if one.failure else one.evidence,
            )
            for one, place in untimed
            if one.case != CONTROL
        ],
        outputs=[row for record in header.groups for row in _outputs(journal, record)],
        operators=[
            OperatorRow(**place, case=one.case, operators=one.operators)
            for one, place in untimed
            if one.operators
        ],
        reports=journal.reports,
        traces=journal.traces,
        choices=list(choose(experiment, journal)),
    )


def _by_now(journal: Journal) -> Footer:
    """The last line that a journal would get if its build ended here."""
    groups = journal.header.groups
    return Footer(
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        measured_s=round(sum(sample.wall_s for sample in journal.samples), 1),
        rounds=max([1, *(len(journal.final_rounds(group.index)) for group in groups)]),
        resumed=0,
    )


def _place(record: GroupRecord) -> dict[str, str]:
    return {"model": record.model, "input": record.input}


def _worded(experiment: Experiment, header: Header) -> list[Case]:
    """Cases as they were measured, under the titles that they have today."""
    machine = Machine.of(header.machine, header.software)
    titles = {case.id: case.title for case in experiment.cases(machine)}
    return [replace(case, title=titles.get(case.id, case.title)) for case in header.cases]


def _group_summary(view: GroupView, rows: Sequence[Row]) -> GroupSummary:
    record = view.record
    return GroupSummary(
        **{name: getattr(record, name) for name in GroupFacts.model_fields},
        note=record.note,
        calls=len(record.shapes),
        rounds=len(view.ends),
        **_looks(view, rows),
        dirty_rounds=view.dirty,
        repeated_rounds=view.repeated,
        noise_floor=round(view.noise_floor, 4),
        control_excludes_one=view.control_excludes_one,
        noisy=view.noisy,
        cost_s=round(view.cost_s, 1),
        farthest_baseline_s=round(view.farthest_s, 1),
        verdicts=view.judged,
        noise=_noise(view),
    )


def _looks(view: GroupView, rows: Sequence[Row]) -> dict[str, Any]:
    """What was settled when, what was not, and what it would take.

    A case that stayed to the last round and got its verdicts there is settled by it.
    """
    done, common = len(view.all_ends), (BASELINE, CONTROL)
    settled = {case: end.round + 1 for end in view.all_ends for case in end.settled}
    left = [c for c in view.record.cases if c not in (*settled, *common) and not view.failure(c)]
    unclear = {row.case for row in rows if row.verdict == "unclear"}
    unjudged = not view.judged or view.noisy or len(view.ends) < stats.MIN_ROUNDS
    still = [case for case in left if view.record.load.timed and (unjudged or case in unclear)]
    last = view.all_rounds[-1] if view.all_rounds else []
    return {
        "all_rounds": done,
        "looks": view.looks,
        "settled": settled | {case: done for case in left if case not in still},
        "open": still,
        "next_look": _next_look(view),
        "round_s": {
            case: round(sum(sample.wall_s for sample in last if sample.case == case), 2)
            for case in (*common, *still)
        },
    }


def _next_look(view: GroupView) -> int | None:
    done, counted = len(view.all_ends), len(view.ends)
    planned = next((one for one in view.looks if one > done), None)
    if planned or view.draft or not view.record.load.timed or counted >= stats.LAST_STEP:
        return planned
    return done + stats.at_step(counted + 1) - counted


def _noise(view: GroupView) -> NoiseSummary:
    """The worst over the rounds: one bad round is what a reader must know of."""
    seen = [end.noise for end in view.ends]
    phases = [s.figures.steady for samples in view.rounds for s in samples if s.figures]
    frequencies, free = _known(seen, "frequency_mhz"), _known(seen, "available_bytes")
    shares = ("others", "steal", "pressure", "held_back")
    return NoiseSummary(
        **{name: max((round(one, 4) for one in _known(seen, name)), default=None) for name in shares},
        **{name: _total(seen, name) for name in ("throttled", "retaken", "apart")},
        frequency_low_mhz=min(frequencies, default=None),
        frequency_high_mhz=max(frequencies, default=None),
        available_mib=min(free) >> 20 if free else None,
        involuntary_switches=_total(phases, "involuntary_switches"),
    )


def _total(records: Iterable[Any], field: str) -> int | None:
    known = _known(records, field)
    return sum(known) if known else None


def _known(records: Iterable[Any], field: str) -> list[Any]:
    return [value for one in records if (value := getattr(one, field)) is not None]


def _wants_curves(experiment: Experiment) -> bool:
    return any(chart.kind == "memory_over_runs" for chart in experiment.charts)


def _curves(view: GroupView) -> list[Curve]:
    """RSS after each call that was watched, medians over the rounds; the last point is the end."""
    curves = []
    for case in view.record.cases:
        rounds = [_complete(samples, case) for samples in view.rounds]
        length = min((len(one) for series in rounds for one in series), default=0)
        if not length:
            continue
        y = [
            round(median(median(one[i] for one in series) for series in rounds if series) / MIB, 2)
            for i in range(length)
        ]
        x = list(range(1, length + 1))
        curves.append(Curve(name="rss_mib", **_place(view.record), case=case, x=x, y=y))
    return curves


def _complete(samples: Sequence[Sample], case: str) -> list[list[int]]:
    """Readings of resident memory of a round's samples of a case, where none is missing."""
    series = [s.figures.rss_bytes for s in samples if s.case == case and s.figures]
    return [[v for v in one if v is not None] for one in series if None not in one]


def _outputs(journal: Journal, record: GroupRecord) -> list[OutputRow]:
    """Compared in the first process of each case, whether its round counts or was repeated."""
    rows = []
    for case in record.cases:
        figures = [
            s.figures
            for s in journal.samples
            if (s.group, s.case) == (record.index, case) and s.figures and s.figures.outputs.compared
        ]
        if figures:
            rows.append(
                OutputRow(
                    **_place(record),
                    case=case,
                    identical=all(f.outputs.identical for f in figures),
                    difference=max(f.outputs.difference for f in figures),
                )
            )
    return rows
