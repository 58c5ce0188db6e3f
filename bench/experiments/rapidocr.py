"""RapidOCR as it is installed, whole: a page in, text out, with what its readers can set."""

from __future__ import annotations

from dataclasses import replace

from bench.experiments._common import (
    DENORMALS_ZEROED,
    NO_PATTERN,
    NOT_SPINNING,
    OTHER_FILE,
    SPINNING_STOP,
    ZEROED,
    default,
)
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Experiment,
    Group,
    Importance,
    Input,
    Load,
    Machine,
    Proof,
    Report,
    Subject,
)

ARENA_KEY = "EngineConfig.onnxruntime.enable_cpu_mem_arena"
ARENA_PARAMETER = Subject(name="rapidocr_page", options={ARENA_KEY: True})
ARENA_ON = Proof(fact="received_enable_cpu_mem_arena", relation="==", expected=1)
ONE_CALL = Load(calls=1)
"""Timed: pages take long, and the first ones, which open the sessions, longer."""
ALL = {**ZEROED, **SPINNING_STOP, "enable_cpu_mem_arena": True, **NO_PATTERN}
"""What a wrapper of InferenceSession sets in all three models."""


def cases(machine: Machine) -> tuple[Case, ...]:
    """As shipped; without touching the package; with the smallest wrapper; with all that helps."""
    spinning = replace(NOT_SPINNING, keys=tuple(SPINNING_STOP))
    return (
        *default("原样安装"),
        Case(
            id="normal_weights",
            title="检测模型换成清理过的副本",
            variant="normal_weights",
            proofs=(OTHER_FILE,),
        ),
        Case(
            id="normal_weights_arena",
            title="清理过的副本，参数里打开 arena",
            variant="normal_weights",
            subject=ARENA_PARAMETER,
            proofs=(OTHER_FILE, replace(ARENA_ON, keys=(ARENA_KEY, "subject"))),
        ),
        Case(id="zeroed", title="包一层：非规格化数当作 0", settings=ZEROED, proofs=(DENORMALS_ZEROED,)),
        Case(
            id="all",
            title="包一层：四项都设",
            settings=ALL,
            proofs=(
                DENORMALS_ZEROED,
                spinning,
                replace(ARENA_ON, keys=("enable_cpu_mem_arena",)),
                Proof(
                    fact="received_enable_mem_pattern",
                    relation="==",
                    expected=0,
                    keys=("enable_mem_pattern",),
                ),
            ),
        ),
    )


LINE_BYTES = 51
"""Room for seventeen Chinese characters, the most that stand on a line of these pages."""


def _pages(label: str, *lines: int) -> Input:
    """A little wider than high, or higher: RapidOCR enlarges pages until the shorter side has 736 pixels."""
    return Input(
        label=label,
        shapes=tuple({"page": (50 * count, 480, 3), "text": (count, LINE_BYTES)} for count in lines),
    )


def _group(pages: Input, small: Input, seconds: float, *only: str) -> Group:
    return Group(
        model="rapidocr_page",
        input=pages,
        small=small,
        seconds=seconds,
        subject=Subject(name="rapidocr_page"),
        load=ONE_CALL,
        slower={"all": 0.85},
        cases=only,
    )


ONE, SHORT = _pages("8 lines", 8), _pages("4 lines", 4)
THREE, TWO = _pages("3 pages", 3, 5, 8), _pages("2 pages", 2, 3)

EXPERIMENT = Experiment(
    id="rapidocr",
    title="RapidOCR 的设置",
    question="照装好的样子用 RapidOCR，还能快多少，要改哪几处？",
    importance=Importance.ARTICLE,
    cases=cases,
    groups=(
        _group(ONE, SHORT, 2.2),
        _group(THREE, TWO, 2.9, BASELINE, CONTROL, "all"),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "cpu_s",
        "peak_mib",
        "kept_mib",
        "first_run_ms",
        "character_error",
        "idle_cpu_s",
    ),
    reports=(Report(subject="wide_line", cases=(BASELINE,)),),
)
