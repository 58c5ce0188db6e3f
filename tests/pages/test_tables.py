"""Tables that a program reads back: the cells equal the exported rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.pages import tables
from bench.pages.words import Words
from bench.results.summary import summarise
from bench.results.view import ORIGINAL
from bench.spec import BASELINE, CONTROL

if TYPE_CHECKING:
    from conftest import Make

    from bench.results.published import Export

ARENA = EXPERIMENTS["arena"]


@pytest.fixture
def export(make: Make) -> Export:
    rounds = [
        [
            ("arena_off", {"latency_ns": 15_000_000 + 1000 * n}),
            (BASELINE, {"latency_ns": 10_000_000 + 999 * n}),
            (CONTROL, {"latency_ns": 10_000_500}),
            ("pattern_off", make.failure("crashed", '<script>"x"</script>')),
        ]
        for n in range(9)
    ]
    return summarise(ARENA, make.journal(rounds))


def _html(export: Export) -> str:
    say = Words(export)
    return "".join(tables.group_table(ARENA, say, group) for group in export.groups)


def test_every_exported_value_stands_in_its_cell(export: Export) -> None:
    cells = read_tables(_html(export))
    columns = {column.metric for column in ARENA.columns}
    for row in export.rows:
        if row.metric not in columns:
            continue
        cell = cells.get((row.experiment, row.model, row.input, row.case, row.metric))
        if row.value is None:
            assert cell is None or cell.value is None
        else:
            assert cell is not None
            assert (cell.value, cell.low, cell.high) == (row.value, row.low, row.high)


def test_failed_cell_has_its_reason_as_harmless_text(export: Export) -> None:
    html = _html(export)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_caption_names_machine_version_and_rounds(export: Export) -> None:
    html = _html(export)
    for text in ("某处理器", "1.31.1", "9 轮", "batch=2"):
        assert text in html


def test_table_says_how_many_false_verdicts_to_expect(export: Export) -> None:
    """One comparison: the A/A row is not a question, and what failed was not compared."""
    assert "作了 1 次比较，按这个置信度预计误判至多 0.05 次" in _html(export)


def test_comparisons_with_the_articles_settings_count_too(make: Make) -> None:
    """The default with the article's settings, the article's with the default, and `one` with both."""
    times = {BASELINE: 10, CONTROL: 10, ORIGINAL: 15, "one": 12}
    rounds = [[(case, {"latency_ns": ms * 10**6 + n}) for case, ms in times.items()] for n in range(9)]
    found = summarise(make.experiment(), make.journal(rounds))
    html = tables.group_table(make.experiment(), Words(found), found.groups[0])
    assert "作了 4 次比较" in html
