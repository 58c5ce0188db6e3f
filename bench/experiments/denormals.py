"""Weights below the smallest normal number: what they cost, and what takes that away."""

from __future__ import annotations

from bench.experiments._common import (
    CLS_ONE,
    DENORMALS_ZEROED,
    DET_320,
    DET_480,
    OTHER_FILE,
    REC_ONE,
    REC_SHORT,
    ZEROED,
    default,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, Machine, Report

CONV = Input(label="1x64x56x56", shapes=((1, 64, 56, 56),))
MATMUL = Input(label="16x1024", shapes=((16, 1024),))
EXTENDED = {"graph_optimization_level": "ORT_ENABLE_EXTENDED"}
SHARES = {"denormal_1": "1%", "denormal_10": "10%", "denormal_100": "100%"}
"""Variants, and how many of the weights they make denormal."""
PUBLISHED = (BASELINE, CONTROL, "zeroed", "normal_weights")
MULTIPLIED = (BASELINE, CONTROL, *SHARES, "denormal_10_zeroed")
CONVOLVED = (*MULTIPLIED, *(f"{name}_extended" for name in SHARES))
"""Only convolutions have another kernel at the highest level."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """Published models: the key, and a clean copy. Single operators: more and more weights, at two levels."""
    made = [
        case
        for name, share in SHARES.items()
        for case in (
            Case(id=name, title=f"权重的 {share} 非规格化", variant=name, proofs=(OTHER_FILE,)),
            Case(
                id=f"{name}_extended",
                title=f"权重的 {share} 非规格化，EXTENDED 级",
                variant=name,
                settings=EXTENDED,
                proofs=(OTHER_FILE,),
            ),
        )
    ]
    return (
        *default(),
        Case(id="zeroed", title="非规格化数当作 0", settings=ZEROED, proofs=(DENORMALS_ZEROED,)),
        Case(
            id="normal_weights",
            title="模型里的非规格化权重改成 0",
            variant="normal_weights",
            proofs=(OTHER_FILE,),
        ),
        *made,
        Case(
            id="denormal_10_zeroed",
            title="权重的 10% 非规格化，非规格化数当作 0",
            variant="denormal_10",
            settings=ZEROED,
            proofs=(OTHER_FILE, DENORMALS_ZEROED),
        ),
    )


EXPERIMENT = Experiment(
    id="denormals",
    title="非规格化权重",
    question="模型里有一部分权重小到成了非规格化数，推理会慢多少，怎样免掉？",
    cases=cases,
    groups=(
        Group(model="ocr_det", input=DET_480, small=DET_320, seconds=0.6, cases=PUBLISHED),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.42, cases=PUBLISHED),
        Group(model="ocr_cls", input=CLS_ONE, small=CLS_ONE, seconds=0.36, cases=PUBLISHED),
        Group(model="one_conv", input=CONV, small=CONV, seconds=0.34, cases=CONVOLVED),
        Group(model="one_matmul", input=MATMUL, small=MATMUL, seconds=0.34, cases=MULTIPLIED),
    ),
    columns=("latency_ms", "ratio", "cpu_s", "session_ms", "peak_mib", "kept_mib"),
    reports=(Report(subject="denormal_threads", cases=(BASELINE,)),),
    observe_each_group=True,
)
