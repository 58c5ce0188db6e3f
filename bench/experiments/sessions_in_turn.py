"""Several sessions in one process, one called after the other: the threads of the last one are still spinning."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    DET_320,
    DET_480,
    NEVER_SPINS,
    REC_ONE,
    REC_SHORT,
    STOPS_SPINNING,
    ZEROED,
    default,
    needs_two_cores,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Machine, Proof, Subject

PIPELINE, FIVE = Subject(name="det_then_rec"), Subject(name="in_turn", options={"sessions": 5})
FEWER_THREADS = Proof(fact="threads_created", relation="<", expected=1, than=BASELINE)


def cases(machine: Machine) -> tuple[Case, ...]:
    """What keeps one session's threads out of the way of the next; a shared pool is had once for each subject."""
    count = machine.cores

    def pool(name: str, several: str, subject: Subject) -> Case:
        shared = replace(subject, options={**subject.options, "global_pool_threads": count})
        return Case(
            id=name,
            title=f"全局线程池（{several}）",
            settings={"use_per_session_threads": False},
            subject=shared,
            proofs=(FEWER_THREADS,),
            lacking=needs_two_cores,
        )

    one = {"intra_op_num_threads": 1}
    no_threads = Proof(fact="threads_created", relation="==", expected=0, keys=("intra_op_num_threads",))
    return (
        *default(),
        Case(id=SINGLE, title="1 线程", settings=one, proofs=(no_threads,)),
        STOPS_SPINNING,
        NEVER_SPINS,
        pool("global_pool_two", "两个会话", PIPELINE),
        pool("global_pool_five", "五个会话", FIVE),
    )


COMMON = (BASELINE, CONTROL, SINGLE, "spinning_stop", "no_spinning")

EXPERIMENT = Experiment(
    id="sessions_in_turn",
    title="几个会话轮流调用",
    question="一个进程里有几个会话，轮流调用，为什么每个都变慢，怎样设才不慢？",
    cases=cases,
    groups=(
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            settings=ZEROED,
            subject=PIPELINE,
            seconds=1.2,
            cases=(*COMMON, "global_pool_two"),
        ),
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_SHORT,
            subject=FIVE,
            seconds=0.7,
            cases=(*COMMON, "global_pool_five"),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "p95_ms",
        "p95_ratio",
        "cpu_s",
        "idle_cpu_s",
        "threads",
        "session_ms",
        "peak_mib",
        "kept_mib",
    ),
    observe_each_group=True,
)
