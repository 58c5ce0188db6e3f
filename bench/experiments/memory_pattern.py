"""Memory pattern and memory reuse, each with and without the arena."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from bench.experiments._inputs import ASPP_ONE, REC_FEW, REC_MANY
from bench.spec import BASELINE, CONTROL, Case, Chart, Column, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.answers import Findings, Measured

OPTIONS = {"arena": "enable_cpu_mem_arena", "pattern": "enable_mem_pattern", "reuse": "enable_mem_reuse"}
NAMES = {"arena": "arena", "pattern": "内存模式", "reuse": "内存复用"}


def cases(cores: int) -> tuple[Case, ...]:
    """Every combination of the three switches."""
    switched = [
        _case(tuple(name for name, off in zip(OPTIONS, choice, strict=True) if off))
        for choice in product((False, True), repeat=len(OPTIONS))
        if any(choice)
    ]
    return (
        Case(id=BASELINE, title="默认（全开）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        *sorted(switched, key=lambda case: (len(case.settings), case.id)),
    )


def _case(off: tuple[str, ...]) -> Case:
    return Case(
        id="_".join(off) + "_off",
        title=f"关闭{'、'.join(NAMES[name] for name in off)}",
        settings={OPTIONS[name]: False for name in off},
        proof=_proof(off),
    )


def _proof(off: tuple[str, ...]) -> Proof:
    """What shows in ORT's log: no region at all, or no block for the whole plan on the second run."""
    if "arena" in off:
        return Proof(fact="arena_regions", relation="==", expected=0)
    return Proof(fact="second_run_regions", relation="<", expected=1, than=BASELINE)


def conclude(say: Findings) -> Iterator[str]:
    """What each switch alone does, then whether arena off still plans."""
    for group in say.groups():
        for case in ("pattern_off", "reuse_off"):
            yield (
                f"{group.model_title}（{group.input}）：{say.title(case)}，与默认比{say.speed(group, case)}；"
                f"峰值{say.memory_change(group, case, 'peak_mib')}，留存{say.memory_change(group, case, 'kept_mib')}。"
            )
        yield _without_arena(say, group)


def _without_arena(say: Findings, group: Measured) -> str:
    figures = "；".join(
        f"{say.title(case)}：缺页 {_faults(say, group, case)}，峰值 {say.mib(group, case, 'peak_mib')}"
        for case in ("arena_off", "arena_pattern_off")
    )
    return f"{group.model_title}（{group.input}）关闭 arena 之后，内存模式仍可开关：{figures}。"


def _faults(say: Findings, group: Measured, case: str) -> str:
    value = say.value(group, case, "minor_faults")
    return "读不到" if value is None else f"{value:.0f} 次/推理"


EXPERIMENT = Experiment(
    id="memory_pattern",
    title="内存模式与内存复用",
    question="enable_mem_pattern 和 enable_mem_reuse 各管什么，该不该关？",
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.2,
        ),
        Group(
            model="ocr_rec",
            input=REC_MANY,
            small=REC_FEW,
            seconds=3.2,
            cases=(BASELINE, CONTROL, "pattern_off", "reuse_off", "arena_off", "arena_pattern_off"),
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="peak_mib", title="峰值", unit="MiB"),
        Column(metric="kept_mib", title="留存", unit="MiB"),
        Column(metric="kept_trimmed_mib", title="trim 后留存", unit="MiB"),
        Column(metric="after_first_mib", title="第 1 次后", unit="MiB"),
        Column(metric="after_second_mib", title="第 2 次后", unit="MiB"),
        Column(metric="minor_faults", title="缺页/次"),
    ),
    conclude=conclude,
    charts=(Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),),
)
