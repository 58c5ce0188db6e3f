"""What the CPU memory arena costs and gives: needed, kept, and time."""

from __future__ import annotations

from bench.experiments._common import (
    ASPP_ONE,
    DET_FEW,
    DET_MANY,
    HUGE_PAGES,
    WITHOUT_ARENA,
    WITHOUT_PATTERN,
    ZEROED,
    default,
)
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Chart,
    Claim,
    Experiment,
    Group,
    Importance,
    LargestBatch,
    Load,
    Machine,
    Proof,
    Report,
    Subject,
)

MIB = 1 << 20
IMAGE = (200, 200, 1)


def cases(machine: Machine) -> tuple[Case, ...]:
    """The same for every number of cores."""
    return (
        *default(),
        WITHOUT_ARENA,
        *WITHOUT_PATTERN,
        Case(
            id="exact_extend",
            title="按需扩展的共享 arena",
            settings={"session.use_env_allocators": "1"},
            subject=Subject(name="shared_arena", options={"arena_extend_strategy": 1}),
            proofs=(Proof(fact="exact_regions_share", relation="==", expected=1),),
        ),
        HUGE_PAGES,
    )


EXPERIMENT = Experiment(
    id="arena",
    title="内存 arena：需要多少，留下多少，时间差多少",
    question="关闭 enable_cpu_mem_arena 省下的是什么，代价是什么？",
    importance=Importance.HEADLINE,
    cases=cases,
    groups=(
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.2),
        Group(
            model="aspp",
            input=LargestBatch(item_shape=IMAGE, limit=32, bytes_per_item=420 * MIB),
            small=LargestBatch(item_shape=IMAGE, limit=4, bytes_per_item=420 * MIB),
            cases=(BASELINE, "pattern_off", "arena_off"),
            seconds=22,
            slower={"pattern_off": 0.6},
            load=Load(timed=False),
        ),
        Group(
            model="ocr_det",
            input=DET_MANY,
            small=DET_FEW,
            settings=ZEROED,
            seconds=0.9,
            cases=(BASELINE, CONTROL, "arena_off", *(case.id for case in WITHOUT_PATTERN), "exact_extend"),
        ),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "base_mib",
        "after_first_mib",
        "after_second_mib",
        "first_run_ms",
        "second_run_ms",
        "session_ms",
        "minor_faults",
        "cpu_s",
    ),
    charts=(
        Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),
        Chart(kind="frontier", title="耗时与内存"),
    ),
    reports=(Report(subject="line_memory", cases=(BASELINE, "arena_off")),),
    claims=(
        Claim(
            id="kept_5618_5",
            said="开启 arena 后占用内存剧增（5618.3 MiB 对 5.3 MiB），且持续占用、不释放，建议关闭（2022 年的文章，ORT 1.14.1）。",
        ),
        Claim(id="13_percent", said="开启 arena，推理时间只有大约 13% 提升（2022 年的文章，ORT 1.14.1）。"),
    ),
)
