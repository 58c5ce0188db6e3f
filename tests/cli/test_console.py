"""What a run says while it runs, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.cli.console import duration, progress, say


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 秒"),
        (59.4, "59 秒"),
        (60, "1 分 00 秒"),
        (200, "3 分 20 秒"),
        (3600, "1 小时 00 分"),
        (-3, "0 秒"),
    ],
)
def test_durations_are_told_without_false_precision(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_log_gets_plain_lines_and_not_one_for_every_sample() -> None:
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        for number in range(50):
            teller.step(f"样本 {number} [red]", 100)
        teller.note("完成 [1/2]")
    lines = log.getvalue().splitlines()
    assert lines == ["样本 0 [red]，约剩 1 分 40 秒", "· 完成 [1/2]"]


def test_budget_that_is_used_up_is_no_time_left() -> None:
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        teller.step("样本", 0)
    assert log.getvalue() == "样本，预算已到，做完这一轮就停\n"


def test_same_sentence_is_told_once() -> None:
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        for text in ("甲 失败：不行", "乙 失败：不行", "甲 失败：不行"):
            teller.note(text)
    assert log.getvalue() == "· 甲 失败：不行\n· 乙 失败：不行\n"


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
