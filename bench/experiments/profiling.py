"""What the profiler costs, and what its trace tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings
from bench.experiments._inputs import BERT_32, BERT_128, DET_320, DET_480, TINY
from bench.spec import BASELINE, CONTROL, Case, Column, Experiment, Group, Proof

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTABLE_MIB = 16


def cases(cores: int) -> tuple[Case, ...]:
    """Off and on."""
    return (
        Case(id=BASELINE, title="默认（关）"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id="profiling",
            title="开启性能分析",
            settings={"enable_profiling": True},
            proof=Proof(fact="trace_bytes", relation=">", expected=1000),
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """Time, memory and file, a sentence a model."""
    for group in say.groups():
        yield f"{group.model_title}（{group.input}）：开启后，与默认比{say.speed(group, 'profiling')}；{_growth(say, group)}。"


def _growth(say: Findings, group: object) -> str:
    grown = say.value(group, "profiling", "grown_mib_per_1000")
    trace = say.value(group, "profiling", "trace_kib_per_run")
    memory = "内存增长读不到" if grown is None else f"每千次推理内存多占 {max(grown, 0):.3g} MiB"
    return memory if trace is None else f"{memory}，文件每次推理增加 {trace:.3g} KiB"


def _recommended_on(say: Findings) -> Answer:
    """Confirmed only where it costs neither time nor memory."""
    groups = [group for group in say.groups() if group.verdicts]
    slower = [group for group in groups if say.verdict(group, "profiling") == "slower"]
    grown = [say.value(group, "profiling", "grown_mib_per_1000") or 0 for group in say.groups()]
    leaks = max(grown, default=0) > NOTABLE_MIB
    agrees: bool | None = not slower and not leaks
    if not groups and not leaks:
        agrees = None
    measured = "；".join(
        f"{group.model_title}：{say.speed(group, 'profiling')}，{_growth(say, group)}"
        for group in say.groups()
    )
    now = (
        "上线时关闭；排查时开启，跑几十次就结束会话，用它找最耗时的节点。"
        if agrees is not True
        else "在本机没有测出代价；但文件和内存随推理次数增长，长期运行前先算一算。"
    )
    return Answer(measured=f"{measured}。", now=now, agrees=agrees)


EXPERIMENT = Experiment(
    id="profiling",
    title="性能分析",
    question="enable_profiling 有什么代价，得到的文件能看出什么？",
    cases=cases,
    groups=(
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            seconds=0.6,
        ),
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.6,
        ),
        Group(
            model="tiny",
            input=TINY,
            small=TINY,
            seconds=1.0,
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="grown_mib_per_1000", title="每千次推理增长", unit="MiB"),
        Column(metric="trace_kib_per_run", title="文件每次推理", unit="KiB"),
        Column(metric="peak_mib", title="峰值", unit="MiB"),
        Column(metric="kept_mib", title="留存", unit="MiB"),
    ),
    conclude=conclude,
    keep_trace=("profiling", 0),
    claims=(
        Claim(
            id="recommended_on",
            said="建议开启 enable_profiling。",
            answer=_recommended_on,
        ),
    ),
)
