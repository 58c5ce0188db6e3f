"""What comes right after a run, and what lies idle beside it: threads that still spin take cores from others."""

from __future__ import annotations

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    NEVER_SPINS,
    REC_ONE,
    REC_SHORT,
    STOPS_SPINNING,
    default,
    own_threads,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Machine, Place, Proof, Subject

ALL_CORES = Place(env={"OPENBLAS_NUM_THREADS": "0"})
"""NumPy takes as many threads as there are cores."""
IDLE = 10


def cases(machine: Machine) -> tuple[Case, ...]:
    """Fewer threads, or threads that do not spin; and sessions that nobody calls."""
    return (
        *default(),
        Case(id=SINGLE, title="1 线程", settings={"intra_op_num_threads": 1}, proofs=own_threads(1)),
        STOPS_SPINNING,
        NEVER_SPINS,
        Case(
            id="idle_others",
            title=f"旁边还有 {IDLE} 个闲着的会话",
            subject=Subject(name="idle_others", options={"others": IDLE}),
            proofs=(Proof(fact="threads_created", relation=">", expected=1, than=BASELINE),),
        ),
    )


EXPERIMENT = Experiment(
    id="after_run",
    title="推理之后的别的活",
    question="推理完紧接着用 NumPy，为什么 NumPy 变慢；进程里闲着的会话碍不碍事？",
    cases=cases,
    groups=(
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            subject=Subject(name="then_numpy"),
            place=ALL_CORES,
            seconds=0.5,
            cases=(BASELINE, CONTROL, SINGLE, "spinning_stop", "no_spinning"),
        ),
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_SHORT,
            seconds=0.45,
            slower={"idle_others": 3.0},
            cases=(BASELINE, CONTROL, "idle_others"),
        ),
    ),
    columns=("latency_ms", "ratio", "cpu_s", "cores_used", "threads", "kept_mib"),
)
