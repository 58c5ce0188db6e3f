"""Levels of graph optimisation, and the optimised model saved and loaded back."""

from __future__ import annotations

from bench.experiments._common import (
    ASPP_ONE,
    BERT_32,
    BERT_128,
    DET_320,
    DET_480,
    REC_ONE,
    REC_SHORT,
    TINY,
    ZEROED,
    default,
    needs_onnxruntime,
)
from bench.spec import BASELINE, Case, Claim, Experiment, Group, Importance, Machine, Proof


def cases(machine: Machine) -> tuple[Case, ...]:
    """Every level but the default, which is ALL, and a model optimised beforehand."""

    def level(name: str) -> dict[str, str]:
        return {"graph_optimization_level": name}

    other_nodes = (Proof(fact="operators", relation="!=", expected=1, than=BASELINE),)
    optimised = (Proof(fact="nodes", relation="<", expected=1, than="disable_all"),)

    return (
        *default("默认（ALL）"),
        Case(id="disable_all", title="全部关闭", settings=level("ORT_DISABLE_ALL"), proofs=other_nodes),
        Case(id="basic", title="BASIC", settings=level("ORT_ENABLE_BASIC"), proofs=other_nodes),
        Case(id="extended", title="EXTENDED", settings=level("ORT_ENABLE_EXTENDED"), proofs=other_nodes),
        Case(
            id="layout",
            title="LAYOUT",
            settings=level("ORT_ENABLE_LAYOUT"),
            lacking=needs_onnxruntime(1, 23),
            proofs=other_nodes,
        ),
        Case(
            id="offline",
            title="事先优化并保存，加载时关闭优化",
            settings=level("ORT_DISABLE_ALL"),
            variant="optimised",
            proofs=optimised,
        ),
    )


EXPERIMENT = Experiment(
    id="graph_optimization",
    title="图优化级别",
    question="图优化值多少，要不要事先做好？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        Group(model="ocr_det", input=DET_480, small=DET_320, settings=ZEROED, seconds=0.6),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.45),
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.05),
        Group(model="tiny", input=TINY, small=TINY, seconds=0.37),
    ),
    columns=("latency_ms", "ratio", "session_ms", "nodes", "first_run_ms", "peak_mib"),
    observe_each_group=True,
    claims=(Claim(id="default_is_fine", said="graph_optimization_level 采用默认值（全部优化）即可。"),),
)
