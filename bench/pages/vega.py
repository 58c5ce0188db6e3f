"""Vega-Lite specifications of the charts, and the one local bundle that draws them.

Loaded only when results are exported: altair is heavy, and mkdocs does not need it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from bench.results import frontier
from bench.spec import CONTROL, input_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.results.published import Export, GroupSummary
    from bench.spec import Experiment

BUNDLE = "vega.js"
HEAD = f"/* vl-convert-python {version('vl-convert-python')} */"
"""First line of the bundle: made again only for another version, it takes a second."""
HEIGHT = 300
"""Of a chart without its legend, in pixels."""
LEGEND_LINE = 17
FEW_TICKS = 6
"""As many labels as fit side by side on a phone."""
FEW_RUNS = 12
"""Up to here every run gets its own tick and point."""
LONG_TITLE = 12
"""Longer names than this need a line of the legend each, on a phone."""
FAINT = 0.15
"""Opacity of what the legend's choice leaves out."""
CONFIG = {
    "aria": False,
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
        "labelFontSize": 11,
        "titleFontSize": 11,
    },
    "axisY": {"titlePadding": 14},  # the width of labels in the reader's own font is not known before
    "legend": {
        "labelFontSize": 11,
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
"""currentColor follows the theme without a redraw; the hues read on light and on dark paper. The place of a
chart has its own text alternative, so the marks need none."""


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets `window.benchVega`.

    A module script is refused under file://, hence the function around it.
    """
    code = vl_convert.javascript_bundle("window.benchVega = {vega, vegaLite, vegaEmbed};")
    return f"{HEAD}\n(function () {{\n{code}\n}})();\n"


def specs(experiment: Experiment, export: Export) -> dict[str, dict[str, Any]]:
    """Chart id -> Vega-Lite spec with its data inside."""
    found: dict[str, dict[str, Any]] = {}
    for chart in experiment.charts:
        if chart.kind == "thread_scaling":
            found[chart.kind] = thread_scaling(export)
            continue
        for group in export.groups:
            name = f"{chart.kind}-{group.model}-{group.input}"
            if chart.kind == "frontier":
                if group.load.timed and len(frontier.points(export, group)) > 1:
                    found[name] = time_and_memory(export, group)
            elif any((c.model, c.input) == (group.model, group.input) for c in export.curves):
                found[name] = memory_over_runs(export, group)
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
    x = alt.X("n:Q", title="第几次推理之后", axis=ticks, scale=alt.Scale(nice=False))
    names = [name for name in titles.values() if any(row["case"] == name for row in rows)]
    chosen = _chosen("case")
    lines = (
        alt.Chart(_data(rows))
        .mark_line(point=few, strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("mib:Q", title="RSS（MiB）", scale=alt.Scale(zero=True)),
            color=alt.Color("case:N", sort=names, legend=_legend(rows, "case")),
            opacity=_kept(chosen),
        )
        .add_params(chosen)
    )
    return _finish(lines + _reader(rows, x, ("case", names), "mib", ".0f", "次"), rows, "case")


def thread_scaling(export: Export) -> dict[str, Any]:
    """Speed-up over explicit thread counts, a line a model, and the ideal line."""
    titles, counts = {group.model: group.model_title for group in export.groups}, export.explicit_threads
    rows: list[dict[str, Any]] = [
        {
            "n": counts[row.case],
            "speed_up": row.value,
            "low": row.low,
            "high": row.high,
            "model": f"{titles[row.model]}（{input_title(row.input)}）",
        }
        for row in export.rows
        if row.metric == "speed_up" and row.case in counts and row.value is not None
    ]
    most = max((row["n"] for row in rows), default=1)
    ideal = [{"n": n, "speed_up": n} for n in (1, most)]
    axis = alt.X(
        "n:Q",
        title="intra_op_num_threads",
        axis=alt.Axis(values=sorted({row["n"] for row in rows}), format="d"),
    )
    names = list(dict.fromkeys(row["model"] for row in rows))
    chosen = _chosen("model")
    base = alt.Chart(_data(rows)).encode(
        x=axis, color=alt.Color("model:N", sort=names, legend=_legend(rows, "model")), opacity=_kept(chosen)
    )
    lines = base.mark_line(point=True, strokeWidth=2).encode(
        y=alt.Y("speed_up:Q", title="加速比（对 1 线程）")
    )
    ranges = base.transform_filter("isValid(datum.low)").mark_rule().encode(y="low:Q", y2="high:Q")
    line = (
        alt.Chart(_data(ideal))
        .mark_line(strokeDash=[4, 4], opacity=0.6, stroke="currentColor")
        .encode(x=axis, y="speed_up:Q")
    )
    layers = line + ranges + lines.add_params(chosen)
    return _finish(layers + _reader(rows, axis, ("model", names), "speed_up", ".2f", "线程"), rows, "model")


def time_and_memory(export: Export, group: GroupSummary) -> dict[str, Any]:
    """Latency against memory, a case a point: full circles are kept, hollow ones the peak above it."""
    titles = {case.id: case.title for case in export.cases}
    found = frontier.points(export, group)
    best = frontier.unbeaten(found, group.noise_floor) if group.verdicts and not group.noisy else []
    rows: list[dict[str, Any]] = [
        {
            "case": titles[one.case],
            "ratio": one.ratio,
            "low": one.low,
            "high": one.high,
            "kept": one.kept,
            "peak": one.peak,
            "best": "是" if one.case in best else "否",
        }
        for one in found
    ]
    ends = [value for one in found for value in (one.low, one.ratio, one.high) if value is not None]
    scale = alt.Scale(domain=[min(ends) * 0.97, max(ends) * 1.03], nice=False, zero=False)
    chosen = _chosen("case")
    base = alt.Chart(_data(rows)).encode(
        x=alt.X("ratio:Q", title="耗时（默认 = 1）", scale=scale, axis=alt.Axis(tickCount=FEW_TICKS)),
        color=alt.Color("case:N", sort=[row["case"] for row in rows], legend=_legend(rows, "case")),
        opacity=_kept(chosen),
        tooltip=[
            alt.Tooltip("case:N", title="设置"),
            alt.Tooltip("ratio:Q", title="耗时（默认 = 1）", format=".2f"),
            alt.Tooltip("kept:Q", title="留存 MiB", format=".0f"),
            alt.Tooltip("peak:Q", title="峰值 MiB", format=".0f"),
            alt.Tooltip("best:N", title="没有被比下去"),
        ],
    )
    y = alt.Y("kept:Q", title="内存（MiB）", scale=alt.Scale(zero=True))
    default = alt.Chart(_data([{"ratio": 1}])).mark_rule(
        strokeDash=[4, 4], opacity=0.6, stroke="currentColor"
    )
    known = base.transform_filter("isValid(datum.peak)")
    layers = (
        default.encode(x=alt.X("ratio:Q", scale=scale))
        + known.mark_rule(strokeDash=[1, 3]).encode(y=y, y2="peak:Q")
        + known.mark_point(size=45, filled=False, fill="transparent").encode(y="peak:Q")
        + base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5)
        .encode(x="low:Q", x2="high:Q", y=y)
        + base.transform_filter("datum.best == '是'")
        .mark_point(size=260, filled=False, strokeWidth=1.5, stroke="currentColor")
        .encode(y=y)
        + base.mark_point(size=70, filled=True).encode(y=y).add_params(chosen)
    )
    return _finish(layers, rows, "case")


def _chosen(series: str) -> alt.Parameter:
    """A click in the legend brings out one series; with shift, several."""
    return alt.selection_point(name="chosen", fields=[series], bind="legend")


def _kept(chosen: alt.Parameter) -> Any:
    return alt.condition(chosen, alt.value(1), alt.value(FAINT))


def _reader(
    rows: list[dict[str, Any]],
    x: alt.X,
    series: tuple[str, Sequence[str]],
    value: str,
    digits: str,
    unit: str,
) -> alt.Chart:
    """A line at the x nearest to the pointer, with the values of all series there."""
    field, names = series
    near = alt.selection_point(
        name="near", fields=["n"], nearest=True, on="pointerover", clear="pointerout", empty=False
    )
    # Columns of our own naming: in the name of a field, Vega reads dots and Altair colons.
    keys = {name: f"series{number}" for number, name in enumerate(names)}
    keyed = [{"n": row["n"], "key": keys[row[field]], value: row[value]} for row in rows]
    chart: alt.Chart = (
        alt.Chart(_data(keyed))
        .transform_pivot("key", value=value, groupby=["n"])
        .mark_rule(stroke="currentColor")
        .encode(
            x=x,
            opacity=alt.condition(near, alt.value(0.4), alt.value(0)),
            tooltip=[
                alt.Tooltip("n:Q", title=unit),
                *(alt.Tooltip(f"{key}:Q", title=name, format=digits) for name, key in keys.items()),
            ],
        )
        .add_params(near)
    )
    return chart


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
