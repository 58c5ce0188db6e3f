"""A build below one folder with children that do not exist."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import header, hindrances, noise, task
from bench.measure.cores import Cores
from bench.measure.plan import resolve
from bench.measure.runner import Runner
from bench.measure.task import Task
from bench.results import store
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, Case, Input, LargestBatch, Machine, Proof

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from samples import FakeClock, FakeWorker, Make, Started

    from bench.measure.profiles import Profile
    from bench.results.published import Row
    from bench.spec import Experiment

MIB = 1 << 20
PER_ROUND = 4
"""Samples of one round of the usual group: three cases and a baseline sample among them."""
BUILD = "20260102-030405-abcd"


@dataclass(slots=True)
class FakeNoise:
    """Two readings a round; in the rounds whose number (in the order of running) is listed, others were busy."""

    dirty: Collection[int] = ()
    readings: int = 0
    busy: int = 0

    def __call__(self, cpus: Sequence[int]) -> noise.Reading:
        assert cpus
        self.busy += 500 * (self.readings % 2 and self.readings // 2 in self.dirty)
        self.readings += 1
        told: Any = dict.fromkeys(("pressure_us", "held_back_us", "throttled", "frequency_mhz"))
        told |= {"total_ticks": 1000 * self.readings, "busy_ticks": self.busy, "steal_ticks": 0}
        return noise.Reading(**told, own_seconds=0.0, available_bytes=8 << 30, at=float(self.readings))


@dataclass(slots=True)
class Told:
    """Keeps what the user would see."""

    steps: list[tuple[str, float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def step(self, text: str, remaining_s: float) -> None:
        self.steps.append((text, remaining_s))

    def note(self, text: str) -> None:
        self.notes.append(text)


class Lab:
    """Everything a build needs, below one folder; only the children are not there."""

    def __init__(self, folder: Path, make: Make, clock: FakeClock, worker: FakeWorker) -> None:
        self.folder, self.make, self.clock, self.worker = folder, make, clock, worker
        self.noise, self.told = FakeNoise(), Told()

    def task(self, experiment: Experiment | None = None, profile: Profile | None = None) -> Task:
        """A new journal, or the one that a build before left on disk."""
        experiment, profile = experiment or self.make.experiment(), profile or self.make.profile()
        planned = resolve(experiment, profile, Machine(cores=2, libc="glibc 2.31"), 1 << 40)
        prepared = self.make.prepared([group.input.label for group in planned.groups])
        models = {"toy": replace(prepared, model_path=self.folder / "toy.onnx")}
        models["toy"].model_path.touch()
        path = store.journal_path(self.folder, planned.experiment.id, BUILD)
        if path.exists():
            writer = store.Writer(store.read(path))
        else:
            facts = header.Facts(machine={"cores": 2}, software={"onnxruntime": "1.31.1"})
            first = header.first_line(planned, facts, "0123456789abcdef", BUILD, 7, models)
            writer = store.Writer.create(self.folder, first)
        return Task(planned=planned, writer=writer, models=models, work=self.folder / "w", worker=self.worker)

    def proved(self, *names: str) -> tuple[Case, ...]:
        """The default, its second name, and cases that are seen to take effect."""
        self.worker.untimed |= {name: {"minor_faults": 99} for name in names}
        seen = (Proof(fact="minor_faults", relation=">", expected=1, than=BASELINE),)
        cases = [
            Case(id=name, title=name, settings={"case": name}, proofs=seen if name in names else ())
            for name in (BASELINE, CONTROL, *names)
        ]
        return tuple(cases)

    def runner(self, *tasks: Task, budget_s: float = 1e6, seed: int = 7) -> Runner:
        watched: Any = {
            "reporter": self.told,
            "clock": self.clock,
            "read_noise": self.noise,
            "cores": Cores(iter(())),
        }
        return Runner(tasks=tasks or (self.task(),), seed=seed, budget_s=budget_s, **watched)

    def on_disk(self, name: str = "toys") -> store.Journal:
        return store.read(store.journal_path(self.folder, name, BUILD))

    def row(self, case: str, metric: str = "latency_ms") -> Row:
        rows = summarise(self.make.experiment(), self.on_disk()).rows
        return next(row for row in rows if (row.case, row.metric) == (case, metric))


@pytest.fixture
def lab(
    tmp_path: Path, make: Make, clock: FakeClock, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    for module in (task, header):
        monkeypatch.setattr(module, "MODELS", {"toy": make.model()})
    monkeypatch.setattr(hindrances, "free_memory", lambda: 1 << 40)
    return Lab(tmp_path, make, clock, worker)


def interrupt_at(lab: Lab, number: int) -> None:
    """Ctrl-C while the timed child of that number (from 1) is running."""

    def check(start: Started) -> None:
        if start.timed and len(lab.worker.timed) == number - 1:
            raise KeyboardInterrupt

    lab.worker.before = check


def hungry(make: Make, **changes: Any) -> Experiment:
    batch = LargestBatch(item_shape=(3,), limit=4, bytes_per_item=100 * MIB)
    small = Input(label="batch=1", shapes=((1, 3),))
    groups = [make.group(), make.group(input=batch, small=small, timed=False)]
    return make.experiment(groups=groups, **changes)
