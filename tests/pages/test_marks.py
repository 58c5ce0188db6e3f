"""Bars and intervals in cells: in their place, in their cell, and only where they say something."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.pages import marks
from bench.results.published import Row

PLACE = re.compile(r"--(\w+):([\d.]+)%")
SIZES = st.floats(min_value=0, max_value=1e6)
RATIOS = st.floats(min_value=0.01, max_value=100)


def _row(metric: str, value: float | None, low: float | None = None, high: float | None = None) -> Row:
    return Row(
        experiment="toys", model="toy", input="batch=1", case="one", metric=metric, unit="", value=value,
        low=low, high=high, rounds=9, verdict=None, failure=None if value is not None else "坏了", failed_rounds=0,
    )  # fmt: skip


def _places(row: Row, rows: list[Row | None]) -> dict[str, float]:
    html = marks.number("x", row, marks.axis(row.metric, rows))
    return {name: float(share) for name, share in PLACE.findall(html)}


def test_bar_is_as_long_as_its_share_of_the_largest() -> None:
    rows = [_row("peak_mib", value) for value in (25.0, 100.0)]
    assert [_places(row, [*rows, None])["bar"] for row in rows] == [25.0, 100.0]


def test_bars_leave_room_for_the_highest_end_of_an_interval() -> None:
    rows = [_row("latency_ms", 50.0, 40.0, 60.0), _row("latency_ms", 80.0, 70.0, 100.0)]
    assert _places(rows[0], [*rows]) == {"bar": 50.0, "low": 40.0, "high": 60.0}


def test_half_and_double_lie_equally_far_from_one() -> None:
    rows = [_row("ratio", 0.5), _row("ratio", 2.0), _row("ratio", 1.0)]
    low, high, one = (_places(row, [*rows]) for row in rows)
    assert one["at"] == one["one"] == 50.0
    assert low["at"] + high["at"] == pytest.approx(100)


def test_mark_at_one_is_in_sight_even_where_everything_is_slower() -> None:
    rows = [_row("ratio", 1.5, 1.4, 1.6), _row("ratio", 1.3, 1.2, 1.4)]
    found = _places(rows[0], [*rows])
    assert 0 < found["one"] < found["low"] < found["at"] < found["high"] < 100


@given(st.lists(SIZES, min_size=2))
def test_bars_stay_in_their_cells(values: list[float]) -> None:
    rows = [_row("peak_mib", value) for value in values]
    assert all(0 <= share <= 100 for row in rows for share in _places(row, [*rows]).values())


@given(st.lists(st.tuples(RATIOS, RATIOS, RATIOS), min_size=2))
def test_intervals_stay_in_their_cells_and_in_order(found: list[tuple[float, float, float]]) -> None:
    rows = [_row("ratio", value, low, high) for low, value, high in map(sorted, found)]
    for row in rows:
        places = _places(row, [*rows])
        assert 0 <= places["low"] <= places["at"] <= places["high"] <= 100
        assert 0 <= places["one"] <= 100


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
    assert marks.axis(metric, rows) is None
    assert marks.number("2", _row(metric, 2.0), None) == "2"
