"""Which threads exist in which mode, and that the option does nothing in the sequential one."""

from __future__ import annotations

from bench.experiments._common import REC_ONE, REC_SHORT, default
from bench.spec import BASELINE, Case, Experiment, Group, Importance, Machine, Proof, Scalar

OPTION = "inter_op_num_threads"
MORE = 4
"""Threads between operators, more than the default of any mode on a small machine."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """The option in both modes; with one thread inside operators, those between them are all there is."""
    parallel: dict[str, Scalar] = {"execution_mode": "ORT_PARALLEL", "intra_op_num_threads": 1}
    return (
        *default("默认（顺序）"),
        Case(
            id=f"sequential_{MORE}",
            title=f"顺序，inter_op {MORE}",
            settings={"inter_op_num_threads": MORE},
            proofs=(Proof(fact="threads_created", relation=">", expected=1, than=BASELINE),),
        ),
        *(
            Case(
                id=f"parallel_{count}",
                title=f"并行，intra_op 1，inter_op {count}",
                settings={**parallel, "inter_op_num_threads": count},
                proofs=(
                    Proof(fact="threads_created", relation="==", expected=count - 1, keys=(OPTION,)),
                    Proof(fact="threads_pinned", relation="==", expected=0, keys=(OPTION,)),
                ),
            )
            for count in (1, 2, MORE)
        ),
    )


EXPERIMENT = Experiment(
    id="inter_op_num_threads",
    title="算子间线程数",
    question="inter_op_num_threads 在哪种模式下有用，会多出哪些线程？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.5, slower={"parallel_4": 1.3}),),
    columns=("latency_ms", "ratio", "threads", "cpu_s", "session_ms"),
)
