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

    from bench.results.process import NoiseRecord

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
Ticks = tuple[int, int, int]
"""Of one CPU: busy, idle, stolen."""
QUIET: Ticks = (100, 1000, 0)


class Counters:
    """A machine whose counters a test sets."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.own = 0.0
        monkeypatch.setattr(os, "times", self._times)

    def _times(self) -> SimpleNamespace:
        """Children that were waited for count as our own."""
        names = ("user", "system", "children_user", "children_system")
        return SimpleNamespace(**dict.fromkeys(names, self.own / 4), elapsed=0.0)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def stat(self, *cpus: Ticks, pressure_us: int | None = None) -> None:
        lines = ["cpu  1 2 3 4 5 6 7 8 9 10"]
        for number, (busy, idle, stolen) in enumerate(cpus):
            spread = [busy - 4, 1, 1, idle, 0, 1, 1, stolen, 5, 5]  # guest time is part of user time
            lines.append(f"cpu{number} " + " ".join(map(str, spread)))
        self.write("proc/stat", "\n".join([*lines, "intr 1 2 3", "ctxt 5"]) + "\n")
        if pressure_us is not None:
            some = f"some avg10=1.00 avg60=1.00 avg300=1.00 total={pressure_us}\n"
            self.write("proc/pressure/cpu", f"{some}full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")

    def read(self, cpus: Sequence[int] = (0, 1)) -> noise.Reading:
        found = noise.read(cpus, self.root)
        assert found
        return found

    def between(self, *later: Ticks, own_ticks: int = 0, usable: Sequence[int] = (0, 1)) -> NoiseRecord:
        self.stat(*[QUIET] * len(later))
        before = self.read(usable)
        self.stat(*later)
        self.own = own_ticks / TICKS
        return noise.between(before, self.read(usable))


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counters:
    return Counters(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("later", "own", "others", "steal", "dirty"),
    [
        pytest.param(((400, 1200, 0), (200, 1400, 0)), 300, 0.1, 0, True, id="busy without our own time"),
        pytest.param(((600, 1000, 0), (600, 1000, 0)), 1000, 0, 0, False, id="our own work"),
        pytest.param(((200, 1000, 0), QUIET), 110, 0, 0, False, id="our own time rounded above the busy ticks"),
        pytest.param(((100, 1485, 15), (100, 1485, 15)), 0, 0, 0.03, True, id="stolen time"),
        pytest.param(((150, 1950, 0), QUIET), 0, 0.05, 0, False, id="five percent"),
        pytest.param(((151, 1949, 0), QUIET), 0, 0.051, 0, True, id="a little more"),
        pytest.param(((119, 1000, 0), QUIET), 0, None, None, False, id="too short a time"),
        pytest.param(
            ((900, 1000, 0), (100, 1200, 0), *[(900, 1000, 0)] * 9), 0, 0, 0, False, id="CPUs that are not ours"
        ),
    ],
)  # fmt: skip
def test_share_of_others(
    counters: Counters, later: tuple[Ticks, ...], own: int, others: float, steal: float, *, dirty: bool
) -> None:
    """Usable are both CPUs, or, of eleven, the second one: cpu10 begins like it."""
    usable = (1,) if len(later) > 2 else (0, 1) if later[1] != QUIET else (0,)
    found = counters.between(*later, own_ticks=own, usable=usable)
    assert (found.others, found.steal) == (pytest.approx(others), pytest.approx(steal))
    assert (found.dirty, found.pressure) == (dirty, None)


def test_pressure_is_recorded_but_decides_nothing(counters: Counters) -> None:
    counters.stat(QUIET, pressure_us=1_000_000)
    before = counters.read((0,))
    counters.stat((100, 2000, 0), pressure_us=901_000_000)
    found = noise.between(before, counters.read((0,)))
    assert (found.pressure, found.dirty) == (1.0, False)


def test_machine_that_tells_nothing_once_or_ever_cannot_be_judged(counters: Counters) -> None:
    assert noise.read((0,), counters.root) is None
    counters.stat(QUIET)
    for after in (None, counters.read((0,))):
        found = noise.between(None, after)
        assert (found.others, found.steal, found.pressure, found.dirty) == (None, None, None, False)


def test_quota_heat_frequency_and_memory_are_recorded(counters: Counters) -> None:
    counters.write("proc/self/cgroup", "0::/\n")

    def write(slowed: int, mhz: int, held_us: int) -> None:
        for number in (0, 1):
            core = f"sys/devices/system/cpu/cpu{number}"
            counters.write(f"{core}/thermal_throttle/core_throttle_count", f"{slowed}\n")
            counters.write(f"{core}/cpufreq/scaling_cur_freq", f"{mhz * 1000}\n")
        counters.write("sys/fs/cgroup/cpu.stat", f"usage_usec 9\nthrottled_usec {held_us}\n")

    counters.stat(QUIET, QUIET)
    write(3, 3000, 0)
    before = counters.read()
    counters.stat((200, 1100, 0), (200, 1100, 0))
    write(5, 2000, 10_000_000_000)
    seen = noise.between(before, counters.read())
    assert (seen.throttled, seen.frequency_mhz, seen.held_back) == (4, 2000, 1)
    assert seen.available_bytes


def test_a_quota_of_the_first_kind_counts_in_nanoseconds(counters: Counters) -> None:
    counters.write("proc/self/cgroup", "4:cpu,cpuacct:/\n")
    counters.write("sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 2\nthrottled_time 5000000\n")
    counters.stat(QUIET)
    assert counters.read((0,)).held_back_us == 5000
