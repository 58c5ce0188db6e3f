"""What a killed run may leave on the machine: named in a file while it is there, so that the next start removes it."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

CGROUP_PREFIX = "bench-"
"""Names of our cgroups begin so: no other one is ever touched."""
SAME_MOMENT_S = 1.5
"""By so much may the kernel tell the start of one process differently: it rounds the time of its own."""
PATIENCE_S = 2.0
"""Longest wait for what was killed to be gone."""


def process(folder: Path, pid: int) -> AbstractContextManager[None]:
    """While a child, not yet waited for, may be left behind."""
    return _named(folder, {"pid": pid, "created": psutil.Process(pid).create_time()})


def cgroup(folder: Path, path: Path) -> AbstractContextManager[None]:
    """While there may be a cgroup of ours: it is made and removed inside."""
    assert path.name.startswith(CGROUP_PREFIX), path
    return _named(folder, {"cgroup": str(path)})


@contextmanager
def _named(folder: Path, what: dict[str, object]) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    note = folder / f"{uuid.uuid4().hex}.json"
    note.write_text(json.dumps(what), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def sweep(folder: Path) -> list[str]:
    """Remove what is still there. Returns what it was; only the holder of the lock may call this."""
    removed = []
    for note in sorted(folder.glob("*.json")):
        try:
            match json.loads(note.read_bytes()):
                case {"cgroup": str(path)}:
                    removed += end_cgroup(Path(path))
                case {"pid": int(pid), "created": float(created)}:
                    removed += _end_process(pid, created)
        except json.JSONDecodeError:  # the note itself was cut short
            pass
        except OSError:  # not now: the next start tries again
            continue
        note.unlink(missing_ok=True)
    return removed


def _end_process(pid: int, created: float) -> list[str]:
    """Kill it and what it started, if it is still the one that was named."""
    try:
        found = psutil.Process(pid)
        family = [*found.children(recursive=True), found]
        if abs(found.create_time() - created) > SAME_MOMENT_S or found.status() == psutil.STATUS_ZOMBIE:
            return []
        for one in family:
            one.kill()
    except psutil.Error:  # it has ended, or belongs to somebody else
        return []
    psutil.wait_procs(family, timeout=PATIENCE_S)
    return [f"进程 {pid}"]


def end_cgroup(path: Path) -> list[str]:
    """Kill what is in it until nothing is; only then the kernel lets it go."""
    deadline = time.monotonic() + PATIENCE_S
    while path.name.startswith(CGROUP_PREFIX) and path.is_dir():
        for pid in (path / "cgroup.procs").read_text(encoding="ascii").split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            path.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return [f"cgroup {path.name}"]
    return []
