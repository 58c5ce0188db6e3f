"""What scripts and the profiler reported: values a program can read, bars that fit, lines as they were printed."""

from __future__ import annotations

import re

import pytest
from made_up import MadeUp
from prose import FAULTS, markup_faults, text_of

from bench.pages import reports
from bench.results.records import Cost, TraceSummary
from bench.spec import BASELINE

CELL = re.compile(r'<td data-metric="(\w+)" data-value="([^"]*)">')
BAR = re.compile(r"--bar:([^\"]*)%\"")


def _cost(name: str, microseconds: float, share: float, nodes: int = 1) -> Cost:
    return Cost(name=name, operator="Conv", nodes=nodes, microseconds=microseconds, share=share)


def _html(*traces: list[Cost], nodes: bool = True) -> str:
    """Of traces with these operators and, if asked, nodes."""
    made = [
        TraceSummary(
            case="profiling", model=["ocr_det", "tiny"][index], input="1x3x8x8", runs=8, operators=operators,
            run_microseconds=sum(cost.microseconds for cost in operators) + 120.0, nodes=operators if nodes else [],
        )
        for index, operators in enumerate(traces)
    ]  # fmt: skip
    return reports.figures(MadeUp(experiment="profiling", traces=made).export(), "trace", {})


USUAL = [_cost("Conv", 15_234.5, 0.7, nodes=30), _cost("MatMul", 6_512.1, 0.29), _cost("Relu", 217.6, 0.01)]


def test_trace_has_two_tables_with_exact_values_and_says_what_a_run_takes_besides_its_nodes() -> None:
    html = _html(USUAL)
    assert CELL.findall(html) == [
        pair
        for cost in [*USUAL, *USUAL]
        for pair in (("node_ms", repr(cost.microseconds / 1000)), ("share", repr(cost.share)))
    ]
    assert "各节点合计 21.96 ms，一次推理 22.08 ms。" in html
    assert _html(USUAL, USUAL).count("<table") == 4
    assert _html() == "<p>这次没有性能分析的结果。</p>"
    for fault in ("marks side by side", "space beside a full-width mark", "no number", "exponent"):
        assert not re.findall(FAULTS[fault], text_of(html))


@pytest.mark.parametrize(
    ("operators", "widths"),
    [
        (USUAL, [100, 41.4, 1.4]),
        ([_cost("Conv", 10.0, 1.0)], [100]),
        ([_cost("Conv", 0.0, 0.0), _cost("Relu", 0.0, 0.0)], [0, 0]),
        ([_cost(f"Op{n}", 1.0, 0.04) for n in range(25)], [100] * reports.MOST),
        ([], []),
    ],
)
def test_longest_bar_belongs_to_the_largest_share(operators: list[Cost], widths: list[float]) -> None:
    assert [float(width) for width in BAR.findall(_html(operators, nodes=False))] == widths
    assert len(BAR.findall(_html(operators))) == len(widths) + len(operators)


def test_operators_beyond_the_tenth_are_summed_up() -> None:
    many = [_cost(f"Op{n}", 1.0, 0.08) for n in range(reports.MOST)] + [_cost("Rare", 1.0, 0.1)] * 2
    html = _html(many, nodes=False)
    assert "其余 2 种算子合计 20.0%。" in html
    assert "Rare" not in html
    assert "其余" not in _html(USUAL)


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0.0, ">0<"), (0.5, ">0.000500<"), (12_345.6, ">12.3<"), (9_876_543.0, ">9877<"), (123_456_789.0, ">123457<")],
)  # fmt: skip
def test_times_have_three_digits_and_no_exponent(microseconds: float, text: str) -> None:
    html = _html([_cost("Conv", microseconds, 1.0)], nodes=False)
    assert text in html
    assert not re.search(r"\de[+-]?\d", text_of(html))


def test_report_shows_the_lines_under_the_headings_asked_for() -> None:
    lines = {"error": ["<b>[E:onnxruntime] no</b>", "two"], "warning": [], "other": ["nobody asked"]}
    export = MadeUp(experiment="log_severity", transcripts={BASELINE: lines}).export()
    html = reports.figures(export, "log_lines", {"error": "出错", "warning": "写错"})
    assert markup_faults(html) == []
    assert "<samp>&lt;b&gt;[E:onnxruntime] no&lt;/b&gt;\ntwo</samp>" in html
    assert "写错：没有打印任何东西" in text_of(html)
    assert "nobody asked" not in html
