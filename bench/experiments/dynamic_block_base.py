"""Whether smaller and smaller blocks of work shorten the slowest calls."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, REC_ONE, REC_SHORT, default
from bench.spec import BASELINE, Case, Experiment, Group, Machine, Proof

BASES = (1, 4, 8)
"""The documentation recommends 4."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """Off, then each base."""
    other_blocks = (Proof(fact="block_sizes", relation="!=", expected=1, than=BASELINE),)
    bases = (
        Case(
            id=f"base_{base}",
            title=str(base),
            settings={"session.dynamic_block_base": str(base)},
            proofs=other_blocks,
        )
        for base in BASES
    )
    return (*default("默认（0，关）"), *bases)


EXPERIMENT = Experiment(
    id="dynamic_block_base",
    title="动态分块",
    question="session.dynamic_block_base 能让最慢的那几次推理变快吗？",
    cases=cases,
    groups=(
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.45),
    ),
    columns=("latency_ms", "ratio", "p95_ms", "p95_ratio", "cpu_s", "kept_mib"),
    observe_each_group=True,
)
