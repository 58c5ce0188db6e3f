"""The evidence page of an experiment: all that was measured of it, on one page that nobody writes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from bench.experiments import EXPERIMENTS
from bench.pages import costs, downloads, figures, frames, snippets, source, stamps, tables
from bench.pages.words import Words
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.results.published import Export
    from bench.spec import Experiment

METHOD = '<a data-link="reference/method.html#rules">怎么测的</a>'
REPORTED = {
    "healthy": "一切正常",
    "table": "memory_profiler 的表",
    "warning": "配置的值写错",
    "error": "节点执行时出错",
    "misspelt_key": "配置的键拼错",
    "default_logger": "绑核失败（默认日志器）",
    "default_logger_quiet": "同上，先调用 set_default_logger_severity(4)",
}
"""What a script reported, by its key; one that is not here keeps its key."""
CODE = HtmlFormatter(cssclass="language-python highlight", wrapcode=True)
"""As the site's own fences."""


def page(experiment_id: str) -> str:
    """Everything about one experiment, each kind under its heading. KeyError when there is no such experiment."""
    experiment = EXPERIMENTS[experiment_id]
    head = f'<p class="bench-question">{escape(experiment.question)}</p>'
    if experiment_id not in source.status():
        return _block(f"{head}<p>这台机器上还没有测这个实验（{downloads.source(experiment)}）。</p>")
    export = source.load(experiment_id)
    head += stamps.provenance(export) + stamps.warnings(export, stale=source.is_stale(experiment_id))
    parts = [part for part in _parts(experiment, export) if part[2]]
    contents = " · ".join(f'<a href="#{experiment_id}-{name}">{title}</a>' for name, title, _ in parts)
    sections = (f"{_heading(f'{experiment_id}-{name}', title)}{_block(html)}" for name, title, html in parts)
    return _block(f'{head}<p class="bench-contents">{contents}</p>') + "".join(sections)


def index() -> str:
    """Every experiment with its question."""
    items = "".join(
        f"<dt>{downloads.evidence(one.id, one.title)}</dt><dd>{escape(one.question)}</dd>"
        for one in EXPERIMENTS.values()
    )
    return f"<p>一个实验一页：结论、全部的表和图、设置是否生效、代码、原始数据。判断的规则见{METHOD}。</p><dl>{items}</dl>"


def _parts(experiment: Experiment, export: Export) -> Iterator[tuple[str, str, str]]:
    """(name, title, HTML) of every part, in the order of the page; nothing of what there is not."""
    say, charts = Words(export), source.chart_specs(experiment.id)
    links = downloads.links(experiment, trace=source.has_trace(experiment.id))
    sentences = "".join(f"<li>{sentence}</li>" for sentence in experiment.conclude(say))
    yield "conclusion", "结论", f'<ul class="bench-conclusion">{sentences}</ul>'
    groups = say.groups()
    yield (
        "numbers",
        "全部数字",
        "".join(
            tables.group_table(experiment, say, group) + figures.of_group(experiment, say, group, charts)
            for group in groups
        ),
    )
    yield "curves", "各组合在一起的图", figures.of_experiment(experiment, say, charts)
    yield "effect", "设置是否生效", tables.proofs_table(experiment, say)
    yield "reports", "脚本报告的", _reports(export)
    yield "operators", "耗时的算子和节点", costs.tables(export) if export.traces else ""
    yield "code", "每种设置的代码", _code(experiment, say)
    yield "downloads", "下载", links
    yield (
        "cost",
        "测了多久，按什么规则判断",
        f"<p>{_cost(export)}快慢怎么判断，数字怎么来的，见{METHOD}。</p>",
    )


def _block(html: str) -> str:
    """What generated blocks stand in: messages of libraries are quoted there, and taken for no fault."""
    return f'<div class="bench">{html}</div>'


def _heading(name: str, title: str) -> str:
    return (
        f'<h2 id="{escape(name)}">{escape(title)}'
        f'<a class="headerlink" href="#{escape(name)}" title="本节的链接">{frames.PERMALINK}</a></h2>'
    )


def _reports(export: Export) -> str:
    keys = {key for report in export.reports for key in report.lines}
    titles = {key: REPORTED.get(key, key) for key in keys}
    return "".join(
        figures.reports(export, script, titles) for script in dict.fromkeys(r.script for r in export.reports)
    )


def _code(experiment: Experiment, say: Words) -> str:
    """Not for the search: the options' own table and the article stand for it."""
    cores = say.cores()
    blocks = (
        f"<p><strong>{escape(case.title)}</strong> <code>{escape(case.id)}</code></p>"
        f"{highlight(snippets.on_machine(experiment, case, cores), PythonLexer(), CODE)}"
        for case in say.export.cases
        if case.id != CONTROL
    )
    return f'<div data-search-exclude="">{"".join(blocks)}</div>'


def _cost(export: Export) -> str:
    minutes = sum(group.cost_s for group in export.groups) / 60
    build = export.build
    rounds = (
        f"{build.rounds} 轮"
        if build.rounds == build.planned_rounds
        else f"{build.rounds} 轮（计划 {build.planned_rounds} 轮）"
    )
    dropped = "".join(f"有一组没测：{escape(reason)}。" for reason in build.dropped)
    return f"这个实验测了 {rounds}，用了 {minutes:.1f} 分钟。{dropped}"
