"""Popular beliefs that cost time, each tried on the installed ONNX Runtime."""

from __future__ import annotations

from bench.experiments._common import TINY, default
from bench.spec import BASELINE, Case, Experiment, Group, Load, Machine, Report


def cases(machine: Machine) -> tuple[Case, ...]:
    """All that there is to try is the report's."""
    return default()


EXPERIMENT = Experiment(
    id="traps",
    title="常见的陷阱，逐个重现",
    question="流传的写法和说法，在这台机器装的 onnxruntime 上成不成立？",
    cases=cases,
    groups=(
        Group(
            model="tiny", input=TINY, small=TINY, load=Load(timed=False), seconds=0.3, cases=(BASELINE,)
        ),
    ),
    columns=("session_ms", "peak_mib", "kept_mib"),
    reports=(Report(subject="traps", cases=(BASELINE,), seconds=25),),
)  # fmt: skip
