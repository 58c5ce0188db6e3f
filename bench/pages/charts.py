"""Vega-Lite specifications of the curves, and the one local bundle that draws them.

Loaded only when results are exported: altair and vl-convert are heavy, and mkdocs needs neither.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from bench.spec import CONTROL

if TYPE_CHECKING:
    from bench.results.published import Export, GroupSummary
    from bench.spec import Experiment

BUNDLE = "vega.js"
BUNDLE_HEAD = f"/* vl-convert-python {version('vl-convert-python')} */"
"""First line of the bundle: made again only for another version, it takes a second."""
HEIGHT = 300
"""Of a chart without its legend, in pixels."""
LEGEND_LINE = 16
FEW_RUNS = 12
"""Up to here every run gets its own tick and point."""
LONG_TITLE = 12
"""Longer names than this need a line of the legend each, on a phone."""
CONFIG = {
    "background": "transparent",
    "font": "inherit",
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.15,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "orient": "bottom",
        "labelLimit": 240,
        "title": None,
    },
    "view": {"stroke": None},
    "range": {
        "category": ["#0a7e8c", "#d1720a", "#7b5ea7", "#3c8f3c", "#c2415b", "#8a6d3b", "#4a7fd1", "#777777"]
    },
}
"""currentColor follows the theme without a redraw; the hues read on white and on dark slate."""


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets `window.benchVega`.

    A module script is refused under file://, hence the function around it.
    """
    code = vl_convert.javascript_bundle("window.benchVega = {vega, vegaLite, vegaEmbed};")
    return f"{BUNDLE_HEAD}\n(function () {{\n{code}\n}})();\n"


def specs(experiment: Experiment, export: Export) -> dict[str, dict[str, Any]]:
    """Chart id -> Vega-Lite spec with its data inside."""
    found: dict[str, dict[str, Any]] = {}
    for chart in experiment.charts:
        if chart.kind == "thread_scaling":
            found[chart.kind] = thread_scaling(export)
        else:
            for group in export.groups:
                if any((c.model, c.input) == (group.model, group.input) for c in export.curves):
                    found[f"{chart.kind}-{group.model}-{group.input}"] = memory_over_runs(export, group)
    return found


def memory_over_runs(export: Export, group: GroupSummary) -> dict[str, Any]:
    """RSS after every call, a line a case; the A/A row would lie on the default."""
    titles = {case.id: case.title for case in export.cases}
    rows: list[dict[str, Any]] = [
        {"n": x, "mib": y, "case": titles[curve.case]}
        for curve in export.curves
        if (curve.model, curve.input) == (group.model, group.input) and curve.case != CONTROL
        for x, y in zip(curve.x, curve.y, strict=True)
    ]
    most = max(row["n"] for row in rows)
    few = most <= FEW_RUNS
    ticks = alt.Axis(values=list(range(1, most + 1)), format="d") if few else alt.Axis(format="d")
    lines = (
        alt.Chart(_data(rows))
        .mark_line(point=few, strokeWidth=2)
        .encode(
            x=alt.X(
                "n:Q",
                title="第几次推理之后",
                axis=ticks,
                scale=alt.Scale(nice=False),
            ),
            y=alt.Y("mib:Q", title="RSS（MiB）", scale=alt.Scale(zero=True)),
            color=alt.Color("case:N", sort=list(titles.values()), legend=_legend(rows, "case")),
            tooltip=[
                alt.Tooltip("case:N", title="设置"),
                alt.Tooltip("n:Q", title="次"),
                alt.Tooltip("mib:Q", title="MiB", format=".0f"),
            ],
        )
    )
    return _finish(lines, rows, "case")


def thread_scaling(export: Export) -> dict[str, Any]:
    """Speed-up over explicit thread counts, a line a model, and the ideal line."""
    titles = {group.model: group.model_title for group in export.groups}
    rows: list[dict[str, Any]] = [
        {
            "n": int(row.case),
            "speed_up": row.value,
            "low": row.low,
            "high": row.high,
            "model": f"{titles[row.model]}（{row.input}）",
        }
        for row in export.rows
        if row.metric == "speed_up" and row.case.isdigit() and row.value is not None
    ]
    most = max((row["n"] for row in rows), default=1)
    ideal = [{"n": n, "speed_up": n} for n in (1, most)]
    axis = alt.X(
        "n:Q",
        title="intra_op_num_threads",
        axis=alt.Axis(values=sorted({row["n"] for row in rows}), format="d"),
    )
    base = alt.Chart(_data(rows)).encode(x=axis, color=alt.Color("model:N", legend=_legend(rows, "model")))
    lines = base.mark_line(point=True, strokeWidth=2).encode(
        y=alt.Y("speed_up:Q", title="加速比（对 1 线程）"),
        tooltip=[
            alt.Tooltip("model:N", title="模型"),
            alt.Tooltip("n:Q", title="线程"),
            alt.Tooltip("speed_up:Q", title="加速比", format=".2f"),
        ],
    )
    ranges = base.transform_filter("isValid(datum.low)").mark_rule(opacity=0.6).encode(y="low:Q", y2="high:Q")
    line = (
        alt.Chart(_data(ideal))
        .mark_line(strokeDash=[4, 4], opacity=0.6, stroke="currentColor")
        .encode(x=axis, y="speed_up:Q")
    )
    return _finish(line + ranges + lines, rows, "model")


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _legend(rows: list[dict[str, Any]], series: str) -> alt.Legend:
    return alt.Legend(columns=_legend_columns(rows, series))


def _legend_columns(rows: list[dict[str, Any]], series: str) -> int:
    return 1 if max((len(row[series]) for row in rows), default=0) > LONG_TITLE else 2


def _finish(chart: alt.Chart | alt.LayerChart, rows: list[dict[str, Any]], series: str) -> dict[str, Any]:
    """The specification, high enough that the legend takes nothing from the curve."""
    lines = -(-len({row[series] for row in rows}) // _legend_columns(rows, series))
    height = HEIGHT + lines * LEGEND_LINE
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict()
    spec["config"] = CONFIG
    spec["autosize"] = {"type": "fit", "contains": "padding"}
    return spec
