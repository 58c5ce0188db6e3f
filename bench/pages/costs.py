"""What the profiler's trace says, as tables with bars."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from bench.pages.words import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export
    from bench.results.schema import Cost, TraceSummary

MOST = 10


def tables(export: Export) -> str:
    """The most expensive operator types and nodes of the trace that was kept."""
    return "".join(_both(trace) for trace in export.traces) or "<p>这次没有性能分析的结果。</p>"


def _both(trace: TraceSummary) -> str:
    rest = sum(cost.share for cost in trace.operators[MOST:])
    note = f"其余 {len(trace.operators) - MOST} 种算子合计 {rest:.1%}。" if rest else ""
    where = f"{escape(trace.model)} <code>{escape(trace.input)}</code>，{trace.runs} 次推理的平均"
    operators = [(cost.name, f"{cost.nodes} 个节点", cost) for cost in trace.operators[:MOST]]
    nodes = [(cost.name, cost.operator, cost) for cost in trace.nodes]
    return (
        _table(f"最耗时的算子类型：{where}", ("算子", "节点数"), operators)
        + f'<p class="bench-notes">{note}各节点合计 {_total(trace)}，一次推理 {trace.run_microseconds / 1000:.2f} ms。</p>'
        + _table(f"最耗时的节点：{where}", ("节点", "算子"), nodes)
    )


def _total(trace: TraceSummary) -> str:
    return f"{sum(cost.microseconds for cost in trace.operators) / 1000:.2f} ms"


def _milliseconds(cost: Cost) -> str:
    """Three digits, without an exponent."""
    return plain(cost.microseconds / 1000)


def _table(caption: str, heads: tuple[str, str], rows: Sequence[tuple[str, str, Cost]]) -> str:
    largest = max((cost.share for _, _, cost in rows), default=1) or 1
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(more)}</td>'
        f'<td data-metric="node_ms" data-value="{cost.microseconds / 1000!r}">{_milliseconds(cost)}</td>'
        f'<td data-metric="share" data-value="{cost.share!r}"><span class="bench-bar" '
        f'style="--share:{cost.share / largest:.3f}">{cost.share:.1%}</span></td></tr>'
        for name, more, cost in rows
    )
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in (*heads, "毫秒/次", "占比"))
    return (
        f'<div class="bench-table"><table class="bench-costs"><caption><span>{caption}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
