"""How many threads one operator should be split over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.answers import Answer, Claim, Findings, Measured
from bench.experiments._common import (
    ASPP_ONE,
    DET_320,
    DET_480,
    REC_FOUR,
    REC_TWO,
    TINY,
    columns,
    own_threads,
)
from bench.experiments._phrases import model, versus_default, where
from bench.spec import BASELINE, CONTROL, Case, Chart, Experiment, Group

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERSUBSCRIPTION = 2
NOTABLE_IDLE_S = 0.005


def counts(cores: int) -> tuple[int, ...]:
    """Powers of two up to twice the usable cores, and the usable cores."""
    powers = {1 << exponent for exponent in range((OVERSUBSCRIPTION * cores).bit_length())}
    return tuple(sorted(powers | {cores}))


def cases(cores: int) -> tuple[Case, ...]:
    """Default twice, then explicit counts; N threads are the caller and N-1 workers."""
    explicit = tuple(
        Case(
            id=str(count),
            title=f"{count} 线程",
            settings={"intra_op_num_threads": count},
            proofs=own_threads(count),
        )
        for count in counts(cores)
    )
    return (Case(id=BASELINE, title="默认（0）"), Case(id=CONTROL, title="默认（再测一次）"), *explicit)


def conclude(say: Findings) -> Iterator[str]:
    """The best count of each model, what too many cost, and what idle threads burn."""
    for group in say.groups():
        yield f"{where(group)}：{_best(say, group)}{_too_many(say, group)}。"
        idle, threads = (say.value(group, BASELINE, metric) for metric in ("idle_cpu_s", "threads"))
        if idle is not None and idle > NOTABLE_IDLE_S and threads != 1:
            yield f"{model(group)}：推理结束后，默认设置还用掉 {say.number(group, BASELINE, 'idle_cpu_s')} 秒 CPU，主要是工作线程空转等活。"


def _explicit(say: Findings) -> list[str]:
    return [case for case in say.cases() if case.isdigit()]


def _best(say: Findings, group: Measured) -> str:
    """Which count is the fastest, of those that were seen to be in effect."""
    measured = [case for case in _explicit(say) if say.value(group, case, "latency_ms") is not None]
    if not measured:
        return "没有测成"
    known = [case for case in measured if say.outcome(group, case) == "effect"]
    if not known:
        return "没有观察到哪个明确设置的线程数生效"
    if len(known) == 1:
        only = "只测成了" if measured == known else "看到生效的只有"
        return f"明确设置的线程数里{only} {known[0]}（{say.ms(group, known[0])}）"
    return _fastest(say, group, known)


def _fastest(say: Findings, group: Measured, known: list[str]) -> str:
    tied = say.tied_with_best(group, known)
    verdicts = {say.verdict(group, case) for case in tied}
    if not tied or not any(say.verdict(group, case) for case in known):
        shortest = min(known, key=lambda case: say.value(group, case, "latency_ms") or 0.0)
        return f"这次耗时最短的是 {shortest} 线程（{say.ms(group, shortest)}），但还不能下结论"
    if len(tied) == 1:
        return f"<strong>明确设置的线程数里，{tied[0]} 线程最快</strong>（{say.ms(group, tied[0])}）"
    latencies = "、".join(f"{case} 线程 {say.ms(group, case)}" for case in tied)
    if verdicts != {"same"}:
        return f"明确设置的线程数里，{'、'.join(tied)} 的区间有重叠，还分不出谁最快（{latencies}）"
    return f"<strong>明确设置的线程数里，{'、'.join(tied)} 并列最快，分不出快慢</strong>（{latencies}）"


def _too_many(say: Findings, group: Measured) -> str:
    beyond = [case for case in _explicit(say) if int(case) > say.cores()]
    measured = [case for case in beyond if say.value(group, case, "latency_ms") is not None]
    if not measured:
        return ""
    most = measured[-1]
    cpu, base = say.value(group, most, "cpu_s"), say.value(group, BASELINE, "cpu_s")
    burned = (
        f"，每次推理的 CPU 时间是默认的 {cpu / base:.1f} 倍{say.mark(group, 'cpu_s')}" if cpu and base else ""
    )
    return f"；超过可用的 {say.cores()} 核、开到 {most} 线程，{versus_default(say, group, most)}{burned}"


def _all_cores(say: Findings) -> Answer:
    """Held against the cores that the machine has and those that this process may use."""
    counted = (say.value(group, BASELINE, "threads") for group in say.groups())
    threads = next((count for count in counted if count is not None), None)
    logical, physical = (say.machine(f"{kind}_cores") for kind in ("logical", "physical"))
    if threads is None or not isinstance(logical, int):
        return Answer(measured="默认设置的线程数没有测到。", now="明确设成进程可用的核数。", holds="unknown")
    real = f"{physical} 个物理核" if isinstance(physical, int) else "物理核数读不到"
    measured = f"默认设置共 {threads:.0f} 个线程；这台机器有 {logical} 个逻辑核，{real}，本进程可用 {say.cores()} 核。"
    if threads != logical:
        now = "默认值不是全部逻辑核；有容器配额或 taskset 时也不会跟着变少，要明确设。"
        return Answer(measured=measured, now=now, holds="no")
    if say.cores() < threads:
        return Answer(measured=measured, now="进程可用的核比默认的线程少，要明确设。", holds="yes")
    if physical == logical:
        now = "线程、逻辑核、物理核一样多，在这台机器上看不出区别：默认取的是主机的物理核，有超线程、容器配额或 taskset 时并不等于可用的核，那时要明确设。"
        return Answer(measured=measured, now=now, holds="unknown")
    now = "默认的线程与逻辑核一样多；有容器配额或 taskset 时要明确设。"
    return Answer(measured=measured, now=now, holds="yes")


EXPERIMENT = Experiment(
    id="intra_op_num_threads",
    title="算子内线程数",
    question="intra_op_num_threads 设多少最快，设多了有什么代价？",
    cases=cases,
    groups=(
        Group(
            model="aspp",
            input=ASPP_ONE,
            small=ASPP_ONE,
            seconds=1.1,
        ),
        Group(
            model="ocr_det",
            input=DET_480,
            small=DET_320,
            seconds=0.65,
        ),
        Group(
            model="ocr_rec",
            input=REC_FOUR,
            small=REC_TWO,
            seconds=0.75,
        ),
        Group(
            model="tiny",
            input=TINY,
            small=TINY,
            seconds=0.4,
        ),
    ),
    columns=columns(
        "latency_ms",
        "ratio",
        "speed_up",
        "efficiency",
        "cpu_s",
        "idle_cpu_s",
        "threads",
        "session_ms",
        "peak_mib",
        "kept_mib",
    ),
    conclude=conclude,
    charts=(Chart(kind="thread_scaling", title="加速比与线程数"),),
    claims=(
        Claim(
            id="all_cores",
            said="intra_op_num_threads 默认为 0，一般会使用设备上所有的核。",
            answer=_all_cores,
        ),
    ),
)
