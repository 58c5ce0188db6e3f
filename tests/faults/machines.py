"""Small and strange machines: made by cgroups, limits and masks where that works, by an edited copy of the code where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.measure.machine import cgroup_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faults.stage import Stage

MIB = 1 << 20
ENTER = ("sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"')
ONE_CORE = (
    sys.executable,
    "-c",
    "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); os.execvp(sys.argv[1], sys.argv[1:])",
)
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
"""As bad as it gets: Python itself would fall back to UTF-8 in the locale C if it were allowed to."""
NO_SUCH_HOME = "/dev/null/heimstatt"
"""Not even root can make a folder there."""


def limited(stage: Stage, limit: int) -> Sequence[str]:
    """Start of a command that runs it in a cgroup with so much memory, below the one that we are in."""
    folders = cgroup_folders(Path("/"), "memory")
    for own in folders[:1]:
        group = own / f"bench-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            break
        stage.undo.append(group.rmdir)
        for name in ("memory.max", "memory.limit_in_bytes"):
            if (group / name).exists():
                (group / name).write_text(str(limit))
                return (*ENTER, str(group))
    pytest.skip("这里不允许建内存 cgroup")


def measure_within(limit: int) -> Callable[[Stage], None]:
    """All of `bench run` in a memory cgroup."""

    def arrange(stage: Stage) -> None:
        stage.done = stage.measure(wrapper=limited(stage, limit))

    return arrange


def measure_with_address_space(limit: int) -> Callable[[Stage], None]:
    """RLIMIT_AS for the measured child alone."""

    def arrange(stage: Stage) -> None:
        first = "STARTED_NS = "
        capped = f"import resource\n\nresource.setrlimit(resource.RLIMIT_AS, ({limit}, {limit}))\n{first}"
        stage.edit("bench/measure/worker.py", first, capped)
        stage.done = stage.measure()

    return arrange


def measure(wrapper: Sequence[str] = (), **env: str) -> Callable[[Stage], None]:
    """By way of another command, or with other variables; empty ones are not set at all."""

    def arrange(stage: Stage) -> None:
        stage.env = env
        stage.done = stage.measure(wrapper=wrapper)

    return arrange


def measure_and_build(**env: str) -> Callable[[Stage], None]:
    def arrange(stage: Stage) -> None:
        stage.env = env
        measured = stage.measure()
        assert measured.status == 0, measured.output
        stage.done = stage.build_site()

    return arrange


def ask_for_help(**env: str) -> Callable[[Stage], None]:
    def arrange(stage: Stage) -> None:
        stage.env = env
        stage.done = stage.bench("run", "--help")

    return arrange


def without_proc(stage: Stage) -> None:
    """As on macOS: the files are not there. Everything that reads them is told to look elsewhere."""
    for path in ("worker", "machine", "noise"):
        file = f"bench/measure/{path}.py"
        text = (stage.checkout / file).read_text(encoding="utf-8")
        stage.change(file, text.replace('"/proc/', '"/absent/').replace('Path("/")', 'Path("/absent")'))
    measure_and_build()(stage)


def without_pressure(stage: Stage) -> None:
    """A kernel without PSI, or with PSI switched off."""
    stage.edit("bench/measure/noise.py", "proc/pressure/cpu", "proc/pressure/absent")
    stage.done = stage.measure()


def named(host: str) -> Sequence[str]:
    """Start of a command that runs it on a machine with that name, where we may have one."""
    wrapper = ("unshare", "--uts", "sh", "-c", f'hostname {host} && exec "$0" "$@"')
    if (
        not shutil.which("unshare")
        or subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("这里不允许改主机名")
    return wrapper


def on_a_terminal(name: str) -> Callable[[Stage], None]:
    def arrange(stage: Stage) -> None:
        from faults.injectors import IN_A_WINDOW

        stage.env = {"TERM": name}
        stage.done = stage.measure(wrapper=IN_A_WINDOW)

    return arrange


def reader_goes_away(stage: Stage) -> None:
    stage.done = stage.bench("list", wrapper=("sh", "-c", 'exec 1>&- ; exec "$0" "$@"'))
