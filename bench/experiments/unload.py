"""A session deleted: what the process keeps, whether it grows from one to the next, and what gives it back."""

from __future__ import annotations

from bench.experiments._common import (
    ARENA_OFF,
    DET_320,
    NO_ARENA,
    NO_PATTERN,
    WIDE,
    ZEROED,
    default,
    needs_linux,
)
from bench.spec import BASELINE, Case, Chart, Experiment, Group, Load, Machine, Place, Proof, Subject

SIX = Load(timed=False, rounds=3, calls=4)
"""With the first two calls, six times opened and deleted. Memory after it varies by itself: three rounds."""
RELOAD = Subject(name="reload")
LESS = 0.5
"""Of what malloc_trim could still give back."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """What decides whether glibc hands back what the session has freed."""
    returned = Proof(fact="returned_mib", relation="<", expected=LESS, than=BASELINE)
    return (
        *default(),
        Case(
            id="arena_pattern_off",
            title="关 arena 和 enable_mem_pattern",
            settings={**NO_ARENA, **NO_PATTERN},
            proofs=(ARENA_OFF,),
        ),
        Case(
            id="malloc_trim",
            title="删掉后调用 malloc_trim(0)",
            subject=Subject(name="reload", options={"malloc_trim": True}),
            proofs=(returned,),
            lacking=needs_linux,
        ),
        Case(
            id="trim_threshold",
            title="MALLOC_TRIM_THRESHOLD_=131072",
            place=Place(env={"MALLOC_TRIM_THRESHOLD_": "131072"}),
            proofs=(returned,),
            lacking=needs_linux,
        ),
        Case(
            id="arena_max",
            title="MALLOC_ARENA_MAX=1",
            place=Place(env={"MALLOC_ARENA_MAX": "1"}),
            proofs=(Proof(fact="heaps", relation="<", expected=1, than=BASELINE),),
            lacking=needs_linux,
        ),
    )


ROWS = (BASELINE, "arena_pattern_off", "malloc_trim", "trim_threshold", "arena_max")

EXPERIMENT = Experiment(
    id="unload",
    title="卸载模型之后的内存",
    question="会话删掉之后，进程还占多少内存，是不是泄漏，怎样还给系统？",
    cases=cases,
    groups=(
        Group(
            model="wide",
            input=WIDE,
            small=WIDE,
            subject=RELOAD,
            load=SIX,
            seconds=2.0,
            cases=ROWS,
        ),
        Group(
            model="ocr_det",
            input=DET_320,
            small=DET_320,
            settings=ZEROED,
            subject=RELOAD,
            load=SIX,
            seconds=1.0,
            cases=ROWS,
        ),
    ),
    columns=(
        "trim_ms",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "after_first_mib",
        "after_second_mib",
        "base_mib",
        "minor_faults",
    ),
    charts=(Chart(kind="memory_over_runs", title="每次卸载之后的进程内存（RSS）"),),
    observe_each_group=True,
)
