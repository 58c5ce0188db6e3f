"""What the profiler costs, and what its trace tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Holds, Measured
from bench.experiments._common import BERT_32, BERT_128, DET_320, DET_480, TINY, columns
from bench.experiments._phrases import DECIDED, model, sentence, three_digits, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Proof

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
            proofs=(Proof(fact="trace_bytes", relation=">", expected=1000),),
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """Time, memory and file, a sentence a model."""
    for group in say.groups():
        yield f"{where(group)}：开启后，{versus_default(say, group, 'profiling')}；{_growth(say, group)}。"


def _growth(say: Findings, group: Measured) -> str:
    """Memory and file; without profiling, memory may grow a little too."""
    grown, base = (_grown(say, group, case) for case in ("profiling", BASELINE))
    trace = say.value(group, "profiling", "trace_kib_per_run")
    beside = f"（默认 {base}）" if base else ""
    memory = f"每千次推理内存增长 {grown}{beside}" if grown else "内存增长没有测（计时的推理太少，看不出来）"
    return f"{memory}，文件每次推理增加 {three_digits(trace)} KiB" if trace else memory


def _grown(say: Findings, group: Measured, case: str) -> str:
    """With its unit; memory given back is no growth. Empty when there is no figure."""
    value = say.value(group, case, "grown_mib_per_1000")
    if value is None:
        return ""
    return "0 MiB" if value <= 0 else f"{three_digits(value)} MiB"


def _more_grown(say: Findings, group: Measured) -> float | None:
    """MiB in a thousand runs beyond what the default gains."""
    grown, base = (say.value(group, case, "grown_mib_per_1000") for case in ("profiling", BASELINE))
    return None if grown is None or base is None else grown - base


def _recommended_on(say: Findings) -> Answer:
    """Confirmed only where it costs neither time nor memory."""
    measured = sentence(
        f"{model(group)}，{versus_default(say, group, 'profiling')}，{_growth(say, group)}"
        for group in say.groups()
    )
    verdicts = [say.verdict(group, "profiling") for group in say.groups()]
    grown = [
        _more_grown(say, group)
        for group in say.groups()
        if group.verdicts and say.outcome(group, "profiling") == "effect"
    ]
    holds: Holds = "unknown"
    if "slower" in verdicts or any(more is not None and more > NOTABLE_MIB for more in grown):
        holds = "no"
    elif verdicts and all(verdict in DECIDED for verdict in verdicts) and None not in grown:
        holds = "yes"
    now = (
        "没有测出代价；但文件随推理次数变大，长期运行前先算好磁盘。"
        if holds == "yes"
        else "上线时关闭；排查时开启，跑几十次就结束会话，用它找最耗时的节点。"
    )
    return Answer(measured=measured, now=now, holds=holds)


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
            seconds=0.57,
        ),
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.4,
        ),
        Group(
            model="tiny",
            input=TINY,
            small=TINY,
            seconds=0.4,
        ),
    ),
    columns=columns("latency_ms", "ratio", "grown_mib_per_1000", "trace_kib_per_run", "peak_mib", "kept_mib"),
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
