"""What several experiments share: inputs, proofs, rules, and the settings that the article of 2022 recommends."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.spec import BASELINE, CONTROL, SINGLE, Case, Input, Load, Machine, Place, Proof, Scalar, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DET_SIZES = tuple(
    (1, 3, height, width) for height in (160, 192, 256, 320) for width in (192, 256, 288, 352, 448)
)
"""Twenty sizes of pages, as a service meets them."""
REC_SIZES = tuple((2, 3, 48, width) for width in range(96, 96 + 12 * 32, 32))
"""Twelve widths of text lines, two lines at a time."""

CLS_ONE = Input(label="1x3x48x192", shapes=((1, 3, 48, 192),))
ASPP_ONE = Input(label="batch=1", shapes=((1, 200, 200, 1),))
DET_480 = Input(label="1x3x480x480", shapes=((1, 3, 480, 480),))
DET_320 = Input(label="1x3x320x320", shapes=((1, 3, 320, 320),))
DET_MANY = Input(label="20 shapes", shapes=DET_SIZES)
DET_FEW = Input(label="5 shapes", shapes=DET_SIZES[::4])
REC_ONE = Input(label="1x3x48x320", shapes=((1, 3, 48, 320),))
REC_SHORT = Input(label="1x3x48x160", shapes=((1, 3, 48, 160),))
REC_FOUR = Input(label="4x3x48x320", shapes=((4, 3, 48, 320),))
REC_TWO = Input(label="2x3x48x320", shapes=((2, 3, 48, 320),))
REC_MANY = Input(label="12 shapes", shapes=REC_SIZES)
REC_FEW = Input(label="4 shapes", shapes=REC_SIZES[::3])
BERT_128 = Input(label="1x128", shapes=((1, 128),))
BERT_32 = Input(label="1x32", shapes=((1, 32),))
BERT_MANY = Input(label="16x128", shapes=((16, 128),))
BERT_SOME = Input(label="8x128", shapes=((8, 128),))
BERT_LONG = Input(label="4x512", shapes=((4, 512),))
BERT_LONG_FEW = Input(label="2x512", shapes=((2, 512),))
BERT_MIXED = Input(label="8x256", shapes=((8, 256),))
BERT_MIXED_FEW = Input(label="4x256", shapes=((4, 256),))
"""Of these, texts of mixed lengths are made: the longest has all 256 tokens."""
LENGTHS = tuple((1, 16 + 73 * number % 360) for number in range(1, 31))
"""Thirty lengths of texts, none twice, short and long ones mixed."""
BERT_LENGTHS = Input(label="30 shapes", shapes=LENGTHS)
BERT_SOME_LENGTHS = Input(label="6 shapes", shapes=LENGTHS[::5])
LINES = tuple((1, 3, 48, 80 + 24 * (7 * number % 20)) for number in range(20))
"""Widths of lines on a page, 80 to 536 pixels."""
ONE_WIDE = Input(label="21 shapes", shapes=(*LINES[:10], (1, 3, 48, 3200), *LINES[10:]))
ONE_WIDE_SOME = Input(label="9 shapes", shapes=(*LINES[:4], (1, 3, 48, 3200), *LINES[4:8]))
"""One extremely wide line among usual ones."""
ASPP_TWO = Input(label="batch=2", shapes=((2, 200, 200, 1),))
WIDE = Input(label="16x2048", shapes=((16, 2048),))
WIDE_ONE = Input(label="1x2048", shapes=((1, 2048),))
TINY = Input(label="batch=16", shapes=((16, 256),))

SHORT_GAPS, LONG_GAPS = Load(gap_ms=10, calls=17), Load(gap_ms=100, calls=4)
"""A call every now and then. Of a hundred calls and more in all rounds a 95th percentile is told."""

ARENA_OFF = Proof(fact="arena_regions", relation="==", expected=0, keys=("enable_cpu_mem_arena",))
PATTERN_OFF = Proof(
    fact="second_run_regions", relation="<", expected=1, than=BASELINE, keys=("enable_mem_pattern",)
)
"""No block for the whole plan is asked for on the second run."""
SHRUNK = Proof(fact="arena_shrinks", relation=">", expected=0, keys=("memory.enable_memory_arena_shrinkage",))
NO_WARNINGS = Proof(fact="warning_lines", relation="==", expected=0, keys=("log_severity_level",))
NOT_SPINNING = Proof(fact="idle_cpu_s", relation="<", expected=0.5, than=BASELINE)
DENORMALS_ZEROED = Proof(
    fact="denormals_zeroed", relation="==", expected=1, keys=("session.set_denormal_as_zero",)
)
PINNED = Proof(fact="threads_pinned", relation=">", expected=1, than="usable")
"""Like the default's, where that has as many: so it is held against the same threads without cores of their own."""
OTHER_FILE = Proof(fact="file", relation="!=", expected=1, than=BASELINE, keys=("variant",))


def own_threads(count: int) -> tuple[Proof, ...]:
    """That many threads, the caller among them; unlike the default's, they are bound to no core."""
    keys = ("intra_op_num_threads",)
    return (
        Proof(fact="threads_created", relation="==", expected=count - 1, keys=keys),
        Proof(fact="threads_pinned", relation="==", expected=0, keys=keys),
    )


def default(title: str = "默认") -> tuple[Case, Case]:
    """The baseline and the A/A row, with which every experiment begins."""
    again = f"{title.partition('（')[0]}（再测一次）"
    return Case(id=BASELINE, title=title), Case(id=CONTROL, title=again)


def pinned_threads(count: int) -> dict[str, Scalar]:
    """Explicit threads, each worker bound to a core of its own as the default's are; ids begin at 1."""
    workers = ";".join(str(number) for number in range(2, count + 1))
    return {"intra_op_num_threads": count, "session.intra_op_thread_affinities": workers}


def needs_linux(machine: Machine) -> str:
    return "" if machine.libc.startswith("glibc") else "要有 glibc"


def needs_two_cores(machine: Machine) -> str:
    return "" if machine.cores > 1 else "需要两个以上的核"


def usable_threads(machine: Machine) -> tuple[Case, Case, Case]:
    """As many threads as usable cores, had in three ways: on no core of their own, on one each, from a global pool."""
    count = machine.cores
    return (
        Case(
            id="usable",
            title=f"{count} 线程（不绑核）",
            settings={"intra_op_num_threads": count},
            proofs=own_threads(count),
            lacking=needs_two_cores,
        ),
        Case(
            id="usable_pinned",
            title=f"{count} 线程，各绑一核",
            settings=pinned_threads(count),
            proofs=(PINNED,),
            lacking=needs_two_cores,
        ),
        Case(
            id="global_pool",
            title="全局线程池",
            settings={"use_per_session_threads": False},
            subject=Subject(name="global_pool", options={"global_pool_threads": count}),
            proofs=(Proof(fact="threads_pinned", relation="==", expected=0),),
            lacking=needs_two_cores,
        ),
    )


NO_ARENA = {"enable_cpu_mem_arena": False}
WITHOUT_ARENA = Case(id="arena_off", title="关 arena", settings=NO_ARENA, proofs=(ARENA_OFF,))
ZEROED: Mapping[str, Scalar] = {"session.set_denormal_as_zero": "1"}
"""In every case where a tenth of the weights are denormal and the question is another one."""
SPINNING_STOP: Mapping[str, Scalar] = {"session.force_spinning_stop": "1"}
STOPS_SPINNING = Case(
    id="spinning_stop", title="调用之后停止空转", settings=SPINNING_STOP, proofs=(NOT_SPINNING,)
)
NEVER_SPINS = Case(
    id="no_spinning",
    title="从不空转",
    settings={"session.intra_op.allow_spinning": "0"},
    proofs=(NOT_SPINNING,),
)
NO_PATTERN = {"enable_mem_pattern": False}
WITHOUT_PATTERN = (
    Case(id="pattern_off", title="关 enable_mem_pattern", settings=NO_PATTERN, proofs=(PATTERN_OFF,)),
    Case(
        id="pattern_off_shrink",
        title="关 enable_mem_pattern，每次推理后归还",
        settings=NO_PATTERN,
        run_settings={"memory.enable_memory_arena_shrinkage": "cpu:0"},
        proofs=(SHRUNK,),
    ),
)
ORIGINAL = Case(
    id="original",
    title="2022 年的那套",
    settings={
        "graph_optimization_level": "ORT_ENABLE_ALL",
        "log_severity_level": 4,
        **NO_ARENA,
    },
    proofs=(ARENA_OFF, NO_WARNINGS),
)
"""What the article of 2022 recommends, as a whole."""


def threads(machine: Machine) -> dict[str, int]:
    """Rule -> number of threads: one, parts of the usable cores, all, twice as many; equal numbers stand once."""
    cores = machine.cores
    rules = {"quarter": cores // 4, "half": cores // 2, "usable": cores, "double": 2 * cores}
    return {SINGLE: 1, **{rule: count for rule, count in rules.items() if count > 1}}


def needs_glibc(major: int, minor: int) -> Callable[[Machine], str]:
    def lacking(machine: Machine) -> str:
        name, _, version = machine.libc.partition(" ")
        new_enough = name == "glibc" and _numbers(version) >= (major, minor)
        return "" if new_enough else f"需要 glibc {major}.{minor} 以上"

    return lacking


def needs_onnxruntime(major: int, minor: int) -> Callable[[Machine], str]:
    def lacking(machine: Machine) -> str:
        new_enough = _numbers(machine.software.get("onnxruntime", "")) >= (major, minor)
        return "" if new_enough else f"需要 onnxruntime {major}.{minor} 以上"

    return lacking


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


NOTABLE_MIB = 16
MORE_HUGE_PAGES = 1.5
"""Where the kernel gives huge pages to everybody, both have about as many."""
HUGE_PAGES = Case(
    id="arena_off_hugetlb",
    title="关 arena，glibc 用大页",
    settings=NO_ARENA,
    place=Place(env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    lacking=needs_glibc(2, 35),
    proofs=(
        ARENA_OFF,
        Proof(
            fact="huge_page_mib",
            relation=">",
            expected=MORE_HUGE_PAGES,
            than="arena_off",
            keys=("GLIBC_TUNABLES",),
        ),
        Proof(fact="huge_page_mib", relation=">", expected=NOTABLE_MIB, keys=("GLIBC_TUNABLES",)),
    ),
)
