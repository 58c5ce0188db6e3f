"""Which threads exist in which mode, and that the option does nothing in the sequential one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments._common import REC_ONE, REC_SHORT, columns
from bench.experiments._phrases import named, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Proof, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.answers import Findings, Measured

OPTION = "inter_op_num_threads"
MORE = 4
"""Threads between operators, more than the default of any mode on a small machine."""


def cases(cores: int) -> tuple[Case, ...]:
    """The option in both modes; with one thread inside operators, those between them are all there is."""
    parallel: dict[str, Scalar] = {"execution_mode": "ORT_PARALLEL", "intra_op_num_threads": 1}
    return (
        Case(id=BASELINE, title="默认（顺序）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id=f"sequential_{MORE}",
            title=f"顺序，inter_op {MORE}",
            settings={"inter_op_num_threads": MORE},
            proofs=(Proof(fact="threads_created", relation=">", expected=1, than=BASELINE),),
        ),
        *(
            Case(
                id=f"parallel_{count}",
                title=f"并行，intra_op 1，inter_op {count}",
                settings={**parallel, "inter_op_num_threads": count},
                proofs=(
                    Proof(fact="threads_created", relation="==", expected=count - 1, keys=(OPTION,)),
                    Proof(fact="threads_pinned", relation="==", expected=0, keys=(OPTION,)),
                ),
            )
            for count in (1, 2, MORE)
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """Threads counted, then the sequential mode."""
    group = next(iter(say.groups()), None)
    if group is None:
        return
    counted = "；".join(_threads(say, group, case) for case in say.cases() if case != CONTROL)
    yield f"{where(group)}的线程数（连同调用 run 的那个）：{counted}。"
    own, base = (say.value(group, case, "threads") for case in (f"sequential_{MORE}", BASELINE))
    speed = versus_default(say, group, f"sequential_{MORE}")
    if own is None or base is None:
        yield f"顺序模式下设 inter_op_num_threads，线程有没有增减没有测到；{speed}。"
    elif own == base:
        yield f"<strong>顺序模式下设 inter_op_num_threads，一个线程也没有多</strong>；{speed}。"
    else:
        yield f"顺序模式下设 inter_op_num_threads，线程从 {base:.0f} 个变成 {own:.0f} 个；{speed}。"


def _threads(say: Findings, group: Measured, case: str) -> str:
    threads = say.value(group, case, "threads")
    if threads is not None:
        return f"{named(say, case)}，{threads:.0f} 个"
    missing = "没有测成" if say.value(group, case, "latency_ms") is None else "读不到"
    return f"{named(say, case)}，{missing}"


EXPERIMENT = Experiment(
    id="inter_op_num_threads",
    title="算子间线程数",
    question="inter_op_num_threads 在哪种模式下有用，会多出哪些线程？",
    cases=cases,
    groups=(
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_SHORT,
            seconds=0.5,
        ),
    ),
    columns=columns("latency_ms", "ratio", "threads", "cpu_s", "session_ms"),
    conclude=conclude,
)
