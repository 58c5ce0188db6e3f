"""How old something is, in Chinese."""

from __future__ import annotations

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def age(then: datetime, now: datetime | None = None) -> str:
    """`不到 1 分钟`, `5 分钟`, `3 小时` or `4 天`: one unit, rounded down; days from the second one on."""
    seconds = max(0, int(((now or datetime.now(UTC)) - then).total_seconds()))
    if seconds < MINUTE:
        return "不到 1 分钟"
    if seconds < HOUR:
        return f"{seconds // MINUTE} 分钟"
    return f"{seconds // HOUR} 小时" if seconds < 2 * DAY else f"{seconds // DAY} 天"


def dated(moment: datetime, now: datetime | None = None) -> str:
    """`2026 年 1 月 2 日 03:04 UTC（建站前 5 分钟）`."""
    ago = age(moment, now)
    spaced = f" {ago}" if ago[0].isdigit() else ago
    return f"{in_words(moment)}（建站前{spaced}）"


def in_words(moment: datetime) -> str:
    """`2026 年 1 月 2 日 03:04 UTC`."""
    return f"{moment.year} 年 {moment.month} 月 {moment.day} 日 {moment:%H:%M} UTC"
