"""Which threads exist in which mode, and that the option does nothing in the sequential one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments._inputs import REC_ONE, REC_SHORT
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Proof, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.answers import Findings

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
            # Shown to do nothing: as many threads as without it.
            proof=Proof(fact="threads_created", relation="==", expected=1, than=BASELINE),
        ),
        *(
            Case(
                id=f"parallel_{count}",
                title=f"并行，intra_op 1，inter_op {count}",
                settings={**parallel, "inter_op_num_threads": count},
                proof=Proof(fact="threads_created", relation="==", expected=count - 1),
            )
            for count in (1, 2, MORE)
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """Threads counted, then the sequential mode."""
    group = next(iter(say.groups()), None)
    if group is None:
        return
    counted = "；".join(
        f"{say.title(case)}，{_threads(say, group, case)}" for case in say.cases() if case != CONTROL
    )
    yield f"{group.model_title}（{group.input}），连同调用 run 的线程：{counted}。"
    own, base = (say.value(group, case, "threads") for case in (f"sequential_{MORE}", BASELINE))
    if own is None or base is None:
        yield "线程数在这个系统上读不到，顺序模式下它有没有作用只能看延迟。"
    elif own == base:
        yield f"<strong>顺序模式下设 inter_op_num_threads，一个线程也没有多</strong>；与默认比{say.speed(group, f'sequential_{MORE}')}。"
    else:
        yield f"顺序模式下设 inter_op_num_threads，线程从 {base:.0f} 个变成 {own:.0f} 个；与默认比{say.speed(group, f'sequential_{MORE}')}。"


def _threads(say: Findings, group: object, case: str) -> str:
    threads = say.value(group, case, "threads")
    return "线程数读不到" if threads is None else f"{threads:.0f} 个线程"


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
            seconds=0.6,
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="threads", title="实际线程数"),
        Column(metric="cpu_s", title="CPU 秒/次", unit="s"),
        Column(metric="session_ms", title="建会话", unit="ms"),
    ),
    conclude=conclude,
)
