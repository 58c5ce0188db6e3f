"""One experiment under way: how a single timed sample is had."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.measure.applicable import PERMANENT, no_room, not_applicable
from bench.measure.child import Outcome, run_worker
from bench.models import MODELS
from bench.results import plausible
from bench.results.schema import Failure
from bench.spec import BASELINE, Case

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.models.prepared import Prepared
    from bench.results.schema import Untimed
    from bench.results.store import Writer

TRANSIENT = ("crashed", "out_of_memory", "garbage")
"""Failures worth one second try: the child may have been ended by somebody else."""
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
    """Scratch folder for the baseline's outputs, saved models and traces."""
    worker: WorkerCall = run_worker
    failed: dict[tuple[int, str], Failure] = field(default_factory=dict)
    """(group index, case id) of what is not tried again."""
    _failures: Counter[tuple[int, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        for record in self.writer.journal.untimed:
            self.note_permanent(record)
        for sample in self.writer.journal.samples:
            if sample.failure:
                self._note_failure(sample.group, sample.case, sample.failure)
        self.planned = replace(self.planned, measured={**self.planned.measured, **self._lengths()})

    def name(self, group: PlannedGroup, case_id: str) -> str:
        return f"{self.planned.experiment.id} / {group.group.model} / {group.input.label} / {case_id}"

    def sample(self, group: PlannedGroup, case_id: str) -> Outcome:
        """One timed process; the first that succeeds has its outputs compared with the baseline's afterwards."""
        case = self.planned.case(case_id)
        reference = self.reference(group)
        compare = reference.exists() and not self._has_figures(group, case_id)  # none when the baseline fails
        changes = {
            "reference": str(reference) if compare else None,
            "verify": compared_feeds(group) if compare else [],
            "processes": group.group.processes,
        }
        outcome = _check_outputs(self.start(group, case, changes), MODELS[group.group.model].tolerance)
        if outcome.failure:
            self._note_failure(group.index, case_id, outcome.failure)
        return outcome

    def _has_figures(self, group: PlannedGroup, case_id: str) -> bool:
        samples = self.writer.journal.samples
        return any((s.group, s.case) == (group.index, case_id) and s.figures for s in samples)

    def _note_failure(self, index: int, case_id: str, failure: Failure) -> None:
        """What came from outside gets another round; a second failure, or one that would only come again, none."""
        self._failures[index, case_id] += 1
        if failure.kind not in TRANSIENT or self._failures[index, case_id] > 1:
            self.failed[index, case_id] = failure

    def start(self, group: PlannedGroup, case: Case, changes: Mapping[str, Any]) -> Outcome:
        """One process of the worker, unless it could not or must not run here; another one after a failure from outside."""
        if failure := not_applicable(group, case) or no_room(group):
            return Outcome(0.0, "", failure=failure)
        if case.saved_by and (failure := self._save_model(group, case)):
            return Outcome(0.0, "", failure=failure)
        return self._child(group, case, self.job(group, case, **changes))

    def _child(self, group: PlannedGroup, case: Case, job: Mapping[str, Any]) -> Outcome:
        outcome = self.worker(job, case.env, timeout_s(group))
        if outcome.failure and outcome.failure.kind in TRANSIENT:
            outcome = self.worker(job, case.env, timeout_s(group))
        return self._believed(group, outcome)

    def _believed(self, group: PlannedGroup, outcome: Outcome) -> Outcome:
        """Figures that cannot be are a failure of this one process; written down, they would spoil the journal."""
        if outcome.figures is None:
            return outcome
        header = self.writer.journal.header
        record = next(one for one in header.groups if one.index == group.index)
        try:
            plausible.check(plausible.FIGURES, plausible.Process.of(outcome.figures, record, header))
        except plausible.Implausible as broken:
            failure = Failure(kind="garbage", reason=f"数字自相矛盾：{broken}")
            return Outcome(outcome.wall_s, outcome.log, failure=failure)
        return outcome

    def job(self, group: PlannedGroup, case: Case, **changes: Any) -> dict[str, Any]:
        """The worker's job as plain data; see `bench.measure.worker`."""
        profile, prepared = self.planned.profile, self.models[group.group.model]
        model = MODELS[group.group.model]
        calls = len(group.input.shapes)
        path = self._saved_model(group, case) if case.saved_by else prepared.model_path
        settled = group.group.memory_only or calls > 1 or not profile.min_seconds
        return {
            "model": str(path),
            "input_name": model.input_name,
            "input": str(prepared.input_paths[group.input.label]),
            "shapes": group.input.shapes,
            "settings": dict(case.settings),
            "run_settings": dict(case.run_settings),
            "shared_arena": dict(case.shared_arena),
            "cpus": self.planned.cpus(group),
            "processes": 1,
            "company": False,
            "trace_prefix": str(self.trace_path),
            "warm_up": 0 if settled else model.warm_up,
            "min_calls": 1 if group.group.memory_only else profile.min_calls,
            "min_seconds": 0 if group.group.memory_only else profile.min_seconds,
            "idle_seconds": 0.0,  # only observed children are watched doing nothing
            "observe": False,
            "verbose": False,
            "verify": [],
            "reference": None,
            "write_reference": None,
            **changes,
        }

    @property
    def trace_path(self) -> Path:
        return self.work / f"{self.planned.experiment.id}-trace"

    def reference(self, group: PlannedGroup) -> Path:
        return self.work / f"{self.planned.experiment.id}-{group.index}.npz"

    def length(self, group: PlannedGroup) -> float | None:
        """Seconds of one sample of the default, start to end; None where it fails."""
        outcome = self.start(group, self.planned.case(BASELINE), {"processes": group.group.processes})
        return outcome.wall_s if outcome.figures else None

    def _lengths(self) -> dict[int, float]:
        """Index of a group -> length of a sample, as those on disk took."""
        taken: dict[int, list[float]] = defaultdict(list)
        for sample in self.writer.journal.samples:
            taken[sample.group].append(sample.wall_s)
        return {index: median(walls) for index, walls in taken.items()}

    def note_permanent(self, record: Untimed) -> None:
        """What cannot run here at all is not tried in any group."""
        if record.failure and record.failure.kind in PERMANENT:
            for group in self.planned.groups:
                self.failed[group.index, record.case] = record.failure

    def _saved_model(self, group: PlannedGroup, case: Case) -> Path:
        return self.work / f"{self.planned.experiment.id}-{group.index}-{case.id}.onnx"

    def _save_model(self, group: PlannedGroup, case: Case) -> Failure | None:
        """Let a process of its own save the optimised copy, once a build."""
        path = self._saved_model(group, case)
        if path.exists():
            return None
        part = path.with_name(f"part-{path.name}")  # a save cut short must not pass for the copy
        settings = {**case.saved_by, "optimized_model_filepath": str(part)}
        plain = Case(id=BASELINE, title="")
        job = self.job(group, plain, settings=settings, warm_up=0, min_calls=1, min_seconds=0)
        failure = self._child(group, case, job).failure
        if failure is None:
            part.replace(path)
        return failure


def compared_feeds(group: PlannedGroup) -> list[int]:
    """Places of the feeds whose outputs are compared."""
    return sorted({0, len(group.input.shapes) - 1})


def timeout_s(group: PlannedGroup) -> float:
    """Far beyond what a sample takes on a usual machine."""
    return max(MIN_TIMEOUT_S, TIMEOUT_FACTOR * group.group.seconds)


def _check_outputs(outcome: Outcome, tolerance: float) -> Outcome:
    """A fast case with other outputs has failed."""
    figures = outcome.figures
    if figures is None or figures.outputs_difference <= tolerance:
        return outcome
    reason = f"输出与默认设置相差 {figures.outputs_difference:.2g}（相对），超过 {tolerance:g}"
    return Outcome(outcome.wall_s, outcome.log, failure=Failure(kind="wrong_output", reason=reason))
