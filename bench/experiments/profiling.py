"""What the profiler costs, and what its trace tells."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, DET_320, DET_480, TINY, ZEROED, default
from bench.spec import Case, Claim, Experiment, Group, Importance, Machine, Proof


def cases(machine: Machine) -> tuple[Case, ...]:
    """Off and on."""
    return (
        *default("默认（关）"),
        Case(
            id="profiling",
            title="开启性能分析",
            settings={"enable_profiling": True},
            proofs=(Proof(fact="trace_bytes", relation=">", expected=1000),),
        ),
    )


EXPERIMENT = Experiment(
    id="profiling",
    title="性能分析",
    question="enable_profiling 有什么代价，得到的文件能看出什么？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        Group(model="ocr_det", input=DET_480, small=DET_320, settings=ZEROED, seconds=0.57),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="tiny", input=TINY, small=TINY, seconds=0.4),
    ),
    columns=("latency_ms", "ratio", "grown_mib_per_1000", "trace_kib_per_run", "peak_mib", "kept_mib"),
    keep_trace=("profiling", 0),
    claims=(Claim(id="recommended_on", said="建议开启 enable_profiling。"),),
)
