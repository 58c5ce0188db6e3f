"""What the profiler's trace says, as tables with bars."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.pages import frames
from bench.pages.words import plain
from bench.spec import input_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export
    from bench.results.records import Cost, TraceSummary

MOST = 10


def tables(export: Export, links: str = "") -> str:
    """The most expensive operator types and nodes of the trace that was kept."""
    parts = [_both(export, trace, links) for trace in export.traces]
    return "".join(parts) or "<p>这次没有性能分析的结果。</p>"


def _both(export: Export, trace: TraceSummary, links: str) -> str:
    rest = sum(cost.share for cost in trace.operators[MOST:])
    note = f"其余 {len(trace.operators) - MOST} 种算子合计 {rest:.1%}。" if rest else ""
    total = f"{note}各节点合计 {_total(trace)}，一次推理 {trace.run_microseconds / 1000:.2f} ms。"
    operators = [(cost.name, f"{cost.nodes} 个节点", cost) for cost in trace.operators[:MOST]]
    nodes = [(cost.name, cost.operator, cost) for cost in trace.nodes]
    notes = f'<p class="bench-notes">{total}</p>'
    return _table(
        export, trace, ("operators", "最耗时的算子类型"), ("算子", "节点数"), operators, notes + links
    ) + _table(export, trace, ("nodes", "最耗时的节点"), ("节点", "算子"), nodes, links)


def _total(trace: TraceSummary) -> str:
    return f"{sum(cost.microseconds for cost in trace.operators) / 1000:.2f} ms"


def _milliseconds(cost: Cost) -> str:
    """Three digits, without an exponent."""
    return plain(cost.microseconds / 1000)


def _table(
    export: Export,
    trace: TraceSummary,
    name: tuple[str, str],
    heads: tuple[str, str],
    rows: Sequence[tuple[str, str, Cost]],
    after: str,
) -> str:
    largest = max((cost.share for _, _, cost in rows), default=1) or 1
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(more)}</td>'
        f'<td data-metric="node_ms" data-value="{cost.microseconds / 1000!r}">{_milliseconds(cost)}</td>'
        f'<td data-metric="share" data-value="{cost.share!r}"><span class="bench-bar" '
        f'style="--bar:{cost.share / largest * 100:.1f}%">{cost.share:.1%}</span></td></tr>'
        for name, more, cost in rows
    )
    anchor, title = name
    table = (
        f'<table class="bench-costs">{frames.head((*heads, "毫秒/次", "占比"))}<tbody>{body}</tbody></table>'
    )
    model = frames.model_title(export, trace.model)
    where = f"{escape(model)} <code>{escape(input_title(trace.input))}</code>，{trace.runs} 次推理的平均"
    return frames.figure(
        f"{export.experiment}-{trace.model}-{trace.input}-{anchor}",
        f"<strong>{title}：{where}</strong>；{frames.origin(export)}",
        frames.scrolled(table, f"{title}：{model}，{input_title(trace.input)}"),
        after,
    )
