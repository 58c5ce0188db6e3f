"""A session made before a fork, as gunicorn --preload and multiprocessing do, and what the child can still do with it."""

from __future__ import annotations

from bench.experiments._common import BERT_32, BERT_128, default
from bench.spec import BASELINE, Case, Experiment, Group, Load, Machine, Report


def cases(machine: Machine) -> tuple[Case, ...]:
    """The ways to have a session and a fork are the report's: each of its cells may hang."""
    return default()


EXPERIMENT = Experiment(
    id="forks",
    title="fork 之后的会话",
    question="父进程里建了会话再 fork（gunicorn --preload、multiprocessing），子进程还能不能用它？",
    cases=cases,
    groups=(
        Group(
            model="bert_mini",
            input=BERT_128,
            small=BERT_32,
            load=Load(timed=False),
            seconds=0.4,
            cases=(BASELINE,),
        ),
    ),
    columns=("session_ms", "threads", "peak_mib", "kept_mib"),
    reports=(Report(subject="forks", cases=(BASELINE,), seconds=45),),
)
