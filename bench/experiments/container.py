"""A process that gets half of the cores, by mask or by quota, and two processes that share them all."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    DET_320,
    NOT_SPINNING,
    ORIGINAL,
    REC_TWO,
    ZEROED,
    default,
    own_threads,
)
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Experiment,
    Group,
    Importance,
    Limit,
    Load,
    Machine,
    Place,
    Scenario,
)

MODEST = 1.2
SAME_MEMORY = 1.05
NO_SPIN = {"session.intra_op.allow_spinning": "0"}


def cases(machine: Machine) -> tuple[Case, ...]:
    """The default, the article's settings, and the share of cores written out, with and without spinning."""
    share = max(1, machine.cores // 2)
    own = {"intra_op_num_threads": share}
    return (
        *default(),
        ORIGINAL,
        Case(id="share", title=f"{share} 线程", settings=own, proofs=own_threads(share)),
        Case(id="no_spin", title="不空转", settings=NO_SPIN, proofs=(NOT_SPINNING,)),
    )


EXPERIMENT = Experiment(
    id="container",
    title="多进程与容器",
    question="只分到一半的核（掩码或配额），或两个进程同时跑，该怎么设？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        Group(
            model="ocr_rec",
            input=REC_TWO,
            small=REC_TWO,
            seconds=0.45,
            slower={"share": 1.4},
            place=Place(cores=0.5),
        ),
        Group(
            model="ocr_det",
            input=DET_320,
            small=DET_320,
            settings=ZEROED,
            seconds=0.8,
            load=Load(processes=2),
        ),
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.7,
            load=Load(calls=40),
            place=Place(quota_share=0.5),
            cases=(BASELINE, CONTROL, "original", "share", "no_spin"),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "ratio_original",
        "p95_ms",
        "throttled",
        "cores_used",
        "cpu_s",
        "idle_cpu_s",
        "threads",
        "peak_mib",
        "kept_mib",
    ),
    scenarios=(
        Scenario(
            id="container",
            title="多进程与容器",
            candidates=(BASELINE, "share", "no_spin"),
            groups=(0, 1, 2),
            minimise="ratio",
            limits=(
                Limit(
                    metric="cores_used",
                    than="share",
                    factor=MODEST,
                    text=f"每组用到的核至多比自己那一份多 {MODEST - 1:.0%}",
                ),
                Limit(
                    metric="p95_ms",
                    than="share",
                    factor=MODEST,
                    text=f"p95 延迟至多比写明线程数时长 {MODEST - 1:.0%}",
                ),
                Limit(
                    metric="peak_mib",
                    than=BASELINE,
                    factor=SAME_MEMORY,
                    text=f"每组最多占的内存至多比默认多 {SAME_MEMORY - 1:.0%}",
                ),
            ),
            use="用 `taskset` 把进程限定在部分核上，或给容器限了 CPU 配额，或同一台机器上跑几个进程：三样都测了。代码里若有线程数，换成你的每个进程分到的核数。",
            avoid="一个进程独占整台机器：看“延迟优先”。",
        ),
    ),
)
