"""The same network in other files: how long opening takes, what it needs, and whether inference changes."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, REC_ONE, REC_SHORT, default
from bench.spec import BASELINE, Case, Experiment, Group, Machine, Proof

FORMATS = {"optimised": "事先优化好的 ONNX", "ort_format": "ORT 格式", "external_data": "权重放在外部文件"}
"""Files in `bench.variants`."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """The file as it is, then each other one."""
    other_file = (Proof(fact="file", relation="!=", expected=1, than=BASELINE),)
    others = (Case(id=name, title=title, variant=name, proofs=other_file) for name, title in FORMATS.items())
    return (*default("原来的 ONNX 文件"), *others)


EXPERIMENT = Experiment(
    id="formats",
    title="模型文件的格式",
    question="事先优化、ORT 格式、外部权重：打开快多少，要多少内存，推理变不变？",
    cases=cases,
    groups=(
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.45),
    ),
    columns=(
        "session_ms",
        "open_ratio",
        "open_peak_mib",
        "base_mib",
        "first_run_ms",
        "latency_ms",
        "ratio",
        "kept_mib",
    ),
    observe_each_group=True,
)
