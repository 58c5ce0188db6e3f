"""The table of a group, for readers and for programs: all that was measured in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.pages import looks
from bench.pages.markup import render
from bench.pages.numbers import interval, number
from bench.pages.words import MARK, VERDICTS
from bench.results import stats
from bench.results.machine_names import system
from bench.results.metrics import METRICS
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from markupsafe import Markup

    from bench.pages.words import Words
    from bench.results.metrics import Metric
    from bench.results.published import Export, GroupSummary, Row
    from bench.spec import Case, Experiment

UNPROVEN = {"nothing": "什么都没变", "unseen": "没见生效"}
PEAKS = {"macOS": "最大的常驻内存（ru_maxrss）", "Windows": "最大的工作集（PeakWorkingSetSize）"}
"""System -> what its figure of memory at the most is."""
MARGIN = 1.02
"""Room beside the outermost interval of a drawing, as a factor."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What lies at the left and the right edge of every cell of a column."""

    left: float
    right: float
    ratios: bool
    """Places go by the logarithm, so that half and double lie equally far from 1."""

    @classmethod
    def of(cls, metric: str, rows: Sequence[Row | None]) -> Axis | None:
        """The common axis of a column; None where a drawing would say nothing."""
        found = [row for row in rows if row is not None and row.value is not None]
        ends = [end for row in found for end in (row.low, row.value, row.high) if end is not None]
        if METRICS[metric].kind == "ratio":
            if len(found) < 2 or min(ends) <= 0:
                return None
            return cls(min(*ends, 1.0) / MARGIN, max(*ends, 1.0) * MARGIN, ratios=True)
        return cls(0.0, max(ends), ratios=False) if len({row.value for row in found}) > 1 else None

    def drawing(self, row: Row) -> str:
        """A bar from zero, or a point beside the mark at 1, with the interval: places as CSS percentages."""
        value = row.value or 0.0
        places = {"at": value, "one": 1.0} if self.ratios else {"bar": value}
        if row.low is not None and row.high is not None:
            places |= {"low": row.low, "high": row.high}
        return ";".join(f"--{name}:{self._place(place)}" for name, place in places.items())

    def _place(self, value: float) -> str:
        if self.ratios:
            share = math.log(value / self.left) / math.log(self.right / self.left)
        else:
            share = (value - self.left) / (self.right - self.left)
        return f"{min(1.0, max(0.0, share)) * 100:.1f}%"


def group_table(experiment: Experiment, words: Words, group: GroupSummary) -> Markup:
    """The table of one group, with caption and footnotes, as a figure of its own."""
    export = words.export
    here = [row for row in export.rows if _is(row, group)]
    filled = {row.metric for row in here if row.value is not None}
    columns = [METRICS[metric] for metric in experiment.columns if metric in filled]
    shown = {row.case for row in here}
    cases = [case for case in export.cases if case.id in shown]
    axes = {
        metric: Axis.of(metric, [words.row(group, case.id, metric) for case in cases])
        for metric in _drawn(columns)
    }
    noisy = group.verdicts and group.noisy and group.load.timed
    return render(
        "measured", experiment=experiment, words=words, group=group, columns=columns, cases=cases, axes=axes,
        number=number, interval=interval, word=partial(_word, words, group), mark=partial(words.mark, group),
        ran=_how_it_ran(group), rounds=_rounds(words, group, cases), planned=_planned(export, group), marked=MARK if noisy else "",
        notes=_notes(experiment, words, group),
        case_notes=[note for case in cases for note in _case_notes(words, group, case)],
    )  # fmt: skip


def _drawn(columns: Sequence[Metric]) -> list[str]:
    """Columns that answer: the first judged ratio, or else the first time; and memory at the most."""
    ratios = [one.id for one in columns if one.kind == "ratio" and one.judged]
    times = [one.id for one in columns if one.kind == "time"]
    return (ratios or times)[:1] + [one.id for one in columns if one.id == "peak_mib"]


def _word(words: Words, group: GroupSummary, row: Row) -> str:
    """The verdict; for a latency without one, why a setting that was looked for gives none."""
    if row.verdict is None:
        outcome = words.outcome(group, row.case) if row.metric == "ratio" else None
        return UNPROVEN.get(outcome or "", "")
    timed = METRICS[row.metric].kind != "memory"
    return words.rounds_needed(row, group) if row.verdict == "unclear" and timed else VERDICTS[row.verdict]


def _how_it_ran(group: GroupSummary) -> str:
    parts = [
        f"进程限定在 {group.place.cores:.0%} 的可用核上" if group.place.cores else "",
        f"{group.load.processes} 个进程同时运行" if group.load.processes > 1 else "",
        "每轮把它们各推理一次" if group.calls > 1 else "",
        f"{100 * group.denormals / group.parameters:.2g}% 的权重是非规格化数" if group.denormals else "",
        f"每个设置，包括默认，都另设了 {_listed(group.settings)}" if group.settings else "",
        "" if group.flops is None else _flops(group.flops / group.calls / 1e9),
    ]
    return "，".join(part for part in parts if part)


def _listed(settings: Mapping[str, object]) -> str:
    return "、".join(f"{name}={value}" for name, value in settings.items())


def _flops(gflop: float) -> str:
    """Three digits, without an exponent."""
    if gflop >= 100:
        return f"{gflop:.0f} GFLOP/次"
    return f"{gflop:.3g} GFLOP/次" if gflop >= 0.1 else f"{gflop * 1000:.3g} MFLOP/次"


def _planned(export: Export, group: GroupSummary) -> str:
    return "（因时间预算，还分不出的没有接着测）" if group in looks.cut(export) else ""


def _rounds(words: Words, group: GroupSummary, cases: Sequence[Case]) -> str:
    """`6–10`: a case of which nothing is lacking leaves."""
    rows = [row for case in cases if (row := words.row(group, case.id, "latency_ms")) and row.rounds]
    least = min((row.rounds + row.failed_rounds for row in rows), default=group.rounds)
    return f"{least}–{group.rounds}" if least < group.rounds else str(group.rounds)


def _notes(experiment: Experiment, words: Words, group: GroupSummary) -> list[str]:
    notes = []
    if not group.load.timed:
        if "latency_ms" in experiment.columns and _has(words.export, group, "latency_ms"):
            notes.append(f"这一组只看内存：只测了 {group.rounds} 轮，延迟列只作参考。")
    elif group.verdicts and group.noisy:
        notes.append(
            f"这一组噪声太大（默认设置测两遍，区间两端的最大偏离是 {group.noise_floor:.0%}），不作快慢结论，时间都不要引用。"
        )
    elif group.verdicts:
        notes += _rules(experiment, words.export, group)
        if group.control_excludes_one:
            notes.append("默认设置测两遍的区间也不含 1：本组的噪声比区间显示的大。")
    elif not words.draft:
        notes.append(f"测量时机器繁忙（{group.rounds} 轮中 {group.dirty_rounds} 轮受扰），本组不作快慢结论。")
    peak = PEAKS.get(system(words.export.machine))
    if peak and "peak_mib" in experiment.columns:
        notes.append(f"“最多占”是{peak}，从进程开始算起，含导入和打开；Linux 上只算推理途中的。")
    if unreadable := _unreadable(experiment, words.export, group):
        notes.append(f"本机读不到：{'、'.join(unreadable)}（要靠 Linux 的 /proc 和 glibc）。")
    notes.append(f"测这一组用了 {looks.duration(group.cost_s)}。")
    if group.repeated_rounds:
        notes.append(f"因机器繁忙重测过 {group.repeated_rounds} 次。")
    return notes


def _rules(experiment: Experiment, export: Export, group: GroupSummary) -> Iterator[str]:
    """What the verdicts of a group ask for, and how many intervals may be wrong."""
    floor, least, margin = f"{group.noise_floor:.1%}", f"{stats.MIN_EFFECT:.0%}", stats.SAME_MARGIN
    compared = sum(1 for row in export.rows if _is(row, group) and _is_compared(row))
    expected = stats.expected_false_verdicts(compared)
    yield f"“更快”“更慢”：95% 区间不含 1，而且中位数离 1 超过 {floor}。"
    yield f"{floor} 是默认设置测两遍相比，区间两端离 1 最远的距离，最低取 {least}。"
    yield f"“没有差别”：整个区间在 {1 - margin:.2f}–{1 + margin:.2f}，并且区间含 1，或中位数离 1 至多 {least}。"
    if any(
        METRICS[one].judged and METRICS[one].kind == "ratio" for one in experiment.columns if one != "ratio"
    ):
        yield f"中位数的界限只管“{METRICS['ratio'].title}”，别的列各有各的。"
    yield f"共比了 {compared} 次：就算都没有差别，平均也至多有 {expected:.1f} 次区间碰巧不含 1。"


def _unreadable(experiment: Experiment, export: Export, group: GroupSummary) -> list[str]:
    """Titles of columns that are not there because this system does not tell; not because nothing ran."""
    if not _has(export, group, "latency_ms"):
        return []
    return [
        METRICS[metric].title
        for metric in experiment.columns
        if not METRICS[metric].told and not _has(export, group, metric)
    ]


def _case_notes(words: Words, group: GroupSummary, case: Case) -> list[tuple[str, str]]:
    row = words.row(group, case.id, "latency_ms")
    if row and row.value is not None and row.failed_rounds:
        return [(case.id, f"：{group.rounds} 轮里有 {row.failed_rounds} 轮失败，数字来自其余的。")]
    return [(case.id, f" 失败：{row.failure}。")] if row and row.failure else []


def _has(export: Export, group: GroupSummary, metric: str) -> bool:
    return any(_is(row, group) and row.metric == metric and row.value is not None for row in export.rows)


def _is(row: Row, group: GroupSummary) -> bool:
    return (row.model, row.input) == (group.model, group.input)


def _is_compared(row: Row) -> bool:
    """A latency ratio that was judged; the A/A row is not a question."""
    return METRICS[row.metric].kind == "ratio" and row.verdict is not None and row.case != CONTROL
