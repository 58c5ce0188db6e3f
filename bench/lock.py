"""One at a time below one build folder: two builds would disturb each other's figures and files."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HELD_VARIABLE = "BENCH_LOCK_HELD"
"""Names the lock that the process which started this one holds, for the children that need it too."""
LOOK_AGAIN_S = 0.5
"""Whoever waits wakes up this often only: somebody else is measuring."""


@contextmanager
def alone(path: Path, tell: Callable[[str], object]) -> Iterator[None]:
    """Hold the lock at `path`; wait for it, and say so, while another process has it."""
    if os.environ.get(HELD_VARIABLE) == str(path):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell("另一个测量或构建正在进行，等它结束")
        lock.acquire(poll_interval=LOOK_AGAIN_S)
    try:
        yield
    finally:
        lock.release()


def held(path: Path) -> dict[str, str]:
    """Environment of a child that works under the lock at `path`, which its parent holds."""
    return {HELD_VARIABLE: str(path)}
