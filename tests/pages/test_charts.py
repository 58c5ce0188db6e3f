"""Charts on made-up data in all directions: what they are said to show, their data as tables, curves that can be told apart."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from itertools import product
from typing import Any

import pytest
from made_up import MadeUp
from prose import faults, markup_faults

from bench.experiments import EXPERIMENTS
from bench.pages import charts, vega
from bench.pages.charts import SpeedUp
from bench.results import frontier
from bench.results.frontier import Point
from bench.results.published import Curve
from bench.spec import CONTROL
from bench.system.folders import ROOT

SPEC = {"height": 300, "data": "</script><b>"}
WATCHED, DRAWN = (
    [one.id for one in EXPERIMENTS.values() if any(chart.kind == kind for chart in one.charts)]
    for kind in ("memory_over_runs", "frontier")
)
MORE, NO_MORE = "之后还更快的：某网络", "没有测出更快的"
POINTS = [
    Point(case="默认", ratio=1.0, low=1.0, high=1.0, kept=836.1, peak=836.1),
    Point(case="a", ratio=1.32, low=1.24, high=1.37, kept=80.6, peak=452.0),
    Point(case="b", ratio=0.97, low=0.93, high=1.01, kept=448.6, peak=448.7),
]
TITLES = {"默认": "默认", "a": "关 arena", "b": "关 enable_mem_pattern"}


@pytest.mark.parametrize("name", DRAWN)
def test_frontier_has_a_point_a_setting_marks_what_no_other_beats_says_so_and_is_a_table(name: str) -> None:
    made_up = MadeUp(experiment=name, time=1.3, memory=0.5)
    say, export = made_up.words(), made_up.export()
    timed = [one for one in export.groups if one.load.timed]
    group, titles = timed[0], {case.id: case.title for case in export.cases}
    spec = vega.time_and_memory(export, group)
    rows = spec["data"]["values"]
    best = frontier.unbeaten(frontier.points(export, group), group.noise_floor)
    here = {row.case for row in export.rows if (row.model, row.input) == (group.model, group.input)}
    assert (
        len({row["case"] for row in rows}) == len(rows) == len(here) - 1 <= len(_found(spec, "category")[0])
    )
    assert {row["case"] for row in rows if row["best"] == "是"} == {titles[case] for case in best} != set()
    html = charts.figures(made_up.spec, say, {f"frontier-{group.model}-{group.input}": SPEC}, of=group)
    (label,) = re.findall(r'role="img" aria-label="([^"]*)"', html)
    (told,) = re.findall(r'class="bench-told">([^<]*)', html)
    assert unescape(told) in unescape(label)
    assert "值得选" in told
    assert html.count("<tr data-case=") == len(rows)
    assert "min-height:300px" in html
    assert markup_faults(html) == []
    (embedded,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    assert json.loads(embedded) == SPEC  # a specification cannot end its script
    assert [key.partition("-")[0] for key in vega.specs(made_up.spec, export)] == ["frontier"] * len(timed)
    none = MadeUp(experiment=name, absent=("kept_mib",)).export()
    draft = MadeUp(experiment=name, rounds=3, profile="quick").export()
    assert vega.specs(made_up.spec, none) == {}
    assert {row["best"] for row in vega.time_and_memory(draft, draft.groups[0])["data"]["values"]} == {"否"}


def test_scaling_of_a_model_that_failed_is_a_row_of_dashes() -> None:
    made_up = MadeUp(experiment="intra_op_num_threads", failures={(0, None): "坏了"})
    html = charts.figures(made_up.spec, made_up.words(), {"thread_scaling": SPEC}, of=None)
    row = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)[0]
    assert (">—</td>" in row, "data-value" in row) == (True, False)


def _line(*points: tuple[int, float], half: float | None = 0.05) -> list[SpeedUp]:
    ends = [(None, None) if half is None else (value - half, value + half) for _, value in points]
    return [SpeedUp(*point, *both) for point, both in zip(points, ends, strict=True)]


@pytest.mark.parametrize(
    ("say", "shown", "expected", "untold"),
    [
        (charts.memory_over_runs, ({"默认": [100, 800, 801, 800]}, "默认"), "第 2 次推理之后不再明显增长", "None"),
        (charts.memory_over_runs, ({"默认": [100, 200, 300, 400]}, "默认"), "直到结束还在增长", "None"),
        (charts.memory_over_runs, ({"默认": [100, 800, 60]}, "默认"), "第 2 次推理之后不再明显增长，最多时 800 MiB，结束时降到 60", "None"),
        (charts.memory_over_runs, ({"默认": [800, 800, 790]}, "默认"), "结束时占 790", "None"),
        (charts.memory_over_runs, ({"默认": [100]}, "默认"), "第 1 次推理之后就不再明显增长", "None"),
        (charts.memory_over_runs, ({"默认": [100, 800], "甲": [100, 80]}, "默认"), "最少的是“甲”（80 MiB），最多的是“默认”", "None"),
        (charts.memory_over_runs, ({"默认": [100, 80], "甲": [100, 800]}, "默认"), "最少的是“默认”（80 MiB），最多的是“甲”", "None"),
        (charts.memory_over_runs, ({"默认": [100, 100], "甲": [100, 110]}, "默认"), "各设置没有差别", "None"),  # 10 % but less than 16 MiB
        (charts.memory_over_runs, ({"甲": [1.0], "乙": [900.0]}, "默认"), "结束时占得最少的是“甲”", "None"),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 1.9), (4, 1.7))}, 2), f"最快时是 1 线程的 1.90 倍（2 线程）|{NO_MORE}", MORE),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 1.5), (4, 2.2))}, 2), f"2.20 倍（4 线程）|{MORE}", NO_MORE),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 0.9), (4, 0.5))}, 2), f"没有测出多线程更快|{NO_MORE}", MORE),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 1.02), (4, 1.03))}, 2), "没有测出多线程更快", MORE),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (4, 1.6))}, 2), f"1.60 倍（4 线程）|{MORE}", NO_MORE),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 1.9), (4, 2.4), half=None)}, 2), "约 2.40 倍（4 线程，不作结论）", "核之后"),
        (charts.thread_scaling, ({"某网络（batch=1）": _line((1, 1.0), (2, 1.5))}, 64), "1.50 倍（2 线程）", "核之后"),
        (charts.unbeaten, (POINTS, "ab", TITLES), "值得选的是“关 arena”（耗时 1.32 倍，做完后还占 81 MiB）、“关 enable_mem_pattern”（耗时 0.97 倍，做完后还占 449 MiB）；其余 1 种", "None"),
        (charts.unbeaten, (POINTS, ["默认", "a", "b"], TITLES), "各有取舍，都值得选：“默认”（耗时 1 倍，做完后还占 836 MiB）", "None"),
        (charts.unbeaten, (POINTS, "", TITLES), "这次不作结论；做完后还占得最少的是“关 arena”，延迟的中位数最短的是“关 enable_mem_pattern”", "None"),
        (charts.unbeaten, ([], "", TITLES), "没有一种设置", "None"),
    ],
)  # fmt: skip
def test_chart_is_told_by_what_it_shows(say: Any, shown: Any, expected: str, untold: str) -> None:
    told = say(*shown)
    assert [text for text in expected.split("|") if text not in told.replace("\u202f", " ")] == []
    assert untold not in told
    assert faults(told) == []


def _curves(name: str, title: str = "{}") -> tuple[dict[str, Any], list[str]]:
    """The chart of the first group, each case a curve of three points, and what it shows; `title`: what becomes of theirs."""
    export = MadeUp(experiment=name).export()
    group, cases = export.groups[0], [replace(one, title=title.format(one.title)) for one in export.cases]
    place = {"name": "rss_mib", "model": group.model, "input": group.input, "x": [1, 2, 3], "y": [1, 2, 3]}
    curves = [Curve(**place, case=case.id) for case in cases]
    export = export.model_copy(update={"curves": curves, "cases": cases})
    return vega.memory_over_runs(export, group), [case.title for case in cases if case.id != CONTROL]


def _found(spec: Any, key: str) -> list[Any]:
    """All that stands under a key, anywhere in a specification."""
    objects: list[dict[str, Any]] = []
    json.loads(json.dumps(spec), object_hook=lambda one: objects.append(one) or one)
    return [one[key] for one in objects if key in one]


@pytest.mark.parametrize("name", WATCHED)
def test_every_line_has_a_hue_of_its_own_and_a_place_in_the_tooltip(name: str) -> None:
    """Dots and brackets in a title would be read as a path: a field is never named by others."""
    spec, titles = _curves(name, 'x["{}].a:</script>')
    assert {row["case"] for row in spec["data"]["values"]} == set(titles)
    assert len(titles) <= len(_found(spec, "category")[0])
    reader = spec["layer"][-1]
    assert [one["title"] for one in reader["encoding"]["tooltip"]] == ["次", *titles]
    assert reader["transform"][0]["pivot"] == "key"
    fields = _found(spec, "field")
    assert len(fields) > len(titles)
    assert all(re.fullmatch(r"\w+", field) for field in fields)


def test_legend_takes_nothing_from_the_curve_and_long_names_a_line_each() -> None:
    many, short = (_curves("memory_pattern", title) for title in ("{}", "{:.2}"))
    found = [[one["columns"] for one in _found(spec, "legend") if "columns" in one] for spec, _ in (many, short)]  # fmt: skip
    assert found == [[1], [2]]
    high, less_high = (spec["height"] - vega.HEIGHT for spec, _ in (many, short))
    assert high == len(many[1]) * vega.LEGEND_LINE > less_high > 0


def _lightness(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_hues_stand_out_on_light_and_dark_paper() -> None:
    (hues,) = _found(_curves("arena")[0], "category")
    style = (ROOT / "docs" / "assets" / "theme.css").read_text(encoding="utf-8")
    for paper, hue in product(("#fcfbf8", "#14181c"), hues):
        assert f"--paper: {paper};" in style
        light, dark = sorted((_lightness(hue), _lightness(paper)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, hue
