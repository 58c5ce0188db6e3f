"""Charts as figures: a place where the local script draws, what it shows in a sentence, and its data as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.pages.markup import NONE, render
from bench.pages.numbers import memory, number, plain
from bench.results import frontier, stats
from bench.spec import BASELINE, CONTROL, input_title

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from markupsafe import Markup

    from bench.pages.words import Words
    from bench.results.frontier import Point
    from bench.results.published import GroupSummary
    from bench.spec import Experiment

FEW_POINTS = 8
HINTS = {
    "memory_over_runs": "指着某一次，看各设置当时的内存；点图例突出一条线。",
    "thread_scaling": "竖线是 95% 区间，虚线是理想的加速；点图例突出一条线。",
    "frontier": "实心点是做完后还占的，空心点是最多占的，横线是耗时的 95% 区间；加圈的值得选：没有别的设置测得更快而不多占，或更省而不更慢。",
}
"""How to read a chart of each kind."""


class Cell(NamedTuple):
    """A figure of a chart in its table; without a value it is text alone."""

    text: str
    value: float | None = None
    mark: Markup = NONE
    ends: str = ""


class Twin(NamedTuple):
    """What a chart shows in a sentence, and its data as a table: rows of a title, a case or nothing, and cells."""

    told: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Cell]]]


NO_CELL = Cell("—")


def figures(
    experiment: Experiment,
    words: Words,
    specs: Mapping[str, Any],
    *,
    of: GroupSummary | None,
) -> Markup:
    """The charts of one group, or those that show all groups at once, as far as there is something to draw."""
    ending = f"-{of.model}-{of.input}" if of else ""
    where = f"：{of.model_title}，输入 {input_title(of.input)}" if of else ""
    return NONE.join(
        render(
            "chart", experiment=experiment, export=words.export, name=chart.kind + ending,
            title=chart.title + where, spec=specs[chart.kind + ending], hint=HINTS[chart.kind],
            twin=EACH_GROUP[chart.kind](words, of) if of else _scaling(words),
            rounds=of.rounds if of else words.export.build.rounds,
        )
        for chart in experiment.charts
        if (chart.kind in EACH_GROUP) is (of is not None) and chart.kind + ending in specs
    )  # fmt: skip


def _memory(words: Words, group: GroupSummary) -> Twin:
    """RSS after chosen runs."""
    curves = [c for c in words.export.curves if (c.model, c.input) == (group.model, group.input)]
    lines = {words.title(curve.case): curve.y for curve in curves if curve.case != CONTROL}
    longest = max(len(curve.x) for curve in curves)
    picks = _picks(longest, group.calls)
    heads = ["设置", *("结束时" if i == longest - 1 else f"第 {i + 1} 次后" for i in picks)]
    rows = [(words.title(one.case), one.case, [_at(one.y, i) for i in picks]) for one in curves]
    return Twin(memory_over_runs(lines, words.title(BASELINE)), heads, rows)


def _at(line: Sequence[float], run: int) -> Cell:
    return Cell(memory(line[run]), line[run]) if run < len(line) else NO_CELL


def _picks(length: int, calls: int) -> list[int]:
    if length <= FEW_POINTS:
        return list(range(length))
    return sorted({0, 1, calls - 1, calls, 2 * calls - 1, length - 1} & set(range(length)))


def _scaling(words: Words) -> Twin:
    """Speed-up by thread count, a row a model."""
    counts = words.export.explicit_threads
    lines, body = {}, []
    for group in words.groups():
        title = f"{group.model_title}（{input_title(group.input)}）"
        found = {count: words.row(group, count, "speed_up") for count in counts}
        known = {count: row for count, row in found.items() if row and row.value is not None}
        lines[title] = [
            SpeedUp(threads=counts[count], value=row.value or 0.0, low=row.low, high=row.high)
            for count, row in known.items()
            if not group.noisy
        ]
        mark = words.mark(group, "speed_up")
        cells = {count: Cell(number(row), row.value, mark) for count, row in known.items()}
        body.append((title, "", [cells.get(count, NO_CELL) for count in counts]))
    return Twin(thread_scaling(lines, words.cores()), ["模型", *(f"{n} 线程" for n in counts.values())], body)


def _frontier(words: Words, group: GroupSummary) -> Twin:
    """Time against memory."""
    found = frontier.points(words.export, group)
    best = frontier.unbeaten(found, group.noise_floor) if group.verdicts and not group.noisy else []
    mark = words.mark(group, "ratio")
    rows = []
    for one in found:
        time = Cell(plain(one.ratio, one.low, one.high), one.ratio, mark, _ends(one))
        peak = NO_CELL if one.peak is None else Cell(memory(one.peak))
        cells = [time, Cell(memory(one.kept), one.kept), peak, Cell("是" if one.case in best else "")]
        rows.append((words.title(one.case), one.case, cells))
    told = unbeaten(found, best, {one.case: words.title(one.case) for one in found})
    return Twin(told, ["设置", "耗时（对默认）", "做完后还占", "最多占", "值得选"], rows)


EACH_GROUP = {"memory_over_runs": _memory, "frontier": _frontier}
"""Kinds drawn once per group; the others once per experiment."""


def _ends(point: Point) -> str:
    if point.low is None or point.high is None or point.low == point.high:
        return ""
    return f"{point.low:.2f}–{point.high:.2f}"


class SpeedUp(NamedTuple):
    """Speed-up of one model at one number of threads."""

    threads: int
    value: float
    low: float | None
    high: float | None


def memory_over_runs(lines: Mapping[str, Sequence[float]], default: str) -> str:
    """`lines`: title of a setting -> MiB after each run, the last one at the end."""
    told = [f"{default}{_growth(lines[default])}"] if lines.get(default) else []
    ends = {title: line[-1] for title, line in lines.items() if line}
    if len(ends) > 1:
        least, most = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
        if stats.memory_verdict([ends[most]], [ends[least]]) == "more":
            told.append(
                f"结束时占得最少的是“{least}”（{memory(ends[least])}），最多的是“{most}”（{memory(ends[most])}）"
            )
        else:
            told.append(f"结束时各设置没有差别（{memory(ends[least])} 到 {memory(ends[most])}）")
    return _sentence(told)


def _growth(line: Sequence[float]) -> str:
    """When it stops growing; a small rise is none, as in the verdicts on memory."""
    settled = next(n for n in range(len(line)) if stats.memory_verdict([max(line[n:])], [line[n]]) != "more")
    if settled == 0:
        text = "第 1 次推理之后就不再明显增长"
    elif settled == len(line) - 1:
        text = "直到结束还在增长"
    else:
        text = f"第 {settled + 1} 次推理之后不再明显增长"
    if stats.memory_verdict([line[-1]], [max(line)]) == "less":
        return f"{text}，最多时 {memory(max(line))}，结束时降到 {memory(line[-1])}"
    return f"{text}，结束时占 {memory(line[-1])}"


def thread_scaling(lines: Mapping[str, Sequence[SpeedUp]], cores: int) -> str:
    """`lines`: title of a model -> its speed-ups over one thread."""
    several = {title: [one for one in line if one.threads > 1] for title, line in lines.items()}
    told = [f"{title}：{_fastest(line)}" for title, line in several.items() if line]
    within = {title: [one for one in line if one.threads <= cores] for title, line in several.items()}
    beyond = {title: [one for one in line if one.threads > cores] for title, line in several.items()}
    asked = [title for title in several if beyond[title]]
    if asked and all(_decided(several[title]) for title in asked):
        gaining = [title for title in asked if _gains(within[title], beyond[title])]
        told.append(
            f"线程超过可用的 {cores} 个核之后还更快的：{'、'.join(gaining)}"
            if gaining
            else f"线程超过可用的 {cores} 个核之后，没有测出更快的"
        )
    return _sentence(told)


def _fastest(line: Sequence[SpeedUp]) -> str:
    best = max(line, key=lambda one: one.value)
    if not _decided(line):
        return f"最快时是 1 线程的约 {plain(best.value, best.low, best.high)} 倍（{best.threads} 线程，不作结论）"
    if best.low is None or best.low <= 1:
        return "没有测出多线程更快"
    return f"最快时是 1 线程的 {plain(best.value, best.low, best.high)} 倍（{best.threads} 线程）"


def _decided(line: Sequence[SpeedUp]) -> bool:
    return all(one.low is not None for one in line)


def _gains(within: Sequence[SpeedUp], beyond: Sequence[SpeedUp]) -> bool:
    """More threads than cores beat one thread and every count that has cores of its own."""
    reached = max((one.high or one.value for one in within), default=1.0)
    return any((one.low or 0.0) > max(reached, 1.0) for one in beyond)


def unbeaten(found: Sequence[Point], best: Collection[str], titles: Mapping[str, str]) -> str:
    """Which settings no other one beats in both time and memory kept."""
    if not found:
        return "没有一种设置既测成了延迟又读到了内存。"
    if not best:
        least, fastest = min(found, key=lambda one: one.kept), min(found, key=lambda one: one.ratio)
        return f"这次不作结论；做完后还占得最少的是“{titles[least.case]}”，延迟的中位数最短的是“{titles[fastest.case]}”。"
    named = "、".join(f"“{titles[one.case]}”（{_both(one)}）" for one in found if one.case in best)
    rest = len(found) - len(best)
    if not rest:
        return f"各有取舍，都值得选：{named}。"
    return f"值得选的是{named}；其余 {rest} 种，都有别的设置更快而不多占，或更省而不更慢。"


def _both(point: Point) -> str:
    return f"耗时 {plain(point.ratio, point.low, point.high)} 倍，做完后还占 {memory(point.kept)}"


def _sentence(parts: Sequence[str]) -> str:
    return f"{'；'.join(parts)}。" if parts else ""
