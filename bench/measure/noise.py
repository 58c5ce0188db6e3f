"""Was the machine ours while we measured? Read before and after, never by load average.

Load average counts our own threads; PSI counts those of an oversubscribed case too, a quota holds
back the case that oversteps it, and heat slows neighbours in time alike. So what decides is the
share of the usable CPUs that went to others, and steal; the rest is recorded.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure.machine import free_memory, read_text
from bench.results.records import NoiseRecord
from bench.system import cgroup

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
    held_back_us: int | None
    throttled: int | None
    frequency_mhz: float | None
    available_bytes: int
    at: float
    cores: tuple[int, int] | None = None
    """Samples so far taken again since the cores lay apart, and kept although they did."""


UNKNOWN = NoiseRecord.model_validate({**dict.fromkeys(NoiseRecord.model_fields), "dirty": False})
"""Nothing could be read."""


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
        held_back_us=_held_back(root),
        throttled=_throttled(cpus, root),
        frequency_mhz=_frequency(cpus, root),
        available_bytes=free_memory(root),
        at=time.monotonic(),
    )


def between(before: Reading | None, after: Reading | None) -> NoiseRecord:
    """What went on between two readings; all None where there is nothing to read."""
    if before is None or after is None:
        return UNKNOWN
    elapsed = max(after.at - before.at, 1e-3)
    others, steal = _shares(before, after)
    then, now = before.cores or (0, 0), after.cores or (0, 0)
    return NoiseRecord(
        others=others,
        steal=steal,
        pressure=_share(before.pressure_us, after.pressure_us, elapsed),
        held_back=_share(before.held_back_us, after.held_back_us, elapsed),
        throttled=_gained(before.throttled, after.throttled),
        frequency_mhz=after.frequency_mhz,
        available_bytes=min(before.available_bytes, after.available_bytes),
        retaken=now[0] - then[0] if after.cores else None,
        apart=now[1] - then[1] if after.cores else None,
        dirty=(others or 0) > OTHERS_LIMIT or (steal or 0) > STEAL_LIMIT,
    )


def _shares(before: Reading, after: Reading) -> tuple[float | None, float | None]:
    """(others, steal); None where it was too short to tell."""
    total = after.total_ticks - before.total_ticks
    if total < MIN_TICKS:
        return None, None
    own = (after.own_seconds - before.own_seconds) * os.sysconf("SC_CLK_TCK")
    others = max(0.0, after.busy_ticks - before.busy_ticks - own) / total
    return min(1.0, others), min(1.0, max(0, after.steal_ticks - before.steal_ticks) / total)


def _gained(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else max(0, after - before)


def _share(before_us: int | None, after_us: int | None, elapsed_s: float) -> float | None:
    gained = _gained(before_us, after_us)
    return None if gained is None else min(1.0, gained / 1e6 / elapsed_s)


def _pressure(root: Path) -> int | None:
    text = read_text(root / "proc/pressure/cpu")  # kernels without PSI, or with it switched off, refuse it
    match = re.search(r"^some .*total=(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else None


def _held_back(root: Path) -> int | None:
    """Microseconds that CFS quotas kept this process's cgroups from running (v2 and v1)."""
    texts = [read_text(folder / "cpu.stat") for folder in cgroup.folders(root, "cpu")]
    found = [
        match for text in texts if (match := re.search(r"^throttled_(usec|time) (\d+)$", text, re.MULTILINE))
    ]
    return max((int(one[2]) // (1 if one[1] == "usec" else 1000) for one in found), default=None)


def _throttled(cpus: Sequence[int], root: Path) -> int | None:
    """How often the usable cores were slowed for heat since boot; only some processors count it."""
    counts = _of_each(cpus, root, "thermal_throttle/core_throttle_count")
    return sum(counts) if counts else None


def _frequency(cpus: Sequence[int], root: Path) -> float | None:
    """Mean over the usable cores in MHz; in a virtual machine often the nominal one."""
    found = [khz / 1000 for khz in _of_each(cpus, root, "cpufreq/scaling_cur_freq")]
    if not found:
        info = read_text(root / "proc/cpuinfo")
        found = [float(text) for text in re.findall(r"^cpu MHz\s*:\s*([\d.]+)$", info, re.MULTILINE)]
    return round(sum(found) / len(found), 1) if found else None


def _of_each(cpus: Sequence[int], root: Path, name: str) -> list[int]:
    """What a file says of each of these cores, as far as it is there."""
    texts = [read_text(root / f"sys/devices/system/cpu/cpu{number}" / name) for number in cpus]
    return [int(text) for text in texts if text.isdigit()]
