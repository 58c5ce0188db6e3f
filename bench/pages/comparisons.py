"""Every comparison of a build that was judged: as one picture, in a sentence, and as a table.

The picture is a static SVG: nothing to load, colours by CSS, letters that stay legible on a phone. Some 300 squares,
but one path a verdict, because every element costs a phone time before it shows anything.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from bench.pages.markup import evidence, render
from bench.pages.numbers import change, interval, memory
from bench.pages.words import VERDICTS, Words
from bench.results import stats
from bench.results.metrics import METRICS
from bench.results.verdicts import of_build

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from bench.results.published import Export
    from bench.results.verdicts import Judged

STRIPS = {"ratio": "延迟", "kept_mib": "做完后还占的内存"}
"""Metrics in the picture."""
FOLDED_ROWS = 25
"""A longer table shows so many rows, and the others on demand; also in docs/assets/tables.css."""
WIDTH, PLOT, TEXT = 360, 96, 13
"""Of the picture, of the squares of one strip, and of its letters, in units of the view box."""
SIDE = 5.0
"""Largest square; strips with high columns have flatter ones."""
COLUMNS = 60
REACH = 2.0
"""Of the axis, in doublings to either side; what lies beyond stands at the edge."""
TICKS = {-2: "≤ ¼", -1: "一半", 0: "默认", 1: "2 倍", 2: "≥ 4 倍"}
ORDER = ("same", "unclear", "faster", "less", "slower", "more")
"""Of the squares in a column, from below."""


def titles(found: Iterable[Judged]) -> str:
    """What was compared, in the order of the registry."""
    seen = {one.row.metric for one in found}
    return "、".join(metric.named for metric in METRICS.values() if metric.id in seen)


def difference(one: Judged) -> str:
    """How far a verdict lies from the default: `多 98%`."""
    low, high = (one.row.low, one.row.high) if _is_ratio(one) else (None, None)
    return change(one.ratio, low, high)


def _is_ratio(one: Judged) -> bool:
    return METRICS[one.row.metric].kind == "ratio"


def tally(found: Iterable[Judged]) -> str:
    counted = Counter(str(one.row.verdict) for one in found)
    return "，".join(f"{counted[name]} 次{text}" for name, text in VERDICTS.items() if counted[name])


def summary(exports: Sequence[Export]) -> Markup:
    """How many comparisons, and how they ended."""
    found = of_build(exports)
    times = [one for one in found if METRICS[one.row.metric].of == "latency_ms"]
    others = [one for one in found if _is_ratio(one) and one not in times]
    sizes = [one for one in found if not _is_ratio(one)]
    parts = []
    if times:
        wrong = stats.expected_false_verdicts(len(times))
        article = sum(one.row.metric == "ratio_original" for one in times)
        of = f"（与默认比 {len(times) - article} 次，与 2022 年的那套比 {article} 次）" if article else ""
        parts.append(
            f"延迟作了 {len(times)} 次比较{of}：{tally(times)}；就算其实全无差别，单看区间，平均也至多有 {wrong:.1f} 次碰巧不含 1"
        )
    if others:
        parts.append(f"另比较 {len(others)} 次（{titles(others)}）：{tally(others)}")
    if sizes:
        parts.append(f"内存作了 {len(sizes)} 次比较（{titles(sizes)}各算一次）：{tally(sizes)}")
    return render("comparisons_summary", parts=parts)


def table(exports: Sequence[Export]) -> Markup:
    """A row a verdict, with the exact numbers for sorting."""
    rows = [(one, *_cells(one)) for one in of_build(exports)]
    return render("comparisons", rows=rows, verdicts=VERDICTS, folded=len(rows) > FOLDED_ROWS)


def _cells(one: Judged) -> tuple[str, str, str, str, Markup, str]:
    """Setting, address of its table, what is compared, difference, mark, and what stands below that."""
    row, words = one.row, Words(one.export)
    address = evidence(row.experiment, f"{row.experiment}-{row.model}-{row.input}")
    mark = words.mark(one.group, row.metric)
    return words.title(row.case), address, METRICS[row.metric].named, difference(one), mark, _detail(one)


def _detail(one: Judged) -> str:
    """The interval of a ratio, or both figures of a memory."""
    row = one.row
    if not _is_ratio(one):
        value = row.value or 0.0
        return f"{memory(value)} 对 {memory(value / one.ratio)}"
    return f"{interval(row)} 倍" if interval(row) else ""


def picture(exports: Sequence[Export]) -> Markup:
    """The picture with the sentence that it shows."""
    found = [one for one in of_build(exports) if one.quotable]
    strips = {name: [one for one in found if one.row.metric == metric] for metric, name in STRIPS.items()}
    drawn = {name: points for name, points in strips.items() if points}
    told = "；".join(f"{name}与默认比较 {len(points)} 次，{tally(points)}" for name, points in drawn.items())
    ticks = [((place + REACH) / (2 * REACH) * WIDTH, place, text) for place, text in TICKS.items()]
    outlines = [(name, _outlines(points)) for name, points in drawn.items()]
    return render("picture", strips=outlines, told=told, ticks=ticks, reach=REACH, size=(WIDTH, PLOT, TEXT))


def _outlines(points: Sequence[Judged]) -> dict[str, str]:
    """Squares piled up over the axis, a column a distance: one path a verdict."""
    columns: dict[int, list[str]] = defaultdict(list)
    for one in points:
        columns[_column(one.ratio)].append(str(one.row.verdict))
    high = min(SIDE, PLOT / max(len(column) for column in columns.values()))
    outlines: dict[str, str] = defaultdict(str)
    for column, verdicts in sorted(columns.items()):
        for n, verdict in enumerate(sorted(verdicts, key=ORDER.index)):
            outlines[verdict] += _square(column, n, high)
    return outlines


def _square(column: int, n: int, high: float) -> str:
    """The outline of the n-th square from below, as a closed subpath."""
    pitch = WIDTH / COLUMNS
    width, top = pitch - 1, TEXT + PLOT - (n + 1) * high
    return (
        f"M{column * pitch + 0.5:.1f} {top:.1f}h{width:.1f}v{max(high - 0.7, 0.6 * high):.1f}h-{width:.1f}z"
    )


def _column(ratio: float) -> int:
    doublings = math.log2(ratio) if ratio > 0 else -REACH
    share = (max(-REACH, min(REACH, doublings)) + REACH) / (2 * REACH)
    return min(COLUMNS - 1, int(share * COLUMNS))
