"""Other ways than `run` to hand inputs over and to get outputs."""

from __future__ import annotations

from bench.experiments._common import DET_320, DET_480, TINY, ZEROED, default, needs_two_cores
from bench.spec import BASELINE, Case, Experiment, Group, Machine, Proof, Subject, nothing_lacking

WAYS = {
    "io_binding": "IOBinding",
    "ort_value": "OrtValue",
    "own_output": "输出写进自己的一块",
    "run_async": "run_async，然后等",
}
OTHERWISE = (Proof(fact="subject", relation="!=", expected=1, than=BASELINE),)


def cases(machine: Machine) -> tuple[Case, ...]:
    """Each in the place of `session.run(None, feed)`."""
    others = (
        Case(
            id=way,
            title=title,
            subject=Subject(name="bound", options={"how": way}),
            proofs=OTHERWISE,
            lacking=needs_two_cores if way == "run_async" else nothing_lacking,  # it needs a pool
        )
        for way, title in WAYS.items()
    )
    return (*default("run"), *others)


EXPERIMENT = Experiment(
    id="io_binding",
    title="IOBinding、OrtValue、run_async",
    question="IOBinding、OrtValue、预先分好的输出、run_async，在 CPU 上比 run 快吗，省内存吗？",
    cases=cases,
    groups=(
        Group(model="tiny", input=TINY, small=TINY, seconds=0.4),
        Group(model="ocr_det", input=DET_480, small=DET_320, settings=ZEROED, seconds=0.65),
    ),
    columns=("latency_ms", "ratio", "cpu_s", "peak_mib", "kept_mib", "minor_faults"),
)
