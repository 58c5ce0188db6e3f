"""One call every now and then, as services have them: what threads do between calls decides."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    LONG_GAPS,
    NOT_SPINNING,
    SHORT_GAPS,
    SPINNING_STOP,
    default,
    needs_two_cores,
    own_threads,
    pinned_threads,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Load, Machine, Proof, Subject

RARE = Load(gap_ms=1000, calls=3)


PINNED = Proof(fact="threads_pinned", relation=">", expected=1, than="usable")
"""Like the default's, where that has as many: so it is held against the same threads without cores of their own."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """How many threads, to which cores they are bound, and whether they spin."""
    count = machine.cores
    shared = Subject(name="global_pool", options={"global_pool_threads": count})
    return (
        *default(),
        Case(id=SINGLE, title="1 线程", settings={"intra_op_num_threads": 1}, proofs=own_threads(1)),
        Case(
            id="usable",
            title=f"{count} 线程（不绑核）",
            settings={"intra_op_num_threads": count},
            proofs=own_threads(count),
            lacking=needs_two_cores,
        ),
        Case(
            id="usable_pinned",
            title=f"{count} 线程，各绑一核",
            settings=pinned_threads(count),
            proofs=(PINNED,),
            lacking=needs_two_cores,
        ),
        Case(id="spinning_stop", title="调用之后停止空转", settings=SPINNING_STOP, proofs=(NOT_SPINNING,)),
        Case(
            id="no_spinning",
            title="从不空转",
            settings={"session.intra_op.allow_spinning": "0"},
            proofs=(NOT_SPINNING,),
        ),
        Case(
            id="global_pool",
            title="全局线程池",
            settings={"use_per_session_threads": False},
            subject=shared,
            proofs=(Proof(fact="threads_pinned", relation="==", expected=0),),
            lacking=needs_two_cores,
        ),
    )


def _group(load: Load, seconds: float, *only: str) -> Group:
    return Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=seconds, load=load, cases=only)


EXPERIMENT = Experiment(
    id="gaps",
    title="调用之间有间隔",
    question="请求隔一会儿才来一个，线程怎么设，每次推理才快，又不白烧 CPU？",
    cases=cases,
    groups=(
        _group(Load(), 0.37),
        _group(SHORT_GAPS, 0.54),
        _group(LONG_GAPS, 0.85),
        _group(RARE, 3.4, BASELINE, CONTROL, "usable", "spinning_stop"),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "p95_ms",
        "p95_ratio",
        "cpu_s",
        "idle_cpu_s",
        "threads",
        "peak_mib",
        "kept_mib",
    ),
)
