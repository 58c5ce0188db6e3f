"""What a run says before it measures, and when it is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import announce
from bench.cli.refusals import failures
from bench.measure import campaign
from bench.measure.campaign import CannotMeasure
from bench.measure.noise import UNKNOWN
from bench.measure.plan import resolve
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE, Machine
from bench.system.folders import Folders

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

    from bench.measure.plan import PlannedExperiment
    from bench.spec import Experiment

DEFAULT = PROFILES["default"]


class Told(list[str]):
    note = list.append


@pytest.fixture
def told() -> Any:
    """A teller that keeps what it is told."""
    return Told()


def _planned(*experiments: Experiment, profile: str = "default") -> list[PlannedExperiment]:
    return [resolve(one, PROFILES[profile], Machine(cores=2), 1 << 30) for one in experiments]  # type: ignore[index]


@pytest.mark.parametrize(("profile", "more"), [("default", 3600), ("thorough", 3600), ("quick", 0)])
def test_time_of_a_plan_counts_the_selftest_where_there_is_one(
    make: Make, told: Any, monkeypatch: pytest.MonkeyPatch, profile: str, more: float
) -> None:
    """The budget is that of the rounds: the self-test leaves none of them out."""
    monkeypatch.setattr("bench.cli.announce.selftest.expected_seconds", lambda: 3600.0)
    monkeypatch.setattr("bench.cli.announce.duration", lambda seconds: f"{seconds:.0f} s")
    planned = _planned(make.experiment(), profile=profile)
    needed = campaign.total_seconds(planned)
    for budget in (1000, 1):
        announce.time(planned, PROFILES[profile], budget, told)  # type: ignore[index]
    assert told == [
        f"约需时间 {needed + more:.0f} s（上限 1000 s）",
        f"全做约需 {needed + more:.0f} s，超过上限 1 s，会均匀减少轮数",
    ]


def test_plan_tells_every_number_of_rounds_and_refuses_a_disk_without_room(
    make: Make, told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders, split = Folders.below(tmp_path), make.experiment(scenarios=(make.scenario(),))
    announce.plan(_planned(make.experiment()), DEFAULT, folders, told)
    announce.plan(_planned(make.experiment(), split), DEFAULT, folders, told)
    assert told[0].endswith(f"，{DEFAULT.rounds} 轮")
    assert told[2].endswith(f"，{DEFAULT.rounds} 或 {DEFAULT.split_rounds} 轮")
    monkeypatch.setattr("bench.cli.announce.shutil.disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    with pytest.raises(CannotMeasure, match="磁盘只剩 100 MiB"):
        announce.plan(_planned(make.experiment()), DEFAULT, folders, told)


def test_resumed_build_says_what_it_has(told: Any) -> None:
    for samples, checks in ((0, 0), (0, 3), (8, 3)):
        work: Any = SimpleNamespace(build="b", resumed_samples=samples, resumed_checks=checks)
        announce.resumed(work, 90, told)
    had = "接着做中断的测量 b：已有 {} 个样本，3 项设置已核对，剩下的轮次约需 1 分 30 秒"
    assert told == [had.format(0), had.format(8)]


def test_reused_drafts_are_named(make: Make, told: Any) -> None:
    draft, whole = (
        make.journal([[(BASELINE, {})]], profile=name, experiment=name) for name in ("quick", "default")
    )
    announce.drafts([whole], told)
    announce.drafts([draft, whole], told)
    (line,) = told
    assert "只是草稿" in line
    assert "：quick；" in line


def test_run_ends_by_saying_whether_the_machine_was_busy(make: Make, told: Any) -> None:
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


def test_metric_that_nobody_reads_is_told_once_and_only_where_cases_ran(make: Make, told: Any) -> None:
    experiment = make.experiment(columns=("latency_ms", "trace_kib_per_run", "session_info_lines"))
    announce.unread(experiment, make.journal([[(BASELINE, {})]]), told)
    announce.unread(experiment, make.journal([[(BASELINE, {"trace_bytes": 9})]]), told)
    announce.unread(experiment, make.journal([[(BASELINE, make.failure())]]), told)
    assert told == [
        "toys：一个数也没有读到的列：trace_kib_per_run、session_info_lines；其余的照样存好了",
        "toys：一个数也没有读到的列：session_info_lines；其余的照样存好了",
    ]


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
