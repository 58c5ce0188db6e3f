"""How old something is, in Chinese."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bench.system.ages import age, dated

THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (-1, "不到 1 分钟"),
        (0, "不到 1 分钟"),
        (1, "1 分钟"),
        (59, "59 分钟"),
        (60, "1 小时"),
        (47 * 60, "47 小时"),
        (48 * 60, "2 天"),
        (4000, "2 天"),
    ],
)
def test_age_is_told_in_one_unit(minutes: int, told: str) -> None:
    assert age(THEN, THEN + timedelta(minutes=minutes)) == told


def test_moment_is_told_with_its_age() -> None:
    assert dated(THEN, THEN + timedelta(minutes=5)) == "2026 年 1 月 2 日 03:04 UTC（建站前 5 分钟）"


def test_moment_just_past_is_told_without_a_space_between_chinese() -> None:
    assert dated(THEN, THEN) == "2026 年 1 月 2 日 03:04 UTC（建站前不到 1 分钟）"
