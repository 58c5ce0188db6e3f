"""What a run says before it measures: what it takes up, how long it needs, what it leaves out."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.cli.console import duration
from bench.measure import campaign, cost, selftest
from bench.measure.campaign import CannotMeasure
from bench.results.metrics import METRICS, Metric
from bench.results.view import DRAFT_PROFILES, MAX_DIRTY_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.cli.console import Progress
    from bench.measure.campaign import Campaign
    from bench.measure.plan import PlannedExperiment
    from bench.measure.profiles import Profile
    from bench.results.store import Journal
    from bench.spec import Experiment
    from bench.system.folders import Folders

DISK_NEEDED = 300 << 20
"""Models, inputs and results of a build, with room to spare, in bytes."""


def plan(planned: Sequence[PlannedExperiment], profile: Profile, folders: Folders, teller: Progress) -> None:
    """What will be measured, and the room that it needs. Raises CannotMeasure when the disk is too full."""
    memory = campaign.memory_needed(planned) / (1 << 30)
    free = shutil.disk_usage(folders.lock.parent).free
    names = "、".join(one.experiment.id for one in planned)
    looks = sorted({one.looks(group) for one in planned for group in one.groups if group.timed})
    rounds = " 或 ".join(_rounds(one) for one in looks) or "1"
    teller.note(f"计划：{names}，档位“{profile.title}”，{rounds} 轮")
    hungry = f"内存最多约 {memory:.1f} GiB" if memory >= 1 else "内存不到 1 GiB"
    teller.note(f"{hungry}，磁盘约 {DISK_NEEDED >> 20} MiB")
    if free < DISK_NEEDED:
        raise CannotMeasure(f"磁盘只剩 {free >> 20} MiB，至少要 {DISK_NEEDED >> 20} MiB")
    for one in planned:
        for group in one.groups:
            if group.memory_bytes:
                why = f"（{group.note}）" if group.note else ""
                teller.note(f"{one.experiment.id} / {group.group.model}：取 {group.input.label}{why}")
        for reason in one.dropped:
            teller.note(f"{one.experiment.id}：有一组不测（{reason}）")


def time(planned: Sequence[PlannedExperiment], profile: Profile, budget_s: float, teller: Progress) -> None:
    """How long it takes, from what samples were seen to take."""
    needed = cost.expected_seconds(planned)
    looks = profile.name in selftest.WITH_SELFTEST
    expected = needed + (selftest.expected_seconds() if looks else 0)
    took, limit = duration(expected), f"上限 {duration(budget_s)}"
    within = f"约需时间 {took}（{limit}）"
    beyond = f"全做约需 {took}，超过{limit}：测的每组都够轮数，还分不出快慢的少测几轮"
    teller.note(within if needed <= budget_s else beyond)


def _rounds(looks: Sequence[int]) -> str:
    """Those after which it may be over."""
    return str(looks[0]) if len(looks) == 1 else f"{looks[0]} 到 {looks[-1]}"


def resumed(work: Campaign, left_s: float, teller: Progress) -> None:
    """What is there of an interrupted build, and how long its rounds still take."""
    if work.resumed_samples or work.resumed_checks:
        done = f"已有 {work.resumed_samples} 个样本，{work.resumed_checks} 项设置已核对"
        teller.note(f"接着做中断的测量 {work.build}：{done}，剩下的轮次约需 {duration(left_s)}")


def finished(work: Campaign, teller: Progress) -> None:
    """The last words of a run."""
    teller.note(f"测完，构建 {work.build}")
    quiet([task.writer.journal for task in work.tasks], teller)
    for task in work.tasks:
        unread(task.planned.experiment, task.writer.journal, teller)


def unread(experiment: Experiment, journal: Journal, teller: Progress) -> None:
    """Columns without a single figure although cases ran: nobody reads such a metric, or this machine has none."""
    ran = [sample.figures for sample in journal.samples if sample.figures]
    facts = {name for record in journal.untimed for name in record.facts}

    def is_read(metric: Metric) -> bool:
        source = METRICS[metric.of] if metric.of else metric
        return source.id in facts or any(source.read and source.value(one) is not None for one in ran)

    empty = [name for name in experiment.columns if not is_read(METRICS[name])]
    if ran and empty:
        teller.note(f"{experiment.id}：一个数也没有读到的列：{'、'.join(empty)}；其余的照样存好了")


def quiet(journals: Sequence[Journal], teller: Progress) -> None:
    """Whether others disturbed its timed rounds."""
    timed = [
        end
        for journal in journals
        for group in journal.header.groups
        if group.load.timed
        for end in journal.final_rounds(group.index)
    ]
    dirty = sum(end.noise.dirty for end in timed)
    seen = sum(end.noise.others is not None for end in timed)
    repeated = sum(not end.final for journal in journals for end in journal.rounds)
    if not seen:
        teller.note("机器忙不忙看不出来：没有计时的轮次，或者每一轮太短，或者本机读不到")
        return
    word = "安静" if not dirty else "有时繁忙" if dirty <= MAX_DIRTY_SHARE * len(timed) else "繁忙"
    told = f"机器{word}：计时的 {len(timed)} 轮里，有 {dirty} 轮被别的进程或宿主机打扰"
    short = f"，{len(timed) - seen} 轮太短，看不出来" if seen < len(timed) else ""
    teller.note(told + short + (f"，另有 {repeated} 轮因此重测过" if repeated else ""))


def drafts(kept: Sequence[Journal], teller: Progress) -> None:
    """Reused drafts look like results, and draw no conclusions."""
    found = [one.header for one in kept if one.header.profile in DRAFT_PROFILES]
    if found:
        names = "、".join(one.experiment for one in found)
        told = "已有的结果里，这些只是草稿（冒烟或快速档），不作快慢结论"
        teller.note(f"{told}：{names}；要正式的数字，去掉 --reuse")
