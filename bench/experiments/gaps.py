"""One call every now and then, as services have them: what threads do between calls decides."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    LONG_GAPS,
    NEVER_SPINS,
    SHORT_GAPS,
    STOPS_SPINNING,
    default,
    own_threads,
    usable_threads,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Load, Machine

RARE = Load(gap_ms=1000, calls=3)


def cases(machine: Machine) -> tuple[Case, ...]:
    """How many threads, to which cores they are bound, and whether they spin."""
    one = Case(id=SINGLE, title="1 线程", settings={"intra_op_num_threads": 1}, proofs=own_threads(1))
    return (*default(), one, *usable_threads(machine), STOPS_SPINNING, NEVER_SPINS)


def _group(load: Load, seconds: float, *only: str) -> Group:
    return Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=seconds, load=load, cases=only)


EXPERIMENT = Experiment(
    id="gaps",
    title="调用之间有间隔",
    question="请求隔一会儿才来一个，线程怎么设，每次推理才快，又不白烧 CPU？",
    cases=cases,
    groups=(
        _group(Load(), 0.37),
        _group(SHORT_GAPS, 0.5),
        _group(LONG_GAPS, 0.75),
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
