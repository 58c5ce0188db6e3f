"""Memory pattern and memory reuse, each with and without the arena."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from bench.experiments._common import ARENA_OFF, ASPP_ONE, PATTERN_OFF, REC_FEW, REC_MANY, columns
from bench.experiments._phrases import memory, named, spaced, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Chart, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.answers import Findings, Measured

OPTIONS = {"arena": "enable_cpu_mem_arena", "pattern": "enable_mem_pattern", "reuse": "enable_mem_reuse"}
NO_PLAN = replace(PATTERN_OFF, keys=("enable_mem_pattern", "enable_mem_reuse"))
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
        title=spaced("关闭", "、".join(NAMES[name] for name in off)),
        settings={OPTIONS[name]: False for name in off},
        proofs=_proofs(off),
    )


def _proofs(off: tuple[str, ...]) -> tuple[Proof, ...]:
    """What shows in ORT's log: no region at all, or no block for the whole plan on the second run.

    That the other switches of a case have arrived is read from the session's own list.
    """
    return (ARENA_OFF,) if "arena" in off else (NO_PLAN,)


def conclude(say: Findings) -> Iterator[str]:
    """What each switch alone does, then whether arena off still plans, and what more switches off do beside it."""
    for group in say.groups():
        measured = (case for case in ("pattern_off", "reuse_off") if say.value(group, case, "ratio"))
        for case in measured:
            yield (
                f"{where(group)}：{named(say, case)}，{versus_default(say, group, case)}；"
                f"{spaced('峰值', memory(say, group, case, 'peak_mib'))}，"
                f"{spaced('留存', memory(say, group, case, 'kept_mib'))}。"
            )
        yield _without_arena(say, group)
        yield from _more_off(say, group)


def _without_arena(say: Findings, group: Measured) -> str:
    states = (("内存模式开着", "arena_off"), ("内存模式也关掉", "arena_pattern_off"))
    figures = "；".join(f"{state}，{_faults_and_peak(say, group, case)}" for state, case in states)
    return f"{where(group)}：关闭 arena 之后，{figures}。"


def _faults_and_peak(say: Findings, group: Measured, case: str) -> str:
    faults, peak = (say.value(group, case, metric) for metric in ("minor_faults", "peak_mib"))
    if say.value(group, case, "latency_ms") is None:
        return "没有测成"
    pages = "缺页读不到" if faults is None else f"每次推理缺页 {faults:.0f} 次"
    high = "峰值读不到" if peak is None else f"峰值 {say.mib(group, case, 'peak_mib')}"
    return f"{pages}，{high}"


def _more_off(say: Findings, group: Measured) -> Iterator[str]:
    """Whether the arena should be turned off alone."""
    for case, also in (("arena_pattern_off", "内存模式"), ("arena_pattern_reuse_off", "内存模式和内存复用")):
        metrics = {"peak_mib": "峰值", "kept_mib": "留存"}
        seen = {say.memory_beside(group, case, "arena_off", metric) for metric in metrics}
        if seen & {None, "unclear"}:
            continue
        figures = "，".join(
            f"{spaced(title, say.mib(group, case, metric))} 对 {say.mib(group, 'arena_off', metric)}"
            for metric, title in metrics.items()
        )
        yield f"{where(group)}：{_advice(seen, also)}（与只关 arena 比，{figures}）。"


def _advice(seen: set[str | None], also: str) -> str:
    if seen == {"same"}:
        return f"arena 关了，再关{also}，内存没有差别"
    if "more" not in seen:
        return f"arena 关了，再关{also}，还能少占"
    if "less" not in seen:
        return f"<strong>arena 关了，就不要再关{also}</strong>，占得反而多"
    return f"arena 关了，再关{also}，峰值和留存一升一降"


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
            seconds=0.9,
        ),
        Group(
            model="ocr_rec",
            input=REC_MANY,
            small=REC_FEW,
            seconds=2.0,
            cases=(BASELINE, CONTROL, "pattern_off", "arena_off", "arena_pattern_off"),
        ),
    ),
    columns=columns(
        "latency_ms",
        "ratio",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "after_first_mib",
        "after_second_mib",
        "minor_faults",
    ),
    conclude=conclude,
    charts=(
        Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),
        Chart(kind="frontier", title="耗时与内存"),
    ),
)
