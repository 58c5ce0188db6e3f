"""Vega-Lite specifications of the charts, from `templates/*.json.j2`, and the one local bundle that draws them.

Loaded only when results are exported: vl-convert is heavy, and mkdocs does not need it.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import vl_convert

from bench.pages.markup import ENVIRONMENT
from bench.results import frontier
from bench.spec import CONTROL, input_title

if TYPE_CHECKING:
    from bench.results.published import Export, GroupSummary
    from bench.spec import Experiment

    Rows = list[dict[str, Any]]
    Spec = dict[str, Any]

BUNDLE = "vega.js"
HEAD = f"/* vl-convert-python {version('vl-convert-python')} */"
"""First line of the bundle: made again only for another version, it takes a second."""
HEIGHT = 300
"""Of a chart without its legend, in pixels."""
LEGEND_LINE = 17
FEW_RUNS = 12
"""Up to here every run gets its own tick and point."""
LONG_TITLE = 12
"""Longer names than this need a line of the legend each, on a phone."""


def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one classic script that sets `window.benchVega`.

    A module script is refused under file://, hence the function around it.
    """
    code = vl_convert.javascript_bundle("window.benchVega = {vega, vegaLite, vegaEmbed};")
    return f"{HEAD}\n(function () {{\n{code}\n}})();\n"


def specs(experiment: Experiment, export: Export) -> dict[str, Spec]:
    """Chart id -> Vega-Lite spec with its data inside."""
    found: dict[str, Spec] = {}
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


def memory_over_runs(export: Export, group: GroupSummary) -> Spec:
    """RSS after every call, a line a case; the A/A row would lie on the default."""
    curves = {
        c.case: zip(c.x, c.y, strict=True)
        for c in export.curves
        if (c.model, c.input) == (group.model, group.input) and c.case != CONTROL
    }
    titles = {case.id: case.title for case in export.cases if case.id in curves}
    rows: Rows = [
        {"n": x, "mib": y, "case": title} for case, title in titles.items() for x, y in curves[case]
    ]
    most = max(row["n"] for row in rows)
    few = most <= FEW_RUNS
    ticks = {"format": "d"} | ({"values": list(range(1, most + 1))} if few else {})
    reader = _reader(rows, ("case", "mib"), ".0f", "次")
    return _spec("memory_over_runs", rows, "case", few=few, ticks=ticks, reader=reader)


def thread_scaling(export: Export) -> Spec:
    """Speed-up over explicit thread counts, a line a model, and the ideal line."""
    titles, threads = {group.model: group.model_title for group in export.groups}, export.explicit_threads
    rows: Rows = [
        {
            "n": threads[row.case],
            "speed_up": row.value,
            "low": row.low,
            "high": row.high,
            "model": f"{titles[row.model]}（{input_title(row.input)}）",
        }
        for row in export.rows
        if row.metric == "speed_up" and row.case in threads and row.value is not None
    ]
    counts = sorted({row["n"] for row in rows} | {1})
    reader = _reader(rows, ("model", "speed_up"), ".2f", "线程")
    return _spec("thread_scaling", rows, "model", counts=counts, reader=reader)


def time_and_memory(export: Export, group: GroupSummary) -> Spec:
    """Latency against memory, a case a point."""
    titles = {case.id: case.title for case in export.cases}
    found = frontier.points(export, group)
    best = frontier.unbeaten(found, group.noise_floor) if group.verdicts and not group.noisy else []
    rows: Rows = [
        {"case": titles[one.case], "best": "是" if one.case in best else "否"}
        | {name: getattr(one, name) for name in ("ratio", "low", "high", "kept", "peak")}
        for one in found
    ]
    ends = [value for one in found for value in (one.low, one.ratio, one.high) if value is not None]
    return _spec("frontier", rows, "case", domain=[min(ends) * 0.97, max(ends) * 1.03], reader=None)


def _reader(rows: Rows, fields: tuple[str, str], digits: str, unit: str) -> dict[str, Rows]:
    """What is shown at the x nearest to the pointer. `fields`: of the series and of its values."""
    series, value = fields
    # Columns of our own naming: in the name of a field, Vega reads dots and brackets.
    keys = {name: f"series{number}" for number, name in enumerate(dict.fromkeys(row[series] for row in rows))}
    titles = [("n", unit, "d"), *((key, name, digits) for name, key in keys.items())]
    return {
        "rows": [{"n": row["n"], "key": keys[row[series]], "value": row[value]} for row in rows],
        "tooltip": [
            {"field": field, "type": "quantitative", "title": title, "format": format_}
            for field, title, format_ in titles
        ],
    }


def _spec(kind: str, rows: Rows, series: str, **told: Any) -> Spec:
    """The specification, high enough that the legend takes nothing from the curve."""
    names = list(dict.fromkeys(row[series] for row in rows))
    columns = 1 if max(map(len, names), default=0) > LONG_TITLE else 2
    height = HEIGHT + -(-len(names) // columns) * LEGEND_LINE
    template = ENVIRONMENT.get_template(f"{kind}.json.j2")
    text = template.render(rows=rows, series=series, names=names, columns=columns, height=height, **told)
    spec: Spec = json.loads(text)
    return spec
