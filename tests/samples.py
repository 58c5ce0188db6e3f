"""What tests are made of: samples and journals of made-up numbers, a clock and a worker that answer at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.measure.child import Outcome
from bench.measure.machine import MachineFacts
from bench.measure.profiles import Profile
from bench.models.prepared import Prepared
from bench.results import process, records
from bench.results.store import Journal
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Experiment,
    Group,
    Input,
    Load,
    Model,
    Place,
    Scenario,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MIB = 1 << 20
FOUR_CASES = (BASELINE, CONTROL, "one", "two")

Measured = dict[str, Any] | records.Failure
"""What a test says of a sample: figures that differ from the usual ones, or a failure."""


def _phases(told: Mapping[str, Any], feeds: int, steady_ns: float) -> dict[str, process.Phase]:
    """A process's life, with two untimed passes before the timed ones; of some, with a second of doing nothing."""
    passes = {
        "import": ("base_bytes", "base_bytes", 0, 100_000_000),
        "open": ("base_bytes", "open_peak_bytes", 0, told["session_ns"]),
        "first": ("after_first_bytes", "peak_bytes", feeds, told["first_run_ns"] * feeds),
        "second": ("after_second_bytes", "peak_bytes", feeds, told["second_run_ns"] * feeds),
        "warm_up": ("before_steady_bytes", "peak_bytes", 2 * feeds, told["latency_ns"] * 2 * feeds),
        "steady": ("kept_bytes", "peak_bytes", told["calls"], math.ceil(steady_ns)),
        "idle": ("kept_bytes", "peak_bytes", 0, 1_000_000_000),
        "trim": ("kept_trimmed_bytes", "peak_bytes", 0, 1_000_000),
    }
    if told["idle_cpu_ns"] is None:
        del passes["idle"]
    faults = told["minor_faults"]
    return {
        name: process.Phase(
            calls=calls,
            wall_ns=nanoseconds,
            run_ns=nanoseconds,
            cpu_ns=told["idle_cpu_ns"] if name == "idle" else int(nanoseconds * told["cores"]),
            minor_faults=None if faults is None else int(faults * calls),
            involuntary_switches=told["involuntary_switches"],
            rss_bytes=told[rss],
            peak_bytes=told[peak],
            threads=2,
        )
        for name, (rss, peak, calls, nanoseconds) in passes.items()
    }


def _set_apart(changes: dict[str, Any]) -> dict[str, Any]:
    """Load and place of a group by single words: `timed`, `callers`, `processes`, `cores`, `env`."""
    load = {name: changes.pop(name) for name in ("timed", "callers", "processes") if name in changes}
    place = {name: changes.pop(name) for name in ("cores", "env") if name in changes}
    return {"load": Load(**load), "place": Place(**place), **changes}


def _id(case: str | Case) -> str:
    return case.id if isinstance(case, Case) else case


class Make:
    """Valid things; a test names only what it is about."""

    def figures(self, feeds: int = 1, callers: int = 1, **changes: Any) -> records.Figures:
        """Ten passes of `callers`, each call as long as `latency_ns` says, or `latencies_ns` in turn.

        Whatever is not a field of the figures, their phases or outputs goes by the name in `usual`.
        """
        usual: dict[str, Any] = {
            "session_ns": 5_000_000,
            "first_run_ns": 30_000_000,
            "second_run_ns": 20_000_000,
            "latency_ns": 10_000_000,
            "calls": 10 * feeds * callers,  # of the timed loop
            "cores": 2.0,  # kept busy by calls
            "minor_faults": 12,  # a call
            "involuntary_switches": 3,
            "base_bytes": 50 * MIB,
            "after_first_bytes": 100 * MIB,
            "after_second_bytes": 200 * MIB,
            "before_steady_bytes": 200 * MIB,
            "kept_bytes": 200 * MIB,
            "kept_trimmed_bytes": 190 * MIB,
            "peak_bytes": 220 * MIB,
            "open_peak_bytes": 60 * MIB,
            "idle_cpu_ns": None,  # nobody watched it doing nothing
        }
        told = {name: changes.pop(name, value) for name, value in usual.items()}
        outputs = {"compared": 1, "finite": True, "identical": True, "difference": 0.0}
        outputs = {name: changes.pop(f"outputs_{name}", value) for name, value in outputs.items()}
        latencies = changes.pop("latencies_ns", [told["latency_ns"]] * 10 * callers)
        phases = _phases(told, feeds, sum(latencies) / len(latencies) * told["calls"] / callers)
        fields = {
            "onnxruntime": "1.31.1",
            "phases": phases,
            "latencies_ns": latencies,
            "rss_bytes": [100 * MIB, 200 * MIB, 200 * MIB],
            "threads_created": 1,
            "threads_pinned": 1,
            "huge_page_bytes": None,
            "outputs": outputs,
            "worker_ns": 250_000_000 + sum(phase.wall_ns for phase in phases.values()),
        }
        return records.Figures.model_validate(fields | changes)

    def failure(
        self, kind: records.FailureKind = "crashed", reason: str = "进程因信号 SIGSEGV 结束"
    ) -> records.Failure:
        return records.Failure(kind=kind, reason=reason)

    def sample(self, case: str, measured: Measured | None = None, **place: int) -> records.Sample:
        result: dict[str, Any]
        if isinstance(measured, records.Failure):
            result = {"failure": measured}
        else:
            result = {"figures": self.figures(**(measured or {}))}
        where = {"group": 0, "round": 0, "attempt": 0, "position": 0} | place
        return records.Sample(case=case, started_s=float(where["position"]), wall_s=1.0, **where, **result)

    def end(
        self, number: int = 0, *, group: int = 0, attempt: int = 0, dirty: bool = False, final: bool = True
    ) -> records.RoundEnd:
        noise = process.NoiseRecord(
            others=0.3 if dirty else 0.001,
            steal=0.0,
            pressure=None,
            held_back=None,
            throttled=None,
            frequency_mhz=2300.0,
            available_bytes=8 << 30,
            dirty=dirty,
        )
        return records.RoundEnd(group=group, round=number, attempt=attempt, noise=noise, final=final)

    def untimed(self, case: str, **changes: Any) -> records.Untimed:
        usual = {
            "group": 0,
            "case": case,
            "facts": {"arena_regions": 2.0},
            "regions": [MIB, MIB],
            "outcome": "effect",
            "evidence": "arena 区块数:2",
        }
        return records.Untimed.model_validate(usual | changes)

    def footer(self, rounds: int = 1) -> records.Footer:
        return records.Footer(
            finished_at="2026-01-02T03:10:00+00:00", measured_s=300.0, rounds=rounds, resumed=0
        )

    def group_record(self, **changes: Any) -> records.GroupRecord:
        usual = {
            "index": 0,
            "model": "toy",
            "model_title": "玩具",
            "model_sha256": "0" * 64,
            "parameters": 10,
            "input": "batch=2",
            "shapes": [{"x": [2, 3]}],
            "flops": 100,
            "cases": list(FOUR_CASES),
            "subject": Subject(),
            "variant": "as_built",
        }
        return records.GroupRecord.model_validate(usual | _set_apart(changes))

    def case(self, name: str) -> Case:
        settings = {"enable_mem_pattern": False, "session.x": "0", "intra_op_num_threads": 1}
        return Case(id=name, title=f"设置 {name}", settings=settings)

    def header(self, cases: Sequence[str | Case] = FOUR_CASES, **changes: Any) -> records.Header:
        usual = {
            "experiment": "toys",
            "build": "20260102-030405-abcd",
            "key": "0123456789abcdef",
            "profile": "default",
            "rounds": 9,
            "seed": 7,
            "started_at": "2026-01-02T03:04:05+00:00",
            "machine": {"cpu": "某处理器", "cores": 2, "quota_cores": 1.5, "isa": ["avx2"], "l3_kib": None},
            "software": {"onnxruntime": "1.31.1", "python": "3.11.7"},
            "cases": [one if isinstance(one, Case) else self.case(one) for one in cases],
            "groups": [self.group_record(cases=[_id(case) for case in cases])],
        }
        return records.Header.model_validate(usual | changes)

    def journal(
        self,
        rounds: Sequence[Sequence[tuple[str, Measured]]],
        *,
        dirty: Sequence[int] = (),
        path: Path = Path("toys/20260102-030405-abcd.jsonl"),
        outcomes: Mapping[str, records.Outcome] | None = None,
        **header: Any,
    ) -> Journal:
        """A complete journal of one group: per round, (case, measured) in the order of measuring.

        Every case was seen to take effect but those of `outcomes`.
        """
        cases = header.pop("cases", tuple(dict.fromkeys(case for one in rounds for case, _ in one)))
        journal = Journal(path, self.header(cases, **header))
        for case in map(_id, cases):
            if case not in (BASELINE, CONTROL):
                journal.add(self.untimed(case, outcome=(outcomes or {}).get(case, "effect")))
        for number, samples in enumerate(rounds):
            for position, (case, measured) in enumerate(samples):
                journal.add(self.sample(case, measured, round=number, position=position))
            journal.add(self.end(number, dirty=number in dirty))
        journal.add(self.footer(len(rounds)))
        return journal

    def experiment(
        self,
        name: str = "toys",
        *,
        groups: Sequence[Group] | None = None,
        cases: Sequence[str | Case] = FOUR_CASES,
        columns: Sequence[str] = ("latency_ms", "ratio", "kept_mib"),
        **changes: Any,
    ) -> Experiment:
        """Its cases write their id into their settings, so that the fake worker knows which one it plays."""
        resolved = tuple(
            case if isinstance(case, Case) else Case(id=case, title=f"设置 {case}", settings={"case": case})
            for case in cases
        )
        fields: dict[str, Any] = {
            "id": name,
            "title": "玩具实验",
            "question": "哪个快?",
            "cases": lambda _: resolved,
            "groups": tuple(groups or (self.group(),)),
            "columns": tuple(columns),
        }
        return Experiment(**fields | changes)

    def scenario(self, **changes: Any) -> Scenario:
        """A need that `one` and `two` may meet better than the default."""
        fields: dict[str, Any] = {
            "id": "need",
            "title": "需要",
            "candidates": (BASELINE, "one", "two"),
            "groups": (0,),
            "minimise": "ratio",
            "use": "需要时。",
            "avoid": "不需要时。",
        }
        return Scenario(**fields | changes)

    def group(self, batch: int = 2, **changes: Any) -> Group:
        fields: dict[str, Any] = {
            "model": "toy",
            "input": Input(label=f"batch={batch}", shapes=((batch, 3),)),
            "small": Input(label="batch=1", shapes=((1, 3),)),
            "seconds": 0.4,
        }
        return Group(**fields | _set_apart(changes))

    def profile(self, **changes: Any) -> Profile:
        fields: dict[str, Any] = {
            "name": "default",
            "title": "默认",
            "rounds": 3,
            "split_rounds": 4,
            "small": False,
            "min_seconds": 0.2,
            "min_calls": 3,
            "budget_s": 3600,
            "repeats": 2,
        }
        return Profile(**fields | changes)

    def model(self, name: str = "toy") -> Model:
        def never(*_: object) -> bytes:
            raise AssertionError("no test builds the toy model")

        return Model(
            id=name,
            title="玩具",
            about="只在测试里。",
            build=never,
            inputs={"x": never},
            packages=(),
            warm_up=1,
        )

    def prepared(self, labels: Sequence[str], name: str = "toy") -> Prepared:
        return Prepared(
            model_path=Path(f"{name}.onnx"),
            sha256="0" * 64,
            parameters=10,
            flops=dict.fromkeys(labels, 100),
            input_paths={label: {"x": Path(f"{label}.npy")} for label in labels},
        )

    def machine(self, **changes: Any) -> MachineFacts:
        fields: dict[str, Any] = {
            "cpu": "某处理器",
            "arch": "x86_64",
            "isa": ("avx2",),
            "cores": 2,
            "affinity_cores": 2,
            "quota_cores": None,
            "logical_cores": 2,
            "physical_cores": 2,
            "l2_kib": 1024,
            "l3_kib": 32768,
            "memory_gib": 8,
            "memory_limit_bytes": None,
            "system": "某系统 1",
            "libc": "glibc 2.36",
            "hypervisor": False,
            "kernel": "6.1",
            "governor": "performance",
            "transparent_huge_pages": "madvise",
        }
        return MachineFacts(**fields | changes)


@dataclass(slots=True)
class FakeClock:
    """Stands still unless a test lets time pass."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Started(NamedTuple):
    """A child that the fake worker was asked for."""

    case: str
    shapes: tuple[tuple[int, ...], ...]
    timed: bool
    idle_seconds: float
    subject: str = "session"
    reports: bool = False
    processes: int = 1
    callers: int = 1


@dataclass(slots=True)
class FakeWorker:
    """Answers at once, lets the clock advance, and writes and wants the baseline's outputs as the real one does."""

    clock: FakeClock
    make: Make
    seconds: float = 1.0
    scripts: dict[str, list[Measured]] = field(default_factory=dict)
    """Case -> answers of its timed children in turn; the last one is repeated."""
    untimed: dict[str, Measured] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=lambda: {"table": ["Line #"]})
    """What subjects report."""
    before: Callable[[Started], None] = lambda _: None
    started: list[Started] = field(default_factory=list)

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        start = Started(
            job["settings"]["case"],
            tuple(tuple(shape) for feed in job["shapes"] for shape in feed.values()),
            not (job["observe"] or job["report"]),
            job["idle_seconds"],
            job["subject"],
            job["report"],
            job["processes"],
            job["callers"],
        )
        self.before(start)
        self.started.append(start)
        self.clock.advance(self.seconds)
        answer: Measured = self._answer(start)
        if job["reference"] and not Path(job["reference"]).exists():
            answer = self.make.failure("crashed", "FileNotFoundError")
        if isinstance(answer, records.Failure):
            return Outcome(self.seconds, "", failure=answer)
        if start.reports:
            return Outcome(self.seconds, "", lines=dict(self.lines))
        if job["write_reference"]:
            Path(job["write_reference"]).write_bytes(b"")
        return Outcome(self.seconds, "", figures=self.make.figures(**answer))

    def _answer(self, start: Started) -> Measured:
        if not start.timed:
            return self.untimed.get(start.case, {})
        script = self.scripts.get(start.case, [{}])
        return script.pop(0) if len(script) > 1 else script[0]

    @property
    def timed(self) -> list[Started]:
        return [start for start in self.started if start.timed]
