"""Was the machine ours while we measured? Read before and after, never by load average.

Load average counts our own threads; PSI counts those of an oversubscribed case too. So what
decides is the share of the usable CPUs that went to others, and steal; PSI is recorded.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHERS_LIMIT = 0.05
STEAL_LIMIT = 0.02
MIN_TICKS = 20
"""Below this many clock ticks, shares are too coarse to judge by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Counters at one moment, over the usable CPUs."""

    total_ticks: int
    busy_ticks: int
    steal_ticks: int
    own_seconds: float
    """CPU time of this process and the children it has waited for."""
    pressure_us: int | None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What went on beside us between two readings; shares of the usable CPUs, 0 to 1."""

    others: float | None
    steal: float | None
    pressure: float | None

    @property
    def dirty(self) -> bool:
        return (self.others or 0) > OTHERS_LIMIT or (self.steal or 0) > STEAL_LIMIT


def read(cpus: Sequence[int], root: Path = Path("/")) -> Reading | None:
    """The counters now; None where the kernel has none."""
    stat = root / "proc/stat"
    if not stat.exists():
        return None
    total = busy = steal = 0
    wanted = {f"cpu{number}" for number in cpus}
    for line in stat.read_text().splitlines():
        name, *fields = line.split()
        if name in wanted:
            user, nice, system, idle, iowait, irq, softirq, stolen = (int(field) for field in fields[:8])
            worked = user + nice + system + irq + softirq
            total += worked + idle + iowait + stolen
            busy, steal = busy + worked, steal + stolen
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return Reading(
        total_ticks=total,
        busy_ticks=busy,
        steal_ticks=steal,
        own_seconds=own,
        pressure_us=_pressure(root),
        at=time.monotonic(),
    )


def between(before: Reading | None, after: Reading | None) -> Noise:
    """Shares between two readings; all None where there is nothing to read or it was too short."""
    if before is None or after is None:
        return Noise(others=None, steal=None, pressure=None)
    total = after.total_ticks - before.total_ticks
    pressure = None
    if before.pressure_us is not None and after.pressure_us is not None:
        pressure = min(1.0, (after.pressure_us - before.pressure_us) / 1e6 / max(after.at - before.at, 1e-3))
    if total < MIN_TICKS:
        return Noise(others=None, steal=None, pressure=pressure)
    own = (after.own_seconds - before.own_seconds) * os.sysconf("SC_CLK_TCK")
    others = max(0.0, after.busy_ticks - before.busy_ticks - own) / total
    return Noise(others=others, steal=(after.steal_ticks - before.steal_ticks) / total, pressure=pressure)


def _pressure(root: Path) -> int | None:
    try:
        text = (root / "proc/pressure/cpu").read_text()
    except OSError:  # kernels without PSI, or with it switched off, refuse the read
        return None
    match = re.search(r"^some .*total=(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else None
