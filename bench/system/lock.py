"""One at a time below one build folder: two builds would disturb each other's figures and files."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bench.system.ages import age

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HELD_VARIABLE = "BENCH_LOCK_HELD"
"""Names the lock that is held, for the children of its holder."""
LOOK_AGAIN_S = 0.5
"""Whoever waits wakes up this often only: somebody else is measuring."""


@contextmanager
def alone(path: Path, tell: Callable[[str], object]) -> Iterator[None]:
    """Hold the lock at `path`; wait for it, and say for whom, while another process has it."""
    if os.environ.get(HELD_VARIABLE) == str(path):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock, note = FileLock(path), path.with_name(f"{path.name}.holder")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"另一个测量或构建正在进行{_holder(note)}，等它结束")
        lock.acquire(poll_interval=LOOK_AGAIN_S)
    try:
        os.environ[HELD_VARIABLE] = str(path)
        note.write_text(f"{os.getpid()}\n{datetime.now(UTC).isoformat()}\n{_command()}\n", encoding="utf-8")
        yield
    finally:
        os.environ.pop(HELD_VARIABLE, None)
        note.unlink(missing_ok=True)
        lock.release()


def taken(path: Path) -> str:
    """Who holds the lock at `path`, if it is neither free nor held for this process; empty: nobody else."""
    if os.environ.get(HELD_VARIABLE) == str(path) or not path.exists():
        return ""
    try:
        with FileLock(path).acquire(timeout=0):
            return ""
    except Timeout:
        return _holder(path.with_name(f"{path.name}.holder")) or "（刚刚开始）"


def _command() -> str:
    """As it was typed, but for the interpreter: `bench run arena`."""
    program = Path(sys.argv[0])
    name = program.parent.name if program.stem == "__main__" else program.name
    return " ".join(" ".join((name, *sys.argv[1:])).split())


def _holder(note: Path) -> str:
    """Who has the lock, and since when; nothing while it is just taking or leaving it."""
    try:
        pid, since, command = note.read_text(encoding="utf-8").splitlines()
        began = age(datetime.fromisoformat(since))
    except (OSError, ValueError):
        return ""
    return f"（{command}，进程 {pid}，{began}前开始）"
