"""What a run says while it runs, on a terminal and in a log."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rich.console import Console

from bench.cli.console import Progress, duration, progress, say

if TYPE_CHECKING:
    from collections.abc import Callable


DURATIONS = {0: "0 秒", 59.4: "59 秒", 60: "1 分 00 秒", 200: "3 分 20 秒", 3600: "1 小时 00 分", -3: "0 秒"}


def test_durations_are_told_without_false_precision() -> None:
    assert [duration(seconds) for seconds in DURATIONS] == list(DURATIONS.values())


def _log(act: Callable[[Progress], object]) -> list[str]:
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        act(teller)
    return log.getvalue().splitlines()


def test_log_gets_plain_lines_and_not_one_for_every_sample() -> None:
    def act(teller: Progress) -> None:
        for number in range(50):
            teller.step(f"样本 {number} [red]", 100)
        teller.note("完成 [1/2]")

    assert _log(act) == ["样本 0 [red]，约剩 1 分 40 秒", "· 完成 [1/2]"]


def test_budget_that_is_used_up_is_no_time_left() -> None:
    assert _log(lambda teller: teller.step("样本", 0)) == ["样本，预算已到，做完这一轮就停"]


def test_same_sentence_is_told_once() -> None:
    texts = ("甲 失败：不行", "乙 失败：不行", "甲 失败：不行")
    assert _log(lambda teller: [teller.note(text) for text in texts]) == [f"· {text}" for text in texts[:2]]


def test_terminal_gets_a_live_line() -> None:
    screen = io.StringIO()
    with progress(Console(file=screen, force_terminal=True, width=80)) as teller:
        teller.step("样本 [red]", 100)
        teller.note("完成")
    assert "完成" in screen.getvalue()


def test_narrow_terminal_cuts_nothing() -> None:
    screen = io.StringIO()
    question = "graph_optimization_level：在哪种模式下有用，会多出哪些线程？" * 3
    say(question, Console(file=screen, force_terminal=True, width=40, color_system=None))
    assert screen.getvalue() == f"{question}\n"
