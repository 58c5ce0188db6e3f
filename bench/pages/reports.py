"""What scripts and the profiler reported of an experiment, as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.facts.upstream import SAID
from bench.pages.markup import NONE, model_title, render
from bench.pages.numbers import plain
from bench.pages.words import Words

if TYPE_CHECKING:
    from markupsafe import Markup

    from bench.results.published import Export
    from bench.results.records import Told, TraceSummary

MOST = 10
"""Operator types of a trace; the others are summed up."""
HEADINGS = {
    "denormal_threads": {"callers": "由谁调用", "numpy": "NumPy 受的影响"},
    "forks": {"forks": "fork 之后，子进程里的会话", "gil": "打开会话时，别的 Python 线程"},
    "traps": {
        "external_weights": "多大的权重存到旁边的文件，交进去的要不要复制",
        "key_values": "哪些键的值写错了会被拒绝",
        "denormal_second_session": "第二个会话才设 set_denormal_as_zero",
        "denormal_global_pool": "全局线程池和 set_denormal_as_zero",
    },
    "upstream": SAID,
    "rows_alone": {"rows": "同一行，单独算和在一批里算"},
    "line_memory": {"table": "memory_profiler 的表"},
    "wide_line": {"resident": "同一个进程，每一步之后占的内存（RSS）"},
    "log_lines": {
        "healthy": "一切正常",
        "warning": "配置的值写错",
        "error": "节点执行时出错",
        "misspelt_key": "配置的键拼错",
        "default_logger": "绑核失败（默认日志器）",
        "default_logger_quiet": "同上，先调用 set_default_logger_severity(4)",
    },
}
"""Script -> what its parts are called; others are not shown."""
ELSEWHERE = {"traps": ("每个陷阱的代码和结果", "reference/traps.html", "常见的陷阱")}
"""Experiment -> what another page shows of its reports: that, the address, the title."""


def figures(export: Export, which: str, links: Markup = NONE) -> Markup:
    """`which`: "trace", or a script."""
    if which == "trace":
        return _traces(export, links)
    return NONE.join(_report(export, one, links) for one in export.reports if one.subject == which)


def _report(export: Export, report: Told, links: Markup) -> Markup:
    headings = HEADINGS[report.subject]
    return render(
        "report",
        export=export,
        report=report,
        title=Words(export).title(report.case),
        model="" if report.subject == "log_lines" else model_title(export, report.model),
        parts=[(headings[key], "\n".join(lines)) for key, lines in report.lines.items() if key in headings],
        links=links,
    )


def _traces(export: Export, links: Markup) -> Markup:
    """The most expensive operator types and nodes of each trace that was kept."""
    return NONE.join(_trace(export, one, links) for one in export.traces) or render("no_trace")


def _trace(export: Export, trace: TraceSummary, links: Markup) -> Markup:
    rest = sum(cost.share for cost in trace.operators[MOST:])
    note = f"其余 {len(trace.operators) - MOST} 种算子合计 {rest:.1%}。" if rest else ""
    total = sum(cost.microseconds for cost in trace.operators) / 1000
    run = trace.run_microseconds / 1000
    told = f"{note}各节点合计 {total:.2f} ms，一次推理 {run:.2f} ms。"
    operators = [(cost.name, f"{cost.nodes} 个节点", cost) for cost in trace.operators[:MOST]]
    nodes = [(cost.name, cost.operator, cost) for cost in trace.nodes]
    shown = {
        "operators": ("最耗时的算子类型", ("算子", "节点数"), operators, told),
        "nodes": ("最耗时的节点", ("节点", "算子"), nodes, ""),
    }
    return NONE.join(
        render(
            "trace", export=export, trace=trace, model=model_title(export, trace.model), name=name,
            title=title, heads=heads, rows=rows, largest=max((cost.share for *_, cost in rows), default=1) or 1,
            told=told, plain=plain, links=links,
        )
        for name, (title, heads, rows, told) in shown.items()
    )  # fmt: skip
