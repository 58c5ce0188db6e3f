"""A comparison of two builds as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.pages.words import VERDICTS, plain
from bench.results.compare import MEMORY, RATIOS, TIMES
from bench.results.verdicts import DECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.results.compare import Comparison, Pair
    from bench.results.published import Row

GROUPS = (("延迟区间", TIMES), ("比值区间", RATIOS), ("内存", MEMORY))
MOST_LINES = 20


def lines(comparison: Comparison) -> Iterator[str]:
    """Shares that repeat, verdicts that turned around, figures that did not repeat."""
    if not comparison.same_place:
        yield "两次构建的机器或软件不同：只比各自对默认设置的比值和内存，不比绝对时间。"
    for title, metrics in GROUPS:
        share = comparison.share_repeating(metrics)
        if share is not None:
            count = sum(pair.key[-1] in metrics for pair in comparison.pairs)
            yield f"{title}：{count} 对，{share:.1%} 重合"
    if comparison.only_once:
        yield f"有 {comparison.only_once} 个数只在一次构建里有。"
    yield from (f"结论反了：{_told(pair)}" for pair in comparison.flips)
    apart = [pair for pair in comparison.pairs if not pair.repeats]
    yield from (f"不重合：{_told(pair)}" for pair in apart[:MOST_LINES])
    if len(apart) > MOST_LINES:
        yield f"……另有 {len(apart) - MOST_LINES} 对不重合。"
    yield "两次构建一致。" if comparison.agrees else "两次构建不一致。"


def _told(pair: Pair) -> str:
    return f"{' / '.join(pair.key)}：{_figure(pair.first)} 与 {_figure(pair.second)}"


def _figure(row: Row) -> str:
    word = f"，{VERDICTS[row.verdict]}" if row.verdict in DECIDED else ""
    ends = ""
    if row.low is not None and row.high is not None:
        ends = f"（{plain(row.low, row.low, row.high)}–{plain(row.high, row.low, row.high)}）"
    return f"{plain(row.value or 0.0, row.low, row.high)}{ends}{word}"
