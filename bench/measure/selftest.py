"""Does the harness see what is there? An experiment on things of known cost, measured like any other.

What comes out is held against what should by `bench.results.selfchecks`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.experiments._common import TINY, columns
from bench.measure import records
from bench.measure.child import WORKER, Outcome, run_worker
from bench.measure.plan import resolve, round_seconds
from bench.measure.profiles import PROFILES
from bench.measure.runner import Runner
from bench.measure.sampler import Task
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.results import store
from bench.results.selfchecks import ALLOCATED, ALLOCATED_MIB, HELD, MORE, SELFTEST, SLEEP, SLEEP_MS
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.measure.campaign import Here
    from bench.measure.runner import Reporter
    from bench.system.folders import Folders

KNOWN = WORKER.with_name("known.py")
WITH_SELFTEST = ("default", "thorough")
"""Profiles that begin with it: a draft makes no claims that it would have to vouch for."""
PROFILE = replace(PROFILES["default"], rounds=9)
BUDGET_S = 300.0
WARM_UP = 2
UNITS = 100
"""Hashes in one call."""
ONE_ROW = Input(label="batch=1", shapes=((1, 256),))
"""Never looked at; it tells the two groups apart."""


def _case(name: str, title: str, known: str) -> Case:
    return Case(id=name, title=title, env={"BENCH_KNOWN": known})


def _cases(cores: int) -> tuple[Case, ...]:
    """Arithmetic under three names, a sleep, and memory taken and held."""
    return (
        _case(BASELINE, "固定的运算", f"arithmetic:{UNITS}"),
        _case(CONTROL, "同样的运算，另一个名字", f"arithmetic:{UNITS}"),
        _case(MORE, "多 10% 的运算", f"arithmetic:{UNITS * 11 // 10}"),
        _case(SLEEP, f"睡 {SLEEP_MS} 毫秒", f"sleep:{SLEEP_MS}"),
        _case(ALLOCATED, f"每次调用分配 {ALLOCATED_MIB} MiB 再放掉", f"allocation:{ALLOCATED_MIB}"),
        _case(HELD, f"分配 {ALLOCATED_MIB} MiB 并一直留着", f"holding:{ALLOCATED_MIB}"),
    )


EXPERIMENT = Experiment(
    id=SELFTEST,
    title="测量程序的自检",
    question="测量程序看得见已知的事吗？",
    cases=_cases,
    groups=(
        Group(model="tiny", input=TINY, small=TINY, seconds=0.35, cases=(BASELINE, CONTROL, MORE, SLEEP)),
        Group(
            model="tiny",
            input=ONE_ROW,
            small=ONE_ROW,
            seconds=0.4,
            cases=(ALLOCATED, HELD),
            memory_only=True,
        ),
    ),
    columns=columns("latency_ms", "ratio", "cores_used", "base_mib", "peak_mib", "kept_mib"),
)


def expected_seconds(cores: int) -> float:
    """About how long it takes."""
    planned = resolve(EXPERIMENT, PROFILE, cores, 1 << 40)
    return sum(planned.rounds(group) * round_seconds(planned, group) for group in planned.groups)


def measure(build: str, seed: int, here: Here, folders: Folders, reporter: Reporter) -> store.Journal:
    """The self-test of a build: the one that it has, or a new one. One cut short is begun anew."""
    path = store.journal_path(folders.results, SELFTEST, build)
    if whole := _whole(path):
        return whole
    path.unlink(missing_ok=True)
    planned = resolve(EXPERIMENT, PROFILE, here.machine.cores, 1 << 40)
    models = {"tiny": prepare(MODELS["tiny"], (TINY, ONE_ROW), folders.models)}
    header = records.header(planned, here.facts(), here.key(EXPERIMENT, PROFILE), build, seed, models)
    task = Task(
        planned=planned,
        writer=store.Writer.create(folders.results, header),
        models=models,
        work=folders.work / build,
        worker=_run_known,
    )
    Runner(tasks=(task,), seed=seed, budget_s=BUDGET_S, reporter=reporter, observes=False).run()
    return task.writer.journal


def _whole(path: Path) -> store.Journal | None:
    try:
        journal = store.read(path)
    except (store.DamagedJournal, FileNotFoundError):
        return None
    return journal if journal.complete else None


def _run_known(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
    """Known costs are settled after two calls."""
    warm_up = min(job["warm_up"], WARM_UP)
    return run_worker({**job, "warm_up": warm_up}, env, timeout_s, KNOWN)
