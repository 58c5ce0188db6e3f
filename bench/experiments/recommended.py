"""Complete settings for four needs, measured as a whole against the default and the article's."""

from __future__ import annotations

from bench.experiments._common import (
    ARENA_OFF,
    ASPP_ONE,
    BERT_32,
    BERT_128,
    DET_FEW,
    DET_MANY,
    NO_ARENA,
    NO_PATTERN,
    ORIGINAL,
    PATTERN_OFF,
    REC_FOUR,
    REC_TWO,
    SHORT_GAPS,
    STOPS_SPINNING,
    WITHOUT_PATTERN,
    ZEROED,
    default,
    own_threads,
    usable_threads,
)
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Chart,
    Experiment,
    Group,
    Importance,
    Limit,
    Machine,
    Scenario,
)

GENERAL = (
    BASELINE,
    CONTROL,
    "original",
    "pattern_off",
    "pattern_off_shrink",
    "arena_off_pattern_off",
    "threads_pattern_off",
)
SERVICE = (BASELINE, CONTROL, "spinning_stop", "usable", "usable_pinned", "global_pool")
"""Also cases of `gaps`, with which they are measured once."""
CHEAP_ENOUGH = SAME_MEMORY = 1.05


def cases(machine: Machine) -> tuple[Case, ...]:
    """The candidates of all scenarios, with the default and the article's settings to hold them against."""
    return (
        *default(),
        ORIGINAL,
        *WITHOUT_PATTERN,
        Case(
            id="arena_off_pattern_off",
            title="关 arena 和 enable_mem_pattern",
            settings={**NO_ARENA, **NO_PATTERN},
            proofs=(ARENA_OFF,),
        ),
        Case(
            id="threads_pattern_off",
            title=f"关 enable_mem_pattern，{machine.cores} 线程（不绑核）",
            settings={"intra_op_num_threads": machine.cores, **NO_PATTERN},
            proofs=(PATTERN_OFF, *own_threads(machine.cores)),
        ),
        STOPS_SPINNING,
        *usable_threads(machine),
    )


NOT_SLOWER = Limit(
    metric="ratio", than=BASELINE, factor=CHEAP_ENOUGH, text=f"每组至多比默认慢 {CHEAP_ENOUGH - 1:.0%}"
)
TAIL_NOT_LONGER = Limit(
    metric="p95_ratio",
    than=BASELINE,
    factor=CHEAP_ENOUGH,
    text=f"p95 延迟至多比默认长 {CHEAP_ENOUGH - 1:.0%}",
)
NO_HIGHER_PEAK = Limit(
    metric="peak_mib",
    than=BASELINE,
    factor=SAME_MEMORY,
    text=f"每组最多占的内存至多比默认多 {SAME_MEMORY - 1:.0%}",
)
SCENARIOS = (
    Scenario(
        id="general",
        title="通用起点",
        candidates=(BASELINE, "pattern_off", "threads_pattern_off", "pattern_off_shrink"),
        groups=(0, 1, 2),
        minimise="peak_mib",
        limits=(NOT_SLOWER, NO_HIGHER_PEAK),
        use="还不知道瓶颈在哪里、机器由这一个进程独占的服务。",
        avoid="容器只分到几个核，或同一台机器上跑好几个进程：看“多进程与容器”。",
    ),
    Scenario(
        id="service",
        title="每秒只来几个请求",
        candidates=(BASELINE, "spinning_stop", "global_pool", "usable", "usable_pinned"),
        groups=(3, 4),
        minimise="cpu_s",
        limits=(NOT_SLOWER, TAIL_NOT_LONGER, NO_HIGHER_PEAK),
        use="请求隔一会儿才来一个，或同一台机器上还有别的进程要用 CPU。",
        avoid="一个接一个不停地推理：那时看“通用起点”。",
    ),
    Scenario(
        id="latency",
        title="延迟优先",
        candidates=(BASELINE, "pattern_off", "threads_pattern_off"),
        groups=(0, 1, 2),
        minimise="ratio",
        use="一次一个请求、内存够用，只在意每次推理多快。",
        avoid="内存紧张，或要同时处理很多请求：那时看的是吞吐，见“几个请求同时来”。",
    ),
    Scenario(
        id="memory",
        title="内存优先",
        candidates=(BASELINE, "pattern_off", "pattern_off_shrink", "arena_off_pattern_off", "original"),
        groups=(0, 1, 2),
        minimise="kept_mib",
        limits=(
            Limit(
                metric="ratio",
                than="original",
                factor=CHEAP_ENOUGH,
                text=f"每组至多比 2022 年的那套慢 {CHEAP_ENOUGH - 1:.0%}",
            ),
            Limit(metric="kept_mib", than=BASELINE, text="每组做完后还占的都不比默认多"),
        ),
        use="推理不频繁、进程常驻，空闲时希望把内存还给系统。",
        avoid="容器的内存上限卡得紧：那时要看“最多占”，不是做完后还占多少。",
    ),
    Scenario(
        id="shapes",
        title="输入尺寸多变",
        candidates=(BASELINE, "pattern_off", "pattern_off_shrink", "arena_off_pattern_off"),
        groups=(1,),
        minimise="kept_mib",
        limits=(NOT_SLOWER, NO_HIGHER_PEAK),
        use="OCR、检测这类每次输入尺寸都可能不同的服务。",
        avoid="尺寸固定的模型：内存只规划一次，enable_mem_pattern 关不关看“通用起点”。",
    ),
)

EXPERIMENT = Experiment(
    id="recommended",
    title="推荐设置",
    question="整套设置用在一起，比默认和 2022 年的那套好多少？",
    importance=Importance.HEADLINE,
    cases=cases,
    groups=(
        Group(model="aspp", input=ASPP_ONE, small=ASPP_ONE, seconds=1.2, cases=GENERAL),
        Group(model="ocr_det", input=DET_MANY, small=DET_FEW, settings=ZEROED, seconds=0.9, cases=GENERAL),
        Group(model="ocr_rec", input=REC_FOUR, small=REC_TWO, seconds=0.62, cases=GENERAL),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.37, cases=SERVICE),
        Group(model="bert_mini", input=BERT_128, small=BERT_32, seconds=0.5, load=SHORT_GAPS, cases=SERVICE),
    ),
    columns=(
        "latency_ms",
        "ratio",
        "p95_ratio",
        "ratio_original",
        "peak_mib",
        "kept_mib",
        "kept_trimmed_mib",
        "cpu_s",
        "session_ms",
    ),
    charts=(Chart(kind="frontier", title="耗时与内存"),),
    scenarios=SCENARIOS,
)
