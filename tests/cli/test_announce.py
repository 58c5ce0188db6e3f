"""What a run says before it measures, meanwhile, on a terminal and in a log, and when it is done."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from bench.cli import announce
from bench.cli.console import Progress, duration, progress, say
from bench.cli.refusals import failures
from bench.measure import cost
from bench.measure.campaign import CannotMeasure
from bench.measure.noise import UNKNOWN
from bench.measure.plan import resolve
from bench.measure.profiles import DEFAULT, PROFILES
from bench.spec import BASELINE, Machine
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

DURATIONS = {0: "0 秒", 59.4: "59 秒", 60: "1 分 00 秒", 200: "3 分 20 秒", 3600: "1 小时 00 分", -3: "0 秒"}


class Told(list[str]):
    note = list.append


def _planned(*experiments: Any) -> Any:
    return [resolve(one, DEFAULT, Machine(cores=2), 1 << 30) for one in experiments]


def test_time_of_a_plan_counts_the_selftest_where_there_is_one(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget is that of the rounds: the self-test leaves none of them out."""
    monkeypatch.setattr("bench.cli.announce.selftest.expected_seconds", lambda: 3600.0)
    monkeypatch.setattr("bench.cli.announce.duration", lambda seconds: f"{seconds:.0f} s")
    planned, limit = _planned(make.experiment()), "超过上限 1 s：测的每组都够轮数，还分不出快慢的少测几轮"
    for name, more in (("default", 3600), ("thorough", 3600), ("quick", 0)):
        told, needed = Told(), cost.expected_seconds(planned) + more
        for budget in (1000, 1):
            announce.time(planned, PROFILES[name], budget, told)
        assert told == [f"约需时间 {needed:.0f} s（上限 1000 s）", f"全做约需 {needed:.0f} s，{limit}"]


def test_plan_tells_every_number_of_rounds_and_refuses_a_disk_without_room(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, plain, split = Told(), make.experiment(), make.experiment(scenarios=(make.scenario(),))
    folders = Folders.below(tmp_path)
    for experiments in ((plain,), (plain, split)):
        announce.plan(_planned(*experiments), DEFAULT, folders, told)
    memory = make.experiment(groups=(make.group(timed=False),))
    announce.plan(
        [resolve(memory, PROFILES["quick"], Machine(cores=2), 1 << 30)], PROFILES["quick"], folders, told
    )
    assert [text.rpartition("，")[2] for text in told[::2]] == [
        "6 到 10 轮",
        "6 到 10 或 12 到 16 轮",
        "1 轮",
    ]
    monkeypatch.setattr("bench.cli.announce.shutil.disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    with pytest.raises(CannotMeasure, match="磁盘只剩 100 MiB"):
        announce.plan(_planned(plain), DEFAULT, folders, told)


def test_what_is_there_of_earlier_runs_is_told(make: Make) -> None:
    told = Told()
    for samples, checks in ((0, 0), (0, 3), (8, 3)):
        work: Any = SimpleNamespace(build="b", resumed_samples=samples, resumed_checks=checks)
        announce.resumed(work, 90, told)
    for names in (("default",), ("quick", "default")):
        journals = [make.journal([[(BASELINE, {})]], profile=name, experiment=name) for name in names]
        announce.drafts(journals, told)
    had = "接着做中断的测量 b：已有 {} 个样本，3 项设置已核对，剩下的轮次约需 1 分 30 秒"
    draft = "已有的结果里，这些只是草稿（冒烟或快速档），不作快慢结论：quick；要正式的数字，去掉 --reuse"
    assert told == [had.format(0), had.format(8), draft]


def test_run_ends_by_saying_whether_the_machine_was_busy(make: Make) -> None:
    told = Told()
    for dirty in ((), (1, 2), range(9)):
        announce.quiet([make.journal([[(BASELINE, {})]] * 9, dirty=dirty, profile="quick")], told)
    journal = make.journal([[(BASELINE, {})]] * 2)
    blind, whole = [end.model_copy(update={"noise": UNKNOWN}) for end in journal.rounds], [*journal.rounds]
    for rounds in ([blind[0], whole[1]], blind, [*whole, make.end(1, dirty=True, final=False)]):
        journal.rounds[:] = rounds
        announce.quiet([journal], told)
    words = "机器{}：计时的 {} 轮里，有 {} 轮被别的进程或宿主机打扰"
    assert told == [
        words.format("安静", 9, 0),
        words.format("有时繁忙", 9, 2),
        words.format("繁忙", 9, 9),
        f"{words.format('安静', 2, 0)}，1 轮太短，看不出来",
        "机器忙不忙看不出来：没有计时的轮次，或者每一轮太短，或者本机读不到",
        f"{words.format('安静', 2, 0)}，另有 1 轮因此重测过",
    ]


def test_metric_that_nobody_reads_is_told_once_and_only_where_cases_ran(make: Make) -> None:
    told, columns = Told(), ("latency_ms", "trace_kib_per_run", "session_info_lines")
    for measured in ({}, {"trace_bytes": 9}, make.failure()):
        announce.unread(make.experiment(columns=columns), make.journal([[(BASELINE, measured)]]), told)
    words = "toys：一个数也没有读到的列：{}；其余的照样存好了"
    assert told == [words.format("、".join(columns[1:])), words.format(columns[2])]


def test_case_that_failed_everywhere_for_one_reason_is_one_sentence(make: Make) -> None:
    """Those that this machine has no room for, or that do not apply to it, are none."""
    hung, crash = make.failure("timeout", "超过 60 秒仍未结束，已终止"), make.failure()
    rounds = [[(BASELINE, {}), ("one", hung), ("two", make.failure("out_of_memory", "内存不足"))]] * 2
    journal = make.journal([*rounds, [("one", crash)]])
    journal.add(make.untimed("one", outcome=None, evidence="", failure=hung))
    assert failures(journal) == [
        "toys / one（验证设置、toy batch=2）：超过 60 秒仍未结束，已终止",
        "toys / one（toy batch=2）：进程因信号 SIGSEGV 结束",
    ]


def test_log_gets_plain_lines_each_once_a_terminal_a_live_one_and_nothing_is_cut() -> None:
    assert {seconds: duration(seconds) for seconds in DURATIONS} == DURATIONS
    log = io.StringIO()
    with progress(Console(file=log, force_terminal=False)) as teller:
        for number in range(50):
            teller.step(f"样本 {number} [red]", 100)
        for note in ("完成 [1/2]", "完成 [2/2]", "完成 [1/2]"):
            teller.note(note)
    Progress(Console(file=log)).step("样本", 0)
    told = ("样本 0 [red]，约剩 1 分 40 秒", "· 完成 [1/2]", "· 完成 [2/2]", "样本，约剩 0 秒")
    assert tuple(log.getvalue().splitlines()) == told
    screen, narrow = io.StringIO(), io.StringIO()
    with progress(Console(file=screen, force_terminal=True, width=80)) as teller:
        teller.step("样本 [/red]", 100)
        teller.note("完成")
    assert "完成" in screen.getvalue()
    question = "graph_optimization_level：在哪种模式下有用，会多出哪些线程？" * 3
    say(question, Console(file=narrow, force_terminal=True, width=40, color_system=None))
    assert narrow.getvalue() == f"{question}\n"
