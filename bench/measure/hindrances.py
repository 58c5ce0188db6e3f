"""Why a process is not even started: what this machine or its software lacks, or the memory that is free at the moment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench.measure.machine import free_memory
from bench.results.process import NOT_HERE
from bench.results.records import Failure
from bench.system import cgroup, environment
from bench.system.folders import Folders

if TYPE_CHECKING:
    from bench.measure.plan import PlannedExperiment, PlannedGroup
    from bench.spec import Case, Place


def of(planned: PlannedExperiment, group: PlannedGroup, case: Case) -> Failure | None:
    """None: nothing is in its way; the environment that it wants is there."""
    return lacking(planned, group, case) or _no_room(group)


def lacking(planned: PlannedExperiment, group: PlannedGroup, case: Case) -> Failure | None:
    """What this machine or its software cannot do."""
    place, reason = group.settled(case).place, case.lacking(planned.machine)
    if not reason and place.cores and not hasattr(os, "sched_setaffinity"):
        reason = "这个系统不能限定进程用哪几个核"
    if not reason and planned.quota(place):
        reason = cgroup.hindrance(Folders.here().leftovers)
    if not reason:
        reason = _cannot_install(place)
    return Failure(kind="not_applicable", reason=f"{NOT_HERE}：{reason}") if reason else None


def _cannot_install(place: Place) -> str:
    """Why there is no environment as the place wants it; where there can be one, it is made."""
    try:
        runtime(place)
    except environment.NotInstalled as said:
        needed = [*place.packages, *([f"Python {place.python}"] if place.python else [])]
        return f"装不了 {'、'.join(needed)}（{said}）"
    return ""


def runtime(place: Place) -> str | None:
    """Interpreter of a place with packages of its own, which are installed if they are not yet; None: ours.

    Raises NotInstalled.
    """
    if not place.packages:
        return None
    folder = Folders.here().work.with_name("runtimes")
    return str(environment.python_with(place.packages, folder, place.python))


def _no_room(group: PlannedGroup) -> Failure | None:
    """Free memory may have shrunk since the plan was made; the machine is not brought down to find out."""
    if group.memory_bytes <= free_memory():
        return None
    reason = f"约需 {group.memory_bytes >> 20} MiB，此刻空闲内存不够，没有启动"
    return Failure(kind="out_of_memory", reason=reason)
