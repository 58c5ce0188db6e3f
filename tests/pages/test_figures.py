"""Downloads and reports of scripts, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.pages import figures

if TYPE_CHECKING:
    from conftest import Make


@pytest.mark.parametrize("trace", [True, False])
def test_trace_is_offered_only_where_there_is_one(make: Make, *, trace: bool) -> None:
    html = figures.downloads(make.experiment(keep_trace=("one", 0)), trace=trace)
    assert ("toys.trace.json" in html) is trace
    assert "data/toys.json" in html


def test_report_shows_the_lines_under_the_headings_asked_for() -> None:
    html = figures._lines("出错", ["<b>[E:onnxruntime] no</b>"])
    assert "&lt;b&gt;[E:onnxruntime] no&lt;/b&gt;" in html


def test_incident_that_prints_nothing_says_so() -> None:
    assert "没有打印任何东西" in figures._lines("配置的键拼错", [])
