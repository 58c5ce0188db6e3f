"""What tests are made of: samples and journals of made-up numbers, a clock and a worker that answer at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bench.measure.child import Outcome
from bench.measure.machine import MachineFacts
from bench.measure.profiles import DEFAULT, Profile
from bench.models.prepared import Prepared
from bench.results import process, records
from bench.results.store import Journal
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, Load, Model, Place, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MIB = 1 << 20
FOUR_CASES = (BASELINE, CONTROL, "one", "two")

Measured = dict[str, Any] | records.Failure
"""What a test says of a sample: figures that differ from the usual ones, or a failure."""

FIGURES = {
    "session_ns": 5_000_000, "first_run_ns": 30_000_000, "second_run_ns": 20_000_000, "latency_ns": 10_000_000,
    "cores": 2.0, "minor_faults": 12, "involuntary_switches": 3, "base_bytes": 50 * MIB, "open_peak_bytes": 60 * MIB,
    "after_first_bytes": 100 * MIB, "after_second_bytes": 200 * MIB, "before_steady_bytes": 200 * MIB,
    "kept_bytes": 200 * MIB, "kept_trimmed_bytes": 190 * MIB, "peak_bytes": 220 * MIB, "idle_cpu_ns": None,
}  # fmt: skip
"""Of a process: cores are kept busy by its calls, faults are those of a call; nobody watched it doing nothing."""
GROUP = {
    "index": 0, "model": "toy", "model_title": "玩具", "model_sha256": "0" * 64, "parameters": 10, "denormals": 0, "flops": 100,
    "input": "batch=2", "shapes": [{"x": [2, 3]}], "cases": [*FOUR_CASES], "subject": {}, "variant": "as_built",
}  # fmt: skip
HEADER = {
    "experiment": "toys", "build": "20260102-030405-abcd", "key": "0123456789abcdef", "profile": "default", "rule": "toy",
    "seed": 7, "started_at": "2026-01-02T03:04:05+00:00", "software": {"onnxruntime": "1.31.1", "python": "3.11.7"},
    "machine": {"cpu": "某处理器", "cores": 2, "quota_cores": 1.5, "isa": ["avx2"], "l3_kib": None},
}  # fmt: skip
NOISE = {
    "steal": 0.0, "pressure": None, "held_back": None, "throttled": None, "frequency_mhz": 2300.0,
    "retaken": None, "apart": None, "available_bytes": 8 << 30,
}  # fmt: skip
MACHINE = {
    "cpu": "某处理器", "arch": "x86_64", "isa": ("avx2",), "cores": 2, "affinity_cores": 2, "quota_cores": None,
    "logical_cores": 2, "physical_cores": 2, "l2_kib": 1024, "l3_kib": 32768, "memory_gib": 8, "hypervisor": False,
    "memory_limit_bytes": None, "system": "某系统 1", "libc": "glibc 2.36", "kernel": "6.1", "governor": "performance",
    "transparent_huge_pages": "madvise",
    "allocators": (),
}  # fmt: skip


def _phases(told: Mapping[str, Any], feeds: int, steady_ns: float) -> dict[str, process.Phase]:
    """A process's life, with two untimed passes before the timed ones; of some, with a second of doing nothing."""
    passes = {
        "import": ("base", "base", 0, 100_000_000),
        "open": ("base", "open_peak", 0, told["session_ns"]),
        "first": ("after_first", "peak", feeds, told["first_run_ns"] * feeds),
        "second": ("after_second", "peak", feeds, told["second_run_ns"] * feeds),
        "warm_up": ("before_steady", "peak", 2 * feeds, told["latency_ns"] * 2 * feeds),
        "steady": ("kept", "peak", told["calls"], math.ceil(steady_ns)),
        "idle": ("kept", "peak", 0, 1_000_000_000),
        "trim": ("kept_trimmed", "peak", 0, 1_000_000),
    }
    faults, phases = told["minor_faults"], {}
    if told["idle_cpu_ns"] is None:
        del passes["idle"]
    for name, (rss, peak, calls, ns) in passes.items():
        cpu_ns = told["idle_cpu_ns"] if name == "idle" else int(ns * told["cores"])
        memory = {"rss_bytes": told[f"{rss}_bytes"], "peak_bytes": told[f"{peak}_bytes"], "threads": 2}
        memory["minor_faults"] = None if faults is None else int(faults * calls)
        seen = {"calls": calls, "involuntary_switches": told["involuntary_switches"], **memory}
        phases[name] = process.Phase(wall_ns=ns, run_ns=ns, cpu_ns=cpu_ns, **seen)
    return phases


def _set_apart(changes: dict[str, Any]) -> dict[str, Any]:
    """Load and place of a group by single words: `timed`, `callers`, `processes`, `cores`, `env`."""
    load = {name: changes.pop(name) for name in ("timed", "callers", "processes") if name in changes}
    place = {name: changes.pop(name) for name in ("cores", "env") if name in changes}
    return {"load": Load(**load), "place": Place(**place), **changes}


class Make:
    """Valid things; a test names only what it is about."""

    def figures(self, feeds: int = 1, callers: int = 1, **changes: Any) -> records.Figures:
        """Ten passes of `callers`, each call as long as `latency_ns` says, or `latencies_ns` in turn.

        What is not a field goes by its name in `FIGURES`, or by `calls` of the timed loop, or begins with `outputs_`.
        """
        usual = FIGURES | {"calls": 10 * feeds * callers}
        told = {name: changes.pop(name, value) for name, value in usual.items()}
        outputs = {"compared": 1, "finite": True, "identical": True, "difference": 0.0}
        outputs = {name: changes.pop(f"outputs_{name}", value) for name, value in outputs.items()}
        latencies = changes.pop("latencies_ns", [told["latency_ns"]] * 10 * callers)
        phases = _phases(told, feeds, sum(latencies) / len(latencies) * told["calls"] / callers)
        fields = {"phases": phases, "latencies_ns": latencies, "outputs": outputs, "onnxruntime": "1.31.1"}
        fields |= {
            "share_bytes": 150 * MIB,
            "threads_created": 1,
            "threads_pinned": 1,
            "huge_page_bytes": None,
        }
        fields |= {"rss_bytes": [100 * MIB, 200 * MIB, 200 * MIB]}
        worker_ns = 250_000_000 + sum(phase.wall_ns for phase in phases.values())
        return records.Figures(**fields | {"worker_ns": worker_ns} | changes)

    def failure(self, kind: str = "crashed", reason: str = "进程因信号 SIGSEGV 结束") -> records.Failure:
        return records.Failure(kind=kind, reason=reason)

    def sample(self, case: str, measured: Measured | None = None, **place: int) -> records.Sample:
        failed = isinstance(measured, records.Failure)
        result = {"failure": measured} if failed else {"figures": self.figures(**(measured or {}))}
        where = {"group": 0, "round": 0, "attempt": 0, "position": 0} | place
        return records.Sample(case=case, started_s=float(where["position"]), wall_s=1.0, **where, **result)

    def end(self, number: int = 0, *, dirty: bool = False, **changes: Any) -> records.RoundEnd:
        noise = process.NoiseRecord(others=0.3 if dirty else 0.001, dirty=dirty, **NOISE)
        usual = {"group": 0, "round": number, "attempt": 0, "noise": noise, "final": True}
        return records.RoundEnd(**usual | changes)

    def untimed(self, case: str, **changes: Any) -> records.Untimed:
        usual = {"group": 0, "facts": {"arena_regions": 2.0}, "regions": [MIB, MIB], "outcome": "effect"}
        return records.Untimed(**{"case": case, "evidence": "arena 区块数:2", **usual, **changes})

    def footer(self, rounds: int = 1) -> records.Footer:
        moment = "2026-01-02T03:10:00+00:00"
        return records.Footer(finished_at=moment, measured_s=300.0, rounds=rounds, resumed=0)

    def group_record(self, **changes: Any) -> records.GroupRecord:
        return records.GroupRecord(**GROUP | _set_apart(changes))

    def case(self, name: str) -> Case:
        settings = {"enable_mem_pattern": False, "session.x": "0", "intra_op_num_threads": 1}
        return Case(id=name, title=f"设置 {name}", settings=settings)

    def header(self, cases: Sequence[str | Case] = FOUR_CASES, **changes: Any) -> records.Header:
        resolved = [one if isinstance(one, Case) else self.case(one) for one in cases]
        groups = [self.group_record(cases=[case.id for case in resolved])]
        rounds = changes.get("rounds", 9)
        usual = {"rounds": rounds, "looks": [rounds], "cases": resolved, "groups": groups}
        return records.Header(**HEADER | usual | changes)

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
        journal = Journal(path, self.header(cases, **{"rounds": len(rounds)} | header))
        for case in (one.id for one in journal.header.cases):
            if case not in (BASELINE, CONTROL):
                journal.add(self.untimed(case, outcome=(outcomes or {}).get(case, "effect")))
        for number, samples in enumerate(rounds):
            for position, (case, measured) in enumerate(samples):
                journal.add(self.sample(case, measured, round=number, position=position))
            journal.add(self.end(number, dirty=number in dirty))
        journal.add(self.footer(len(rounds)))
        return journal

    def experiment(
        self, name: str = "toys", cases: Sequence[str | Case] = FOUR_CASES, **changes: Any
    ) -> Experiment:
        """Its cases write their id into their settings, so that the fake worker knows which one it plays."""
        resolved = tuple(
            case if isinstance(case, Case) else Case(id=case, title=f"设置 {case}", settings={"case": case})
            for case in cases
        )
        said = {"title": "玩具实验", "question": "哪个快?", "cases": lambda _: resolved}
        fields = {"id": name, **said, **changes}
        fields["groups"] = tuple(fields.get("groups") or (self.group(),))
        fields["columns"] = tuple(fields.get("columns", ("latency_ms", "ratio", "kept_mib")))
        return Experiment(**fields)

    def scenario(self, **changes: Any) -> Scenario:
        """A need that `one` and `two` may meet better than the default."""
        fields = {"id": "need", "title": "需要", "candidates": (BASELINE, "one", "two"), "groups": (0,)}
        return Scenario(**fields | {"minimise": "ratio", "use": "需要时。", "avoid": "不需要时。"} | changes)

    def group(self, batch: int = 2, **changes: Any) -> Group:
        whole, small = (Input(label=f"batch={n}", shapes=((n, 3),)) for n in (batch, 1))
        fields = {"model": "toy", "input": whole, "small": small, "seconds": 0.4}
        return Group(**fields | _set_apart(changes))

    def profile(self, **changes: Any) -> Profile:
        return replace(DEFAULT, **{"looks": (3,), "split_looks": (4,)} | changes)

    def model(self, name: str = "toy") -> Model:
        """Nobody builds it."""
        told = {"title": "玩具", "about": "只在测试里。", "inputs": {"x": pytest.fail}}
        return Model(id=name, build=pytest.fail, packages=(), warm_up=1, **told)

    def prepared(self, labels: Sequence[str], name: str = "toy") -> Prepared:
        paths = {label: ({"x": Path(f"{label}.npy")},) for label in labels}
        made, flops = {"model_path": Path(f"{name}.onnx"), "sha256": "0" * 64}, dict.fromkeys(labels, 100)
        return Prepared(**made, parameters=10, denormals=0, flops=flops, input_paths=paths)

    def machine(self, **changes: Any) -> MachineFacts:
        return MachineFacts(**MACHINE | changes)


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
    lines: dict[str, list[str]] = field(default_factory=lambda: {"table": ["Line #"]})  # that subjects report
    before: Callable[[Started], None] = lambda _: None
    started: list[Started] = field(default_factory=list)

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        shapes = tuple(tuple(shape) for feed in job["shapes"] for shape in feed.values())
        told = (job[name] for name in ("idle_seconds", "subject", "report", "processes", "callers"))
        start = Started(job["settings"]["case"], shapes, not (job["observe"] or job["report"]), *told)
        self.before(start)
        self.started.append(start)
        self.clock.advance(self.seconds)
        script = self.scripts.get(start.case, [{}]) if start.timed else [self.untimed.get(start.case, {})]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if job["reference"] and not Path(job["reference"]).exists():
            answer = self.make.failure("crashed", "FileNotFoundError")
        if isinstance(answer, records.Failure):
            return Outcome(self.seconds, "", failure=answer)
        if start.reports:
            return Outcome(self.seconds, "", lines=dict(self.lines))
        if job["write_reference"]:
            Path(job["write_reference"]).write_bytes(b"")
        return Outcome(self.seconds, "", figures=self.make.figures(**answer))

    @property
    def timed(self) -> list[Started]:
        return [start for start in self.started if start.timed]
