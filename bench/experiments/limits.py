"""How near the models are to what this machine can do at all, and what another engine makes of the same files."""

from __future__ import annotations

from bench.experiments._common import (
    ASPP_ONE,
    BERT_32,
    BERT_128,
    BERT_MANY,
    BERT_SOME,
    DET_320,
    DET_480,
    REC_FOUR,
    REC_TWO,
    WIDE_ONE,
    ZEROED,
    default,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, Machine, Place, Proof, Subject

PRODUCT = Input(label="4096x1024", shapes=((4096, 1024),))
SMALL_PRODUCT = Input(label="1024x1024", shapes=((1024, 1024),))
OPENVINO = Place(packages=("openvino>=2026.4", "numpy"))
OTHER_ENGINE = Proof(fact="subject", relation="!=", expected=1, than=BASELINE, keys=("subject", "precision"))


def _openvino(precision: str) -> Case:
    return Case(
        id=f"openvino_{precision}",
        title=f"OpenVINO（{precision}）",
        subject=Subject(name="in_openvino", options={"precision": precision}),
        place=OPENVINO,
        proofs=(OTHER_ENGINE,),
    )


def cases(machine: Machine) -> tuple[Case, ...]:
    """ORT as it comes; OpenVINO, in the same precision and in a lower one that some CPUs have instructions for."""
    return (*default("ORT 默认"), _openvino("f32"), _openvino("bf16"))


OURS = (BASELINE, CONTROL)

EXPERIMENT = Experiment(
    id="limits",
    title="离极限还有多远",
    question="这台机器最多每秒算多少，各个模型用到了几成，换一个推理引擎能快多少？",
    cases=cases,
    groups=(
        Group(model="one_matmul", input=PRODUCT, small=SMALL_PRODUCT, seconds=0.5, cases=OURS),
        Group(model="wide", input=WIDE_ONE, small=WIDE_ONE, seconds=1.0, cases=OURS),
        Group(model="ocr_det", input=DET_480, small=DET_320, settings=ZEROED, seconds=0.6),
        Group(model="ocr_rec", input=REC_FOUR, small=REC_TWO, seconds=0.6),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="bert_mini", input=BERT_MANY, small=BERT_SOME, seconds=0.8, cases=OURS),
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.0, cases=OURS),
    ),
    columns=("latency_ms", "ratio", "gflop_per_s", "gib_per_s", "cosine", "session_ms", "peak_mib", "kept_mib"),
)  # fmt: skip
