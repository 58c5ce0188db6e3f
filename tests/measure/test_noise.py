"""Who used the processors, told from two readings."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from bench.measure import noise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Counters:
    """A machine whose counters a test sets."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.own = 0.0
        monkeypatch.setattr(os, "times", self._times)

    def _times(self) -> SimpleNamespace:
        """Children that were waited for count as our own."""
        quarter = self.own / 4
        return SimpleNamespace(
            user=quarter, system=quarter, children_user=quarter, children_system=quarter, elapsed=0.0
        )

    def stat(self, *cpus: tuple[int, int, int], pressure_us: int | None = None) -> None:
        """Per CPU: ticks (busy, idle, stolen)."""
        proc = self.root / "proc"
        (proc / "pressure").mkdir(parents=True, exist_ok=True)
        lines = ["cpu  1 2 3 4 5 6 7 8 9 10"]
        for number, (busy, idle, stolen) in enumerate(cpus):
            spread = [busy - 4, 1, 1, idle, 0, 1, 1, stolen, 5, 5]  # guest time is part of user time
            lines.append(f"cpu{number} " + " ".join(map(str, spread)))
        (proc / "stat").write_text("\n".join([*lines, "intr 1 2 3", "ctxt 5"]) + "\n")
        if pressure_us is not None:
            (proc / "pressure" / "cpu").write_text(
                f"some avg10=1.00 avg60=1.00 avg300=1.00 total={pressure_us}\n"
                "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
            )

    def read(self, cpus: Sequence[int] = (0, 1)) -> noise.Reading | None:
        return noise.read(cpus, self.root)


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counters:
    return Counters(tmp_path, monkeypatch)


def test_share_of_others_is_what_was_busy_without_our_own_time(counters: Counters) -> None:
    counters.stat((100, 1000, 0), (100, 1000, 0))
    before = counters.read()
    counters.stat((400, 1200, 0), (200, 1400, 0))  # 1000 ticks more, 400 of them busy
    counters.own = 300 / TICKS
    found = noise.between(before, counters.read())
    assert found.others == pytest.approx(0.1)
    assert found.steal == 0
    assert found.dirty


def test_our_own_work_is_no_noise(counters: Counters) -> None:
    counters.stat((100, 1000, 0), (100, 1000, 0))
    before = counters.read()
    counters.stat((600, 1000, 0), (600, 1000, 0))
    counters.own = 1000 / TICKS
    found = noise.between(before, counters.read())
    assert found.others == 0
    assert not found.dirty


def test_own_time_rounded_above_the_busy_ticks_is_not_negative_noise(counters: Counters) -> None:
    counters.stat((100, 1000, 0))
    before = counters.read((0,))
    counters.stat((200, 1000, 0))
    counters.own = 110 / TICKS
    assert noise.between(before, counters.read((0,))).others == 0


def test_stolen_time_is_noise(counters: Counters) -> None:
    counters.stat((100, 1000, 0), (100, 1000, 0))
    before = counters.read()
    counters.stat((100, 1485, 15), (100, 1485, 15))
    found = noise.between(before, counters.read())
    assert found.steal == pytest.approx(0.03)
    assert found.others == 0
    assert found.dirty


def test_only_usable_cpus_count(counters: Counters) -> None:
    counters.stat(*[(100, 1000, 0)] * 11)
    before = counters.read((1,))
    counters.stat((900, 1000, 0), (100, 1200, 0), *[(900, 1000, 0)] * 9)  # cpu10 begins like cpu1
    found = noise.between(before, counters.read((1,)))
    assert found.others == 0
    assert not found.dirty


@pytest.mark.parametrize(("busy", "dirty"), [(50, False), (51, True)])
def test_others_may_take_five_percent(counters: Counters, busy: int, *, dirty: bool) -> None:
    counters.stat((100, 1000, 0))
    before = counters.read((0,))
    counters.stat((100 + busy, 2000 - busy, 0))
    assert noise.between(before, counters.read((0,))).dirty is dirty


def test_too_short_a_time_is_not_judged(counters: Counters) -> None:
    counters.stat((100, 1000, 0), pressure_us=0)
    before = counters.read((0,))
    counters.stat((119, 1000, 0), pressure_us=0)
    found = noise.between(before, counters.read((0,)))
    assert (found.others, found.steal) == (None, None)
    assert not found.dirty


def test_pressure_is_recorded_but_decides_nothing(counters: Counters) -> None:
    counters.stat((100, 1000, 0), pressure_us=1_000_000)
    before = counters.read((0,))
    counters.stat((100, 2000, 0), pressure_us=901_000_000)
    found = noise.between(before, counters.read((0,)))
    assert found.pressure == 1.0
    assert not found.dirty


def test_kernel_without_pressure_figures(counters: Counters) -> None:
    counters.stat((100, 1000, 0))
    before = counters.read((0,))
    counters.stat((200, 1900, 0))
    found = noise.between(before, counters.read((0,)))
    assert found.pressure is None
    assert found.others == pytest.approx(0.1)


def test_machine_without_proc_cannot_be_judged(tmp_path: Path) -> None:
    assert noise.read((0,), tmp_path) is None
    found = noise.between(None, None)
    assert (found.others, found.steal, found.pressure, found.dirty) == (None, None, None, False)


def test_reading_that_is_missing_once_cannot_be_judged(counters: Counters) -> None:
    counters.stat((100, 1000, 0))
    assert noise.between(None, counters.read((0,))).others is None


def test_quota_heat_frequency_and_memory_are_recorded(counters: Counters) -> None:
    cores = counters.root / "sys/devices/system/cpu"
    group = counters.root / "sys/fs/cgroup"
    (counters.root / "proc").mkdir()
    (counters.root / "proc/self").mkdir()
    (counters.root / "proc/self/cgroup").write_text("0::/\n")
    group.mkdir(parents=True)

    def write(slowed: int, mhz: int, held_us: int) -> None:
        for number in (0, 1):
            (cores / f"cpu{number}/thermal_throttle").mkdir(parents=True, exist_ok=True)
            (cores / f"cpu{number}/cpufreq").mkdir(exist_ok=True)
            (cores / f"cpu{number}/thermal_throttle/core_throttle_count").write_text(f"{slowed}\n")
            (cores / f"cpu{number}/cpufreq/scaling_cur_freq").write_text(f"{mhz * 1000}\n")
        (group / "cpu.stat").write_text(f"usage_usec 9\nthrottled_usec {held_us}\n")

    counters.stat((100, 1000, 0), (100, 1000, 0))
    write(3, 3000, 0)
    before = counters.read()
    counters.stat((200, 1100, 0), (200, 1100, 0))
    write(5, 2000, 10_000_000_000)
    seen = noise.between(before, counters.read())
    assert seen.throttled == 4
    assert seen.frequency_mhz == 2000
    assert seen.held_back == 1
    assert seen.available_bytes is not None
    assert seen.available_bytes > 0


def test_a_quota_of_the_first_kind_counts_in_nanoseconds(counters: Counters) -> None:
    (counters.root / "proc/self").mkdir(parents=True)
    (counters.root / "proc/self/cgroup").write_text("4:cpu,cpuacct:/\n")
    (counters.root / "sys/fs/cgroup/cpu").mkdir(parents=True)
    (counters.root / "sys/fs/cgroup/cpu/cpu.stat").write_text("nr_throttled 2\nthrottled_time 5000000\n")
    counters.stat((100, 1000, 0))
    reading = counters.read((0,))
    assert reading is not None
    assert reading.held_back_us == 5000
