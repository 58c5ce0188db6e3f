"""What tests of several packages share: valid records, a toy experiment, a clock and a worker without processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import made_up_site
import pytest
from filelock import FileLock

from bench.answers import Scenario
from bench.measure.child import Outcome
from bench.measure.machine import Machine
from bench.measure.profiles import Profile
from bench.models.prepared import Prepared
from bench.results import schema
from bench.results.store import Journal
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Input, Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MIB = 1 << 20
FOUR_CASES = (BASELINE, CONTROL, "one", "two")

ALONE = "alone"
"""Marker of what times something or counts CPU: it runs when nothing else does, and so not among the quick ones."""
HEAVY = ("stage", "whole")
"""Fixtures that run the real command line or build a site: their tests are slow and begin first."""
SLOW = {"browser", "cli", "facts", "models", "site", "test_selftest.py"}
"""Folders and files whose tests start processes that take their time."""

Once = Callable[[str, Callable[[Path], object]], Path]
Measured = dict[str, Any] | schema.Failure
"""What a test says of a sample: figures that differ from the usual ones, or a failure."""


class Make:
    """Valid things; a test names only what it is about."""

    def figures(self, feeds: int = 1, **changes: Any) -> schema.Figures:
        """Ten passes, each call about as long as `latency_ns` says."""
        latency = changes.get("latency_ns", 10_000_000)
        usual = {
            "onnxruntime": "1.31.1",
            "session_ns": 5_000_000,
            "first_run_ns": 30_000_000,
            "second_run_ns": 20_000_000,
            "latency_ns": latency,
            "fastest_ns": latency * 9 // 10,
            "slowest_ns": latency * 12 // 10,
            "loop_ns": latency * 10 * feeds,
            "calls": 10 * feeds,
            "run_ns": latency * 10 * feeds,
            "cpu_ns": latency * 2,
            "minor_faults": 12.5,
            "involuntary_switches": 3,
            "idle_cpu_ns": 1_000_000,
            "base_bytes": 50 * MIB,
            "after_first_bytes": 100 * MIB,
            "after_second_bytes": 200 * MIB,
            "before_steady_bytes": 200 * MIB,
            "peak_bytes": 220 * MIB,
            "kept_bytes": 200 * MIB,
            "kept_trimmed_bytes": 190 * MIB,
            "rss_bytes": [100 * MIB, 200 * MIB, 200 * MIB],
            "threads_created": 1,
            "threads_pinned": 1,
            "unchanged": [],
            "huge_page_bytes": None,
            "session_calls": 12 * feeds,
            "trace_bytes": None,
            "outputs_compared": 1,
            "outputs_finite": True,
            "outputs_identical": True,
            "outputs_difference": 0.0,
            "worker_ns": 400_000_000 + (50_000_000 + latency * 10) * feeds,
        }
        return schema.Figures.model_validate(usual | changes)

    def failure(
        self, kind: schema.FailureKind = "crashed", reason: str = "进程因信号 SIGSEGV 结束"
    ) -> schema.Failure:
        return schema.Failure(kind=kind, reason=reason)

    def sample(self, case: str, measured: Measured | None = None, **place: int) -> schema.Sample:
        result: dict[str, Any]
        if isinstance(measured, schema.Failure):
            result = {"failure": measured}
        else:
            result = {"figures": self.figures(**(measured or {}))}
        where = {"group": 0, "round": 0, "attempt": 0, "position": 0} | place
        return schema.Sample(case=case, started_s=float(where["position"]), wall_s=1.0, **where, **result)

    def end(
        self, number: int = 0, *, group: int = 0, attempt: int = 0, dirty: bool = False, final: bool = True
    ) -> schema.RoundEnd:
        noise = schema.NoiseRecord(
            others=0.3 if dirty else 0.001,
            steal=0.0,
            pressure=None,
            held_back=None,
            throttled=None,
            frequency_mhz=2300.0,
            available_bytes=8 << 30,
            dirty=dirty,
        )
        return schema.RoundEnd(group=group, round=number, attempt=attempt, noise=noise, final=final)

    def untimed(self, case: str, **changes: Any) -> schema.Untimed:
        usual = {
            "group": 0,
            "case": case,
            "facts": {"arena_regions": 2.0},
            "regions": [MIB, MIB],
            "outcome": "effect",
            "evidence": "arena 区块数:2",
        }
        return schema.Untimed.model_validate(usual | changes)

    def footer(self, rounds: int = 1) -> schema.Footer:
        return schema.Footer(
            finished_at="2026-01-02T03:10:00+00:00", measured_s=300.0, rounds=rounds, resumed=0
        )

    def group_record(self, **changes: Any) -> schema.GroupRecord:
        usual = {
            "index": 0,
            "model": "toy",
            "model_title": "玩具",
            "model_sha256": "0" * 64,
            "parameters": 10,
            "input": "batch=2",
            "shapes": [[2, 3]],
            "flops": 100,
            "cases": list(FOUR_CASES),
            "memory_only": False,
            "cpu_share": 1.0,
            "processes": 1,
        }
        return schema.GroupRecord.model_validate(usual | changes)

    def header(self, cases: Sequence[str] = FOUR_CASES, **changes: Any) -> schema.Header:
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
            "cases": [
                schema.CaseRecord(
                    id=case,
                    title=f"设置 {case}",
                    settings={"enable_mem_pattern": False, "session.x": "0", "intra_op_num_threads": 1},
                    run_settings={},
                    shared_arena={},
                    env={},
                    saved_by={},
                    since="1.16",
                    may_fail=False,
                )
                for case in cases
            ],
            "groups": [self.group_record(cases=list(cases))],
        }
        return schema.Header.model_validate(usual | changes)

    def journal(
        self,
        rounds: Sequence[Sequence[tuple[str, Measured]]],
        *,
        dirty: Sequence[int] = (),
        path: Path = Path("toys/20260102-030405-abcd.jsonl"),
        outcomes: Mapping[str, schema.Outcome] | None = None,
        **header: Any,
    ) -> Journal:
        """A complete journal of one group: per round, (case, measured) in the order of measuring.

        Every case was seen to take effect but those of `outcomes`.
        """
        cases = header.pop("cases", tuple(dict.fromkeys(case for one in rounds for case, _ in one)))
        journal = Journal(path, self.header(cases, **header))
        for case in cases:
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
            "columns": tuple(Column(metric=metric, title=metric) for metric in columns),
            "conclude": lambda _: (),
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
        return Group(**fields | changes)

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
            input_name="x",
            build=never,
            make_input=never,
            packages=(),
            warm_up=1,
        )

    def prepared(self, labels: Sequence[str], name: str = "toy") -> Prepared:
        return Prepared(
            model_path=Path(f"{name}.onnx"),
            sha256="0" * 64,
            parameters=10,
            weight_bytes=40,
            flops=dict.fromkeys(labels, 100),
            calls=dict.fromkeys(labels, 1),
            input_paths={label: Path(f"{label}.npy") for label in labels},
        )

    def machine(self, **changes: Any) -> Machine:
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
        return Machine(**fields | changes)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process takes a file at a time: those that take longest come first, so that both end together."""

    def weight(item: pytest.Item) -> int:
        return next(
            (n for n, name in enumerate(HEAVY) if name in getattr(item, "fixturenames", ())), len(HEAVY)
        )

    for item in items:
        place = {item.path.parent.name, item.path.name}
        if weight(item) < len(HEAVY) or place & SLOW or item.get_closest_marker(ALONE):
            item.add_marker("slow")
    items.sort(key=lambda item: (weight(item), item.get_closest_marker("slow") is None))


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


@dataclass(slots=True)
class FakeWorker:
    """Answers at once, lets the clock advance, and writes and wants the baseline's outputs as the real one does."""

    clock: FakeClock
    make: Make
    seconds: float = 1.0
    scripts: dict[str, list[Measured]] = field(default_factory=dict)
    """Case -> answers of its timed children in turn; the last one is repeated."""
    untimed: dict[str, Measured] = field(default_factory=dict)
    before: Callable[[Started], None] = lambda _: None
    started: list[Started] = field(default_factory=list)

    def __call__(self, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:  # noqa: ARG002
        start = Started(job["settings"]["case"], job["shapes"], not job["observe"], job["idle_seconds"])
        self.before(start)
        self.started.append(start)
        self.clock.advance(self.seconds)
        missing = job["reference"] and not Path(job["reference"]).exists()
        answer: Measured = self._answer(start)
        if missing:
            answer = self.make.failure("crashed", "FileNotFoundError")
        if isinstance(answer, schema.Failure):
            return Outcome(self.seconds, "", failure=answer)
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


@pytest.fixture(scope="session")
def make() -> Make:
    return Make()


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Fills a folder for all processes that run tests: the first that asks does it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                shutil.rmtree(path, ignore_errors=True)
                path.mkdir()
                fill(path)
                done.touch()
        return path

    return folder


@pytest.fixture(scope="session")
def whole(once: Once, make: Make) -> Path:
    """The real pages over made-up samples, built once for all tests that look at them."""
    return once("whole", lambda folder: made_up_site.build(folder, make)) / "site"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def worker(clock: FakeClock, make: Make) -> FakeWorker:
    return FakeWorker(clock, make)
