"""Whether a case can run on this machine at all, and whether there is room for it now."""

from __future__ import annotations

import os
import re
from importlib.metadata import version
from typing import TYPE_CHECKING

from bench.measure.machine import free_memory, glibc_version
from bench.results.schema import Failure

if TYPE_CHECKING:
    from bench.measure.plan import PlannedGroup
    from bench.spec import Case

PERMANENT = ("not_applicable", "unsupported")


def not_applicable(group: PlannedGroup, case: Case) -> Failure | None:
    """Why this machine or its software lacks what the case needs."""
    reason = _lacking_glibc(case) or _lacking_onnxruntime(case) or _lacking_affinity(group)
    return Failure(kind="not_applicable", reason=f"本机不适用：{reason}") if reason else None


def no_room(group: PlannedGroup) -> Failure | None:
    """Free memory may have shrunk since the plan was made; the machine is not brought down to find out."""
    if group.memory_bytes <= free_memory():
        return None
    reason = f"约需 {group.memory_bytes >> 20} MiB，此刻空闲内存不够，没有启动"
    return Failure(kind="out_of_memory", reason=reason)


def _lacking_glibc(case: Case) -> str:
    have = glibc_version()
    if case.needs_glibc is None or (have is not None and have >= case.needs_glibc):
        return ""
    return f"需要 glibc {'.'.join(map(str, case.needs_glibc))} 以上"


def _lacking_onnxruntime(case: Case) -> str:
    if _numbers(version("onnxruntime")) >= _numbers(case.since):
        return ""
    return f"需要 onnxruntime {case.since} 以上"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _lacking_affinity(group: PlannedGroup) -> str:
    if group.group.cpu_share == 1 or hasattr(os, "sched_setaffinity"):
        return ""
    return "这个系统不能限定进程用哪几个核"
