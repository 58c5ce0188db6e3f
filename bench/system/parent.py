"""A process that ends with the one that started it: an orphan would disturb the next measurement.

Linux only: elsewhere such a process goes on to its end. The processes that are measured see to it
themselves, on every system, see `bench.measure.worker`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "BENCH_PARENT"
PR_SET_PDEATHSIG = 1


def bound() -> dict[str, str]:
    """Environment of a child that is to end with this process; it calls `follow` when it starts."""
    return {PARENT_VARIABLE: str(os.getpid())}


def follow() -> None:
    """End with the process that started this one, where that process asked for it."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before we could ask
        os._exit(1)
