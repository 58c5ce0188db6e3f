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
from bench.results.frontier import Point

SPEC = {"height": 300, "data": "</script><b>"}


@pytest.mark.parametrize("name", ["arena", "memory_pattern", "recommended"])
def test_frontier_says_what_it_shows_and_has_its_data_as_a_table(name: str) -> None:
    made_up = MadeUp(experiment=name, memory=0.5)
    say = made_up.words()
    group = next(one for one in say.groups() if one.load.timed)
    specs = {f"frontier-{group.model}-{group.input}": SPEC}
    html = charts.figures(made_up.spec, say, specs, Markup("<p>链接</p>"), of=group)
    (label,) = re.findall(r'role="img" aria-label="([^"]*)"', html)
    (told,) = re.findall(r'class="bench-told">([^<]*)', html)
    assert unescape(told) in unescape(label)
    assert "没有被比下去" in told
    assert html.count("<tr data-case=") == len([case for case in say.cases() if case != "default_again"])
    assert "<p>链接</p></figure>" in html
    assert "min-height:300px" in html
    assert markup_faults(html) == []
    (embedded,) = re.findall(r'<script type="application/json">(.*?)</script>', html)
    assert json.loads(embedded) == SPEC  # a specification cannot end its script


def test_scaling_of_a_model_that_failed_is_a_row_of_dashes() -> None:
    made_up = MadeUp(experiment="intra_op_num_threads", failures={(0, None): "坏了"})
    html = charts.figures(made_up.spec, made_up.words(), {"thread_scaling": SPEC}, of=None)
    row = re.findall(r"<tr><th scope=\"row\">.*?</tr>", html)[0]
    assert "<td>—</td>" in row
    assert "data-value" not in row


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ({"默认": [100, 100, 101]}, "第 1 次推理之后就不再明显增长"),
        ({"默认": [100, 800, 801, 800]}, "第 2 次推理之后不再明显增长"),
        ({"默认": [100, 200, 300, 310]}, "第 3 次推理之后不再明显增长"),
        ({"默认": [100, 200, 300, 400]}, "直到结束还在增长"),
        ({"默认": [800, 800, 60]}, "结束时降到 60"),
        ({"默认": [800, 800, 790]}, "结束时占 790"),
        ({"默认": [100]}, "第 1 次推理之后就不再明显增长"),
        ({"默认": [100, 800], "甲": [100, 80]}, "最少的是“甲”（80\u202fMiB），最多的是“默认”"),
        ({"默认": [100, 80], "甲": [100, 800]}, "最少的是“默认”（80\u202fMiB），最多的是“甲”"),
        ({"默认": [100, 800], "甲": [100, 805]}, "各设置没有差别"),
        ({"默认": [100, 100], "甲": [100, 110]}, "各设置没有差别"),  # 10 % but less than 16 MiB
    ],
)
def test_memory_is_told_by_its_growth_and_by_where_it_ends(
    lines: dict[str, list[float]], expected: str
) -> None:
    told = charts.memory_over_runs(lines, "默认")
    assert expected in told
    assert faults(told) == []


def test_nothing_is_said_of_what_was_not_measured() -> None:
    assert charts.memory_over_runs({"甲": [1.0], "乙": [900.0]}, "默认").startswith("结束时")
    assert charts.memory_over_runs({}, "默认") == ""


def _line(*points: tuple[int, float], half: float | None = 0.05) -> list[SpeedUp]:
    return [
        SpeedUp(threads=n, value=v, low=None if half is None else v - half, high=None if half is None else v + half)
        for n, v in points
    ]  # fmt: skip


MORE, NO_MORE = "之后还更快的：某网络", "没有测出更快的"


@pytest.mark.parametrize(
    ("line", "cores", "expected", "untold"),
    [
        (_line((1, 1.0), (2, 1.9), (4, 1.7)), 2, f"最快时是 1 线程的 1.90 倍（2 线程）|{NO_MORE}", MORE),
        (_line((1, 1.0), (2, 1.5), (4, 2.2)), 2, f"2.20 倍（4 线程）|{MORE}", NO_MORE),
        (_line((1, 1.0), (2, 0.9), (4, 0.5)), 2, f"没有测出多线程更快|{NO_MORE}", MORE),
        (_line((1, 1.0), (2, 1.02), (4, 1.03)), 2, "没有测出多线程更快", MORE),
        (_line((1, 1.0), (4, 1.6)), 2, f"1.60 倍（4 线程）|{MORE}", NO_MORE),
        (_line((1, 1.0), (2, 1.9), (4, 2.4), half=None), 2, "约 2.40 倍（4 线程，不作结论）", "核之后"),
        (_line((1, 1.0), (2, 1.5)), 64, "1.50 倍（2 线程）", "核之后"),
    ],
)
def test_speed_up_is_told_with_its_threads_and_more_threads_than_cores_where_they_were_judged(
    line: list[SpeedUp], cores: int, expected: str, untold: str
) -> None:
    told = charts.thread_scaling({"某网络（batch=1）": line}, cores)
    assert [text for text in expected.split("|") if text not in told] == []
    assert untold not in told
    assert faults(told) == []


TITLES = {"default": "默认", "a": "关闭 arena", "b": "关闭内存模式"}
POINTS = [
    Point(case="default", ratio=1.0, low=1.0, high=1.0, kept=836.1, peak=836.1),
    Point(case="a", ratio=1.32, low=1.24, high=1.37, kept=80.6, peak=452.0),
    Point(case="b", ratio=0.97, low=0.93, high=1.01, kept=448.6, peak=448.7),
]


@pytest.mark.parametrize(
    ("points", "best", "expected"),
    [
        (POINTS, "ab", "没有被比下去的是“关闭 arena”（耗时 1.32 倍，留存 81 MiB）、“关闭内存模式”（耗时 0.97 倍，留存 449 MiB）；其余 1 种"),
        (POINTS, ["default"], "没有被比下去的是“默认”（耗时 1 倍，留存 836 MiB）；其余 2 种"),
        (POINTS, ["default", "a", "b"], "谁也没有被比下去，各有取舍："),
        (POINTS, "", "这次不作结论；留存的中位数最少的是“关闭 arena”，延迟的中位数最短的是“关闭内存模式”"),
        ([], "", "没有一种设置"),
    ],
)  # fmt: skip
def test_settings_that_no_other_beats_are_named(points: list[Point], best: list[str], expected: str) -> None:
    told = charts.unbeaten(points, best, TITLES)
    assert expected in told.replace("\u202f", " ")
    assert faults(told) == []
