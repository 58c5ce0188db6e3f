"""Inputs of ever new sizes: what they make the process keep, and what brings it down again."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    ARENA_OFF,
    BERT_LENGTHS,
    BERT_SOME_LENGTHS,
    DET_FEW,
    DET_MANY,
    NO_ARENA,
    ONE_WIDE,
    ONE_WIDE_SOME,
    SHRUNK,
    WITHOUT_ARENA,
    WITHOUT_PATTERN,
    ZEROED,
    default,
    needs_linux,
)
from bench.spec import BASELINE, CONTROL, Case, Chart, Experiment, Group, Load, Machine, Place, Proof, Subject

ONE_PASS = Load(calls=1)
"""With the two before it, every size comes three times."""
TENTH = Subject(name="shrinks", options={"every": 10})
AFTER_LARGE = Subject(name="shrinks", options={"above": 3 * 48 * 1000})
WITH_LARGE = Subject(name="shrinks", options={"above": 3 * 48 * 1000, "at_once": True})
"""Lines wider than a thousand pixels."""
STEP = 64
SHRINKS = replace(SHRUNK, keys=())
SMALLER_ARENA = Proof(
    fact="arena_mib", relation="<", expected=0.95, than=BASELINE, keys=("enable_mem_pattern",)
)
"""Where sizes change, the blocks for whole plans come with the first pass, and not with the second."""
LESS = 0.5


def cases(machine: Machine) -> tuple[Case, ...]:
    """Less planned, nothing kept, given back now and then, fewer sizes."""
    shrink = {"memory.enable_memory_arena_shrinkage": "cpu:0"}
    return (
        *default(),
        replace(WITHOUT_PATTERN[0], proofs=(SMALLER_ARENA,)),
        WITHOUT_ARENA,
        Case(id="shrink", title="每次推理后归还", run_settings=shrink, proofs=(SHRUNK,)),
        Case(id="shrink_tenth", title="每十次归还一次", subject=TENTH, proofs=(SHRINKS,)),
        Case(id="shrink_with_large", title="大的那一次归还", subject=WITH_LARGE, proofs=(SHRINKS,)),
        Case(id="shrink_after_large", title="大的之后那一次归还", subject=AFTER_LARGE, proofs=(SHRINKS,)),
        Case(
            id="padded",
            title=f"长度补齐到 {STEP} 的倍数",
            subject=Subject(name="padded", options={"step": STEP}),
            proofs=(Proof(fact="subject", relation="!=", expected=1, than=BASELINE),),
        ),
        Case(
            id="arena_off_trim_threshold",
            title="关 arena，glibc 128 KiB 就归还",
            settings=NO_ARENA,
            place=Place(env={"MALLOC_TRIM_THRESHOLD_": "131072"}),
            proofs=(
                ARENA_OFF,
                Proof(
                    fact="returned_mib",
                    relation="<",
                    expected=LESS,
                    than="arena_off",
                    keys=("MALLOC_TRIM_THRESHOLD_",),
                ),
            ),
            lacking=needs_linux,
        ),
    )


SWITCHED = (BASELINE, CONTROL, "pattern_off", "arena_off")

EXPERIMENT = Experiment(
    id="changing_shapes",
    title="尺寸多变时的内存",
    question="输入尺寸一变再变，内存会涨到多少，偶尔来一个特别大的又留下多少，怎样降下来？",
    cases=cases,
    groups=(
        Group(
            model="ocr_det",
            input=DET_MANY,
            small=DET_FEW,
            settings=ZEROED,
            seconds=0.9,
            slower={"arena_off_trim_threshold": 2.0},
            cases=(*SWITCHED, "shrink", "shrink_tenth", "arena_off_trim_threshold"),
        ),
        Group(
            model="ocr_rec",
            input=ONE_WIDE,
            small=ONE_WIDE_SOME,
            load=ONE_PASS,
            seconds=0.9,
            cases=(*SWITCHED, "shrink_with_large", "shrink_after_large"),
        ),
        Group(
            model="bert_mini",
            input=BERT_LENGTHS,
            small=BERT_SOME_LENGTHS,
            load=ONE_PASS,
            seconds=0.65,
            cases=(BASELINE, CONTROL, "pattern_off", "padded"),
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
    charts=(Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),),
)
