"""Exports that were never measured: every figure of an experiment, in whatever direction a test wants."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.experiments import EXPERIMENTS
from bench.results import published, records, stats
from bench.results.metrics import METRICS
from bench.results.stats import Estimate
from bench.results.view import TOO_NOISY
from bench.spec import (
    BASELINE,
    CONTROL,
    SINGLE,
    Case,
    Experiment,
    Group,
    LargestBatch,
    Machine,
    nothing_lacking,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.pages.words import Words
    from bench.results.metrics import Metric

USUAL = {
    "latency_ms": 10.0,
    "p95_ms": 12.0,
    "calls_per_s": 100.0,
    "session_ms": 12.0,
    "first_run_ms": 30.0,
    "second_run_ms": 20.0,
    "cpu_s": 0.02,
    "cores_used": 2.0,
    "idle_cpu_s": 0.35,
    "open_peak_mib": 70.0,
    "base_mib": 60.0,
    "after_first_mib": 800.0,
    "after_second_mib": 1600.0,
    "peak_mib": 1600.0,
    "kept_mib": 1600.0,
    "kept_trimmed_mib": 1590.0,
    "grown_mib_per_1000": 0.0,
    "minor_faults": 12.0,
    "threads": 2.0,
    "nodes": 120.0,
    "overlapping_nodes": 0.0,
    "node_threads": 1.0,
    "session_info_lines": 0.0,
}
"""What the default is given in every group, and every other case where a test says nothing else."""
NO_PROC = tuple(metric.id for metric in METRICS.values() if not metric.told)
"""What cannot be read without /proc."""
MACHINE = {"cpu": "某处理器", "cores": 2, "logical_cores": 2, "physical_cores": 2}
NOISE_FLOOR = 0.02
WILD = 1.5 * TOO_NOISY
"""Noise floor of a group that must not be quoted."""
MEMORY = ("peak_mib", "kept_mib", "kept_trimmed_mib")

TIMED = {"latency_ms": "ratio", "p95_ms": "p95_ratio", "calls_per_s": "calls_ratio"}
"""What is compared with the default -> by which ratio."""

Place = tuple[int | None, str | None, str]
"""Index of a group, case and metric; None: any."""


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A result of an experiment; a test names only what it is about."""

    experiment: str
    cores: int = 2
    profile: records.Profile = "default"
    rounds: int = 9
    busy: bool = False
    """Too many dirty rounds: figures without verdicts."""
    noise_floor: float = NOISE_FLOOR
    noisy: Sequence[int] = ()
    """Indices of groups in which identical settings differed too much."""
    farthest_baseline_s: float = 2.0
    groups: Sequence[int] | None = None
    """Indices of the groups that this machine could hold; None: all."""
    time: float = 1.0
    """Latency of every case but the default, over the default's; so are p95 and the time between two calls."""
    half_width: float = 0.01
    """Of the interval of every ratio."""
    memory: float = 1.0
    """Peak and kept memory of every case but the default, over the default's."""
    memory_spread: float = 0.0
    """Share by which the memory of each round lies around the median, on both sides."""
    outcomes: Mapping[tuple[int | None, str | None], records.Outcome] = field(default_factory=dict)
    """(group, case), None: any -> whether it took effect; everything does unless a test says otherwise."""
    values: Mapping[Place, float] = field(default_factory=dict)
    """Figures that differ; for `ratio`, the latency follows, and what is not said of p95 and calls per second."""
    half_widths: Mapping[Place, float] = field(default_factory=dict)
    failures: Mapping[tuple[int | None, str | None], str] = field(default_factory=dict)
    """(group, case), None: any -> reason."""
    failed_rounds: Mapping[tuple[int | None, str | None], int] = field(default_factory=dict)
    """(group, case), None: any -> rounds that failed; the others give the figures."""
    absent: Sequence[str] = ()
    """Metrics that this machine lacks."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Case -> operator types, the same in every group."""
    transcripts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    traces: Sequence[records.TraceSummary] = ()
    choices: Sequence[published.Choice] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    """Case -> title that differs."""
    model_title: str | None = None
    input: str | None = None
    """Label of every input."""

    @property
    def spec(self) -> Experiment:
        return EXPERIMENTS[self.experiment]

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return self.spec.cases(Machine(cores=self.cores))

    @property
    def draft(self) -> bool:
        return self.profile in ("smoke", "quick")

    def words(self) -> Words:
        from bench.pages.words import Words

        return Words(self.export())

    def export(self) -> published.Export:
        kept = range(len(self.spec.groups)) if self.groups is None else self.groups
        summaries = [self._summary(index, self.spec.groups[index]) for index in kept]
        return published.Export(
            experiment=self.experiment,
            build=published.Build(
                id="20260102-030405-abcd",
                profile=self.profile,
                started_at="2026-01-02T03:04:05+00:00",
                finished_at="2026-01-02T03:10:00+00:00",
                measured_s=300.0,
                key="0123456789abcdef",
                rounds=self.rounds,
                planned_rounds=self.rounds,
                resumed=0,
                dropped=[],
            ),
            machine={**MACHINE, "cores": self.cores, **self.machine},
            software={"onnxruntime": "1.31.1"},
            groups=summaries,
            cases=[self._case(case) for case in self.cases],
            rows=[row for summary in summaries for row in self._rows(summary)],
            curves=[],
            proofs=[proof for summary in summaries for proof in self._proofs(summary)],
            outputs=[],
            operators=[
                published.OperatorRow(model=one.model, input=one.input, case=case, operators=dict(operators))
                for one in summaries
                for case, operators in self.operators.items()
            ],
            reports=[
                records.Told(
                    subject="log_lines",
                    case=case,
                    model="tiny",
                    input="batch=16",
                    lines={name: list(lines) for name, lines in incidents.items()},
                )
                for case, incidents in self.transcripts.items()
            ],
            traces=list(self.traces),
            choices=list(self.choices),
        )

    def _case(self, case: Case) -> Case:
        """As it comes back from a file."""
        title = self.titles.get(case.id, case.title)
        return replace(case, title=title, proofs=(), lacking=nothing_lacking)

    def _summary(self, index: int, group: Group) -> published.GroupSummary:
        largest = isinstance(group.input, LargestBatch)
        rounds = self.rounds if group.load.timed else 1
        label = f"batch={group.input.limit}" if largest else group.input.label
        return published.GroupSummary(
            index=index,
            model=group.model,
            model_title=self.model_title or f"某网络 {group.model}",
            input=f"{index} {self.input}" if self.input else label,
            parameters=10,
            flops=100,
            calls=1 if largest else len(group.input.shapes),
            rounds=rounds,
            dirty_rounds=rounds if self.busy else 0,
            repeated_rounds=0,
            noise_floor=WILD if index in self.noisy else self.noise_floor,
            control_excludes_one=False,
            noisy=group.load.timed and (self.busy or index in self.noisy or self.noise_floor > TOO_NOISY),
            farthest_baseline_s=self.farthest_baseline_s,
            subject=group.subject,
            variant=group.variant,
            load=group.load,
            place=group.place,
            cost_s=1.0,
            note="",
            verdicts=not self.draft and not self.busy,
            noise=published.NoiseSummary(
                others=0.3 if self.busy else 0.01,
                steal=0.0,
                pressure=None,
                held_back=None,
                throttled=None,
                frequency_low_mhz=2300.0,
                frequency_high_mhz=2300.0,
                available_mib=8000,
                involuntary_switches=None,
            ),
        )

    def _ids(self, index: int) -> tuple[str, ...]:
        return self.spec.groups[index].cases or tuple(case.id for case in self.cases)

    def _proofs(self, group: published.GroupSummary) -> list[published.ProofRow]:
        return [
            published.ProofRow(
                model=group.model,
                input=group.input,
                case=case,
                outcome=self._outcome(group.index, case),
                evidence="看到的",
            )
            for case in self._ids(group.index)
            if case != CONTROL
        ]

    def _outcome(self, index: int, case: str) -> records.Outcome | None:
        if case in (BASELINE, CONTROL):
            return None
        return _found(self.outcomes, index, case) or "effect"

    def _rows(self, group: published.GroupSummary) -> list[published.Row]:
        wanted = [one for one in METRICS.values() if one.always or one.id in self.spec.columns]
        return [
            row
            for case in self._ids(group.index)
            for metric in wanted
            for row in self._row(group, case, metric)
        ]

    def _row(self, group: published.GroupSummary, case: str, metric: Metric) -> list[published.Row]:
        """The row of one cell; none where the figure is not to be had, as when a real result is summarised."""
        failure = _found(self.failures, group.index, case)
        found = None if failure else self._estimate(group, case, metric)
        if found is None and (failure is None or metric.kind == "fact"):
            return []
        row = published.Row(
            experiment=self.experiment,
            model=group.model,
            input=group.input,
            case=case,
            metric=metric.id,
            unit=metric.unit,
            value=found.value if found else None,
            low=found.low if found else None,
            high=found.high if found else None,
            rounds=found.rounds if found else 0,
            verdict=self._verdict(group, case, metric, found) if found else None,
            failure=failure,
            failed_rounds=_found(self.failed_rounds, group.index, case) or 0,
        )
        return [row]

    def _estimate(self, group: published.GroupSummary, case: str, metric: Metric) -> Estimate | None:
        if metric.id in self.absent:
            return None
        if metric.kind != "ratio":
            value = self._value(group.index, case, metric.id)
            return None if value is None else Estimate(value, None, None, group.rounds)
        if case == metric.than == BASELINE:
            return Estimate(1.0, None, None, group.rounds)
        if (
            metric.than not in self._ids(group.index)
            or (case == metric.than and metric.than != SINGLE)
            or any(_found(self.failures, group.index, one) for one in (metric.than, BASELINE))
        ):
            return None
        value = self._compared(group.index, case, metric)
        half = _found(self.half_widths, group.index, case, "ratio")
        half = self.half_width if half is None else half
        enough = group.rounds >= stats.MIN_ROUNDS
        return Estimate(
            value, value - half if enough else None, value + half if enough else None, group.rounds
        )

    def _compared(self, index: int, case: str, metric: Metric) -> float:
        """What a test says, or what follows from the ratios to the default."""
        said = _found(self.values, index, case, metric.id)
        if said is not None and metric.id != "ratio_original":
            return float(said)
        value = self._ratio(index, case, metric.of) / self._ratio(index, metric.than, metric.of)
        if metric.than == SINGLE:
            value = 1 / value
        threads = self._value(index, case, "threads") or 1.0
        return value / threads if metric.id == "efficiency" else value

    def _ratio(self, index: int, case: str, of: str) -> float:
        said = _found(self.values, index, case, TIMED[of])
        if said is not None:
            return float(said)
        if of != "latency_ms":
            value = self._ratio(index, case, "latency_ms")
            return 1 / value if METRICS[of].better == "more" else value
        return 1.0 if case in (BASELINE, CONTROL) else self.time

    def _value(self, index: int, case: str, metric: str) -> float | None:
        said = _found(self.values, index, case, metric)
        if said is not None:
            return float(said)
        usual = USUAL.get(metric)
        if usual is None:
            return None
        if metric in TIMED:
            return usual * self._ratio(index, case, metric)
        other = case not in (BASELINE, CONTROL)
        return usual * self.memory if other and metric in MEMORY else usual

    def _verdict(self, group: published.GroupSummary, case: str, metric: Metric, found: Estimate) -> Any:
        if not metric.judged or self.draft or not self._took_effect(group.index, case, metric):
            return None
        if metric.kind == "ratio":
            judged = group.load.timed and not group.noisy and case != metric.than
            floor = max(metric.floor, group.noise_floor)
            return stats.verdict(found, floor, less_is_better=metric.better == "less") if judged else None
        if case == BASELINE:
            return None
        base = self._value(group.index, BASELINE, metric.id)
        enough = not group.load.timed or (not self.busy and group.rounds >= stats.MIN_ROUNDS)
        if base is None or not enough or _found(self.failures, group.index, BASELINE):
            return None
        return stats.memory_verdict(self._spread(found.value), self._spread(base))

    def _took_effect(self, index: int, case: str, metric: Metric) -> bool:
        held = {case, metric.than} if metric.kind == "ratio" else {case}
        return all(self._outcome(index, one) in ("effect", None) for one in held)

    def _spread(self, value: float) -> list[float]:
        return [value * (1 - self.memory_spread), value, value * (1 + self.memory_spread)]


def _found(said: Mapping[Any, Any], index: int, *rest: str) -> Any:
    """What was said of a place, the most precise first: None stands for any group and any case."""
    if not said:
        return None
    case, *metric = rest
    for place in ((index, case), (None, case), (index, None), (None, None)):
        if (*place, *metric) in said:
            return said[(*place, *metric)]
    return None
