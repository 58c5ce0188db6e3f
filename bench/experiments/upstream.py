"""Faults that other projects could mend, tried on the installed onnxruntime and on older ones."""

from __future__ import annotations

from bench.experiments._common import TINY, default
from bench.experiments._versions import OLDER, case_id, plain
from bench.spec import BASELINE, Case, Experiment, Group, Load, Machine, Report

QUANTISING = ("ml_dtypes==0.4.1", "sympy==1.13.3")
"""What onnxruntime.quantization imports in some versions, without bringing it."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """What is installed here, with all that scripts look for, and older versions by themselves."""
    return (
        *default(machine.software.get("onnxruntime") or "这里装的"),
        *(plain(version, *QUANTISING) for version in OLDER),
    )


TRIED = (BASELINE, *map(case_id, OLDER))

EXPERIMENT = Experiment(
    id="upstream",
    title="给上游的报告，逐个版本重现",
    question="本站查出的毛病，哪些版本的 onnxruntime 有，现在还在不在？",
    cases=cases,
    groups=(
        Group(model="tiny", input=TINY, small=TINY, load=Load(timed=False), seconds=0.5, cases=TRIED),
    ),
    columns=("import_ms", "session_ms", "peak_mib", "kept_mib"),
    reports=(Report(subject="upstream", cases=TRIED, seconds=30),),
    own_budget_s=10 * 60,
)  # fmt: skip
