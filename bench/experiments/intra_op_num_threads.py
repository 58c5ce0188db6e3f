"""How many threads one operator should be split over."""

from __future__ import annotations

from bench.experiments._common import (
    ASPP_ONE,
    DET_320,
    DET_480,
    REC_FOUR,
    REC_TWO,
    TINY,
    ZEROED,
    default,
    own_threads,
    threads,
)
from bench.spec import Case, Chart, Claim, Experiment, Group, Importance, Machine


def cases(machine: Machine) -> tuple[Case, ...]:
    """Default twice, then explicit counts; N threads are the caller and N-1 workers."""
    explicit = tuple(
        Case(
            id=rule,
            title=f"{count} 线程",
            settings={"intra_op_num_threads": count},
            proofs=own_threads(count),
        )
        for rule, count in threads(machine).items()
    )
    return (*default("默认（0）"), *explicit)


EXPERIMENT = Experiment(
    id="intra_op_num_threads",
    title="算子内线程数",
    question="intra_op_num_threads 设多少最快，设多了有什么代价？",
    importance=Importance.HEADLINE,
    cases=cases,
    groups=(
        Group(
            model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.1, slower={"single": 1.8, "double": 1.4}
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            seconds=0.65,
            slower={"single": 1.3, "double": 1.7},
        ),
        Group(
            model="ocr_rec",
            input=REC_FOUR,
            small=REC_TWO,
            seconds=0.75,
            slower={"single": 1.4, "double": 2.0},
        ),
        Group(model="tiny", input=TINY, small=TINY, seconds=0.4),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "speed_up",
        "efficiency",
        "cpu_s",
        "idle_cpu_s",
        "threads",
        "session_ms",
        "peak_mib",
        "kept_mib",
    ),
    charts=(Chart(kind="thread_scaling", title="加速比与线程数"),),
    claims=(Claim(id="all_cores", said="intra_op_num_threads 默认为 0，一般会使用设备上所有的核。"),),
)
