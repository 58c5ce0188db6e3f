"""What the CPU memory arena costs and gives: needed, kept, and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Measured
from bench.experiments._inputs import ASPP_ONE, DET_320, DET_736, DET_FEW, DET_MANY
from bench.spec import (
    BASELINE,
    CONTROL,
    Case,
    Chart,
    Column,
    Experiment,
    Group,
    Input,
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
            proof=Proof(fact="arena_regions", relation="==", expected=0),
        ),
        Case(
            id="pattern_off",
            title="关闭内存模式",
            settings={"enable_mem_pattern": False},
            proof=Proof(fact="second_run_regions", relation="<", expected=1, than=BASELINE),
        ),
        Case(
            id="pattern_off_shrink",
            title="关闭内存模式，每次归还",
            settings={"enable_mem_pattern": False},
            run_settings=SHRINK,
            proof=Proof(fact="arena_shrinks", relation=">", expected=0),
        ),
        Case(
            id="exact_extend",
            title="按需扩展的共享 arena",
            settings={"session.use_env_allocators": "1"},
            shared_arena={"arena_extend_strategy": 1},
            proof=Proof(fact="exact_regions_share", relation="==", expected=1),
        ),
        Case(
            id="arena_off_hugetlb",
            title="关闭 arena，glibc 用大页",
            settings=off,
            env={"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
            needs_glibc=(2, 35),
            proof=Proof(fact="huge_page_mib", relation=">", expected=1, than="arena_off"),
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


def _where(group: Measured) -> str:
    return f"{group.model_title}（{group.input}）"


def _second_run(say: Findings, group: Measured) -> str:
    first, second = (say.value(group, BASELINE, f"after_{n}_mib") for n in ("first", "second"))
    if first is None or second is None:
        return f"{_where(group)}：默认设置没有测成，无法比较前两次推理。"
    figures = f"第 1 次推理后占 {say.mib(group, BASELINE, 'after_first_mib')}，第 2 次推理后占 {say.mib(group, BASELINE, 'after_second_mib')}"
    grown = second > first * GROWN and second - first > NOTABLE_MIB
    times = f"第二次推理后占用变为 {second / first:.1f} 倍" if grown else "第二次推理后占用没有明显增加"
    without = say.value(group, "pattern_off", "after_second_mib")
    tail = (
        f"；关闭内存模式，第 2 次推理后是 {say.mib(group, 'pattern_off', 'after_second_mib')}"
        if without
        else ""
    )
    return f"<strong>本机默认设置{times}</strong>：{_where(group)}，{figures}{tail}。"


def _needed_and_kept(say: Findings, group: Measured) -> str:
    peak, kept = say.value(group, "arena_off", "peak_mib"), say.value(group, "arena_off", "kept_mib")
    if peak is None or kept is None:
        return f"{_where(group)}：关闭 arena 没有测成。"
    off = f"推理结束后只留 {say.mib(group, 'arena_off', 'kept_mib')}（默认留 {say.mib(group, BASELINE, 'kept_mib')}）"
    high = f"{say.mib(group, 'arena_off', 'peak_mib')}（默认峰值 {say.mib(group, BASELINE, 'peak_mib')}）"
    if peak > NEEDED_OVER_KEPT * kept:
        return f"<strong>关闭 arena 后，留下的远小于推理途中需要的</strong>：{off}，峰值 {high}。"
    return f"关闭 arena 后，{off}，峰值 {high}。"


def _time(say: Findings, group: Measured) -> str:
    changes = "；".join(
        f"{say.title(case)}：{say.speed(group, case)}" for case in ("arena_off", "pattern_off")
    )
    return f"{_where(group)}，与默认设置比，{changes}。"


def _changing_sizes(say: Findings, group: Measured) -> str:
    changes = "；".join(
        f"{say.title(case)}：{say.memory_change(group, case, 'kept_mib')}{_trimmed(say, group, case)}"
        for case in ("arena_off", "pattern_off")
    )
    base = _trimmed(say, group, BASELINE).lstrip("，")
    return f"输入尺寸多变时（{group.model_title}，{group.input}）的留存，{changes}{f'；默认{base}' if base else ''}。"


def _trimmed(say: Findings, group: Measured, case: str) -> str:
    """What is left after malloc_trim, where that differs enough to turn the order around."""
    kept, trimmed = (say.value(group, case, metric) for metric in ("kept_mib", "kept_trimmed_mib"))
    if kept is None or trimmed is None or abs(kept - trimmed) <= TRIM_MATTERS * kept:
        return ""
    return f"，trim 后 {say.mib(group, case, 'kept_trimmed_mib')}"


def _hungriest(say: Findings) -> Measured | None:
    """The group with the article's own figure: one shape, the largest batch."""
    single = [group for group in say.groups() if group.calls == 1 and group.model == "aspp"]
    return next((group for group in single if group.memory_only), next(iter(single), None))


def _kept_is_not_needed(say: Findings) -> Answer:
    """Right only where the peak falls with what is kept."""
    group = _hungriest(say)
    figures = {
        f"{case}.{metric}": say.value(group, case, metric)
        for case in (BASELINE, "arena_off")
        for metric in ("peak_mib", "kept_mib")
    }
    if group is None or None in figures.values():
        return Answer(measured="没有测成。", now="先保持默认。", agrees=None)
    off_peak, off_kept = figures["arena_off.peak_mib"] or 0, figures["arena_off.kept_mib"] or 0
    measured = (
        f"{_where(group)}：留存从 {say.mib(group, BASELINE, 'kept_mib')} 降到 {say.mib(group, 'arena_off', 'kept_mib')}，"
        f"峰值从 {say.mib(group, BASELINE, 'peak_mib')} 变为 {say.mib(group, 'arena_off', 'peak_mib')}。"
    )
    if off_peak > NEEDED_OVER_KEPT * off_kept:
        now = "两个数都要看：推理途中照样要用到峰值那么多，容器的内存上限按峰值给；关 arena 省的是推理之间的占用。"
        return Answer(measured=measured, now=now, agrees=False)
    return Answer(measured=measured, now="在本机，留存和需要的相差不大，可以按留存估计。", agrees=True)


def _thirteen_percent(say: Findings) -> Answer:
    """The article: the arena makes inference about 13 % faster."""
    groups = [group for group in say.groups() if not group.memory_only]
    measured = "；".join(
        f"{_where(group)}，关闭后与默认比{say.speed(group, 'arena_off')}" for group in groups
    )
    verdicts = [say.verdict(group, "arena_off") for group in groups]
    ratios = [say.value(group, "arena_off", "ratio") or 1 for group in groups]
    if not any(verdicts):
        return Answer(measured=f"{measured}。", now="先保持默认。", agrees=None)
    about = [abs(ratio - 1 - CLAIMED_GAIN) <= CLAIMED_WITHIN for ratio in ratios]
    if "slower" not in verdicts:
        return Answer(measured=f"{measured}。", now="在本机，关闭它没有测出更慢。", agrees=False)
    now = "代价随模型和输入变，没有一个通用的百分数：按自己的模型测；只想省内存，先试关闭内存模式。"
    return Answer(measured=f"{measured}。", now=now, agrees=all(about))


EXPERIMENT = Experiment(
    id="arena",
    title="内存 arena：需要多少，留下多少，慢多少",
    question="关闭 enable_cpu_mem_arena 省下的是什么，代价是什么？",
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=Input(label="batch=2", shapes=((2, *IMAGE),)),
            small=ASPP_ONE,
            seconds=2.0,
        ),
        Group(
            model="aspp",
            input=LargestBatch(item_shape=IMAGE, limit=32, bytes_per_item=420 * MIB),
            small=LargestBatch(item_shape=IMAGE, limit=4, bytes_per_item=420 * MIB),
            cases=(BASELINE, "pattern_off", "arena_off"),
            seconds=35,
            memory_only=True,
        ),
        Group(
            model="ocr_det",
            input=DET_736,
            small=DET_320,
            seconds=1.2,
        ),
        Group(
            model="ocr_det",
            input=DET_MANY,
            small=DET_FEW,
            seconds=2.2,
        ),
    ),
    columns=(
        Column(metric="latency_ms", title="稳态延迟", unit="ms"),
        Column(metric="ratio", title="相对默认"),
        Column(metric="peak_mib", title="峰值", unit="MiB"),
        Column(metric="kept_mib", title="留存", unit="MiB"),
        Column(metric="kept_trimmed_mib", title="trim 后留存", unit="MiB"),
        Column(metric="base_mib", title="推理前", unit="MiB"),
        Column(metric="after_first_mib", title="第 1 次后", unit="MiB"),
        Column(metric="after_second_mib", title="第 2 次后", unit="MiB"),
        Column(metric="first_run_ms", title="首次推理", unit="ms"),
        Column(metric="second_run_ms", title="第二次推理", unit="ms"),
        Column(metric="session_ms", title="建会话", unit="ms"),
        Column(metric="minor_faults", title="缺页/次"),
        Column(metric="cpu_s", title="CPU 秒/次", unit="s"),
    ),
    conclude=conclude,
    charts=(Chart(kind="memory_over_runs", title="每次推理之后的进程内存（RSS）"),),
    scripts=(Script(name="line_memory", cases=(BASELINE, "arena_off")),),
    claims=(
        Claim(
            id="kept_5618_5",
            said="开启 arena 后占用内存剧增（5618.3 MB 对 5.3 MB），且持续占用、不释放，建议关闭。",
            answer=_kept_is_not_needed,
        ),
        Claim(id="13_percent", said="开启 arena，推理时间只有大约 13% 的提升。", answer=_thirteen_percent),
    ),
)
