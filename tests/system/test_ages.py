"""How old something is, in Chinese."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bench.system.ages import age, dated

THEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
AGES = {-1: "不到 1 分钟", 0: "不到 1 分钟", 1: "1 分钟", 59: "59 分钟", 60: "1 小时", 2879: "47 小时", 2880: "2 天", 4000: "2 天"}  # fmt: skip


def test_age_is_told_in_one_unit_and_beside_a_moment() -> None:
    assert {minutes: age(THEN, THEN + timedelta(minutes=minutes)) for minutes in AGES} == AGES
    moment = "2026 年 1 月 2 日 03:04 UTC（建站前"
    assert dated(THEN, THEN + timedelta(minutes=5)) == f"{moment} 5 分钟）"
    assert dated(THEN, THEN) == f"{moment}不到 1 分钟）"
