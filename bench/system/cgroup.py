"""Control groups: those that this process is in, and one of our own that grants so much CPU time."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.system import leftovers

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD_US = 100_000
"""Of a quota, as container runtimes set it."""
LEAST_US = 1000
"""The kernel takes no quota below."""
TRIAL_CORES = 1.0
_numbers = itertools.count(1)


class CannotGrant(Exception):
    """There can be no quota here; the message says why, in Chinese."""


def folders(root: Path, controller: str) -> list[Path]:
    """This process's cgroup and its ancestors, v2 first, then v1, as far as they are mounted."""
    found = list[Path]()
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return found
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / (controller if controllers else "")
        own = mount / path.lstrip("/")
        found += [folder for folder in (own, *own.parents) if folder.is_relative_to(mount)]
    return found


@contextmanager
def granting(cores: float, notes: Path, root: Path = Path("/")) -> Iterator[Path]:
    """A new cgroup below ours that grants so many cores, while it is needed. Whoever enters must have ended by its end.

    `notes`: what a killed run may leave is named there. Raises CannotGrant.
    """
    above = next(iter(folders(root, "cpu")), None)
    if above is None or not above.is_dir():
        raise CannotGrant("这里没有 cgroup，不能限定配额")
    own = above / f"{leftovers.CGROUP_PREFIX}{os.getpid()}-{next(_numbers)}"
    with leftovers.cgroup(notes, own):
        try:
            _make(own, cores)
        except OSError as error:
            raise CannotGrant(f"这里建不了 cgroup（{error.strerror}），不能限定配额") from error
        try:
            yield own
        finally:
            leftovers.end_cgroup(own)


def _make(folder: Path, cores: float) -> None:
    """v2 has one file, v1 two."""
    quota = max(LEAST_US, int(cores * PERIOD_US))
    folder.mkdir()
    try:
        if (folder / "cpu.cfs_quota_us").exists():
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US), encoding="ascii")
            (folder / "cpu.cfs_quota_us").write_text(str(quota), encoding="ascii")
        else:
            (folder / "cpu.max").write_text(f"{quota} {PERIOD_US}", encoding="ascii")
    except OSError:
        folder.rmdir()
        raise


def enter(folder: Path, pid: int) -> None:
    """Put a process there, with all that it starts from now on."""
    (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")


@cache
def hindrance(notes: Path) -> str:
    """Why there can be no quota here; empty: there can. Found by making one."""
    try:
        with granting(TRIAL_CORES, notes):
            return ""
    except CannotGrant as reason:
        return str(reason)
