"""Exports that were never measured: every figure of an experiment, in whatever direction a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from samples import Make

from bench.experiments import EXPERIMENTS
from bench.pages.words import Words
from bench.results import published, records
from bench.results.metrics import FACTS, METRICS
from bench.results.rows import rows_of
from bench.results.stats import TINY, Estimate
from bench.results.summary import _group_summary
from bench.results.view import DRAFT_PROFILES, TOO_NOISY, GroupView
from bench.spec import BASELINE, CONTROL, SINGLE, LargestBatch, Machine, nothing_lacking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.results.metrics import Metric
    from bench.spec import Case, Experiment

USUAL = {
    "latency_ms": 10.0, "p95_ms": 12.0, "calls_per_s": 100.0, "session_ms": 12.0, "first_run_ms": 30.0,
    "second_run_ms": 20.0, "cpu_s": 0.02, "cores_used": 2.0, "idle_cpu_s": 0.35, "open_peak_mib": 70.0,
    "base_mib": 60.0, "after_first_mib": 800.0, "after_second_mib": 1600.0, "peak_mib": 1600.0, "kept_mib": 1600.0,
    "kept_trimmed_mib": 1590.0, "share_mib": 800.0, "trim_ms": 5.0, "throttled": 40.0, "gflop_per_s": 200.0, "gib_per_s": 20.0, "agreement": 100.0, "cosine": 1.0, "file_mib": 10.0, "grown_mib_per_1000": 0.0, "minor_faults": 12.0, "threads": 2.0, "nodes": 120.0,
    "overlapping_nodes": 0.0, "node_threads": 1.0, "session_info_lines": 0.0,
}  # fmt: skip
"""What the default is given in every group, and every other case where a test says nothing else."""
NO_PROC = tuple(metric.id for metric in METRICS.values() if not metric.told)
"""What cannot be read without /proc."""
WILD = 1.5 * TOO_NOISY
"""Noise of a group that must not be quoted."""
MEMORY = ("peak_mib", "kept_mib", "kept_trimmed_mib")
TIMED = {
    "latency_ms": "ratio",
    "p95_ms": "p95_ratio",
    "calls_per_s": "calls_ratio",
    "session_ms": "open_ratio",
}
"""What is compared with the default -> by which ratio."""

Where = tuple[int | None, str | None]  # index of a group, and a case; None: any
Place = tuple[int | None, str | None, str]  # the same, and a metric


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A result of an experiment; a test names only what it is about."""

    experiment: str
    cores: int = 2
    profile: records.Profile = "default"
    rounds: int = 9
    looks: Sequence[int] = ()  # rounds after which cases leave; none: the last one
    settled: Mapping[str, int] = field(
        default_factory=dict
    )  # case -> rounds after which it left; a process takes 1 s
    busy: bool = False  # every round is dirty: figures without verdicts
    noise_floor: float = 0.02
    noisy: Sequence[int] = ()  # groups in which identical settings differed too much
    farthest_baseline_s: float = 2.0
    groups: Sequence[int] | None = None  # those that this machine could hold; None: all
    time: float = 1.0  # latency of other cases, over the default's; so are p95 and the time between calls
    half_width: float = 0.01  # of the interval of every ratio
    memory: float = 1.0  # peak and kept memory of other cases, over the default's
    memory_spread: float = 0.0  # share by which the rounds lie around the median, on both sides
    outcomes: Mapping[Where, records.Outcome] = field(default_factory=dict)  # else everything takes effect
    values: Mapping[Place, float] = field(default_factory=dict)
    """Figures that differ; for `ratio`, the latency follows, and what is not said of p95 and calls per second."""
    half_widths: Mapping[Place, float] = field(default_factory=dict)
    failures: Mapping[Where, str] = field(default_factory=dict)  # reasons
    failed_rounds: Mapping[Where, int] = field(default_factory=dict)  # the other rounds give the figures
    absent: Sequence[str] = ()  # metrics that this machine lacks
    machine: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # by case, in every group
    transcripts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    traces: Sequence[records.TraceSummary] = ()
    choices: Sequence[published.Choice] = ()
    titles: Mapping[str, str] = field(default_factory=dict)  # of cases, where they differ
    denormals: int = 0  # weights, of ten
    model_title: str | None = None
    input: str | None = None  # label of every input

    @property
    def spec(self) -> Experiment:
        return EXPERIMENTS[self.experiment]

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return self.spec.cases(Machine(cores=self.cores))

    def words(self) -> Words:
        return Words(self.export())

    def export(self) -> published.Export:
        every = range(len(self.spec.groups))
        views = [_View(self, index) for index in (every if self.groups is None else self.groups)]
        fields = {*published.Build.model_fields}
        lines = Make().header(profile=self.profile, rounds=self.rounds), Make().footer(self.rounds)
        told = {name: value for line in lines for name, value in line.model_dump(include=fields).items()}
        machine = {"cpu": "某处理器", "cores": self.cores, "logical_cores": 2, "physical_cores": 2}
        far, no_ends = {"farthest_baseline_s": self.farthest_baseline_s}, {"low": None, "high": None}
        rows = [rows_of(self.experiment, view, self.spec.columns) for view in views]
        return published.Export(
            experiment=self.experiment,
            build=published.Build(id=lines[0].build, complete=True, planned_rounds=self.rounds, **told),
            machine={**machine, **self.machine},
            software={"onnxruntime": "1.31.1"},
            groups=[
                _group_summary(view, own).model_copy(update=far)
                for view, own in zip(views, rows, strict=True)
            ],
            cases=[
                replace(one, title=self.titles.get(one.id, one.title), proofs=(), lacking=nothing_lacking)
                for one in self.cases  # as they come back from a file
            ],
            rows=[
                row
                if row.low is None or METRICS[row.metric].kind == "ratio"
                else row.model_copy(update=no_ends)
                for row in chain(*rows)
            ],
            curves=[],
            proofs=[
                published.ProofRow(**view.at, case=case, outcome=view.outcome(case), evidence="看到的")
                for view in views
                for case in view.record.cases
                if case != CONTROL
            ],
            outputs=[],
            operators=[
                published.OperatorRow(**view.at, case=case, operators=operators)
                for view in views
                for case, operators in self.operators.items()
            ],
            reports=[
                records.Told(subject="log_lines", case=case, model="tiny", input="batch=16", lines=lines)
                for case, lines in self.transcripts.items()
            ],
            traces=list(self.traces),
            choices=list(self.choices),
        )


@cache
def _sample(case: str) -> records.Sample:
    return Make().sample(case)


class _View(GroupView):
    """A group of whose samples a test says what they would give."""

    def __init__(self, told: MadeUp, index: int) -> None:
        group, self.told = told.spec.groups[index], told
        largest = isinstance(group.input, LargestBatch)
        label = f"batch={group.input.limit}" if largest else group.input.label
        self.at = {
            "model": group.model,
            "input": f"{index} {told.input}" if told.input else group.label(label),
        }
        self.record = Make().group_record(
            index=index,
            **self.at,
            model_title=told.model_title or f"某网络 {group.model}",
            shapes=[{}] * (1 if largest else len(group.input.shapes)),
            denormals=told.denormals,
            cases=list(group.cases or (case.id for case in told.cases)),
            **{name: getattr(group, name) for name in ("settings", "subject", "variant", "load", "place")},
        )
        self.ends = self.all_ends = [
            Make().end(n, dirty=told.busy, settled=[one for one, at in told.settled.items() if at == n + 1])
            for n in range(told.rounds if group.load.timed else 1)
        ]
        self.rounds, self.repeated, self.cost_s = [], 0, 1.0
        self.all_rounds = [[_sample(case) for case in (BASELINE, *self.record.cases)]]
        self.looks = [*told.looks] if told.looks and group.load.timed else [len(self.ends)]
        self.draft = told.profile in DRAFT_PROFILES
        able = [case for case in self.record.cases if not self.failure(case)]
        facts = {case: {name: self._value(case, name) for name in FACTS} for case in able}
        self.facts = {c: {name: v for name, v in one.items() if v is not None} for c, one in facts.items()}

    def _control(self, _: Metric) -> Estimate:
        noise = WILD if self.record.index in self.told.noisy else self.told.noise_floor
        return Estimate(1.0, 1 - noise, 1 + noise, len(self.ends))

    def outcome(self, case: str) -> records.Outcome | None:
        return None if case in (BASELINE, CONTROL) else self._said(self.told.outcomes, case) or "effect"

    def failure(self, case: str) -> str | None:
        return self._said(self.told.failures, case)

    def failed_rounds(self, case: str) -> int:
        return self._said(self.told.failed_rounds, case) or 0

    def enough_calls(self, metric: Metric, *_: str) -> bool:
        return metric.id not in self.told.absent

    def values(self, case: str, metric: Metric) -> list[float]:
        """What the rounds gave: one half of them as far below what a test says as the other half is above."""
        of_ratio, spread = metric.kind == "ratio", self.told.memory_spread * (metric.kind == "memory")
        held = {case, metric.than, BASELINE} if of_ratio else {case}
        middle = self._ratio(case, metric.of) if of_ratio else self._value(case, metric.id)
        if middle is None or not held <= {*self.facts} or not self.enough_calls(metric):
            return []
        half = middle * spread
        if of_ratio:
            said = self._said(self.told.half_widths, case, "ratio")
            half = self.told.half_width if said is None else said
            middle /= 1.0 if metric.than == BASELINE else self._ratio(metric.than, metric.of)
        inverse, count = metric.than == SINGLE, max(3 if spread else 1, len(self.ends))
        middle = 1 / middle if inverse else middle
        values = [middle - half] * (count // 2) + [middle] * (count % 2) + [middle + half] * (count // 2)
        return [1 / (value or TINY) for value in values] if inverse else values

    def _ratio(self, case: str, of: str) -> float:
        said = self._said(self.told.values, case, TIMED[of])
        if said is not None:
            return said
        if of in ("p95_ms", "calls_per_s"):
            value = self._ratio(case, "latency_ms")
            return 1 / value if METRICS[of].better == "more" else value
        return 1.0 if of == "session_ms" or case in (BASELINE, CONTROL) else self.told.time

    def _value(self, case: str, metric: str) -> float | None:
        if metric in self.told.absent:
            return None
        said, usual = self._said(self.told.values, case, metric), USUAL.get(metric)
        if said is not None or usual is None:
            return said
        if metric in TIMED:
            return usual * self._ratio(case, metric)
        return usual * self.told.memory if metric in MEMORY and case not in (BASELINE, CONTROL) else usual

    def _said(self, said: Mapping[Any, Any], case: str, *metric: str) -> Any:
        """What was said of a place, the most precise first."""
        if not said:
            return None
        index = self.record.index
        places = ((index, case), (None, case), (index, None), (None, None))
        return next((said[*one, *metric] for one in places if (*one, *metric) in said), None)
