"""Sequential or parallel execution of a graph's branches, with and without spinning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Measured
from bench.experiments._common import (
    ASPP_ONE,
    BERT_32,
    BERT_128,
    DET_320,
    DET_480,
    NOT_SPINNING,
    columns,
)
from bench.experiments._phrases import DECIDED, NOT_MEASURED, named, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PARALLEL = {"execution_mode": "ORT_PARALLEL"}
INTRA_NO_SPIN = {"session.intra_op.allow_spinning": "0"}
NO_SPIN = {**INTRA_NO_SPIN, "session.inter_op.allow_spinning": "0"}
BOTH_QUIET = 0.25
"""Share of the CPU time that is left where no pool spins; with one of two still spinning, it is more."""


def counts(cores: int) -> tuple[int, ...]:
    """Threads between operators: one, two, as many as cores."""
    return tuple(sorted({1, 2, cores}))


def cases(cores: int) -> tuple[Case, ...]:
    """Sequential and parallel, each with and without spinning."""
    pool = Proof(fact="threads_created", relation=">", expected=1, than=BASELINE)
    # With one thread between operators there is no second pool; the mode still unbinds the first one.
    unbound = Proof(fact="threads_pinned", relation="<", expected=1, than=BASELINE)
    parallel = [
        Case(
            id=f"parallel_{count}{suffix}",
            title=f"并行，inter_op {count}{words}",
            settings={**PARALLEL, "inter_op_num_threads": count, **spin},
            proofs=(unbound if count == 1 else pool, *_quiet(spin, f"parallel_{count}")),
        )
        for count in counts(cores)
        for suffix, words, spin in (("", "", {}), ("_no_spin", "，不空转", NO_SPIN))
    ]
    return (
        Case(id=BASELINE, title="默认（顺序）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(id="sequential_no_spin", title="顺序，不空转", settings=INTRA_NO_SPIN, proofs=(NOT_SPINNING,)),
        *parallel,
    )


def _quiet(keys: Iterable[str], than: str) -> tuple[Proof, ...]:
    look = Proof(fact="idle_cpu_s", relation="<", expected=BOTH_QUIET, than=than, keys=tuple(keys))
    return (look,) if look.keys else ()


def _parallel(say: Findings) -> list[str]:
    return [case for case in say.cases() if case.startswith("parallel")]


def _overlap(say: Findings, group: Measured) -> float | None:
    """Most nodes seen running beside another node, over all parallel cases."""
    seen = [say.value(group, case, "overlapping_nodes") for case in _parallel(say)]
    known = [value for value in seen if value is not None]
    return max(known) if known else None


def conclude(say: Findings) -> Iterator[str]:
    """Whether branches ran side by side, and what the mode costs."""
    for group in say.groups():
        overlap = _overlap(say, group)
        ran = "节点怎样执行没有观察到" if overlap is None else _side_by_side(overlap)
        case = _shortest(say, group, _second_pool(say))
        cost = (
            f"inter_op 大于 1、照默认空转的设置里，耗时最短的是{named(say, case)}，{versus_default(say, group, case)}"
            if case
            else "快慢没有测成"
        )
        yield f"{where(group)}：并行模式下，{cost}；{ran}。"


def _side_by_side(nodes: float) -> str:
    if nodes == 0:
        return "一次推理里没有任何节点与别的线程上的节点同时执行"
    return f"一次推理里最多有 {nodes:.0f} 个节点与别的线程上的节点同时执行"


def _shortest(say: Findings, group: Measured, cases: list[str]) -> str | None:
    known = [case for case in cases if say.value(group, case, "ratio") is not None]
    return min(known, key=lambda case: say.value(group, case, "ratio") or 0.0) if known else None


def _second_pool(say: Findings) -> list[str]:
    """Parallel cases that differ from the default in the mode alone: a second pool, spinning as the default does."""
    return [case for case in _parallel(say) if case != "parallel_1" and not case.endswith("_no_spin")]


def _many_branches(say: Findings) -> Answer:
    """On the network with five branches: is any parallel setting faster."""
    group = next((g for g in say.groups() if g.model == "aspp"), None)
    cases = _second_pool(say)
    case = _shortest(say, group, cases) if group else None
    if group is None or case is None:
        return Answer(measured=NOT_MEASURED, now="保持顺序执行。", holds="unknown")
    verdicts = {say.verdict(group, one) for one in cases}
    overlap = _overlap(say, group)
    nodes = "" if overlap is None else f"，{_side_by_side(overlap)}"
    measured = f"{where(group)}有五条独立分支；inter_op 大于 1、照默认空转的并行设置里，耗时最短的是{named(say, case)}，{versus_default(say, group, case)}{nodes}。"
    if "faster" in verdicts:
        return Answer(measured=measured, now="有分支的模型值得一试，以自己的模型实测为准。", holds="yes")
    if not verdicts <= set(DECIDED):
        return Answer(measured=measured, now="先保持顺序执行。", holds="unknown")
    return Answer(
        measured=measured, now="保持默认的顺序执行；用几个核由 intra_op_num_threads 管。", holds="no"
    )


EXPERIMENT = Experiment(
    id="execution_mode",
    title="执行模式",
    question="分支多的模型，ORT_PARALLEL 会更快吗？",
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.0,
        ),
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.4,
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            seconds=0.6,
        ),
    ),
    columns=columns(
        "latency_ms",
        "ratio",
        "overlapping_nodes",
        "node_threads",
        "threads",
        "cpu_s",
        "idle_cpu_s",
        "kept_mib",
    ),
    conclude=conclude,
    observe_each_group=True,
    claims=(
        Claim(
            id="many_branches",
            said="模型有许多分支时，把执行模式设为 ORT_PARALLEL 通常更快。",
            answer=_many_branches,
        ),
    ),
)
