"""Tables that a program reads back: the cells equal the exported rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import MadeUp
from prose import text_of
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.pages import tables
from bench.pages.words import MARK, Words
from bench.results import stats
from bench.results.metrics import METRICS
from bench.results.published import Row
from bench.results.summary import summarise
from bench.spec import BASELINE, CONTROL, ORIGINAL

if TYPE_CHECKING:
    from samples import Make

    from bench.results import schema
    from bench.results.published import Export

ARENA = EXPERIMENTS["arena"]


@pytest.fixture
def export(make: Make) -> Export:
    rounds = [
        [
            ("arena_off", {"latency_ns": 15_000_000 + 1000 * n}),
            (BASELINE, {"latency_ns": 10_000_000 + 999 * n}),
            (CONTROL, {"latency_ns": 10_000_500}),
            ("pattern_off", make.failure("crashed", "坏了")),
        ]
        for n in range(9)
    ]
    return summarise(ARENA, make.journal(rounds))


def _html(export: Export) -> str:
    say = Words(export)
    return "".join(tables.group_table(ARENA, say, group) for group in export.groups)


def test_every_exported_value_stands_in_its_cell(export: Export) -> None:
    cells = read_tables(_html(export))
    columns = set(ARENA.columns)
    for row in export.rows:
        if row.metric not in columns:
            continue
        cell = cells.get((row.experiment, row.model, row.input, row.case, row.metric))
        if row.value is None:
            assert cell is None or cell.value is None
        else:
            assert cell is not None
            assert (cell.value, cell.low, cell.high) == (row.value, row.low, row.high)


def test_failure_has_its_reason_and_the_table_names_machine_version_rounds_and_false_verdicts(
    export: Export,
) -> None:
    """One comparison: the A/A row is not a question, and what failed was not compared."""
    told = (
        'data-failure="坏了"><span class="bench-failed" title="坏了">失败', "<code>pattern_off</code> 失败：坏了。",
        "某处理器", "1.31.1", "9 轮", "batch=2",
        "作了 1 次比较；就算其实全无差别，单看区间，平均也至多有 0.1 次碰巧不含 1。",
    )  # fmt: skip
    html = _html(export)
    assert [text for text in told if text not in html] == []


def test_comparisons_with_the_articles_settings_count_too(make: Make) -> None:
    """The default with the article's settings, the article's with the default, and `one` with both."""
    times = {BASELINE: 10, CONTROL: 10, ORIGINAL: 15, "one": 12}
    rounds = [[(case, {"latency_ns": ms * 10**6 + n}) for case, ms in times.items()] for n in range(9)]
    found = summarise(make.experiment(), make.journal(rounds))
    html = tables.group_table(make.experiment(), Words(found), found.groups[0])
    assert "作了 4 次比较" in html


def _cells(html: str, case: str) -> dict[str, str]:
    """Metric -> the cell of a case in the only table."""
    row = re.search(rf'<tr data-case="{case}".*?</tr>', html)
    assert row
    return dict(re.findall(r'<td data-metric="(\w+)"[^>]*>(.*?)</td>', row[0]))


def _table(made_up: MadeUp, index: int = 0) -> str:
    say = made_up.words()
    return tables.group_table(made_up.spec, say, say.groups()[index])


@pytest.mark.parametrize(("outcome", "told"), [("nothing", "什么都没变"), ("unseen", "没见生效")])
def test_cell_of_what_was_not_seen_in_effect_says_so_instead_of_a_verdict(
    outcome: schema.Outcome, told: str
) -> None:
    world: dict[str, Any] = {"experiment": "arena", "time": 1.5, "memory": 0.5}
    seen = _cells(_table(MadeUp(**world)), "arena_off")
    cells = _cells(_table(MadeUp(**world, outcomes={(None, "arena_off"): outcome})), "arena_off")
    assert ("更慢" in seen["ratio"], "更少" in seen["kept_mib"]) == (True, True)
    assert f'<span class="bench-verdict bench-unseen">{told}</span>' in cells["ratio"]
    assert "bench-verdict" not in cells["kept_mib"]


def test_every_time_of_a_noisy_group_is_marked_and_its_memory_is_not() -> None:
    noisy, quiet = (_table(MadeUp(experiment="arena", time=1.5, noisy=groups)) for groups in ((0,), ()))
    cells = _cells(noisy, "arena_off")
    assert {metric for metric, cell in cells.items() if MARK in cell} == {
        metric for metric in cells if METRICS[metric].kind in ("time", "ratio")
    }
    assert MARK not in cells["kept_mib"]
    assert f"{MARK} 这一组噪声太大" in noisy
    assert "更慢" not in cells["ratio"]
    assert MARK not in quiet


def test_notes_tell_failed_rounds_and_the_rules_of_the_code_and_memory_asks_for_no_rounds() -> None:
    html = _table(MadeUp(experiment="arena", failed_rounds={(0, "arena_off"): 1}, noise_floor=0.031))
    assert "<code>arena_off</code>：9 轮里有 1 轮失败，数字来自其余的。" in html
    assert f"偏离超过 3.1%（默认设置测两遍，区间两端的最大偏离；至少 {stats.MIN_EFFECT:.0%}）" in html
    assert f"“没有差别”要求整个区间在 1 的 ±{stats.SAME_MARGIN:.0%} 之内" in html
    apart = _table(MadeUp(experiment="arena", memory=1.2, memory_spread=0.2))
    assert "轮失败" not in apart
    cell = _cells(apart, "arena_off")["kept_mib"]
    assert "还分不出" in cell
    assert "轮" not in cell


def _proofs(made_up: MadeUp) -> str:
    return tables.proofs_table(made_up.spec, made_up.words())


def test_proofs_table_tells_the_three_outcomes_apart_and_no_model_hides_another() -> None:
    """The page must not show a check mark while the choice says that it was not seen."""
    outcomes = {
        (None, "arena_off"): "nothing",
        (None, "pattern_off"): "unseen",
        (2, "exact_extend"): "unseen",
    }
    html = _proofs(MadeUp(experiment="arena", outcomes=outcomes))  # type: ignore[arg-type]
    rows = dict(re.findall(r'<tr data-case="(\w+)">(.*?)</tr>', html))
    found = {case: set(re.findall(r'data-outcome="(\w*)"', row)) for case, row in rows.items()}
    assert (found["arena_off"], found["pattern_off"], found[BASELINE]) == ({"nothing"}, {"unseen"}, {""})
    assert found["exact_extend"] == {"effect", "unseen"}
    told = text_of(html)
    assert all(word in told for word in ("＝ 什么都没变：", "✗ 没有观察到：", "✓ "))
    assert "✗ 没有观察到：某网络 ocr_det：" in text_of(rows["exact_extend"])


PLACE = re.compile(r"--(\w+):([\d.]+)%")
SIZES = st.floats(min_value=0, max_value=1e6)
RATIOS = st.floats(min_value=0.01, max_value=100)


def _row(metric: str, value: float | None, low: float | None = None, high: float | None = None) -> Row:
    return Row(
        experiment="toys", model="toy", input="batch=1", case="one", metric=metric, unit="", value=value,
        low=low, high=high, rounds=9, verdict=None, failure=None if value is not None else "坏了", failed_rounds=0,
    )  # fmt: skip


def _places(row: Row, rows: list[Row | None]) -> dict[str, float]:
    axis = tables.Axis.of(row.metric, rows)
    return {name: float(share) for name, share in PLACE.findall(axis.drawing(row) if axis else "")}


@pytest.mark.parametrize(
    ("metric", "intervals", "places"),
    [
        ("peak_mib", [(25.0,), (100.0,)], [{"bar": 25.0}, {"bar": 100.0}]),
        ("latency_ms", [(50.0, 40.0, 60.0), (80.0, 70.0, 100.0)], [{"bar": 50.0, "low": 40.0, "high": 60.0}]),
        ("ratio", [(1.0,), (0.5,), (2.0,)], [{"at": 50.0, "one": 50.0}, {"at": 1.4, "one": 50.0}, {"at": 98.6, "one": 50.0}]),
    ],
)  # fmt: skip
def test_bars_share_a_zero_with_room_for_intervals_and_half_and_double_lie_equally_far_from_one(
    metric: str, intervals: list[tuple[float, ...]], places: list[dict[str, float]]
) -> None:
    rows = [_row(metric, *one) for one in intervals]
    assert [_places(row, [*rows, None]) for row in rows][: len(places)] == places


@given(st.lists(SIZES, min_size=2))
def test_bars_stay_in_their_cells(values: list[float]) -> None:
    rows = [_row("peak_mib", value) for value in values]
    assert all(0 <= share <= 100 for row in rows for share in _places(row, [*rows]).values())


def test_mark_at_one_is_in_sight_even_where_everything_is_slower() -> None:
    rows = [_row("ratio", 1.5, 1.4, 1.6), _row("ratio", 1.3, 1.2, 1.4)]
    found = _places(rows[0], [*rows])
    assert 0 < found["one"] < found["low"] < found["at"] < found["high"] < 100


@given(st.lists(st.tuples(RATIOS, RATIOS, RATIOS), min_size=2))
def test_intervals_stay_in_their_cells_and_in_order_and_the_mark_at_one_in_sight(
    found: list[tuple[float, float, float]],
) -> None:
    rows = [_row("ratio", value, low, high) for low, value, high in map(sorted, found)]
    for row in rows:
        places = _places(row, [*rows])
        assert 0 <= places["low"] <= places["at"] <= places["high"] <= 100
        assert 0 < places["one"] < 100


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("threads", [2.0, 2.0]),  # all alike
        ("grown_mib_per_1000", [-1.0, 5.0]),  # no common zero
        ("ratio", [1.0]),  # nothing to compare with
        ("peak_mib", [None, None]),
        ("peak_mib", []),
    ],
)
def test_nothing_is_drawn_where_it_would_say_nothing(metric: str, values: list[float | None]) -> None:
    rows: list[Row | None] = [_row(metric, value) for value in values]
    assert tables.Axis.of(metric, rows) is None
