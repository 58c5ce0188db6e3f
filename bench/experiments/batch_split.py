"""A large batch at once or in parts: does it gain time, and what does it need?"""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    ASPP_ONE,
    ASPP_TWO,
    BERT_LONG,
    BERT_LONG_FEW,
    BERT_MANY,
    BERT_MIXED,
    BERT_MIXED_FEW,
    BERT_SOME,
    REC_FOUR,
    REC_TWO,
    default,
)
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, Load, Machine, Proof, Subject

OTHERWISE = (Proof(fact="subject", relation="!=", expected=1, than=BASELINE),)
PARTS = {"one": 1, "four": 4}
"""Case -> rows a call."""
ALL = 1 << 10
"""Texts a call: more than there are."""
MIXED = Subject(name="texts", options={"size": ALL, "sorted": False})


def cases(machine: Machine) -> tuple[Case, ...]:
    """Fewer rows a call; of texts of mixed lengths, with like ones together too."""
    parts = (
        Case(
            id=name,
            title=f"每次 {size} 条",
            subject=Subject(name="split", options={"size": size}),
            proofs=OTHERWISE,
        )
        for name, size in PARTS.items()
    )
    return (
        *default("一次全算"),
        *parts,
        Case(
            id="sorted_four",
            title="按长度排好，每次 4 条",
            subject=Subject(name="texts", options={"size": 4, "sorted": True}),
            proofs=OTHERWISE,
        ),
    )


def _group(model: str, input_: Input, small: Input, seconds: float, *parts: str) -> Group:
    """One batch is long enough to be timed."""
    cases = (BASELINE, CONTROL, *parts)
    return Group(model=model, input=input_, small=small, seconds=seconds, load=Load(calls=1), cases=cases)


EXPERIMENT = Experiment(
    id="batch_split",
    title="一大批分几次算",
    question="batch 加大会不会更快，内存多用多少；同样的活分几次算，慢不慢？",
    cases=cases,
    groups=(
        _group("bert_mini", BERT_MANY, BERT_SOME, 0.8, "one", "four"),
        _group("bert_mini", BERT_LONG, BERT_LONG_FEW, 1.0, "one"),
        replace(_group("bert_mini", BERT_MIXED, BERT_MIXED_FEW, 0.9, "sorted_four"), subject=MIXED),
        _group("ocr_rec", REC_FOUR, REC_TWO, 0.6, "one"),
        Group(
            model="aspp",
            input=ASPP_TWO,
            small=ASPP_ONE,
            load=Load(timed=False, rounds=3),
            seconds=1.7,
            cases=(BASELINE, "one"),
        ),
    ),
    columns=(
        "latency_ms",
        "item_ms",
        "ratio",
        "cpu_s",
        "peak_mib",
        "item_peak_mib",
        "kept_mib",
        "minor_faults",
    ),
)
