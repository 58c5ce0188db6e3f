"""Sequential or parallel execution of a graph's branches, with and without spinning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments._common import (
    ASPP_ONE,
    BERT_32,
    BERT_128,
    DET_320,
    DET_480,
    NOT_SPINNING,
    ZEROED,
    default,
)
from bench.spec import BASELINE, Case, Claim, Experiment, Group, Importance, Machine, Proof

if TYPE_CHECKING:
    from collections.abc import Iterable

PARALLEL = {"execution_mode": "ORT_PARALLEL"}
INTRA_NO_SPIN = {"session.intra_op.allow_spinning": "0"}
NO_SPIN = {**INTRA_NO_SPIN, "session.inter_op.allow_spinning": "0"}
BOTH_QUIET = 0.25
"""Share of the CPU time that is left where no pool spins; with one of two still spinning, it is more."""


def counts(cores: int) -> dict[str, int]:
    """Rule -> threads between operators: one, two, as many as cores."""
    return {"1": 1, **({"2": 2} if cores != 2 else {}), **({"usable": cores} if cores > 1 else {})}


def cases(machine: Machine) -> tuple[Case, ...]:
    """Sequential and parallel, each with and without spinning."""
    pool = Proof(fact="threads_created", relation=">", expected=1, than=BASELINE)
    # With one thread between operators there is no second pool; the mode still unbinds the first one.
    unbound = Proof(fact="threads_pinned", relation="<", expected=1, than=BASELINE)
    parallel = [
        Case(
            id=f"parallel_{rule}{suffix}",
            title=f"并行，inter_op {count}{words}",
            settings={**PARALLEL, "inter_op_num_threads": count, **spin},
            proofs=(unbound if count == 1 else pool, *_quiet(spin, f"parallel_{rule}")),
        )
        for rule, count in counts(machine.cores).items()
        for suffix, words, spin in (("", "", {}), ("_no_spin", "，不空转", NO_SPIN))
    ]
    return (
        *default("默认（顺序）"),
        Case(id="sequential_no_spin", title="顺序，不空转", settings=INTRA_NO_SPIN, proofs=(NOT_SPINNING,)),
        *parallel,
    )


def _quiet(keys: Iterable[str], than: str) -> tuple[Proof, ...]:
    look = Proof(fact="idle_cpu_s", relation="<", expected=BOTH_QUIET, than=than, keys=tuple(keys))
    return (look,) if look.keys else ()


EXPERIMENT = Experiment(
    id="execution_mode",
    title="执行模式",
    question="分支多的模型，ORT_PARALLEL 会更快吗？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.0,
            slower={"parallel_usable": 1.8, "parallel_usable_no_spin": 1.8},
        ),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.4),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            seconds=0.6,
            slower={"parallel_usable": 1.4},
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "overlapping_nodes",
        "node_threads",
        "threads",
        "cpu_s",
        "idle_cpu_s",
        "kept_mib",
    ),
    observe_each_group=True,
    claims=(Claim(id="many_branches", said="模型有许多分支时，把执行模式设为 ORT_PARALLEL 通常更快。"),),
)
