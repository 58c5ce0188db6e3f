"""What a run says before it measures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import announce
from bench.measure import campaign
from bench.measure.campaign import CannotMeasure
from bench.measure.noise import UNKNOWN
from bench.measure.plan import resolve
from bench.measure.profiles import PROFILES
from bench.spec import BASELINE
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from conftest import Make

    from bench.spec import Experiment

HOUR_S = 3600.0


class Told(list[str]):
    def note(self, text: str) -> None:
        self.append(text)


def _plan(make: Make, folder: Path, budget_s: float, *more: Experiment) -> Told:
    told: Any = Told()
    folders = Folders.below(folder)
    folders.lock.parent.mkdir(parents=True, exist_ok=True)
    planned = [resolve(one, PROFILES["default"], 2, 1 << 30) for one in (make.experiment(), *more)]
    announce.plan(planned, PROFILES["default"], folders, told)
    announce.time(planned, PROFILES["default"], budget_s, told)
    return told


def test_plan_that_fits_gives_its_time_and_the_limit(make: Make, tmp_path: Path) -> None:
    (line,) = [text for text in _plan(make, tmp_path, HOUR_S) if "约需时间" in text]
    assert "（上限 1 小时" in line


@pytest.mark.parametrize(("profile", "more"), [("default", 3600), ("thorough", 3600), ("quick", 0)])
def test_time_of_a_plan_counts_the_selftest_where_there_is_one(
    make: Make, monkeypatch: pytest.MonkeyPatch, profile: str, more: float
) -> None:
    """The budget is that of the rounds: the self-test leaves none of them out."""
    monkeypatch.setattr("bench.cli.announce.selftest.expected_seconds", lambda cores: 1800.0 * cores)
    monkeypatch.setattr("bench.cli.announce.duration", lambda seconds: f"{seconds:.0f} s")
    told: Any = Told()
    planned = [resolve(make.experiment(), PROFILES[profile], 2, 1 << 30)]
    announce.time(planned, PROFILES[profile], 1000, told)
    needed = campaign.total_seconds(planned)
    assert told == [f"约需时间 {needed + more:.0f} s（上限 1000 s）"]


def test_plan_tells_every_number_of_rounds(make: Make, tmp_path: Path) -> None:
    profile = PROFILES["default"]
    assert _plan(make, tmp_path, HOUR_S)[0].endswith(f"，{profile.rounds} 轮")
    choosing = make.experiment(scenarios=(make.scenario(),))
    told = _plan(make, tmp_path, HOUR_S, choosing)
    assert told[0].endswith(f"，{profile.rounds} 或 {profile.split_rounds} 轮")


def test_plan_that_does_not_fit_says_what_will_be_left_out(make: Make, tmp_path: Path) -> None:
    (line,) = [text for text in _plan(make, tmp_path, 1.0) if "全做约需" in text]
    assert "会均匀减少轮数" in line
    assert "约需时间" not in line


def test_disk_without_room_is_refused(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.cli.announce.shutil.disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    with pytest.raises(CannotMeasure, match="磁盘只剩 100 MiB"):
        _plan(make, tmp_path, HOUR_S)


@pytest.mark.parametrize(("samples", "checks", "lines"), [(0, 0, 0), (0, 3, 1), (8, 3, 1)])
def test_resumed_build_says_what_it_has(samples: int, checks: int, lines: int) -> None:
    told: Any = Told()
    work: Any = SimpleNamespace(build="20260102-030405-abcd", resumed_samples=samples, resumed_checks=checks)
    announce.resumed(work, 90, told)
    assert len(told) == lines
    assert all(f"{checks} 项设置已核对，剩下的轮次约需 1 分 30 秒" in text for text in told)


def test_reused_drafts_are_named(make: Make) -> None:
    told: Any = Told()
    draft, whole = (
        make.journal([[(BASELINE, {})]], profile=name, experiment=name) for name in ("quick", "default")
    )
    announce.drafts([draft, whole], told)
    assert len(told) == 1
    assert "草稿" in told[0]
    assert "：quick；" in told[0]
    announce.drafts([whole], told)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("dirty", "word"),
    [((), "机器安静：计时的 9 轮里，有 0 轮"), ((1, 2), "机器有时繁忙"), (range(9), "机器繁忙")],
)
def test_run_ends_by_saying_whether_the_machine_was_busy(make: Make, dirty: Sequence[int], word: str) -> None:
    told: Any = Told()
    draft = make.journal([[(BASELINE, {})]] * 9, dirty=dirty, profile="quick")
    announce.quiet([draft], told)
    assert len(told) == 1
    assert word in told[0]
    assert f"有 {len(dirty)} 轮被别的进程或宿主机打扰" in told[0]


def test_rounds_whose_noise_cannot_be_read_are_not_called_quiet(make: Make) -> None:
    told: Any = Told()
    journal = make.journal([[(BASELINE, {})]] * 2)
    blind = [end.model_copy(update={"noise": UNKNOWN}) for end in journal.rounds]
    journal.rounds[:] = [blind[0], journal.rounds[1]]
    announce.quiet([journal], told)
    assert "1 轮太短，看不出来" in told[0]
    journal.rounds[:] = blind
    announce.quiet([journal], told)
    assert "看不出来" in told[1]
    assert "安静" not in told[1]


def test_repeated_rounds_are_told(make: Make) -> None:
    told: Any = Told()
    journal = make.journal([[(BASELINE, {})]] * 2)
    journal.add(make.end(1, dirty=True, final=False))
    announce.quiet([journal], told)
    assert "另有 1 轮因此重测过" in told[0]
