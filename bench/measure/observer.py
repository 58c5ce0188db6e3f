"""Children that are not timed: what shows of each case, the baseline's outputs, and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measure import evidence, proof, trace
from bench.measure.plan import identity
from bench.measure.proof import WITHOUT_OBSERVER
from bench.measure.task import compared_feeds, timeout_s
from bench.results.records import Failure, Told, Untimed
from bench.results.store import trace_path
from bench.spec import BASELINE, CONTROL
from bench.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.measure.child import Outcome
    from bench.measure.plan import PlannedGroup
    from bench.measure.task import Task
    from bench.measure.trace import Run
    from bench.spec import Case, Report

REPORT_FACTOR = 6.0
"""A report may take so many times as long as it says."""

Facts = dict[tuple[int, str], dict[str, float]]
"""(group index, case id) -> what was observed."""


Seen = tuple["Outcome", tuple["Run", ...]]
"""An untimed child, and the runs in its trace."""


def observe(task: Task, tell: Callable[[str], None], known: dict[str, Seen]) -> None:
    """An untimed child for each case: on every group where the experiment asks for it, else on one.

    A proof that compares with another case finds it observed: cases come in the order written. The default is
    observed on every group, so that nothing is ever held against the facts of another model. `known`: what
    other experiments have seen of equal processes; it grows.
    """
    facts: Facts = {(record.group, record.case): record.facts for record in task.writer.journal.untimed}
    for group, case_id in _wanted(task, facts):
        tell(f"{task.name(group, case_id)} 验证设置生效")
        record, runs = _untimed(task, group, task.planned.case(case_id), known)
        if (group.index, case_id) not in facts:
            facts[group.index, case_id] = record.facts
            _keep_trace(task, group, case_id, runs)  # first: a record says that nothing is left to observe
            task.writer.append(record)
            task.note_permanent(record)


def _wanted(task: Task, facts: Facts) -> Iterator[tuple[PlannedGroup, str]]:
    """What has not been observed, and the baselines whose outputs are still to be had."""
    for group in task.planned.groups:
        for case_id in group.cases:
            lacks_reference = case_id == BASELINE and _wants_reference(task, group)
            if lacks_reference or not _is_observed(task, facts, group, case_id):
                yield group, case_id


def _is_observed(task: Task, facts: Facts, group: PlannedGroup, case_id: str) -> bool:
    if case_id == CONTROL and not _needs_outside(task):
        return True
    if (group.index, case_id) in facts:
        return True
    others = [one for one in group.cases if one != BASELINE]
    if case_id == BASELINE and not all(_is_observed(task, facts, group, one) for one in others):
        return False
    return not task.planned.observes_each_group and any(case == case_id for _, case in facts)


def _needs_outside(task: Task) -> bool:
    """Whether a proof is about what the observer itself would make in the default."""
    return any(look.fact in WITHOUT_OBSERVER for case in task.planned.cases for look in case.proofs)


def _wants_reference(task: Task, group: PlannedGroup) -> bool:
    """The large batch is not compared: the small one of the same model is."""
    return group.timed and not task.reference(group).exists()


def _untimed(
    task: Task, group: PlannedGroup, case: Case, known: dict[str, Seen]
) -> tuple[Untimed, tuple[Run, ...]]:
    role = case.id if case.id in (BASELINE, CONTROL) else ""  # one writes outputs, the other is not watched
    same = f"{identity(task.planned, group, case)} {role} {task.planned.watches_idle}"
    if same not in known or _wanted_trace(task) == (case.id, group.index):
        known[same] = _child(task, group, case)
    outcome, runs = known[same]
    if outcome.figures is None:
        nothing: dict[str, Any] = {"facts": {}, "outcome": None, "evidence": ""}
        return Untimed(group=group.index, case=case.id, failure=outcome.failure, **nothing), ()
    return _record(task, group, case, outcome, runs), runs


def _child(task: Task, group: PlannedGroup, case: Case) -> Seen:
    """A process that is observed; that of the baseline writes the outputs with which others are compared."""
    reference = task.reference(group)
    part = reference.with_name(f"part-{reference.name}")  # outputs cut short must not pass for the whole
    target = str(part) if case.id == BASELINE and group.timed else None
    changes = {
        "observe": True,
        "processes": case.load.processes if case.load else 1,
        "verbose": case.id != CONTROL,
        "write_reference": target,
        "verify": compared_feeds(group) if target else [],
        "min_seconds": 0,
        "min_calls": 1 if len(group.input.shapes) > 1 else task.planned.profile.min_calls,
        "warm_up": 0,
        "idle_seconds": evidence.IDLE_SECONDS if task.planned.watches_idle else 0.0,
    }
    task.trace_path.unlink(missing_ok=True)
    outcome = task.start(group, case, changes)
    if outcome.figures is None:
        return outcome, ()
    if target:
        part.replace(reference)
    return outcome, runs_of(task.trace_path)


def _record(task: Task, group: PlannedGroup, case: Case, outcome: Outcome, runs: tuple[Run, ...]) -> Untimed:
    """Facts of a child, and what they prove beside those of the same model and input."""
    assert outcome.figures
    if case.id == CONTROL:
        own = evidence.observe_from_outside(outcome.figures, outcome.log)
    else:
        opened = task.file(group, case), group.settled(case).subject
        own = evidence.observe(case, outcome.figures, outcome.log, runs, opened)
    beside = {one.case: one.facts for one in task.writer.journal.untimed if one.group == group.index}
    proven, text = proof.judge(
        case, {**beside, case.id: own}, outcome.figures.unchanged, group.group.settings
    )
    return Untimed(
        group=group.index,
        case=case.id,
        facts=own,
        regions=[region.size for region in evidence.read_arena_log(outcome.log)[0]],
        operators=trace.operators(runs),
        outcome=proven,
        evidence=text,
    )


def runs_of(path: Path) -> tuple[Run, ...]:
    """None of them where the trace cannot be read: what it would have told then counts as not seen."""
    try:
        return trace.read_runs(path) if path.exists() else ()
    except ValueError:
        return ()


def _keep_trace(task: Task, group: PlannedGroup, case_id: str, runs: tuple[Run, ...]) -> None:
    """The analysis of the trace that the experiment is about, and the file for readers."""
    if _wanted_trace(task) == (case_id, group.index) and runs:
        task.trace_path.replace(trace_path(task.writer.journal.path))
        summary = trace.summarise(runs, case_id, group.group.model, group.input.label)
        task.writer.append(summary)


def _wanted_trace(task: Task) -> tuple[str, int] | None:
    """(case, index of its group) whose trace is still to be kept."""
    return None if task.writer.journal.traces else task.planned.experiment.keep_trace


def run_reports(task: Task, tell: Callable[[str], None]) -> None:
    """Reports of subjects that make some, on the group with the largest batch."""
    if not task.planned.groups:
        return
    done = {(told.subject, told.case) for told in task.writer.journal.reports}
    group = task.planned.hungriest
    for wanted in task.planned.experiment.reports:
        for case_id in wanted.cases:
            if (wanted.subject, case_id) not in done:
                tell(f"{task.name(group, case_id)} {SUBJECTS[wanted.subject]}")
                failure, lines = report(task, group, task.planned.case(case_id), wanted)
                of: dict[str, Any] = {"case": case_id, "model": group.group.model, "input": group.input.label}
                task.writer.append(Told(subject=wanted.subject, **of, lines=lines, failure=failure))


def report(
    task: Task, group: PlannedGroup, case: Case, wanted: Report
) -> tuple[Failure | None, dict[str, list[str]]]:
    """What a reporting subject says of a case: lines of text under headings."""
    if failure := task.hindrance(group, case):
        return failure, {}
    job = task.job(group, case, subject=wanted.subject, report=True)
    patience = max(timeout_s(group, case), REPORT_FACTOR * (wanted.seconds or 0))
    outcome = task.worker(job, group.settled(case).place.env, patience)
    return outcome.failure, {} if outcome.failure else outcome.lines
