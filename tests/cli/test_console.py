"""What a run says while it runs, on a terminal and in a log."""

from __future__ import annotations

import io

from rich.console import Console

from bench.cli.console import Progress, duration, progress, say

DURATIONS = {0: "0 秒", 59.4: "59 秒", 60: "1 分 00 秒", 200: "3 分 20 秒", 3600: "1 小时 00 分", -3: "0 秒"}


def test_durations_are_told_without_false_precision() -> None:
    assert {seconds: duration(seconds) for seconds in DURATIONS} == DURATIONS


def test_log_gets_plain_lines_each_once_and_not_one_for_every_sample() -> None:
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        for number in range(50):
            teller.step(f"样本 {number} [red]", 100)
        for note in ("完成 [1/2]", "完成 [2/2]", "完成 [1/2]"):
            teller.note(note)
    Progress(Console(file=log)).step("样本", 0)
    assert log.getvalue().splitlines() == [
        "样本 0 [red]，约剩 1 分 40 秒",
        "· 完成 [1/2]",
        "· 完成 [2/2]",
        "样本，预算已到，做完这一轮就停",
    ]


def test_terminal_gets_a_live_line_and_nothing_is_cut() -> None:
    screen = io.StringIO()
    with progress(Console(file=screen, force_terminal=True, width=80)) as teller:
        teller.step("样本 [red]", 100)
        teller.note("完成")
    assert "完成" in screen.getvalue()
    narrow = io.StringIO()
    question = "graph_optimization_level：在哪种模式下有用，会多出哪些线程？" * 3
    say(question, Console(file=narrow, force_terminal=True, width=40, color_system=None))
    assert narrow.getvalue() == f"{question}\n"
