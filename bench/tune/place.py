"""Where the tuned processes run: on fewer cores, below a quota, on another version of ORT.

Mask and cgroup are those of the tuner itself, and its children inherit them, as in a container.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure.machine import usable_cpus
from bench.system import cgroup, environment
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMPY_1_UNTIL = (1, 19)
"""Older versions of ORT need NumPy 1."""


@contextmanager
def on_cores(count: int | None) -> Iterator[None]:
    """On the first so many of the usable cores."""
    if count is None:
        yield
        return
    usable = usable_cpus()
    if not hasattr(os, "sched_setaffinity"):
        raise CannotTune("这个系统不能限定进程用哪几个核：去掉 --cores")
    if not 0 < count <= len(usable):
        raise CannotTune(f"--cores {count}：本机能用的核是 1 到 {len(usable)} 个")
    os.sched_setaffinity(0, usable[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


@contextmanager
def with_quota(cores: float | None, notes: Path, root: Path = Path("/")) -> Iterator[None]:
    """In a cgroup of our own that grants so many cores. `notes`: what a killed run may leave is named there."""
    if cores is None:
        yield
        return
    if cores <= 0:
        raise CannotTune(f"--quota {cores:g}：要大于 0，如 1.5")
    try:
        with cgroup.granting(cores, notes, root) as own:
            cgroup.enter(own, os.getpid())
            try:
                yield
            finally:
                cgroup.enter(own.parent, os.getpid())
    except cgroup.CannotGrant as reason:
        raise CannotTune(f"{reason}：去掉 --quota，或在有配额的容器里运行") from reason


def interpreter(version: str | None, folder: Path) -> str:
    """Python of an environment with that version of ORT, made now unless it is there; None: our own."""
    if version is None:
        return sys.executable
    numpy = "numpy<2" if _numbers(version) < NUMPY_1_UNTIL else "numpy"
    try:
        return str(environment.python_with((f"onnxruntime=={version}", numpy), folder))
    except environment.NotInstalled as said:
        raise CannotTune(f"装不了 onnxruntime {version}：{said}") from said


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    if not all(part.isdigit() for part in parts[:2]) or len(parts) < 2:
        raise CannotTune(f"看不懂的版本“{version}”：请写成 --ort 1.29.0")
    return tuple(int(part) for part in parts[:2])
