"""One session called by several Python threads at once: what a caller waits, and how much gets done."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, REC_ONE, REC_SHORT, default, own_threads
from bench.spec import SINGLE, Case, Experiment, Group, Load, Machine, Proof

TWO = Load(callers=2)
CALLED_BY_TWO = Proof(fact="callers", relation="==", expected=2, keys=("load",))


def cases(machine: Machine) -> tuple[Case, ...]:
    """One caller and two, each with the default threads and with one."""
    one_thread = {"intra_op_num_threads": 1}
    return (
        *default("1 个调用者，默认线程"),
        Case(id="two_callers", title="2 个调用者，默认线程", load=TWO, proofs=(CALLED_BY_TWO,)),
        Case(id=SINGLE, title="1 个调用者，1 线程", settings=one_thread, proofs=own_threads(1)),
        Case(
            id="single_two_callers",
            title="2 个调用者，1 线程",
            settings=one_thread,
            load=TWO,
            proofs=(CALLED_BY_TWO, *own_threads(1)),
        ),
    )


EXPERIMENT = Experiment(
    id="callers",
    title="几个线程调用同一个会话",
    question="几个 Python 线程同时调用一个会话，每秒能多推理几次，每次要多等多久？",
    cases=cases,
    groups=(
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(model="ocr_rec", input=REC_ONE, small=REC_SHORT, seconds=0.45),
    ),
    columns=(
        "calls_per_s",
        "calls_ratio",
        "latency_ms",
        "ratio",
        "p95_ms",
        "p95_ratio",
        "cores_used",
        "threads",
        "peak_mib",
        "kept_mib",
    ),
)
