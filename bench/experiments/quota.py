"""A container's quota: so much CPU time in each tenth of a second, on however many cores; then all threads stand still."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    NEVER_SPINS,
    SHORT_GAPS,
    default,
    own_threads,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Load, Machine, Place

ONE, HALF = Place(quota=1.0), Place(quota=0.5)
CALLS = Load(calls=60)
"""Several periods of a quota in every process."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """As many threads as the quota has cores, as the machine has, twice as many; spinning or not."""
    count = 2 * machine.cores
    double = {"intra_op_num_threads": count}
    return (
        *default(f"默认（{machine.cores} 线程）"),
        Case(id=SINGLE, title="1 线程", settings={"intra_op_num_threads": 1}, proofs=own_threads(1)),
        NEVER_SPINS,
        Case(id="double", title=f"{count} 线程", settings=double, proofs=own_threads(count)),
        Case(
            id="double_no_spinning",
            title=f"{count} 线程，从不空转",
            settings={**double, **NEVER_SPINS.settings},
            proofs=(*own_threads(count), *NEVER_SPINS.proofs),
        ),
    )


def _group(place: Place, load: Load, seconds: float, *only: str) -> Group:
    cases = (BASELINE, CONTROL, SINGLE, "no_spinning", *only)
    return Group(
        model="bert_mini", input=BERT_128, small=BERT_32, place=place, load=load, seconds=seconds, cases=cases
    )


EXPERIMENT = Experiment(
    id="quota",
    title="容器的 CPU 配额",
    question="容器限了 CPU 配额（docker run --cpus、Kubernetes 的 limits.cpu），线程该开几个？",
    cases=cases,
    groups=(
        _group(ONE, CALLS, 0.7, "double", "double_no_spinning"),
        _group(ONE, SHORT_GAPS, 0.6),
        _group(HALF, CALLS, 1.0),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "p95_ms",
        "p95_ratio",
        "throttled",
        "calls_per_s",
        "cpu_s",
        "cores_used",
        "threads",
    ),
)
