"""Curves with their data as tables, and what scripts reported, as HTML."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from bench.pages import frames, readings
from bench.pages.words import Words, memory, number, plain
from bench.results import frontier
from bench.spec import BASELINE, CONTROL, input_title

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.results.published import Export, GroupSummary
    from bench.results.records import Told
    from bench.spec import Experiment

FEW_POINTS = 8
EXPORT = (
    '<p class="bench-export">存为 <button type="button" data-export="svg">SVG</button> '
    '<button type="button" data-export="png">PNG</button></p>'
)
HINTS = {
    "memory_over_runs": "指着某一次，看各设置当时的内存；点图例突出一条线。",
    "thread_scaling": "竖线是 95% 区间，虚线是理想的加速；点图例突出一条线。",
    "frontier": "实心点是留存，空心点是峰值，横线是耗时的 95% 区间；加圈的没有被比下去：没有别的设置测得更快而不多占，或更省而不更慢。",
}
"""How to read a chart of each kind."""
EACH_GROUP = ("memory_over_runs", "frontier")
"""Kinds drawn once per group; the others once per experiment."""


def of_group(
    experiment: Experiment, words: Words, group: GroupSummary, specs: Mapping[str, Any], links: str = ""
) -> str:
    """The charts of one group, as far as there is something to draw."""
    html = ""
    for chart in experiment.charts:
        name = f"{chart.kind}-{group.model}-{group.input}"
        if chart.kind in EACH_GROUP and name in specs:
            told, twin = (
                _memory(words, group) if chart.kind == "memory_over_runs" else _frontier(words, group)
            )
            title = f"{chart.title}：{group.model_title}，输入 {input_title(group.input)}"
            origin = frames.origin(words.export, group.rounds)
            after = _hint(chart.kind) + links
            html += _chart(
                (f"{experiment.id}-{name}", experiment.title), specs[name], title, origin, told, twin, after
            )
    return html


def of_experiment(experiment: Experiment, words: Words, specs: Mapping[str, Any], links: str = "") -> str:
    """The charts that show all groups at once."""
    return "".join(
        _chart(
            (f"{experiment.id}-{chart.kind}", experiment.title),
            specs[chart.kind],
            chart.title,
            frames.origin(words.export, words.export.build.rounds),
            *_scaling(words),
            _hint(chart.kind) + links,
        )
        for chart in experiment.charts
        if chart.kind not in EACH_GROUP and chart.kind in specs
    )


def _chart(
    names: tuple[str, str],
    spec: Mapping[str, Any],
    title: str,
    origin: str,
    told: str,
    twin: str,
    after: str,
) -> str:
    """A place where the local script draws `spec` when it comes into view; what it shows; its data.

    `names`: of the chart's address, and of the experiment, whose title tells tables alike apart.
    """
    anchor, name = names
    data = json.dumps(spec, ensure_ascii=False).replace("<", "\\u003c")
    body = (
        f'<div class="bench-vega" role="img" aria-label="{escape(f"{title}。{told}")}" '
        f'style="min-height:{spec["height"]}px"></div>'
        "<noscript><p>没有启用 JavaScript，所以不画图；数据在下面的表里。</p></noscript>"
        f"{EXPORT}"
        f'<script type="application/json">{data}</script>'
        f"<details><summary>图的数据</summary>{frames.scrolled(twin, f'{name}：{title}，图的数据')}</details>"
    )
    caption = f"<strong>{escape(title)}</strong>；{origin}"
    return frames.figure(anchor, caption, body, after, told=told, css="bench-figure bench-chart")


def _hint(kind: str) -> str:
    return f'<p class="bench-notes">{HINTS[kind]}</p>'


def _memory(words: Words, group: GroupSummary) -> tuple[str, str]:
    """RSS after chosen runs: what it shows, and its table."""
    curves = [c for c in words.export.curves if (c.model, c.input) == (group.model, group.input)]
    lines = {words.title(curve.case): curve.y for curve in curves if curve.case != CONTROL}
    longest = max(len(curve.x) for curve in curves)
    picks = _picks(longest, group.calls)
    heads = ["设置", *("结束时" if i == longest - 1 else f"第 {i + 1} 次后" for i in picks)]
    body = "".join(
        f'<tr data-case="{escape(c.case)}"><th scope="row">{escape(words.title(c.case))}</th>'
        + "".join(
            f'<td data-value="{c.y[i]!r}">{memory(c.y[i])}</td>' if i < len(c.y) else "<td>—</td>"
            for i in picks
        )
        + "</tr>"
        for c in curves
    )
    return readings.memory_over_runs(lines, words.title(BASELINE)), _twin(heads, body)


def _picks(length: int, calls: int) -> list[int]:
    if length <= FEW_POINTS:
        return list(range(length))
    return sorted({0, 1, calls - 1, calls, 2 * calls - 1, length - 1} & set(range(length)))


def _scaling(words: Words) -> tuple[str, str]:
    """Speed-up by thread count, a row a model: what it shows, and its table."""
    counts = [case for case in words.cases() if case.isdigit()]
    lines, body = {}, ""
    for group in words.groups():
        title = f"{group.model_title}（{input_title(group.input)}）"
        rows = {count: words.row(group, count, "speed_up") for count in counts}
        lines[title] = [
            readings.SpeedUp(threads=int(count), value=row.value, low=row.low, high=row.high)
            for count, row in rows.items()
            if row and row.value is not None and not group.noisy
        ]
        cells = (
            f'<td data-value="{row.value!r}">{number(row)}{words.mark(group, "speed_up")}</td>'
            if row and row.value is not None
            else "<td>—</td>"
            for row in rows.values()
        )
        body += f'<tr><th scope="row">{escape(title)}</th>{"".join(cells)}</tr>'
    return readings.thread_scaling(lines, words.cores()), _twin(
        ["模型", *(f"{n} 线程" for n in counts)], body
    )


def _frontier(words: Words, group: GroupSummary) -> tuple[str, str]:
    """Time against memory: what it shows, and its table."""
    found = frontier.points(words.export, group)
    best = frontier.unbeaten(found, group.noise_floor) if group.verdicts and not group.noisy else []
    body = "".join(
        f'<tr data-case="{escape(one.case)}"><th scope="row">{escape(words.title(one.case))}</th>'
        f'<td data-value="{one.ratio!r}">{plain(one.ratio, one.low, one.high)}{words.mark(group, "ratio")}{_ends(one)}</td>'
        f'<td data-value="{one.kept!r}">{memory(one.kept)}</td>'
        f"<td>{'—' if one.peak is None else memory(one.peak)}</td>"
        f"<td>{'是' if one.case in best else ''}</td></tr>"
        for one in found
    )
    titles = {one.case: words.title(one.case) for one in found}
    heads = ["设置", "耗时（对默认）", "留存", "峰值", "没有被比下去"]
    return readings.frontier(found, best, titles), _twin(heads, body)


def _ends(point: frontier.Point) -> str:
    if point.low is None or point.high is None or point.low == point.high:
        return ""
    return f"<small>{point.low:.2f}–{point.high:.2f}</small>"


def _twin(heads: Iterable[str], body: str) -> str:
    heads = [escape(head) for head in heads]
    return f'<table class="bench-twin">{frames.head(heads)}<tbody>{body}</tbody></table>'


def reports(export: Export, script: str, headings: Mapping[str, str], links: str = "") -> str:
    """What a script reported: a block a case; with several headings, a part each."""
    return "".join(_report(export, one, headings, links) for one in export.reports if one.script == script)


def _report(export: Export, report: Told, headings: Mapping[str, str], links: str) -> str:
    title = next((case.title for case in export.cases if case.id == report.case), report.case)
    if report.failure:
        body = f"<p>失败：{escape(report.failure.reason)}</p>"
    else:
        body = "".join(_lines(headings[key], lines) for key, lines in report.lines.items() if key in headings)
    caption = f"<strong>{escape(title)}{_ran_on(export, report)}</strong>；{frames.origin(export)}"
    anchor = f"{export.experiment}-{report.script}-{report.case}"
    body = f'<div data-script="{report.script}" data-case="{escape(report.case)}">{body}</div>'
    return frames.figure(anchor, caption, body, links, css="bench-figure bench-lines")


def _ran_on(export: Export, report: Told) -> str:
    """The script that reads logs brings networks of its own, made to fail."""
    if report.script == "log_lines":
        return "，专门会出错的小网络"
    return f"，{escape(frames.model_title(export, report.model))} <code>{escape(input_title(report.input))}</code>"


def _lines(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return f'<p>{escape(title)}：<span class="bench-none">没有打印任何东西</span></p>'
    text = escape("\n".join(lines))
    return f'<p>{escape(title)}：</p><pre tabindex="0"><samp>{text}</samp></pre>'
