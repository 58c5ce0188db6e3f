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


def _cost(name: str, microseconds: float, share: float, operator: str = "Conv", nodes: int = 1) -> Cost:
    return Cost(name=name, operator=operator, nodes=nodes, microseconds=microseconds, share=share)


def _trace(operators: list[Cost], nodes: list[Cost] | None = None, *, name: str = "ocr_det") -> TraceSummary:
    trace = TraceSummary(
        case="profiling",
        model="ocr_det",
        input="1x3x8x8",
        runs=8,
        run_microseconds=sum(cost.microseconds for cost in operators) + 120.0,
        operators=operators,
        nodes=operators if nodes is None else nodes,
    )
    return trace.model_copy(update={"model": name, "input": name})  # no such name would be read from a file


def _html(*traces: TraceSummary) -> str:
    return reports.figures(MadeUp(experiment="profiling", traces=traces).export(), "trace", {})


USUAL = [_cost("Conv", 15_234.5, 0.7, nodes=30), _cost("MatMul", 6_512.1, 0.29), _cost("Relu", 217.6, 0.01)]


def test_cells_carry_the_exact_values() -> None:
    expected = [
        pair
        for cost in [*USUAL, *USUAL]
        for pair in (("node_ms", repr(cost.microseconds / 1000)), ("share", repr(cost.share)))
    ]
    assert CELL.findall(_html(_trace(USUAL))) == expected


@pytest.mark.parametrize(
    "operators",
    [
        USUAL,
        [_cost("Conv", 10.0, 1.0)],
        [_cost("Conv", 0.0, 0.0), _cost("Relu", 0.0, 0.0)],
        [_cost(f"Op{n}", 1.0, 0.04) for n in range(25)],
        [],
    ],
)
def test_bars_are_between_nothing_and_the_whole_width(operators: list[Cost]) -> None:
    widths = [float(width) for width in BAR.findall(_html(_trace(operators)))]
    assert len(widths) == min(len(operators), reports.MOST) + len(operators)
    assert all(0 <= width <= 100 for width in widths)
    assert not any(operators) or max(widths) == (100 if any(cost.share for cost in operators) else 0)


def test_longest_bar_belongs_to_the_largest_share() -> None:
    first, *others = (float(width) for width in BAR.findall(_html(_trace(USUAL, []))))
    assert first == 100
    assert others == [pytest.approx(29 / 0.7, abs=0.1), pytest.approx(1 / 0.7, abs=0.1)]


def test_operators_beyond_the_tenth_are_summed_up() -> None:
    many = [_cost(f"Op{n}", 1.0, 0.08) for n in range(reports.MOST)] + [_cost("Rare", 1.0, 0.1)] * 2
    html = _html(_trace(many, []))
    assert "其余 2 种算子合计 20.0%。" in html
    assert "Rare" not in html
    assert "其余" not in _html(_trace(USUAL, []))


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0.0, ">0<"),
        (0.5, ">0.000500<"),
        (12_345.6, ">12.3<"),
        (9_876_543.0, ">9877<"),
        (123_456_789.0, ">123457<"),
    ],
)
def test_times_have_three_digits_and_no_exponent(microseconds: float, text: str) -> None:
    html = _html(_trace([_cost("Conv", microseconds, 1.0)], []))
    assert text in html
    assert not re.search(r"\de[+-]?\d", text_of(html))


def test_sums_say_what_a_run_takes_besides_its_nodes() -> None:
    assert "各节点合计 21.96 ms，一次推理 22.08 ms。" in _html(_trace(USUAL))


def test_every_trace_has_its_two_tables() -> None:
    assert _html(_trace(USUAL), _trace(USUAL, name="tiny")).count("<table") == 4


def test_build_without_a_trace_says_so() -> None:
    assert _html() == "<p>这次没有性能分析的结果。</p>"


@pytest.mark.parametrize(
    "fault", ["marks side by side", "space beside a full-width mark", "no number", "exponent"]
)
def test_words_around_the_tables_read_well(fault: str) -> None:
    assert not re.findall(FAULTS[fault], text_of(_html(_trace(USUAL))))


def test_report_shows_the_lines_under_the_headings_asked_for() -> None:
    lines = {"error": ["<b>[E:onnxruntime] no</b>", "two"], "warning": [], "other": ["nobody asked"]}
    export = MadeUp(experiment="log_severity", transcripts={BASELINE: lines}).export()
    html = reports.figures(export, "log_lines", {"error": "出错", "warning": "写错"})
    assert markup_faults(html) == []
    assert "<samp>&lt;b&gt;[E:onnxruntime] no&lt;/b&gt;\ntwo</samp>" in html
    assert "写错：没有打印任何东西" in text_of(html)
    assert "nobody asked" not in html
