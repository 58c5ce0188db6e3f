"""Memory pattern and memory reuse, each with and without the arena."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from bench.experiments._common import ARENA_OFF, ASPP_ONE, PATTERN_OFF, REC_FEW, REC_MANY, default
from bench.spec import BASELINE, CONTROL, Case, Chart, Experiment, Group, Importance, Machine, Proof

OPTIONS = {"arena": "enable_cpu_mem_arena", "pattern": "enable_mem_pattern", "reuse": "enable_mem_reuse"}
NO_PLAN = replace(PATTERN_OFF, keys=("enable_mem_pattern", "enable_mem_reuse"))
NAMES = {"arena": "arena", "pattern": "enable_mem_pattern", "reuse": "enable_mem_reuse"}


def cases(machine: Machine) -> tuple[Case, ...]:
    """Every combination of the three switches."""
    switched = [
        _case(tuple(name for name, off in zip(OPTIONS, choice, strict=True) if off))
        for choice in product((False, True), repeat=len(OPTIONS))
        if any(choice)
    ]
    return (*default("默认（全开）"), *sorted(switched, key=lambda case: (len(case.settings), case.id)))


def _case(off: tuple[str, ...]) -> Case:
    names = "、".join(NAMES[name] for name in off)
    return Case(
        id="_".join(off) + "_off",
        title=f"关 {names}",
        settings={OPTIONS[name]: False for name in off},
        proofs=_proofs(off),
    )


def _proofs(off: tuple[str, ...]) -> tuple[Proof, ...]:
    """What shows in ORT's log: no region at all, or no block for the whole plan on the second run.

    That the other switches of a case have arrived is read from the session's own list.
    """
    return (ARENA_OFF,) if "arena" in off else (NO_PLAN,)


EXPERIMENT = Experiment(
    id="memory_pattern",
    title="enable_mem_pattern 与 enable_mem_reuse",
    question="enable_mem_pattern 和 enable_mem_reuse 各管什么，该不该关？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.2),
        Group(
            model="ocr_rec",
            input=REC_MANY,
            small=REC_FEW,
            seconds=1.15,
            cases=(BASELINE, CONTROL, "pattern_off", "arena_off", "arena_pattern_off"),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "after_first_mib",
        "after_second_mib",
        "minor_faults",
    ),
    charts=(
        Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),
        Chart(kind="frontier", title="耗时与内存"),
    ),
)
