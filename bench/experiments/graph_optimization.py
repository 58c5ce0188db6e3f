"""Levels of graph optimisation, and the optimised model saved and loaded back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Measured
from bench.experiments._common import (
    ASPP_ONE,
    BERT_32,
    BERT_128,
    DET_320,
    DET_480,
    REC_ONE,
    REC_SHORT,
    TINY,
    columns,
)
from bench.experiments._phrases import model, named, sentence, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_LAYOUT")
LOWER = ("disable_all", "basic", "extended", "layout")
MOST_NAMES = 6


def cases(cores: int) -> tuple[Case, ...]:
    """Every level but the default, which is ALL, and a model optimised beforehand."""

    def level(name: str) -> dict[str, str]:
        return {"graph_optimization_level": name}

    other_nodes = (Proof(fact="operators", relation="!=", expected=1, than=BASELINE),)
    optimised = (Proof(fact="nodes", relation="<", expected=1, than="disable_all"),)

    return (
        Case(id=BASELINE, title="默认（ALL）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id="disable_all",
            title="全部关闭",
            settings=level("ORT_DISABLE_ALL"),
            proofs=other_nodes,
        ),
        Case(id="basic", title="BASIC", settings=level("ORT_ENABLE_BASIC"), proofs=other_nodes),
        Case(
            id="extended",
            title="EXTENDED",
            settings=level("ORT_ENABLE_EXTENDED"),
            proofs=other_nodes,
        ),
        Case(
            id="layout",
            title="LAYOUT",
            settings=level("ORT_ENABLE_LAYOUT"),
            since="1.23",
            proofs=other_nodes,
        ),
        Case(
            id="offline",
            title="事先优化并保存，加载时关闭优化",
            settings=level("ORT_DISABLE_ALL"),
            saved_by=level("ORT_ENABLE_ALL"),
            proofs=optimised,
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """What optimisation is worth, what it fused, and whether doing it beforehand pays."""
    for group in say.groups():
        yield f"{where(group)}：全部关闭，{versus_default(say, group, 'disable_all')}；{_nodes(say, group)}。"
    yield from (_offline(say, group) for group in say.groups())


def _nodes(say: Findings, group: Measured) -> str:
    before, after = (say.value(group, case, "nodes") for case in ("disable_all", BASELINE))
    if before is None or after is None:
        return "节点数没有观察到"
    if before == after:
        return f"优化前后，一次推理都执行 {after:.0f} 个节点{_new_operators(say, group)}"
    return f"优化之后，一次推理执行的节点从 {before:.0f} 个变为 {after:.0f} 个{_new_operators(say, group)}"


def _new_operators(say: Findings, group: Measured) -> str:
    before, after = (say.operators(group, case) for case in ("disable_all", BASELINE))
    new = [f"<code>{escape(name)}</code>" for name in after if name not in before] if before else []
    more = " 等" if len(new) > MOST_NAMES else ""
    return f"，新出现 {'、'.join(new[:MOST_NAMES])}{more}" if new else ""


def _offline(say: Findings, group: Measured) -> str:
    online, offline = (say.number(group, case, "session_ms", " ms") for case in (BASELINE, "offline"))
    if not offline:
        return f"{where(group)}：事先优化的模型没有测成。"
    default = f"建会话 {online}" if online else "默认设置没有测成"
    return (
        f"{where(group)}：{default}，加载事先优化好的模型 {offline}；"
        f"推理{versus_default(say, group, 'offline')}。"
    )


def _default_is_fine(say: Findings) -> Answer:
    """Right unless a lower level is faster somewhere."""
    off = sentence(f"{model(g)}，全部关闭，{versus_default(say, g, 'disable_all')}" for g in say.groups())
    rows = [(group, case) for group in say.groups() for case in LOWER]
    better = [
        f"{model(group)}，{named(say, case)}，{versus_default(say, group, case)}"
        for group, case in rows
        if say.verdict(group, case) == "faster"
    ]
    if better:
        measured = f"{off}比默认快的有：{'；'.join(better)}。"
        return Answer(
            measured=measured, now="上面比默认快的几项可以试，先核对输出；其余保持默认（ALL）。", holds="no"
        )
    asked = [say.verdict(group, case) for group, case in rows if say.outcome(group, case) != "nothing"]
    if "unclear" in asked:
        return Answer(
            measured=f"{off}有的级别与默认还分不出快慢。", now="先保持默认（ALL）。", holds="unknown"
        )
    if not asked or None in asked:
        return Answer(measured=off, now="先保持默认（ALL）。", holds="unknown")
    return Answer(measured=f"{off}没有哪一级比默认快。", now="保持默认（ALL）。", holds="yes")


EXPERIMENT = Experiment(
    id="graph_optimization",
    title="图优化级别",
    question="图优化值多少，要不要事先做好？",
    cases=cases,
    groups=(
        Group(model="ocr_det", input=DET_480, small=DET_320, seconds=0.6),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.45),
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.05,
        ),
        Group(model="tiny", input=TINY, small=TINY, seconds=0.37),
    ),
    columns=columns("latency_ms", "ratio", "session_ms", "nodes", "first_run_ms", "peak_mib"),
    conclude=conclude,
    observe_each_group=True,
    claims=(
        Claim(
            id="default_is_fine",
            said="graph_optimization_level 采用默认值（全部优化）即可。",
            answer=_default_is_fine,
        ),
    ),
)
