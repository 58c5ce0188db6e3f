"""Curves, line tables and downloads of an experiment, as HTML."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

from bench.pages.words import Words, memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.results.published import Export, GroupSummary
    from bench.results.schema import ScriptReport
    from bench.spec import Experiment

FEW_POINTS = 8


def chart(chart_id: str, spec: dict[str, Any], title: str, twin: str) -> str:
    """A place where the local script draws `spec` when it scrolls into view, and its table."""
    data = json.dumps(spec, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<figure class="bench-chart" id="{escape(slug(chart_id))}"><figcaption>{escape(title)}</figcaption>'
        f'<div class="bench-vega" role="img" aria-label="{escape(title)}"></div>'
        f'<script type="application/json">{data}</script>'
        f"<details><summary>曲线的数据</summary>{twin}</details></figure>"
    )


def memory_twin(words: Words, group: GroupSummary) -> str:
    """RSS after chosen runs, as a table."""
    curves = [c for c in words.export.curves if (c.model, c.input) == (group.model, group.input)]
    longest = max(len(curve.x) for curve in curves)
    picks = _picks(longest, group.calls)
    head = "".join(
        f'<th scope="col">{"结束时" if i == longest - 1 else f"第 {i + 1} 次后"}</th>' for i in picks
    )
    body = "".join(
        f'<tr data-case="{escape(c.case)}"><th scope="row">{escape(words.title(c.case))}</th>'
        + "".join(
            f'<td data-value="{c.y[i]!r}">{memory(c.y[i])}</td>' if i < len(c.y) else "<td>—</td>"
            for i in picks
        )
        + "</tr>"
        for c in curves
    )
    return f'<div class="bench-table"><table><thead><tr><th scope="col">设置</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _picks(length: int, calls: int) -> list[int]:
    if length <= FEW_POINTS:
        return list(range(length))
    return sorted({0, 1, calls - 1, calls, 2 * calls - 1, length - 1} & set(range(length)))


def scaling_twin(words: Words) -> str:
    """Speed-up by thread count, a row a model."""
    counts = [case for case in words.cases() if case.isdigit()]
    head = "".join(f'<th scope="col">{escape(count)} 线程</th>' for count in counts)
    body = "".join(
        f'<tr><th scope="row">{escape(group.model_title)}（{escape(group.input)}）</th>'
        + "".join(_speed_up(words, group, count) for count in counts)
        + "</tr>"
        for group in words.groups()
    )
    return f'<div class="bench-table"><table><thead><tr><th scope="col">模型</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _speed_up(words: Words, group: GroupSummary, count: str) -> str:
    value = words.value(group, count, "speed_up")
    return "<td>—</td>" if value is None else f'<td data-value="{value!r}">{value:.2f}</td>'


def reports(export: Export, script: str, headings: Mapping[str, str]) -> str:
    """What a script reported: a block a case; with several headings, a part each."""
    return "".join(_report(export, one, headings) for one in export.reports if one.script == script)


def _report(export: Export, report: ScriptReport, headings: Mapping[str, str]) -> str:
    title = next((case.title for case in export.cases if case.id == report.case), report.case)
    if report.failure:
        body = f"<p>失败：{escape(report.failure.reason)}</p>"
    else:
        body = "".join(_lines(headings[key], lines) for key, lines in report.lines.items() if key in headings)
    return (
        f'<figure class="bench-lines" data-script="{report.script}" data-case="{escape(report.case)}">'
        f"<figcaption>{escape(title)}，{escape(report.model)} <code>{escape(report.input)}</code></figcaption>{body}</figure>"
    )


def _lines(title: str, lines: list[str]) -> str:
    if not lines:
        return f'<p>{escape(title)}：<span class="bench-none">没有打印任何东西</span></p>'
    text = escape("\n".join(lines))
    return f'<p>{escape(title)}：</p><pre tabindex="0"><code>{text}</code></pre>'


def downloads(experiment: Experiment, *, trace: bool) -> str:
    """Links to the data and the source of an experiment; a hook resolves them for the page."""
    files: tuple[tuple[str, str], ...] = (
        (f"data/{experiment.id}.json", "JSON"),
        (f"data/{experiment.id}.csv", "CSV"),
        (f"data/{experiment.id}.pyperf.json", "pyperf"),
        (f"source/{experiment.id}.py", "怎么测的（实验源码）"),
    )
    if trace:
        files += ((f"data/{experiment.id}.trace.json", "性能分析文件（Perfetto）"),)
    links = " · ".join(f'<a data-link="{escape(path)}">{text}</a>' for path, text in files)
    return f'<p class="bench-downloads">下载：{links}</p>'


def slug(text: str) -> str:
    return re.sub(r"[^\w=-]+", "-", text)
