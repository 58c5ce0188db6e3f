"""Does the harness see what is there? An experiment on things of known cost, measured like any other.

What comes out is held against what should by `bench.results.trust`.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.experiments._common import TINY
from bench.measure.child import Outcome, run_worker
from bench.measure.cost import rounds_seconds
from bench.measure.header import first_line
from bench.measure.plan import resolve
from bench.measure.profiles import PROFILES
from bench.measure.runner import Runner
from bench.measure.task import Task
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.results import store
from bench.results.trust import ALLOCATED, ALLOCATED_MIB, HELD, MORE, SELFTEST, SLEEP, SLEEP_MS
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, Load, Machine, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measure.campaign import Here
    from bench.measure.runner import Reporter
    from bench.system.folders import Folders

WITH_SELFTEST = ("default", "thorough")
"""Profiles that begin with it: a draft makes no claims that it would have to vouch for."""
PROFILE = replace(PROFILES["default"], looks=(10,))
BUDGET_S = 300.0
WARM_UP = 2
UNITS = 100
"""Hashes in one call."""
ONE_ROW = Input(label="batch=1", shapes=((1, 256),))
"""Never looked at; it tells the two groups apart."""
MEMORY = Load(timed=False)


def _case(name: str, title: str, **cost: int) -> Case:
    return Case(id=name, title=title, subject=Subject(name="known_cost", options=cost))


def _cases(machine: Machine) -> tuple[Case, ...]:
    """Arithmetic under three names, a sleep, and memory taken and held."""
    return (
        _case(BASELINE, "固定的运算", hashes=UNITS),
        _case(CONTROL, "同样的运算，另一个名字", hashes=UNITS),
        _case(MORE, "多 10% 的运算", hashes=UNITS * 11 // 10),
        _case(SLEEP, f"睡 {SLEEP_MS} 毫秒", sleep_ms=SLEEP_MS),
        _case(ALLOCATED, f"每次调用分配 {ALLOCATED_MIB} MiB 再放掉", allocated_mib=ALLOCATED_MIB),
        _case(HELD, f"分配 {ALLOCATED_MIB} MiB 并一直留着", held_mib=ALLOCATED_MIB),
    )


EXPERIMENT = Experiment(
    id=SELFTEST,
    title="测量程序的自检",
    question="测量程序看得见已知的事吗？",
    cases=_cases,
    groups=(
        Group(model="tiny", input=TINY, small=TINY, seconds=0.35, cases=(BASELINE, CONTROL, MORE, SLEEP)),
        Group(model="tiny", input=ONE_ROW, small=ONE_ROW, seconds=0.4, cases=(ALLOCATED, HELD), load=MEMORY),
    ),
    columns=("latency_ms", "ratio", "cores_used", "base_mib", "peak_mib", "kept_mib"),
)


def expected_seconds() -> float:
    """About how long it takes."""
    return rounds_seconds([resolve(EXPERIMENT, PROFILE, Machine(cores=1), 1 << 40)])


def measure(build: str, seed: int, here: Here, folders: Folders, reporter: Reporter) -> store.Journal:
    """The self-test of a build: the one that it has, or a new one. One cut short is begun anew."""
    path = store.journal_path(folders.results, SELFTEST, build)
    with suppress(store.DamagedJournal, FileNotFoundError):
        if (journal := store.read(path)).complete:
            return journal
    path.unlink(missing_ok=True)
    planned = resolve(EXPERIMENT, PROFILE, here.asked(), 1 << 40)
    models = {"tiny": prepare(MODELS["tiny"], (TINY, ONE_ROW), folders.models)}
    header = first_line(planned, here.facts(), here.key(EXPERIMENT, PROFILE), build, seed, models)
    writer, work = store.Writer.create(folders.results, header), folders.work / build
    task = Task(planned=planned, writer=writer, models=models, work=work, worker=_run_known)
    Runner(tasks=(task,), seed=seed, budget_s=BUDGET_S, reporter=reporter, observes=False).run()
    return task.writer.journal


def _run_known(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
    """Known costs are settled after two calls."""
    return run_worker({**job, "warm_up": min(job["warm_up"], WARM_UP)}, env, timeout_s)
