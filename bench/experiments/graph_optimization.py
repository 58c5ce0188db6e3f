"""Levels of graph optimisation, and the optimised model saved and loaded back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Measured
from bench.experiments._inputs import ASPP_ONE, BERT_32, BERT_128, DET_320, DET_480, REC_ONE, REC_SHORT, TINY
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_BASIC", "ORT_ENABLE_EXTENDED", "ORT_ENABLE_LAYOUT")
MOST_NAMES = 6


def cases(cores: int) -> tuple[Case, ...]:
    """Every level but the default, which is ALL, and a model optimised beforehand."""

    def level(name: str) -> dict[str, str]:
        return {"graph_optimization_level": name}

    fewer = Proof(fact="nodes", relation="<", expected=1, than="disable_all")
    return (
        Case(id=BASELINE, title="默认（ALL）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id="disable_all",
            title="全部关闭",
            settings=level("ORT_DISABLE_ALL"),
            proof=Proof(fact="nodes", relation=">", expected=1, than=BASELINE),
        ),
        Case(id="basic", title="BASIC", settings=level("ORT_ENABLE_BASIC"), proof=fewer),
        Case(
            id="extended",
            title="EXTENDED",
            settings=level("ORT_ENABLE_EXTENDED"),
            proof=Proof(fact="nodes", relation="<", expected=1, than="basic"),
        ),
        Case(
            id="layout",
            title="LAYOUT",
            settings=level("ORT_ENABLE_LAYOUT"),
            since="1.23",
            proof=Proof(fact="nodes", relation="==", expected=1, than=BASELINE),
        ),
        Case(
            id="offline",
            title="事先优化并保存，加载时关闭优化",
            settings=level("ORT_DISABLE_ALL"),
            saved_by=level("ORT_ENABLE_ALL"),
            proof=Proof(fact="nodes", relation="==", expected=1, than=BASELINE),
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """What optimisation is worth, what it fused, and whether doing it beforehand pays."""
    for group in say.groups():
        yield f"{group.model_title}（{group.input}）：全部关闭，与默认比{say.speed(group, 'disable_all')}；{_nodes(say, group)}。"
    yield from (_offline(say, group) for group in say.groups())


def _nodes(say: Findings, group: Measured) -> str:
    before, after = (say.value(group, case, "nodes") for case in ("disable_all", BASELINE))
    if before is None or after is None:
        return "节点数没有观察到"
    new = [name for name in say.operators(group, BASELINE) if name not in say.operators(group, "disable_all")]
    more = "等" if len(new) > MOST_NAMES else ""
    names = f"，新出现 {'、'.join(f'<code>{name}</code>' for name in new[:MOST_NAMES])}{more}" if new else ""
    return f"一次推理执行的节点从 {before:.0f} 个变为 {after:.0f} 个{names}"


def _offline(say: Findings, group: Measured) -> str:
    online, offline = (say.value(group, case, "session_ms") for case in (BASELINE, "offline"))
    if online is None or offline is None:
        return f"{group.model_title}：事先优化的模型没有测成。"
    return (
        f"{group.model_title}：建会话 {online:.3g} ms，加载事先优化好的模型 {offline:.3g} ms；"
        f"推理与默认比{say.speed(group, 'offline')}。"
    )


def _default_is_fine(say: Findings) -> Answer:
    """Right unless a lower level is faster somewhere."""
    lower = ("disable_all", "basic", "extended", "layout")
    judged = [group for group in say.groups() if group.verdicts]
    better = [
        f"{group.model_title} 用 {say.title(case)} {say.speed(group, case)}"
        for group in judged
        for case in lower
        if say.verdict(group, case) == "faster"
    ]
    measured = "；".join(f"{g.model_title} 全部关闭{say.speed(g, 'disable_all')}" for g in say.groups())
    if not any(say.verdict(g, case) for g in judged for case in lower):
        return Answer(measured=f"{measured}。", now="先保持默认。", agrees=None)
    if better:
        return Answer(
            measured=f"{measured}；但{'；'.join(better)}。",
            now="多数情况保持默认，这几个模型可以试低一级。",
            agrees=False,
        )
    return Answer(measured=f"{measured}；没有哪一级比默认快。", now="保持默认（ALL）。", agrees=True)


EXPERIMENT = Experiment(
    id="graph_optimization",
    title="图优化级别",
    question="图优化值多少，要不要事先做好？",
    cases=cases,
    groups=(
        Group(model="ocr_det", input=DET_480, small=DET_320, seconds=0.7),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.6),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.7),
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.3),
        Group(model="tiny", input=TINY, small=TINY, seconds=0.3),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="session_ms", title="建会话", unit="ms"),
        Column(metric="nodes", title="节点数"),
        Column(metric="first_run_ms", title="首次推理", unit="ms"),
        Column(metric="peak_mib", title="峰值", unit="MiB"),
    ),
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
