"""The same network in lower precision: how fast, how large, and how much of the result stays the same."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    DET_320,
    DET_480,
    OTHER_FILE,
    REC_FOUR,
    REC_TWO,
    ZEROED,
    default,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Machine, Report

DYNAMIC = {
    "int8_dynamic": "动态量化，默认（QInt8）",
    "uint8_dynamic": "动态量化，QUInt8",
    "int8_matmul": "动态量化，只量化矩阵乘",
}
STATIC = {
    "int8_static": "静态量化，默认（QInt8）",
    "u8s8_static": "静态量化，激活 QUInt8、权重 QInt8",
    "u8s8_per_channel": "静态量化，激活 QUInt8、权重逐通道",
}
"""Files in `bench.variants`."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """As `onnxruntime.quantization` makes them, by its defaults and by what is advised for x86; and half precision."""
    lower = {**DYNAMIC, **STATIC, "fp16": "fp16"}
    return (
        *default("fp32"),
        *(Case(id=name, title=title, variant=name, proofs=(OTHER_FILE,)) for name, title in lower.items()),
    )


USUAL = (BASELINE, CONTROL)

EXPERIMENT = Experiment(
    id="quantization",
    title="int8 量化和 fp16",
    question="int8 量化、fp16 在 CPU 上快不快，结果变多少，哪种设法最好？",
    cases=cases,
    groups=(
        Group(
            model="ocr_rec",
            input=REC_FOUR,
            small=REC_TWO,
            seconds=0.6,
            slower={"int8_dynamic": 2.5, "fp16": 1.5},
        ),
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.4,
            cases=(*USUAL, *DYNAMIC, "int8_static", "u8s8_static", "fp16"),
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            seconds=0.6,
            slower={"int8_dynamic": 2.5, "uint8_dynamic": 1.5},
            cases=(*USUAL, "int8_dynamic", "uint8_dynamic", "int8_static", "u8s8_static", "u8s8_per_channel"),
        ),
    ),
    columns=("latency_ms", "ratio", "file_mib", "agreement", "cosine", "nodes", "session_ms", "peak_mib", "kept_mib"),
    observe_each_group=True,
    reports=(
        Report(subject="rows_alone", cases=("int8_dynamic", "u8s8_static"), seconds=1.5),
    ),
)  # fmt: skip
