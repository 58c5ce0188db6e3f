"""What a chart shows, as a sentence: for those who cannot see it, and for those in a hurry. Plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.pages.words import memory, plain
from bench.results import stats

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bench.results.frontier import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedUp:
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


def frontier(found: Sequence[Point], best: Collection[str], titles: Mapping[str, str]) -> str:
    """Which settings no other one beats in both time and memory kept."""
    if not found:
        return _sentence(["没有一种设置既测成了延迟又读到了内存"])
    if not best:
        least, fastest = min(found, key=lambda one: one.kept), min(found, key=lambda one: one.ratio)
        return _sentence(
            [
                f"这次不作结论；留存的中位数最少的是“{titles[least.case]}”，延迟的中位数最短的是“{titles[fastest.case]}”"
            ]
        )
    named = "、".join(f"“{titles[one.case]}”（{_both(one)}）" for one in found if one.case in best)
    rest = len(found) - len(best)
    if not rest:
        return _sentence([f"谁也没有被比下去，各有取舍：{named}"])
    return _sentence(
        [f"没有被比下去的是{named}", f"其余 {rest} 种，都有别的设置更快而不多占，或更省而不更慢"]
    )


def _both(point: Point) -> str:
    return f"耗时 {plain(point.ratio, point.low, point.high)} 倍，留存 {memory(point.kept)}"


def _sentence(parts: Sequence[str]) -> str:
    return f"{'；'.join(parts)}。" if parts else ""
