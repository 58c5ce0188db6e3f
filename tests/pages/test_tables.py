"""Tables and reports: cells that equal the rows, notes, proofs, what scripts and the profiler told; bars that fit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from made_up import MadeUp
from prose import FAULTS, markup_faults, text_of

from bench.experiments import EXPERIMENTS
from bench.facts.options import TRAPS
from bench.facts.shown import DEMONSTRATIONS
from bench.pages import evidence, proofs, reports, source, tables
from bench.pages.words import MARK, Words
from bench.results.metrics import METRICS
from bench.results.published import Row
from bench.results.records import Cost, TraceSummary
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, ORIGINAL

if TYPE_CHECKING:
    from samples import Make
RATIOS = st.floats(min_value=0.01, max_value=100)


def test_table_holds_the_rows_names_machine_rounds_and_failures_and_counts_what_was_compared(
    make: Make,
) -> None:
    """The default with the article's settings, the article's with the default, `one` with both: the A/A row is no question."""
    times = {BASELINE: 10, CONTROL: 10, ORIGINAL: 15, "one": 12}
    each = [{case: {"latency_ns": ms * 10**6 + n} for case, ms in times.items()} for n in range(9)]
    rounds = [[*one.items(), ("two", make.failure("crashed", "坏了"))] for one in each]
    found = summarise(make.experiment(), make.journal(rounds))
    html = tables.group_table(make.experiment(), Words(found), found.groups[0])
    told = (
        'data-failure="坏了"><span class="bench-failed" title="坏了">失败', "<code>two</code> 失败：坏了。",
        "重复 9 次", "batch=2",
        "共比了 4 次：就算都没有差别，平均也至多有 0.2 次区间碰巧不含 1。",
    )  # fmt: skip
    assert [text for text in told if text not in html] == []
    (table,) = BeautifulSoup(html, "html.parser").select("table[data-experiment]")
    assert [table[f"data-{of}"] for of in ("experiment", "model", "input")] == ["toys", "toy", "batch=2"]
    shown = {
        (row["data-case"], cell["data-metric"]): [
            float(str(cell[end])) if cell.has_attr(end) else None
            for end in ("data-value", "data-low", "data-high")
        ]
        for row in table.select("tr[data-case]")
        for cell in row.select("td[data-metric][data-value]")
    }
    rows = [row for row in found.rows if row.value is not None and row.metric in make.experiment().columns]
    assert shown == {(row.case, row.metric): [row.value, row.low, row.high] for row in rows}


def _table(**world: Any) -> tuple[str, dict[str, str]]:
    """Of the first group of arena, and the cells of arena_off by metric."""
    made_up = MadeUp(experiment="arena", **world)
    say = made_up.words()
    html = tables.group_table(made_up.spec, say, say.groups()[0])
    row = re.search(r'<tr data-case="arena_off".*?</tr>', html)
    assert row
    return html, dict(re.findall(r'<td data-metric="(\w+)"[^>]*>(.*?)</td>', row[0]))


def test_cell_of_what_was_not_seen_in_effect_says_so_instead_of_a_verdict() -> None:
    _, seen = _table(time=1.5, memory=0.5)
    assert ("更慢" in seen["ratio"], "更少" in seen["kept_mib"]) == (True, True)
    for outcome, told in (("nothing", "什么都没变"), ("unseen", "没见生效")):
        _, cells = _table(time=1.5, memory=0.5, outcomes={(None, "arena_off"): outcome})
        assert f'<span class="bench-verdict bench-unseen">{told}</span>' in cells["ratio"]
        assert "bench-verdict" not in cells["kept_mib"]


def test_times_of_a_noisy_group_are_marked_and_notes_tell_failed_rounds_and_the_rules_of_the_code() -> None:
    """Memory is not marked, and asks for no rounds."""
    html, cells = _table(time=1.5, noisy=(0,))
    marked = {metric for metric, cell in cells.items() if MARK in cell}
    assert marked == {metric for metric in cells if METRICS[metric].kind in ("time", "ratio")}
    assert f"{MARK} 这一组噪声太大" in html
    assert "更慢" not in cells["ratio"]
    html, _ = _table(failed_rounds={(0, "arena_off"): 1}, noise_floor=0.031)
    assert "<code>arena_off</code>：9 轮里有 1 轮失败，数字来自其余的。" in html
    assert "中位数离 1 超过 3.1%。3.1% 是默认设置测两遍相比，区间两端离 1 最远的距离，最低取 2%。" in html
    assert "“没有差别”：整个区间在 0.95–1.05，并且区间含 1，或中位数离 1 至多 2%。" in html
    apart, cells = _table(memory=1.2, memory_spread=0.2)
    assert not re.findall(f"轮失败|{MARK}", apart)
    assert ("还分不出" in cells["kept_mib"], "轮" in cells["kept_mib"]) == (True, False)


@pytest.mark.parametrize(
    ("experiment", "others", "guide"),
    [
        ("allocators", False, False),
        ("gaps", True, False),
        ("arena", False, True),
        ("traps", False, False),
        ("forks", False, False),
    ],
)
def test_notes_speak_of_columns_that_are_there(experiment: str, *, others: bool, guide: bool) -> None:
    """The margin of `ratio` is not that of p95; where no latency stands, none is said to be a guide."""
    made_up = MadeUp(experiment=experiment)
    say = made_up.words()
    html = "".join(tables.group_table(made_up.spec, say, group) for group in say.groups())
    assert ("中位数的界限只管“相对默认”" in html, "延迟列只作参考" in html) == (others, guide)
    assert "测这一组用了 1 秒。" in html


def test_what_the_page_of_traps_does_not_show_is_printed_on_the_evidence_page() -> None:
    known = {trap.id for trap in TRAPS}
    printed = {name for name, one in DEMONSTRATIONS.items() if not known & {*one.traps}}
    assert printed == {*reports.HEADINGS["traps"]}


@pytest.mark.parametrize(
    ("experiment", "world", "drawn"),
    [
        ("arena", {}, {"ratio": "whisker", "peak_mib": "bar"}),
        ("formats", {}, {"open_ratio": "whisker"}),
        ("arena", {"failures": {(None, BASELINE): "坏了"}}, {"latency_ms": "bar", "peak_mib": "bar"}),
    ],
)
def test_drawings_stand_where_they_answer_and_every_cell_names_its_column_and_unit(
    experiment: str, world: dict[str, Any], drawn: dict[str, str]
) -> None:
    """The judged ratio, or else the time, and the peak."""
    each = {(None, name, metric): 100.0 + n for n, name in enumerate(("arena_off", "pattern_off")) for metric in ("latency_ms", "peak_mib")}  # fmt: skip
    made_up = MadeUp(experiment=experiment, values=each, **world)
    say = made_up.words()
    table = BeautifulSoup(tables.group_table(made_up.spec, say, say.groups()[0]), "html.parser")
    spans = table.select("td > span[style]")
    assert {str(one.parent["data-metric"]): one["class"][0] for one in spans if one.parent} == {
        metric: f"bench-{kind}" for metric, kind in drawn.items()
    }
    for cell in table.select("td"):
        metric = METRICS[str(cell["data-metric"])]
        assert cell["data-label"] == metric.title + (f"（{metric.unit}）" if metric.unit else "")


def test_proofs_table_tells_the_three_outcomes_apart_and_no_model_hides_another() -> None:
    """The page must not show a check mark while the choice says that it was not seen."""
    unseen = dict.fromkeys([(None, "pattern_off"), (2, "exact_extend")], "unseen")
    made_up = MadeUp(experiment="arena", outcomes={(None, "arena_off"): "nothing", **unseen})  # type: ignore[arg-type]
    html = proofs.table(made_up.spec, made_up.words())
    rows = dict(re.findall(r'<tr data-case="(\w+)">(.*?)</tr>', html))
    found = {case: set(re.findall(r'data-outcome="(\w*)"', row)) for case, row in rows.items()}
    assert (found["arena_off"], found["pattern_off"], found[BASELINE]) == ({"nothing"}, {"unseen"}, {""})
    assert found["exact_extend"] == {"effect", "unseen"}
    assert all(word in text_of(html) for word in ("＝ 什么都没变：", "✗ 没有观察到：", "✓ "))
    assert "✗ 没有观察到：某网络 ocr_det：" in text_of(rows["exact_extend"])


def _row(metric: str, value: float | None, low: float | None = None, high: float | None = None) -> Row:
    """As far as a drawing looks at it."""
    return Row.model_construct(metric=metric, value=value, low=low, high=high)


def _places(row: Row, rows: list[Row | None]) -> dict[str, float]:
    axis = tables.Axis.of(row.metric, rows)
    drawing = axis.drawing(row) if axis else ""
    return {name: float(share) for name, share in re.findall(r"--(\w+):([\d.]+)%", drawing)}


@pytest.mark.parametrize(
    ("metric", "intervals", "places"),
    [
        ("peak_mib", [(25.0,), (100.0,)], [{"bar": 25.0}, {"bar": 100.0}]),
        ("latency_ms", [(50.0, 40.0, 60.0), (80.0, 70.0, 100.0)], [{"bar": 50.0, "low": 40.0, "high": 60.0}]),
        ("ratio", [(1.0,), (0.5,), (2.0,)], [{"at": 50.0, "one": 50.0}, {"at": 1.4, "one": 50.0}, {"at": 98.6, "one": 50.0}]),
        ("peak_mib", [(2.0,), (2.0,)], [{}]),  # all alike
        ("ratio", [(1.0,)], [{}]),  # nothing to compare with
        ("peak_mib", [(None,), (None,)], [{}]),
    ],
)  # fmt: skip
def test_bars_share_a_zero_with_room_for_intervals_and_half_and_double_lie_equally_far_from_one(
    metric: str, intervals: list[tuple[float, ...]], places: list[dict[str, float]]
) -> None:
    """Nothing is drawn where it would say nothing."""
    rows = [_row(metric, *one) for one in intervals]
    assert [_places(row, [*rows, None]) for row in rows][: len(places)] == places


@given(st.lists(st.tuples(RATIOS, RATIOS, RATIOS), min_size=2))
def test_drawings_stay_in_their_cells_and_in_order_and_the_mark_at_one_in_sight(
    found: list[tuple[float, float, float]],
) -> None:
    rows = [_row("ratio", value, low, high) for low, value, high in map(sorted, found)]
    bars = [_row("peak_mib", low) for low, *_ in found]
    for row, bar in zip(rows, bars, strict=True):
        places = _places(row, [*rows])
        assert 0 <= places["low"] <= places["at"] <= places["high"] <= 100
        assert 0 < places["one"] < 100
        assert all(0 <= share <= 100 for share in _places(bar, [*bars]).values())


def _cost(name: str, microseconds: float, share: float, nodes: int = 1) -> Cost:
    return Cost(name=name, operator="Conv", nodes=nodes, microseconds=microseconds, share=share)


def _trace(*traces: list[Cost], nodes: bool = True) -> str:
    """Of traces with these operators and, if asked, nodes."""
    made = [
        TraceSummary(
            case="profiling", model=["ocr_det", "tiny"][index], input="1x3x8x8", runs=8, operators=operators,
            run_microseconds=sum(cost.microseconds for cost in operators) + 120.0, nodes=operators if nodes else [],
        )
        for index, operators in enumerate(traces)
    ]  # fmt: skip
    return reports.figures(MadeUp(experiment="profiling", traces=made).export(), "trace")


USUAL = [_cost("Conv", 15_234.5, 0.7, nodes=30), _cost("MatMul", 6_512.1, 0.29), _cost("Relu", 217.6, 0.01)]


def test_trace_has_two_tables_with_exact_values_and_says_what_a_run_takes_besides_its_nodes() -> None:
    html = _trace(USUAL)
    assert re.findall(r'<td data-metric="(\w+)" data-value="([^"]*)"', html) == [
        pair
        for cost in [*USUAL, *USUAL]
        for pair in (("node_ms", repr(cost.microseconds / 1000)), ("share", repr(cost.share)))
    ]
    assert "各节点合计 21.96 ms，一次推理 22.08 ms。" in html
    assert _trace(USUAL, USUAL).count("<table") == 4
    assert _trace() == "<p>这次没有性能分析的结果。</p>"
    for fault in ("marks side by side", "space beside a full-width mark", "no number", "exponent"):
        assert not re.findall(FAULTS[fault], text_of(html))


MANY = [*(_cost(f"Op{n}", 1.0, 0.08) for n in range(reports.MOST)), *[_cost("Rare", 1.0, 0.1)] * 2]


@pytest.mark.parametrize(
    ("operators", "widths", "told"),
    [
        (USUAL, [100, 41.4, 1.4], ">15.2<"),
        ([_cost("Conv", 0.0, 0.0), _cost("Relu", 0.5, 0.0)], [0, 0], ">0<|>0.000500<"),
        ([_cost("Conv", 9_876_543.0, 1.0)], [100], ">9877<"),
        (MANY, [100] * reports.MOST, "其余 2 种算子合计 20.0%。"),
        ([], [], "各节点合计 0.00 ms，"),
    ],
)
def test_longest_bar_belongs_to_the_largest_share_times_have_three_digits_and_the_rest_is_summed_up(
    operators: list[Cost], widths: list[float], told: str
) -> None:
    html = _trace(operators, nodes=False)
    assert [float(width) for width in re.findall(r"--bar:([^\"]*)%\"", html)] == widths
    assert _trace(operators).count("--bar:") == len(widths) + len(operators)
    assert [text for text in told.split("|") if text not in html] == []
    assert ("其余" in html) is (operators is MANY)
    assert not re.search(r"\de[+-]?\d|Rare", text_of(html))


def test_report_shows_the_lines_under_headings_that_readers_understand_and_no_others() -> None:
    lines = {"error": ["<b>[E:onnxruntime] no</b>", "two"], "warning": [], "other": ["nobody asked"]}
    export = MadeUp(experiment="log_severity", transcripts={BASELINE: lines}).export()
    html = reports.figures(export, "log_lines")
    assert markup_faults(html) == []
    assert "<samp>&lt;b&gt;[E:onnxruntime] no&lt;/b&gt;\ntwo</samp>" in html
    assert "配置的值写错：没有打印任何东西" in text_of(html)
    assert "nobody asked" not in html


def test_evidence_of_the_traps_leads_to_the_page_that_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs that print elsewhere, too, are not repeated."""
    one = MadeUp(experiment="traps", transcripts={BASELINE: {}}).export()
    (told,) = one.reports
    lines = {"key_values": ["相符"], "fork": ["相符"]}
    report = told.model_copy(update={"subject": "traps", "lines": lines})
    export = one.model_copy(update={"reports": [report]})
    monkeypatch.setattr(source, "status", lambda: {"traps": "valid"})
    monkeypatch.setattr(source, "is_stale", lambda _: False)
    monkeypatch.setattr(source, "load", lambda _: export)
    monkeypatch.setattr(source, "chart_specs", lambda _: {})
    monkeypatch.setattr(source, "selftests", dict)
    html = (
        str(evidence.page(EXPERIMENTS["traps"])).partition('<h2 id="traps-reports">')[2].partition("<h2")[0]
    )
    assert "程序打印的结果" in html
    assert '每个陷阱的代码和结果：<a data-link="reference/traps.html">常见的陷阱</a>。' in html
    assert html.count("相符") == 1
