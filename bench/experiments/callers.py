"""Calls that come at the same time: on one session, on one for each caller, in processes; what a caller waits, and how much gets done."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    BERT_32,
    BERT_128,
    NEVER_SPINS,
    REC_ONE,
    REC_SHORT,
    default,
    needs_two_cores,
    own_threads,
)
from bench.spec import BASELINE, CONTROL, SINGLE, Case, Experiment, Group, Load, Machine, Proof, Subject

TWO, FOUR, PROCESSES = Load(callers=2), Load(callers=4), Load(processes=2)
FEW = Load(calls=4)
"""Each takes as long as opening."""
ONE_THREAD = {"intra_op_num_threads": 1}
EACH = Subject(name="own_sessions", options={"sessions": 2})


def _called_by(count: int) -> Proof:
    return Proof(fact="callers", relation="==", expected=count, keys=("load",))


def cases(machine: Machine) -> tuple[Case, ...]:
    """One caller, two and four; one session for all or one each, in one process or two; the default's threads or one."""
    two, four = _called_by(2), _called_by(4)
    beside = Proof(fact="processes", relation="==", expected=PROCESSES.processes, keys=("load",))
    one = own_threads(1)
    pooled = replace(EACH, options={**EACH.options, "global_pool_threads": machine.cores})
    other = Proof(
        fact="subject", relation="!=", expected=1, than=BASELINE, keys=("subject", "load", *pooled.options)
    )
    return (
        *default("1 个调用者，默认线程"),
        Case(id="two_callers", title="2 个调用者，默认线程", load=TWO, proofs=(two,)),
        Case(id="four_callers", title="4 个调用者，默认线程", load=FOUR, proofs=(four,)),
        Case(id=SINGLE, title="1 个调用者，1 线程", settings=ONE_THREAD, proofs=one),
        Case(id="single_two_callers", title="2 个调用者，1 线程", settings=ONE_THREAD, load=TWO, proofs=(two, *one)),
        Case(id="single_four_callers", title="4 个调用者，1 线程", settings=ONE_THREAD, load=FOUR, proofs=(four, *one)),
        Case(
            id="no_spinning_two_callers",
            title="2 个调用者，从不空转",
            settings=NEVER_SPINS.settings,
            load=TWO,
            proofs=(two, *NEVER_SPINS.proofs),
        ),
        Case(id="two_sessions", title="2 个调用者，各有会话", subject=EACH, load=TWO, proofs=(two, other)),
        Case(
            id="single_two_sessions",
            title="2 个调用者，各有会话，1 线程",
            settings=ONE_THREAD,
            subject=EACH,
            load=TWO,
            proofs=(two, other, Proof(fact="threads_created", relation="==", expected=0, keys=tuple(ONE_THREAD))),
        ),
        Case(
            id="two_pooled",
            title="2 个调用者，各有会话，全局线程池",
            settings={"use_per_session_threads": False},
            subject=pooled,
            load=TWO,
            proofs=(two, other, Proof(fact="threads_pinned", relation="==", expected=0, keys=("use_per_session_threads",))),
            lacking=needs_two_cores,
        ),
        Case(id="two_processes", title="2 个进程，默认线程", load=PROCESSES, proofs=(beside,)),
        Case(id="single_two_processes", title="2 个进程，1 线程", settings=ONE_THREAD, load=PROCESSES, proofs=(beside, *one)),
        Case(id="per_call", title="每次新建会话，默认线程", subject=Subject(name="per_call"), load=FEW, proofs=(other,)),
    )  # fmt: skip


EXPERIMENT = Experiment(
    id="callers",
    title="几个请求同时来",
    question="几个请求同时来，共用一个会话、各有各的会话、还是开几个进程，线程设几个，每秒推理得最多，每次等得最短？",
    cases=cases,
    groups=(
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            seconds=0.4,
            slower={"four_callers": 1.5, "two_processes": 2.0, "single_two_processes": 2.0, "per_call": 3.0},
        ),
        Group(
            model="ocr_rec",
            input=REC_ONE,
            small=REC_SHORT,
            seconds=0.45,
            cases=(BASELINE, CONTROL, "two_callers", SINGLE, "single_two_callers"),
        ),
    ),
    columns=(
        "calls_per_s",
        "calls_ratio",
        "latency_ms",
        "ratio",
        "p95_ms",
        "p95_ratio",
        "cpu_s",
        "cores_used",
        "threads",
        "peak_mib",
        "kept_mib",
    ),
)
