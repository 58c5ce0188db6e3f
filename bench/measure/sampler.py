"""One experiment under way: how a single sample, an untimed child or a line profile is had."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.measure import evidence
from bench.measure.child import LINE_MEMORY, Outcome, ended_badly, run_script, run_worker
from bench.measure.machine import free_memory, glibc_version
from bench.models import MODELS
from bench.results.schema import Failure, LineProfile, Untimed
from bench.spec import BASELINE, Case

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.models.prepared import Prepared
    from bench.results.store import Writer

TRANSIENT = ("crashed", "out_of_memory", "garbage")
"""Failures worth one second try: the child may have been ended by somebody else."""
PERMANENT = ("not_applicable", "unsupported")
MIN_TIMEOUT_S = 60.0
TIMEOUT_FACTOR = 30.0

WorkerCall = Callable[[Mapping[str, Any], Mapping[str, str], float], Outcome]


@dataclass(slots=True)
class Task:
    """One experiment of a build: its plan, its journal, and the cases that failed."""

    planned: PlannedExperiment
    writer: Writer
    models: Mapping[str, Prepared]
    work: Path
    """Scratch folder for the baseline's outputs."""
    worker: WorkerCall = run_worker
    failed: dict[tuple[int, str], Failure] = field(default_factory=dict)
    """(group index, case id) of what is not tried again."""

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        for record in self.writer.journal.untimed:
            self._note_permanent(record)
        for sample in self.writer.journal.samples:
            if sample.failure:
                self.failed[sample.group, sample.case] = sample.failure

    def name(self, group: PlannedGroup, case_id: str) -> str:
        return f"{self.planned.experiment.id} / {group.group.model} / {group.input.label} / {case_id}"

    def sample(self, group: PlannedGroup, case_id: str, idle_seconds: float, *, verify: bool) -> Outcome:
        """One timed process; a second try after a failure that may have come from outside.

        With `verify`, its outputs are compared with the baseline's afterwards.
        """
        case = self.planned.case(case_id)
        reference = self._reference(group)
        compare = verify and reference.exists()  # there is none when the baseline fails
        job = self._job(
            group,
            case,
            idle_seconds=idle_seconds,
            reference=str(reference) if compare else None,
            verify=self._verified(group) if compare else [],
        )
        outcome = self._start(group, job, case)
        if outcome.failure and outcome.failure.kind in TRANSIENT:
            outcome = self._start(group, job, case)
        outcome = _check_outputs(outcome, MODELS[group.group.model].tolerance)
        if outcome.failure:
            self.failed[group.index, case_id] = outcome.failure
        return outcome

    def observe(self, tell: Callable[[str], None]) -> None:
        """Untimed children: the baseline's outputs for each group, and once per case what it shows.

        A proof that compares with another case finds it observed: cases come in the order written.
        """
        facts = {record.case: record.facts for record in self.writer.journal.untimed}
        for group in self.planned.groups:
            for case_id in group.cases:
                lacks_reference = case_id == BASELINE and self._wants_reference(group)
                if case_id in facts and not lacks_reference:
                    continue
                tell(f"{self.name(group, case_id)} 验证设置生效")
                record = self._untimed(group, self.planned.case(case_id))
                if case_id not in facts:
                    facts[case_id] = record.facts
                    self._keep(record, facts)

    def _keep(self, record: Untimed, facts: Mapping[str, Mapping[str, float]]) -> None:
        """Judge what was observed and write it down."""
        proven, text = evidence.judge(self.planned.case(record.case).proof, record.case, facts)
        if record.failure is None:
            record = record.model_copy(update={"proven": proven, "evidence": text})
        self.writer.append(record)
        self._note_permanent(record)

    def profile_lines(self, tell: Callable[[str], None]) -> None:
        """memory_profiler's tables, on the group with the largest batch."""
        done = {record.case for record in self.writer.journal.line_profiles}
        group = max(self.planned.groups, key=lambda group: group.memory_bytes)
        for case_id in self.planned.experiment.line_profile:
            if case_id not in done:
                tell(f"{self.name(group, case_id)} 逐行内存表")
                self.writer.append(self._line_profile(group, self.planned.case(case_id)))

    def _start(self, group: PlannedGroup, job: Mapping[str, Any], case: Case) -> Outcome:
        if failure := _no_room(group):
            return Outcome(0.0, "", failure=failure)
        return self.worker(job, case.env, _timeout_s(group))

    def _job(self, group: PlannedGroup, case: Case, **changes: Any) -> dict[str, Any]:
        """The worker's job as plain data; see `bench.measure.worker`."""
        profile, prepared = self.planned.profile, self.models[group.group.model]
        model = MODELS[group.group.model]
        calls = len(group.input.shapes)
        return {
            "model": str(prepared.model_path),
            "input_name": model.input_name,
            "input": str(prepared.input_paths[group.input.label]),
            "shapes": group.input.shapes,
            "settings": dict(case.settings),
            "run_settings": dict(case.run_settings),
            "shared_arena": dict(case.shared_arena),
            "warm_up": 0
            if group.group.memory_only or calls > 1 or not profile.min_seconds
            else model.warm_up,
            "min_calls": 1 if group.group.memory_only else profile.min_calls,
            "min_seconds": 0 if group.group.memory_only else profile.min_seconds,
            "idle_seconds": 0.0,
            "observe": False,
            "verify": [],
            "reference": None,
            "write_reference": None,
            **changes,
        }

    def _verified(self, group: PlannedGroup) -> list[int]:
        """Places of the feeds whose outputs are compared."""
        return sorted({0, len(group.input.shapes) - 1})

    def _wants_reference(self, group: PlannedGroup) -> bool:
        """The large batch is not compared: the small one of the same model is."""
        return not group.group.memory_only and not self._reference(group).exists()

    def _reference(self, group: PlannedGroup) -> Path:
        return self.work / f"{self.planned.experiment.id}-{group.index}.npz"

    def _untimed(self, group: PlannedGroup, case: Case) -> Untimed:
        failure = _not_applicable(case)
        if failure is None:
            target = str(self._reference(group)) if case.id == BASELINE else None
            job = self._job(
                group,
                case,
                observe=True,
                write_reference=target,
                verify=self._verified(group) if target else [],
                min_seconds=0,
                warm_up=0,
            )
            outcome = self._start(group, job, case)
            failure = outcome.failure
        if failure:
            return Untimed(case=case.id, facts={}, proven=None, evidence="", failure=failure)
        assert outcome.figures
        arena = evidence.read_arena_log(outcome.log)
        facts = evidence.observe(outcome.figures, arena)
        return Untimed(case=case.id, facts=facts, regions=list(arena.regions), proven=None, evidence="")

    def _note_permanent(self, record: Untimed) -> None:
        if record.failure and record.failure.kind in PERMANENT:
            for group in self.planned.groups:
                self.failed[group.index, record.case] = record.failure

    def _line_profile(self, group: PlannedGroup, case: Case) -> LineProfile:
        failure, table = _no_room(group), ""
        if failure is None:
            status, output, log = run_script(LINE_MEMORY, self._job(group, case), case.env, _timeout_s(group))
            failure = ended_badly(status, output, log, _timeout_s(group))
            if failure is None:
                failure, table = _read_table(output)
        return LineProfile(
            case=case.id, model=group.group.model, input=group.input.label, table=table, failure=failure
        )


def _timeout_s(group: PlannedGroup) -> float:
    return max(MIN_TIMEOUT_S, TIMEOUT_FACTOR * group.group.seconds)


def _no_room(group: PlannedGroup) -> Failure | None:
    """Free memory may have shrunk since the plan was made; the machine is not brought down to find out."""
    if group.memory_bytes <= free_memory():
        return None
    reason = f"约需 {group.memory_bytes >> 20} MiB，此刻空闲内存不够，没有启动"
    return Failure(kind="out_of_memory", reason=reason)


def _not_applicable(case: Case) -> Failure | None:
    have = glibc_version()
    if case.needs_glibc is None or (have is not None and have >= case.needs_glibc):
        return None
    needed = ".".join(map(str, case.needs_glibc))
    return Failure(kind="not_applicable", reason=f"本机不适用：需要 glibc {needed} 以上")


def _check_outputs(outcome: Outcome, tolerance: float) -> Outcome:
    """A fast case with other outputs has failed."""
    figures = outcome.figures
    if figures is None or figures.outputs_difference <= tolerance:
        return outcome
    reason = f"输出与默认设置相差 {figures.outputs_difference:.2g}（相对），超过 {tolerance:g}"
    return Outcome(outcome.wall_s, outcome.log, failure=Failure(kind="wrong_output", reason=reason))


def _read_table(output: bytes) -> tuple[Failure | None, str]:
    """memory_profiler's table, without the folder that its source lies in."""
    try:
        table = json.loads(output)
    except ValueError:
        return Failure(kind="garbage", reason="memory_profiler 的表读不出来"), ""
    return None, re.sub(r"(?m)^Filename: .*[/\\]", "Filename: ", str(table))
