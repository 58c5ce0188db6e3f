"""Many sessions in one process: memory and threads of each, in turn and at once."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    REC_ONE,
    REC_SHORT,
    default,
    needs_onnxruntime,
    needs_two_cores,
)
from bench.experiments.sessions_in_turn import FEWER_THREADS, FIVE
from bench.spec import (
    BASELINE,
    CONTROL,
    SINGLE,
    Case,
    Experiment,
    Group,
    Load,
    Machine,
    Place,
    Proof,
    Subject,
)

TWENTY = replace(FIVE, options={"sessions": 20})
"""Called twice each: a plan for memory is used from the second run on."""
AT_ONCE = Load(callers=5)
"""As many callers as sessions; each goes on to the next session after every call."""
VARIABLE = "ORT_INTRA_OP_NUM_THREADS"
SHARED = {"session.use_env_allocators": "1"}


def cases(machine: Machine) -> tuple[Case, ...]:
    """Fewer threads, fewer arenas, fewer sessions; the same with all callers at once."""
    count = machine.cores
    no_threads = Proof(fact="threads_created", relation="==", expected=0)
    pooled = {"use_per_session_threads": False}

    def pool(name: str, subject: Subject, title: str) -> Case:
        shared = replace(subject, options={**subject.options, "global_pool_threads": count})
        return Case(
            id=name,
            title=f"全局线程池（{title}）",
            settings=pooled,
            subject=shared,
            proofs=(FEWER_THREADS,),
            lacking=needs_two_cores,
        )

    def arena(name: str, subject: Subject, title: str) -> Case:
        regions = Proof(fact="arena_regions", relation="<", expected=1, than=BASELINE)
        shared = replace(subject, options={**subject.options, "arena_extend_strategy": 0})
        return Case(
            id=name, title=f"共用一个 arena（{title}）", settings=SHARED, subject=shared, proofs=(regions,)
        )

    callers = Proof(fact="callers", relation="==", expected=AT_ONCE.callers, keys=("load",))
    one = {"intra_op_num_threads": 1}
    return (
        *default("默认（各有各的）"),
        Case(id=SINGLE, title="各 1 线程", settings=one, proofs=(no_threads,)),
        Case(
            id="variable",
            title=f"{VARIABLE}=1",
            place=Place(env={VARIABLE: "1"}),
            proofs=(no_threads,),
            lacking=needs_onnxruntime(1, 29),
        ),
        pool("global_pool_five", FIVE, "五个会话"),
        pool("global_pool_twenty", TWENTY, "二十个会话"),
        arena("shared_arena_twenty", TWENTY, "二十个会话"),
        Case(
            id="one_session",
            title="只建一个会话",
            subject=Subject(name="in_turn", options={"sessions": 1}),
            proofs=(FEWER_THREADS,),
        ),
        Case(id="at_once", title="五个线程同时调用", proofs=(callers,), load=AT_ONCE),
        Case(
            id="single_at_once",
            title="各 1 线程，五个线程同时调用",
            settings=one,
            proofs=(replace(no_threads, keys=tuple(one)), callers),
            load=AT_ONCE,
        ),
        replace(
            pool("global_pool_at_once", FIVE, "五个线程同时调用"),
            load=AT_ONCE,
            proofs=(
                replace(FEWER_THREADS, keys=(*pooled, "subject", "sessions", "global_pool_threads")),
                callers,
            ),
        ),
    )


EXPERIMENT = Experiment(
    id="many_sessions",
    title="一个进程里很多会话",
    question="每多一个会话，多占多少内存、多几个线程，怎样省？",
    cases=cases,
    groups=(
        Group(
            model="ocr_rec",
            input=REC_SHORT,
            small=REC_SHORT,
            subject=TWENTY,
            load=Load(timed=False, rounds=3, calls=38),
            seconds=2.2,
            slower={"one_session": 0.25},
            cases=(BASELINE, SINGLE, "variable", "one_session", "global_pool_twenty", "shared_arena_twenty"),
        ),
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_ONE,
            subject=FIVE,
            seconds=0.7,
            slower={"at_once": 1.5, "single_at_once": 1.5, "global_pool_at_once": 1.5},
            cases=(
                *(BASELINE, CONTROL, SINGLE, "one_session", "global_pool_five"),
                *("at_once", "single_at_once", "global_pool_at_once"),
            ),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "calls_per_s",
        "calls_ratio",
        "p95_ms",
        "threads",
        "session_ms",
        "base_mib",
        "peak_mib",
        "kept_mib",
    ),
    observe_each_group=True,
)
