"""Rows that stop at looks: their verdicts and intervals are worth what is promised, and no more is."""

from __future__ import annotations

import json
from math import sqrt
from typing import TYPE_CHECKING

from prose import text_of
from speed import stopping

from bench.pages import build_facts
from bench.results import looks, stats

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

EVERY_ROUND = ((*range(6, 19),),)


def _most(share: float, rows: int) -> float:
    """Rows that a true share hardly ever exceeds."""
    return rows * share + 3 * sqrt(rows * share * (1 - share))


def test_few_rows_are_told_apart_or_called_the_same_in_error_and_intervals_hold_the_truth() -> None:
    for (noise, truth, rule), cell in stopping.count(400, seed=1).items():
        where = (noise, truth, rule)
        assert cell.missed <= _most(0.05, cell.rows), where
        assert cell.opposite == 0, where
        assert truth > 1 or cell.told <= _most(0.01, cell.rows), where
        assert truth < 1.08 or cell.same <= _most(0.01, cell.rows), where
        assert cell.rows * rule[0] <= cell.rounds <= cell.rows * rule[-1], where


def test_intervals_for_a_fixed_number_of_rounds_miss_the_truth_when_one_looks_after_every_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "RULES", EVERY_ROUND)
    assert all(cell.missed <= 0.05 * cell.rows for cell in stopping.count(1000, seed=1).values())
    monkeypatch.setattr(stats, "interval_ranks", stopping.narrowest)
    assert sum(cell.missed > 0.05 * cell.rows for cell in stopping.count(1000, seed=1).values()) >= 3


def test_a_true_difference_would_more_often_end_as_none_if_any_median_settled_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = ("quiet", 1.03, (6, 10))
    before = stopping.count(400, seed=1)[place].same
    monkeypatch.setattr(looks, "SURELY_SAME", 1.0)
    assert stopping.count(400, seed=1)[place].same > 1.3 * before > 0


def test_what_the_script_writes_is_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "stopping.json"
    monkeypatch.setattr("sys.argv", ["stopping.py", "--rows", "20", "--seed", "3", "--write", str(path)])
    stopping.main()
    monkeypatch.setattr(build_facts, "STOPPING", path)
    told, found = text_of(build_facts.stopping()), json.loads(path.read_text(encoding="utf-8"))
    assert len(found["cells"]) == 2 * len(stopping.TRUTHS) * len(stopping.RULES)
    assert "20 行" in told
    assert "--rows 20 --seed 3" in told
