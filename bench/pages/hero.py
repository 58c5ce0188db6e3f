"""The picture on the home page: every verdict of this build as one square, by how far it lies from the default.

A static SVG: nothing to load, colours by CSS, letters that stay legible on a phone. Some 300 squares, but
one path a verdict, because every element costs a phone time before it shows anything.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from bench.pages.words import VERDICTS
from bench.results.verdicts import of_build

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export
    from bench.results.verdicts import Judged

WIDTH, PLOT, TEXT = 360, 96, 13
"""Of the picture, of the squares of one strip, and of its letters, in units of the view box."""
SIDE = 5.0
"""Largest square; strips with high columns have flatter ones."""
COLUMNS = 60
REACH = 2.0
"""Of the axis, in doublings to either side; what lies beyond stands at the edge."""
TICKS = {-2: "≤ ¼", -1: "一半", 0: "默认", 1: "2 倍", 2: "≥ 4 倍"}
STRIPS = (("ratio", "延迟"), ("kept_mib", "留存内存"))
ORDER = ("same", "unclear", "faster", "less", "slower", "more")
"""Of the squares in a column, from below."""


def figure(exports: Sequence[Export]) -> str:
    """The picture with the sentence that it shows."""
    found = [one for one in of_build(exports) if one.quotable]
    strips = [(title, [one for one in found if one.row.metric == metric]) for metric, title in STRIPS]
    drawn = [(title, points) for title, points in strips if points]
    if not drawn:
        return '<p class="bench-hero-none">这次是草稿，或者测量时机器繁忙，没有结论可画。</p>'
    told = "；".join(_told(title, points) for title, points in drawn)
    height = len(drawn) * (PLOT + 2 * TEXT) + 2 * TEXT
    body = "".join(
        f'<g transform="translate(0 {n * (PLOT + 2 * TEXT)})">{_strip(title, points)}</g>'
        for n, (title, points) in enumerate(drawn)
    )
    return (
        f'<figure class="bench-hero"><svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{told}">'
        f"{body}{_axis(height)}</svg>"
        f"<figcaption>每一格是一种设置与默认的一次比较，横轴是相当于默认的多少。{told}。"
        f'<a data-link="reference/findings.html">全部结论</a></figcaption></figure>'
    )


def _told(title: str, points: Sequence[Judged]) -> str:
    counted = Counter(str(one.row.verdict) for one in points)
    parts = [f"{counted[name]} 次{word}" for name, word in VERDICTS.items() if counted[name]]
    return f"{title}与默认比较 {len(points)} 次，{'，'.join(parts)}"


def _strip(title: str, points: Sequence[Judged]) -> str:
    """Squares piled up over the axis, a column a distance."""
    columns: dict[int, list[str]] = defaultdict(list)
    for one in points:
        columns[_column(one.ratio)].append(str(one.row.verdict))
    high = min(SIDE, PLOT / max(len(column) for column in columns.values()))
    outlines: dict[str, str] = defaultdict(str)
    for column, verdicts in sorted(columns.items()):
        for n, verdict in enumerate(sorted(verdicts, key=ORDER.index)):
            outlines[verdict] += _square(column, n, high)
    squares = "".join(f'<path class="hero-{verdict}" d="{d}"/>' for verdict, d in outlines.items())
    foot = TEXT + PLOT
    return (
        f'<text x="0" y="{TEXT}">{title}</text>{squares}'
        f'<path class="hero-line" d="M0 {foot + 1}H{WIDTH}M{WIDTH / 2} {TEXT + 4}V{foot + 5}"/>'
    )


def _square(column: int, n: int, high: float) -> str:
    """The outline of the n-th square from below, as a closed subpath."""
    pitch = WIDTH / COLUMNS
    width, top = pitch - 1, TEXT + PLOT - (n + 1) * high
    return f"M{column * pitch + 0.5:.1f} {top:.1f}h{width:.1f}v{max(high - 0.7, 0.6):.1f}h-{width:.1f}z"


def _column(ratio: float) -> int:
    doublings = math.log2(ratio) if ratio > 0 else -REACH
    share = (max(-REACH, min(REACH, doublings)) + REACH) / (2 * REACH)
    return min(COLUMNS - 1, int(share * COLUMNS))


def _axis(height: int) -> str:
    labels = []
    for doublings, text in TICKS.items():
        x = (doublings + REACH) / (2 * REACH) * WIDTH
        anchor = {-REACH: "start", REACH: "end"}.get(doublings, "middle")
        labels.append(f'<text x="{x:.0f}" y="{height - TEXT + 2}" text-anchor="{anchor}">{text}</text>')
    return "".join(labels)
