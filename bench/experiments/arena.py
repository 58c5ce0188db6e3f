"""What the CPU memory arena costs and gives: needed, kept, and time."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Holds, Measured
from bench.experiments._common import (
    ARENA_OFF,
    ASPP_ONE,
    ASPP_TWO,
    DET_320,
    DET_736,
    DET_FEW,
    DET_MANY,
    PATTERN_OFF,
    SHRUNK,
    columns,
)
from bench.experiments._phrases import (
    DECIDED,
    OPEN,
    memory,
    memory_judged,
    no_memory,
    sentence,
    spaced,
    speed,
    versus_default,
    where,
)
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Chart,
    Experiment,
    Group,
    LargestBatch,
    Proof,
    Script,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
IMAGE = (200, 200, 1)
GROWN = 1.2
NOTABLE_MIB = 16
MORE_HUGE_PAGES = 1.5
"""Where the kernel gives huge pages to everybody, both have about as many."""
TRIM_MATTERS = 0.1
NEEDED_OVER_KEPT = 2
"""From here on, the peak is called much larger than what is kept."""
CLAIMED_GAIN, CLAIMED_WITHIN = 0.13, 0.05
"""The article's gain by the arena, and how near a figure must be to count as the same."""
SHRINK = {"memory.enable_memory_arena_shrinkage": "cpu:0"}


def cases(cores: int) -> tuple[Case, ...]:
    """The same for every number of cores."""
    off = {"enable_cpu_mem_arena": False}
    return (
        Case(id=BASELINE, title="默认"),
        Case(id=CONTROL, title="默认（再测一次）"),
        Case(
            id="arena_off",
            title="关闭 arena",
            settings=off,
            proofs=(ARENA_OFF,),
        ),
        Case(
            id="pattern_off",
            title="关闭内存模式",
            settings={"enable_mem_pattern": False},
            proofs=(PATTERN_OFF,),
        ),
        Case(
            id="pattern_off_shrink",
            title="关闭内存模式，每次归还",
            settings={"enable_mem_pattern": False},
            run_settings=SHRINK,
            proofs=(SHRUNK,),
        ),
        Case(
            id="exact_extend",
            title="按需扩展的共享 arena",
            settings={"session.use_env_allocators": "1"},
            shared_arena={"arena_extend_strategy": 1},
            proofs=(Proof(fact="exact_regions_share", relation="==", expected=1),),
        ),
        Case(
            id="arena_off_hugetlb",
            title="关闭 arena，glibc 用大页",
            settings=off,
            env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
            needs_glibc=(2, 35),
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
        ),
    )


def conclude(say: Findings) -> Iterator[str]:
    """Second run, then peak against kept, then time, then changing sizes."""
    single = [group for group in say.groups() if group.calls == 1]
    for group in (*(g for g in single if g.memory_only), *(g for g in single if not g.memory_only))[:1]:
        yield _second_run(say, group)
        yield _needed_and_kept(say, group)
    for group in say.groups():
        if not group.memory_only:
            yield _time(say, group)
    for group in say.groups():
        if group.calls > 1:
            yield _changing_sizes(say, group)


def _second_run(say: Findings, group: Measured) -> str:
    first, second = (say.value(group, BASELINE, f"after_{n}_mib") for n in ("first", "second"))
    if first is None or second is None:
        return f"{where(group)}：默认设置{no_memory(say, group, BASELINE)}，无法比较前两次推理。"
    figures = f"第 1 次推理后占 {say.mib(group, BASELINE, 'after_first_mib')}，第 2 次推理后占 {say.mib(group, BASELINE, 'after_second_mib')}"
    if say.value(group, "pattern_off", "after_second_mib") is not None:
        figures += f"；关闭内存模式，第 2 次推理后是 {say.mib(group, 'pattern_off', 'after_second_mib')}"
    if not memory_judged(say, group):
        return f"{where(group)}，默认设置{figures}{OPEN}。"
    grown = second > first * GROWN and second - first > NOTABLE_MIB
    times = f"第二次推理后占用变为 {second / first:.1f} 倍" if grown else "第二次推理后占用没有明显增加"
    return f"<strong>本机默认设置{times}</strong>：{where(group)}，{figures}。"


def _needed_and_kept(say: Findings, group: Measured) -> str:
    peak, kept = say.value(group, "arena_off", "peak_mib"), say.value(group, "arena_off", "kept_mib")
    if peak is None or kept is None:
        return f"{where(group)}：关闭 arena，{no_memory(say, group, 'arena_off')}。"
    both = f"推理结束后留 {_beside_default(say, group, 'kept_mib')}，峰值 {_beside_default(say, group, 'peak_mib')}"
    if not all(say.verdict(group, "arena_off", metric) for metric in ("kept_mib", "peak_mib")):
        return f"{where(group)}，关闭 arena，{both}{OPEN}。"
    if peak > NEEDED_OVER_KEPT * kept:
        return f"<strong>关闭 arena 后，留下的远小于推理途中需要的</strong>：{where(group)}，{both}。"
    return f"{where(group)}，关闭 arena，{both}。"


def _beside_default(say: Findings, group: Measured, metric: str) -> str:
    own = say.mib(group, "arena_off", metric)
    known = say.value(group, BASELINE, metric) is not None
    return f"{own}（默认 {say.mib(group, BASELINE, metric)}）" if known else own


def _time(say: Findings, group: Measured) -> str:
    changes = "；".join(
        f"{escape(say.title(case))}：{speed(say, group, case)}" for case in ("arena_off", "pattern_off")
    )
    return f"{where(group)}，与默认设置比，{changes}。"


def _changing_sizes(say: Findings, group: Measured) -> str:
    changes = "；".join(
        f"{escape(say.title(case))}：{memory(say, group, case, 'kept_mib')}{_trimmed(say, group, case, '，')}"
        for case in ("arena_off", "pattern_off")
    )
    return f"输入尺寸多变时，{where(group)}的留存，{changes}{_trimmed(say, group, BASELINE, '；默认 ')}。"


def _trimmed(say: Findings, group: Measured, case: str, before: str) -> str:
    """What is left after malloc_trim, where that differs enough to turn the order around."""
    kept, trimmed = (say.value(group, case, metric) for metric in ("kept_mib", "kept_trimmed_mib"))
    if kept is None or trimmed is None or abs(kept - trimmed) <= TRIM_MATTERS * kept:
        return ""
    return f"{before}trim 后 {say.mib(group, case, 'kept_trimmed_mib')}"


def _hungriest(say: Findings) -> Measured | None:
    """The group with the article's own figure: one shape, the largest batch."""
    single = [group for group in say.groups() if group.calls == 1 and group.model == "aspp"]
    return next((group for group in single if group.memory_only), next(iter(single), None))


def _kept_is_not_needed(say: Findings) -> Answer:
    """The figures of what is kept may well be right; half of the claim is that they tell what is needed."""
    group, metrics = _hungriest(say), ("kept_mib", "peak_mib")
    if group is None or not all(say.value(group, c, m) for c in (BASELINE, "arena_off") for m in metrics):
        return Answer(measured="没有可比的内存数字。", now="先保持默认。", holds="unknown")
    kept, peak = (
        f"从 {say.mib(group, BASELINE, metric)} 变为 {say.mib(group, 'arena_off', metric)}"
        for metric in metrics
    )
    holds, now = _needed(say, group)
    measured = f"{where(group)}，关闭 arena：留存{kept}，峰值{peak}。"
    return Answer(measured=measured, now=now, holds=holds)


def _needed(say: Findings, group: Measured) -> tuple[Holds, str]:
    """Whether what is kept tells what is needed, and what follows."""
    kept, peak = (say.verdict(group, "arena_off", metric) for metric in ("kept_mib", "peak_mib"))
    off_kept, off_peak = (say.value(group, "arena_off", metric) or 0 for metric in ("kept_mib", "peak_mib"))
    if kept in (None, "unclear") or peak in (None, "unclear"):
        return "unknown", "这次不作结论，先保持默认。"
    if kept != "less":
        return "no", "关闭 arena 没有让留存变少，保持默认。"
    if off_peak > NEEDED_OVER_KEPT * off_kept:
        now = "留存确实变少，但不能当成推理需要的内存：途中仍要用到峰值那么多，容器的内存上限按峰值给。"
        return "half", now + _beside_pattern_off(say, group)
    if peak != "less":
        return "half", "关闭 arena 只让留存变少，峰值没有降：容器的内存上限按峰值给。"
    return "yes", "关闭 arena 后留存和峰值都变少，两者相差不大，可以按留存估计。"


def _beside_pattern_off(say: Findings, group: Measured) -> str:
    """What turning off the arena saves and turning off the memory pattern alone does not."""
    metrics = {"peak_mib": "峰值", "kept_mib": "留存"}
    peak, kept = (say.memory_beside(group, "arena_off", "pattern_off", metric) for metric in metrics)
    if {peak, kept} & {None, "unclear"}:
        return ""
    figures = "，".join(
        f"{spaced(title, say.mib(group, 'arena_off', metric))} 对 {say.mib(group, 'pattern_off', metric)}"
        for metric, title in metrics.items()
    )
    against = f"与只关内存模式比（{figures}），"
    if peak == "less":
        return f"{against}关 arena 连峰值也更低。"
    if kept == "less":
        return f"{against}关 arena 没有降低峰值，多省的只是两次推理之间的占用。"
    return f"{against}关 arena 没有多省，只关内存模式就够了。"


def _thirteen_percent(say: Findings) -> Answer:
    """The article: the arena makes inference about 13 % faster."""
    groups = [group for group in say.groups() if not group.memory_only]
    measured = sentence(
        f"{where(group)}，关闭后{versus_default(say, group, 'arena_off')}" for group in groups
    )
    judged = [group for group in groups if say.verdict(group, "arena_off") in DECIDED]
    alike = [group for group in judged if _as_claimed(say, group)]
    if not judged or len(judged) < len(groups):
        return Answer(measured=measured, now="先保持默认。", holds="unknown")
    if len(alike) == len(judged):
        now = f"测过的这几组里，代价也在 {CLAIMED_GAIN:.0%} 左右；换了模型和输入要重测。"
        return Answer(measured=measured, now=now, holds="yes")
    if not any(say.verdict(group, "arena_off") == "slower" for group in judged):
        return Answer(measured=measured, now="没有测出关闭它要多花时间。", holds="no")
    instead = "；只想省内存，先试关闭内存模式" if _pattern_saves(say) else ""
    return Answer(
        measured=measured,
        now=f"没有一个通用的百分数，按自己的模型和输入测{instead}。",
        holds="half" if alike else "no",
    )


def _as_claimed(say: Findings, group: Measured) -> bool:
    ratio = say.value(group, "arena_off", "ratio") or 1
    slower = say.verdict(group, "arena_off") == "slower"
    return slower and abs(ratio - 1 - CLAIMED_GAIN) <= CLAIMED_WITHIN


def _pattern_saves(say: Findings) -> bool:
    """Whether memory pattern off was seen to keep less somewhere, and nowhere to take longer."""
    less = any(say.verdict(group, "pattern_off", "kept_mib") == "less" for group in say.groups())
    return less and not any(say.verdict(group, "pattern_off") == "slower" for group in say.groups())


EXPERIMENT = Experiment(
    id="arena",
    title="内存 arena：需要多少，留下多少，时间差多少",
    question="关闭 enable_cpu_mem_arena 省下的是什么，代价是什么？",
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=ASPP_TWO,
            small=ASPP_ONE,
            seconds=1.7,
        ),
        Group(
            model="aspp",
            input=LargestBatch(item_shape=IMAGE, limit=32, bytes_per_item=420 * MIB),
            small=LargestBatch(item_shape=IMAGE, limit=4, bytes_per_item=420 * MIB),
            cases=(BASELINE, "pattern_off", "arena_off"),
            seconds=22,
            memory_only=True,
        ),
        Group(
            model="ocr_det",
            input=DET_736,
            small=DET_320,
            seconds=0.9,
        ),
        Group(
            model="ocr_det",
            input=DET_MANY,
            small=DET_FEW,
            seconds=1.6,
        ),
    ),
    columns=columns(
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
    conclude=conclude,
    charts=(
        Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),
        Chart(kind="frontier", title="耗时与内存"),
    ),
    scripts=(Script(name="line_memory", cases=(BASELINE, "arena_off")),),
    claims=(
        Claim(
            id="kept_5618_5",
            said="开启 arena 后占用内存剧增（5618.3 MiB 对 5.3 MiB），且持续占用、不释放，建议关闭（原文测得，ORT 1.14.1）。",
            answer=_kept_is_not_needed,
        ),
        Claim(
            id="13_percent",
            said="开启 arena，推理时间只有大约 13% 提升（原文测得，ORT 1.14.1）。",
            answer=_thirteen_percent,
        ),
    ),
)
