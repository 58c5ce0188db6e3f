"""What charts are said to show, on made-up data in all directions, and their data as tables."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from made_up import MadeUp
from markupsafe import Markup
from prose import faults, markup_faults

from bench.pages import charts
from bench.pages.charts import SpeedUp
from bench.pages.words import Words
from bench.results.frontier import Point

SPEC = {"height": 300, "data": "</script><b>"}


@pytest.mark.parametrize("name", ["arena", "memory_pattern", "recommended"])
def test_frontier_says_what_it_shows_and_has_its_data_as_a_table(name: str) -> None:
    export = MadeUp(experiment=name, memory=0.5).export()
    say, experiment = Words(export), MadeUp(experiment=name).spec
    group = next(one for one in export.groups if one.load.timed)
    specs = {f"frontier-{group.model}-{group.input}": SPEC}
    html = charts.of_group(experiment, say, group, specs, Markup("<p>链接</p>"))
    (label,) = re.findall(r'role="img" aria-label="([^"]*)"', html)
    (told,) = re.findall(r'class="bench-told">([^<]*)', html)
    assert unescape(told) in unescape(label)
    assert "没有被比下去" in told
    assert html.count("<tr data-case=") == len([c for c in export.cases if c.id != "default_again"])
    assert "<p>链接</p></figure>" in html
    assert "min-height:300px" in html
    assert markup_faults(html) == []
    (embedded,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    assert json.loads(embedded) == SPEC  # a specification cannot end its script


def test_scaling_of_a_model_that_failed_is_a_row_of_dashes() -> None:
    made_up = MadeUp(experiment="intra_op_num_threads", failures={(0, None): "坏了"})
    html = charts.of_experiment(made_up.spec, made_up.words(), {"thread_scaling": SPEC})
    row = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)[0]
    assert "<td>—</td>" in row
    assert "data-value" not in row


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ([100, 100, 101], "第 1 次推理之后就不再明显增长"),
        ([100, 800, 801, 800], "第 2 次推理之后不再明显增长"),
        ([100, 200, 300, 310], "第 3 次推理之后不再明显增长"),
        ([100, 200, 300, 400], "直到结束还在增长"),
        ([800, 800, 60], "结束时降到 60"),
        ([800, 800, 790], "结束时占 790"),
        ([100], "第 1 次推理之后就不再明显增长"),
    ],
)
def test_growth_is_told_from_the_line(line: list[float], expected: str) -> None:
    told = charts.memory_over_runs({"默认": line}, "默认")
    assert expected in told
    assert faults(told) == []


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((800, 80), "最少的是“关闭 arena”（80\u202fMiB），最多的是“默认”"),
        ((80, 800), "最少的是“默认”（80\u202fMiB），最多的是“关闭 arena”"),
        ((800, 805), "各设置没有差别"),
        ((100, 110), "各设置没有差别"),  # 10 % but less than 16 MiB
    ],
)
def test_settings_are_compared_by_where_they_end(ends: tuple[float, float], expected: str) -> None:
    lines = {"默认": [100.0, ends[0]], "关闭 arena": [100.0, ends[1]]}
    told = charts.memory_over_runs(lines, "默认")
    assert expected in told
    assert faults(told) == []


def test_nothing_is_said_of_a_default_that_was_not_measured() -> None:
    told = charts.memory_over_runs({"甲": [1.0], "乙": [900.0]}, "默认")
    assert told.startswith("结束时")
    assert charts.memory_over_runs({}, "默认") == ""


def _line(*points: tuple[int, float], half: float | None = 0.05) -> list[SpeedUp]:
    return [
        SpeedUp(threads=n, value=v, low=None if half is None else v - half, high=None if half is None else v + half)
        for n, v in points
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (_line((1, 1.0), (2, 1.9), (4, 1.7)), ["最快时是 1 线程的 1.90 倍（2 线程）", "没有测出更快的"]),
        (_line((1, 1.0), (2, 1.5), (4, 2.2)), ["2.20 倍（4 线程）", "之后还更快的：某网络"]),
        (_line((1, 1.0), (2, 0.9), (4, 0.5)), ["没有测出多线程更快", "没有测出更快的"]),
        (_line((1, 1.0), (2, 1.02), (4, 1.03)), ["没有测出多线程更快"]),
        (_line((1, 1.0), (4, 1.6)), ["1.60 倍（4 线程）", "之后还更快的：某网络"]),
        (_line((1, 1.0), (2, 1.9), (4, 2.4), half=None), ["约 2.40 倍（4 线程，不作结论）"]),
    ],
)
def test_speed_up_is_told_with_its_threads(line: list[SpeedUp], expected: list[str]) -> None:
    told = charts.thread_scaling({"某网络（batch=1）": line}, 2)
    assert [text for text in expected if text not in told] == []
    assert faults(told) == []


def test_draft_says_nothing_of_more_threads_than_cores() -> None:
    assert "核之后" not in charts.thread_scaling({"甲": _line((2, 1.5), (4, 2.0), half=None)}, 2)


def test_machine_with_more_cores_than_threads_tried_says_nothing_of_them() -> None:
    assert "核之后" not in charts.thread_scaling({"甲": _line((1, 1.0), (2, 1.5))}, 64)


TITLES = {"default": "默认", "a": "关闭 arena", "b": "关闭内存模式"}
POINTS = [
    Point(case="default", ratio=1.0, low=1.0, high=1.0, kept=836.1, peak=836.1),
    Point(case="a", ratio=1.32, low=1.24, high=1.37, kept=80.6, peak=452.0),
    Point(case="b", ratio=0.97, low=0.93, high=1.01, kept=448.6, peak=448.7),
]


@pytest.mark.parametrize(
    ("best", "expected"),
    [
        (
            ["a", "b"],
            "没有被比下去的是“关闭 arena”（耗时 1.32 倍，留存 81\u202fMiB）、“关闭内存模式”（耗时 0.97 倍，留存 449\u202fMiB）；其余 1 种",
        ),
        (["default"], "没有被比下去的是“默认”（耗时 1 倍，留存 836\u202fMiB）；其余 2 种"),
        (["default", "a", "b"], "谁也没有被比下去，各有取舍："),
        ([], "这次不作结论；留存的中位数最少的是“关闭 arena”，延迟的中位数最短的是“关闭内存模式”"),
    ],
)
def test_settings_that_no_other_beats_are_named(best: list[str], expected: str) -> None:
    told = charts.unbeaten(POINTS, best, TITLES)
    assert expected in told
    assert faults(told) == []


def test_frontier_of_nothing_says_so() -> None:
    assert "没有一种设置" in charts.unbeaten([], [], TITLES)
