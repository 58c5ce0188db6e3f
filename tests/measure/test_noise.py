"""Who used the processors, told from two readings."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.measure import noise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
QUIET, BUSY = (100, 1000, 0), (900, 1000, 0)
"""Ticks of one CPU: busy, idle, stolen."""


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _read(root: Path, *cpus: tuple[int, ...], usable: Sequence[int] = (0, 1)) -> noise.Reading | None:
    lines = ["cpu  1 2 3 4 5 6 7 8 9 10"]
    for number, (busy, idle, stolen) in enumerate(cpus):
        spread = [busy - 4, 1, 1, idle, 0, 1, 1, stolen, busy, 5]  # guest time is part of user time
        lines.append(f"cpu{number} " + " ".join(map(str, spread)))
    _write(root, "proc/stat", "\n".join([*lines, "intr 1 2 3", "ctxt 5"]) + "\n")
    return noise.read(usable, root)


@pytest.mark.parametrize(
    ("later", "usable", "own", "expected"),
    [
        pytest.param([(400, 1200, 0), (200, 1400, 0)], (0, 1), 300, (0.1, 0, True), id="busy without our own time"),
        pytest.param([(200, 1000, 0)], (0,), 110, (0, 0, False), id="our own work, rounded above the busy ticks"),
        pytest.param([(100, 1485, 15)] * 2, (0, 1), 0, (0, 0.03, True), id="stolen time"),
        pytest.param([(150, 1950, 0)], (0,), 0, (0.05, 0, False), id="five percent"),
        pytest.param([(151, 1949, 0)], (0,), 0, (0.051, 0, True), id="a little more"),
        pytest.param([(119, 1000, 0)], (0,), 0, (None, None, False), id="too short a time"),
        pytest.param([BUSY, (100, 1200, 0), *[BUSY] * 9], (1,), 0, (0, 0, False), id="CPUs that are not ours: cpu10 begins like cpu1"),
    ],
)  # fmt: skip
def test_share_of_others(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    later: Any,
    usable: Any,
    own: int,
    expected: tuple[Any, ...],
) -> None:
    """Children that were waited for count as our own."""
    names = ("user", "system", "children_user", "children_system")
    times = iter((0.0, own / TICKS / 4))
    monkeypatch.setattr(os, "times", lambda: SimpleNamespace(**dict.fromkeys(names, next(times))))
    before = _read(tmp_path, *[QUIET] * len(later), usable=usable)
    found = noise.between(before, _read(tmp_path, *later, usable=usable))
    assert (found.others, found.steal, found.dirty, found.pressure) == pytest.approx((*expected, None))


def test_pressure_quota_heat_frequency_and_memory_are_recorded_but_decide_nothing(tmp_path: Path) -> None:
    def write(slowed: int, mhz: int, held_us: int) -> None:
        for number in (0, 1):
            core = f"sys/devices/system/cpu/cpu{number}"
            _write(tmp_path, f"{core}/thermal_throttle/core_throttle_count", f"{slowed}\n")
            _write(tmp_path, f"{core}/cpufreq/scaling_cur_freq", f"{mhz * 1000}\n")
        _write(tmp_path, "sys/fs/cgroup/cpu.stat", f"usage_usec 9\nthrottled_usec {held_us}\n")
        some = f"some avg10=1.00 avg60=1.00 avg300=1.00 total={held_us}\n"
        _write(tmp_path, "proc/pressure/cpu", f"{some}full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")

    assert noise.between(noise.read((0,), tmp_path), _read(tmp_path, QUIET)) == noise.UNKNOWN
    _write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(3, 3000, 0)
    before = _read(tmp_path, QUIET, QUIET)
    write(5, 2000, 10_000_000_000)
    seen = noise.between(before, _read(tmp_path, (100, 2000, 0), (100, 2000, 0)))
    assert (seen.throttled, seen.frequency_mhz, seen.held_back, seen.pressure) == (4, 2000, 1, 1)
    assert (bool(seen.available_bytes), seen.dirty) == (True, False)
    _write(tmp_path, "proc/self/cgroup", "4:cpu,cpuacct:/\n")  # of the first kind, it counts nanoseconds
    _write(tmp_path, "sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 2\nthrottled_time 5000000\n")
    assert _read(tmp_path, QUIET).held_back_us == 5000
