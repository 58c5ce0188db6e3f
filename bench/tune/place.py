"""Where the tuned processes run: on fewer cores, below a quota, on another version of ORT.

Mask and cgroup are those of the tuner itself, and its children inherit them, as in a container.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uv

from bench.measure.machine import cgroup_folders, usable_cpus
from bench.system import leftovers
from bench.tune.own import CannotTune

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PERIOD_US = 100_000
NUMPY_1_UNTIL = (1, 19)
"""Older versions of ORT need NumPy 1."""
MOST_SAID = 300


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
    above = next(iter(cgroup_folders(root, "cpu")), None)
    if above is None or not above.is_dir():
        raise CannotTune("这里没有 cgroup，不能限定配额：去掉 --quota，或在有配额的容器里运行")
    own = above / f"{leftovers.CGROUP_PREFIX}{os.getpid()}"
    with leftovers.cgroup(notes, own):
        try:
            _make(own, cores)
        except OSError as error:
            raise CannotTune(
                f"这里建不了 cgroup（{error.strerror}），不能限定配额：去掉 --quota，或在有配额的容器里运行"
            ) from error
        try:
            _enter(own)
            yield
        finally:
            _enter(above)
            own.rmdir()


def _make(folder: Path, cores: float) -> None:
    """v2 has one file, v1 two."""
    quota = max(1000, int(cores * PERIOD_US))
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


def _enter(folder: Path) -> None:
    (folder / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def interpreter(version: str | None, folder: Path) -> str:
    """Python of an environment with that version of ORT, made now unless it is there; None: our own."""
    if version is None:
        return sys.executable
    home = folder / f"onnxruntime-{version}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (home / "ready").exists():
        numpy = "numpy<2" if _numbers(version) < NUMPY_1_UNTIL else "numpy"
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(home), version=version)
        _uv(
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            f"onnxruntime=={version}",
            numpy,
            version=version,
        )
        (home / "ready").touch()
    return str(python)


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    if not all(part.isdigit() for part in parts[:2]) or len(parts) < 2:
        raise CannotTune(f"看不懂的版本“{version}”：请写成 --ort 1.29.0")
    return tuple(int(part) for part in parts[:2])


def _uv(*command: str, version: str) -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), *command], capture_output=True, text=True, check=False, env=_environment()
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[-MOST_SAID:]
        raise CannotTune(f"装不了 onnxruntime {version}：{said}")


def _environment() -> Mapping[str, str]:
    """Ours, but for the environment that it would be installed into."""
    return {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
