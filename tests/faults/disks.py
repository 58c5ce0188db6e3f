"""Disks that fill up: a small file system in memory where we may mount one, a limit of file sizes elsewhere."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from faults.injectors import old_site
from faults.stage import WORKER

from bench.models import MODELS, ModelError
from bench.models.prepared import prepare
from bench.spec import Input

if TYPE_CHECKING:
    from pathlib import Path

    from faults.stage import Stage

MIB = 1 << 20
BLOCK = 4096
ROOM_TO_MEASURE, ROOM_TO_BUILD = 400 * MIB, 24 * MIB
ANY_INPUT = Input(label="batch=2", shapes=((2, 256),))


def small_disk(stage: Stage, size: int) -> Path:
    """Put the build folder on a disk of its own. Returns the file that can fill it."""
    disk = stage.folder.parent / "小 盘"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("这里不允许挂载小盘")
    stage.undo.append(lambda: subprocess.run(["umount", str(disk)], check=True))
    if stage.folder.exists():
        subprocess.run(["cp", "-r", str(stage.folder), str(disk)], check=True)
    stage.folder = disk / stage.folder.name
    return disk / "ballast"


def fill(ballast: Path) -> None:
    """Take all the room that there is; others may be taking some at the same time."""
    disk = os.statvfs(ballast.parent)
    most = disk.f_bavail * disk.f_frsize * 15 // 16
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, most)
        file.seek(most)
        while file.write(bytes(BLOCK)):
            pass


def disk_too_small(stage: Stage) -> None:
    small_disk(stage, 8 * MIB)
    stage.done = stage.measure()


def disk_full_while_measuring(stage: Stage) -> None:
    ballast = small_disk(stage, ROOM_TO_MEASURE)
    running = stage.start_measuring()
    running.child(WORKER)
    fill(ballast)
    stage.done = running.wait()
    stage.before = stage.whole_lines()
    ballast.unlink()


def no_more_room_for_the_journal(stage: Stage) -> None:
    """Part of a line is written, then comes the error: as on a full disk, or over a quota."""
    running = stage.start_measuring()
    running.child(WORKER, stage.observed + 1)
    stage.before = stage.whole_lines()
    limit = len(stage.before) + 100
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (limit, limit))
    stage.done = running.wait()


def disk_full_while_the_model_is_made(stage: Stage) -> None:
    ballast = small_disk(stage, 8 * MIB)
    folder = stage.folders.models
    fill(ballast)
    with pytest.raises(ModelError, match="模型 tiny 的文件写不下来：磁盘已满"):
        prepare(MODELS["tiny"], [ANY_INPUT], folder)
    ballast.unlink()
    prepare(MODELS["tiny"], [ANY_INPUT], folder)


def disk_full_while_exporting(stage: Stage) -> None:
    ballast = small_disk(stage, ROOM_TO_BUILD)
    fill(ballast)
    stage.done = stage.bench("export")
    ballast.unlink()


def disk_full_while_mkdocs_writes(stage: Stage) -> None:
    """There is room for a beginning of the site."""
    ballast = small_disk(stage, ROOM_TO_BUILD)
    old_site(stage)
    fill(ballast)
    os.truncate(ballast, ballast.stat().st_size - MIB)
    stage.done = stage.build_site()
    ballast.unlink()
