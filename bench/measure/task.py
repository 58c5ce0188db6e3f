"""One experiment under way: how a single sample is had."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import subjects, variants
from bench.measure import hindrances, variant_files
from bench.measure.child import Outcome, run_worker
from bench.measure.plan import identity
from bench.models import MODELS
from bench.results import looks, plausible
from bench.results.records import Failure
from bench.spec import BASELINE, Case, Load

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.models.prepared import Prepared
    from bench.results.records import Untimed
    from bench.results.store import Writer
    from bench.results.view import GroupView

TRANSIENT = ("crashed", "out_of_memory", "garbage")
"""Failures worth one second try: the child may have been ended by somebody else."""
PERMANENT = ("not_applicable", "unsupported")
EXPECTED = {"crash": ("crashed",), "hang": ("timeout",)}
"""What a case is there to show -> the failures that show it."""
MIN_TIMEOUT_S = 60.0
TIMEOUT_FACTOR = 30.0
HANG_S, HANG_FACTOR = 15.0, 5.0
"""How long a case that is expected to hang is waited for: at least so long, and so many times a usual sample."""

WorkerCall = Callable[[Mapping[str, Any], Mapping[str, str], float], Outcome]
Leaves = Callable[["GroupView", str, Collection[str]], bool]
FEW_FEEDS = 8
"""Of so many, the outputs of all are compared."""


@dataclass(slots=True)
class Task:
    """One experiment of a build: its plan, its journal, and the cases that failed."""

    planned: PlannedExperiment
    writer: Writer
    models: Mapping[str, Prepared]
    work: Path
    """Scratch folder for the baseline's outputs, variants of models and traces."""
    worker: WorkerCall = run_worker
    leaves: Leaves = looks.settled
    """Whether more rounds would change nothing for a case; asked at looks."""
    failed: dict[tuple[int, str], Failure] = field(default_factory=dict)
    """(group index, case id) of what is not tried again."""
    settled: set[tuple[int, str]] = field(default_factory=set)
    """(group index, case id) of what has left its group: more rounds would change nothing."""
    _failures: Counter[tuple[int, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.work.mkdir(parents=True, exist_ok=True)
        for record in self.writer.journal.untimed:
            self.note_permanent(record)
        for sample in self.writer.journal.samples:
            if sample.failure:
                self.note_failure(sample.group, sample.case, sample.failure)
        for end in self.writer.journal.rounds:
            self.settled |= {(end.group, case) for case in end.settled}
        self.planned = replace(self.planned, measured={**self.planned.measured, **self._lengths()})

    def name(self, group: PlannedGroup, case_id: str) -> str:
        return f"{self.planned.experiment.id} / {group.group.model} / {group.input.label} / {case_id}"

    def sample(self, group: PlannedGroup, case_id: str, *, compare: bool) -> Outcome:
        """One timed process; where asked, its outputs are compared with the baseline's afterwards."""
        case = self.planned.case(case_id)
        reference = self.reference(group)
        compare = compare and reference.exists()  # it does not when the baseline fails
        changes = {
            "reference": str(reference) if compare else None,
            "verify": compared_feeds(group) if compare else [],
            "processes": group.settled(case).load.processes,
        }
        outcome = self.start(group, case, changes)
        settled = group.settled(case)
        if settled.variant in variants.LOSSY or settled.subject.name in subjects.FOREIGN:
            return outcome
        return _check_outputs(outcome, MODELS[group.group.model].tolerance)

    def note_failure(self, index: int, case_id: str, failure: Failure) -> None:
        """What came from outside gets another round; a second failure, or one that would only come again, none."""
        self._failures[index, case_id] += 1
        if failure.kind not in TRANSIENT or self._failures[index, case_id] > 1:
            self.failed[index, case_id] = failure

    def start(self, group: PlannedGroup, case: Case, changes: Mapping[str, Any]) -> Outcome:
        """One process of the worker, unless it could not or must not run here."""
        if failure := self.hindrance(group, case):
            return Outcome(0.0, "", failure=failure)
        return self._child(group, case, self.job(group, case, **changes))

    def hindrance(self, group: PlannedGroup, case: Case) -> Failure | None:
        """Why a process of this case is not even started; the file that it opens is there afterwards."""
        return hindrances.of(self.planned, group, case) or self._make_variant(group, case)

    def _child(self, group: PlannedGroup, case: Case, job: Mapping[str, Any]) -> Outcome:
        """Another one after a failure from outside, unless the case is there to fail."""
        env, timeout = group.settled(case).place.env, timeout_s(group, case)
        outcome = self.worker(job, env, timeout)
        if outcome.failure and outcome.failure.kind in EXPECTED.get(case.expected, ()):
            reason = f"如预期：{outcome.failure.reason}"
            return replace(outcome, failure=Failure(kind="expected", reason=reason))
        if outcome.failure and outcome.failure.kind in TRANSIENT:
            outcome = self.worker(job, env, timeout)
        return self._believed(group, case, outcome)

    def _believed(self, group: PlannedGroup, case: Case, outcome: Outcome) -> Outcome:
        """Figures that cannot be are a failure of this one process; written down, they would spoil the journal."""
        if outcome.figures is None:
            return outcome
        header = self.writer.journal.header
        record = next(one for one in header.groups if one.index == group.index)
        try:
            plausible.check(plausible.FIGURES, plausible.Process.of(outcome.figures, case.id, record, header))
        except plausible.Implausible as broken:
            failure = Failure(kind="garbage", reason=f"数字自相矛盾：{broken}")
            return replace(outcome, figures=None, failure=failure)
        return outcome

    def job(self, group: PlannedGroup, case: Case, **changes: Any) -> dict[str, Any]:
        """The worker's job as plain data; see `bench.measure.worker`."""
        profile, prepared = self.planned.profile, self.models[group.group.model]
        model, settled = MODELS[group.group.model], group.settled(case)
        timed = settled.load.timed
        steady_at_once = not timed or len(group.input.shapes) > 1 or not profile.min_seconds
        inputs = prepared.input_paths[group.input.label]
        return {
            "subjects": str(subjects.FOLDER),
            "subject": settled.subject.name,
            "options": dict(settled.subject.options),
            "variant": settled.variant,
            "model": str(self.file(group, case)),
            "inputs": [{name: str(path) for name, path in files.items()} for files in inputs],
            "shapes": [model.shapes(feed) for feed in group.input.shapes],
            "settings": dict(settled.settings),
            "run_settings": dict(case.run_settings),
            "cpus": self.planned.cpus(settled.place.cores),
            "quota": self.planned.quota(settled.place),
            "python": hindrances.runtime(settled.place),
            "callers": settled.load.callers,
            "gap_seconds": settled.load.gap_ms / 1000,
            "processes": 1,
            "company": False,
            "report": False,
            "trace_prefix": str(self.trace_path),
            "warm_up": 0 if steady_at_once else model.warm_up,
            "min_calls": self._least_calls(settled.load),
            "min_seconds": profile.min_seconds if timed else 0,
            "idle_seconds": 0.0,  # only observed children are watched doing nothing
            "observe": False,
            "verbose": False,
            "verify": [],
            "decides": model.decides,
            "reference": None,
            "write_reference": None,
            **changes,
        }

    def _least_calls(self, load: Load) -> int:
        least = self.planned.profile.min_calls
        if not load.timed:
            return load.calls or 1
        return min(least, load.calls or least) if self.planned.profile.small else load.calls or least

    @property
    def trace_path(self) -> Path:
        return self.work / f"{self.planned.experiment.id}-trace"

    def reference(self, group: PlannedGroup) -> Path:
        """The baseline's outputs: those of all groups that have the same."""
        name = identity(self.planned, group, self.planned.case(BASELINE))
        return self.work / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npz"

    def length(self, group: PlannedGroup) -> float | None:
        """Seconds of one sample of the default, start to end; None where it fails."""
        changes = {"processes": group.group.load.processes}
        outcome = self.start(group, self.planned.case(BASELINE), changes)
        return outcome.wall_s if outcome.figures else None

    def _lengths(self) -> dict[int, float]:
        """Index of a group -> length of a sample, as those on disk took."""
        taken: dict[int, list[float]] = defaultdict(list)
        for sample in self.writer.journal.samples:
            taken[sample.group].append(sample.wall_s)
        return {index: median(walls) for index, walls in taken.items()}

    def note_permanent(self, record: Untimed) -> None:
        """What cannot run here at all is not tried in any group; what failed as expected may go otherwise in another."""
        failure = record.failure
        if failure and failure.kind == "expected":
            self.failed[record.group, record.case] = failure
        elif failure and failure.kind in PERMANENT:
            self.failed |= {(group.index, record.case): failure for group in self.planned.groups}

    def file(self, group: PlannedGroup, case: Case) -> Path:
        """What the subject opens."""
        variant = group.settled(case).variant
        if variant == variants.AS_BUILT:
            return self.models[group.group.model].model_path
        return self.work / f"{group.group.model}-{variant}" / variants.file_name(variant)

    def _make_variant(self, group: PlannedGroup, case: Case) -> Failure | None:
        variant, path = group.settled(case).variant, self.file(group, case)
        if variant == variants.AS_BUILT or path.exists():
            return None
        return variant_files.make(
            variant, path.parent, self.models[group.group.model], timeout_s(group, case)
        )


def compared_feeds(group: PlannedGroup) -> list[int]:
    """Places of the feeds whose outputs are compared: all of a few, else the first and the last."""
    count = len(group.input.shapes)
    return [*range(count)] if count <= FEW_FEEDS else [0, count - 1]


def timeout_s(group: PlannedGroup, case: Case) -> float:
    """Far beyond what a sample takes on a usual machine."""
    least, factor = (HANG_S, HANG_FACTOR) if case.expected == "hang" else (MIN_TIMEOUT_S, TIMEOUT_FACTOR)
    return max(least, factor * group.group.seconds)


def _check_outputs(outcome: Outcome, tolerance: float) -> Outcome:
    """A fast case with other outputs has failed."""
    figures = outcome.figures
    if figures is None or figures.outputs.difference <= tolerance:
        return outcome
    reason = f"输出与默认设置相差 {figures.outputs.difference:.2g}（相对），超过 {tolerance:g}"
    return replace(outcome, figures=None, failure=Failure(kind="wrong_output", reason=reason))
