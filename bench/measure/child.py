"""Start one child, wait for its one line, and end it with all that it has started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psutil

from bench.measure import ending
from bench.results.records import Failure, Figures
from bench.system import cgroup, leftovers
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WORKER = Path(__file__).with_name("worker.py")
READY_SECONDS = 120.0

FOREIGN = ("GLIBC_TUNABLES", "LD_PRELOAD", "ORT_", "OMP_", "MALLOC_", "KMP_", "OPENBLAS_", "MKL_")
"""How variables of the caller begin that would change a case behind its back."""
OWN = {"ORT_DISABLE_TELEMETRY": "1", "OPENBLAS_NUM_THREADS": "1"}
"""NumPy's OpenBLAS starts a thread for each core, and they spin for some 100 ms after the import: through opening a
session, its first calls, and more than that where they are short."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a child: figures, or lines of a report, or a failure."""

    wall_s: float
    log: str
    """Everything it wrote to stderr, ORT's own log included."""
    figures: Figures | None = None
    failure: Failure | None = None
    lines: dict[str, list[str]] = field(default_factory=dict)


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would tilt a measurement, plus the case's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, **OWN, **extra}


def run_worker(
    job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float, *, python: str = sys.executable
) -> Outcome:
    """One job in one fresh process, beside as many others of the same kind as the job asks for."""
    start, python = time.monotonic(), job.get("python") or python
    whole = {**job, "parent_pid": os.getpid()}
    try:
        with _granting(job.get("quota")) as group:
            whole["cgroup"] = group and str(group)
            with _company(whole, env, job.get("processes", 1) - 1, python, group):
                status, output, log = run_script(WORKER, whole, env, timeout_s, python=python, group=group)
    except _CompanyLost:
        reason = "同时运行的另一个进程没有跑起来，或中途结束了"
        return Outcome(time.monotonic() - start, "", failure=Failure(kind="crashed", reason=reason))
    except ChildrenLeft:
        return Outcome(time.monotonic() - start, "", failure=LEFT)
    wall = time.monotonic() - start
    report = ending.read(status, output, log, timeout_s)
    if isinstance(report, Failure):
        return Outcome(wall, log, failure=report)
    lines = {
        ending.clean_text(head): [*map(ending.clean_line, said)]
        for head, said in (report.lines or {}).items()
    }
    return Outcome(wall, log, report.ok, None, lines)


@contextmanager
def _granting(cores: float | None) -> Iterator[Path | None]:
    """A cgroup with a quota, where one is asked for."""
    if cores is None:
        yield None
        return
    with cgroup.granting(cores, Folders.here().leftovers) as folder:
        yield folder


class _CompanyLost(Exception):
    """A process that should run beside the measured one ended before it was under way, or before the measured one did."""


@contextmanager
def _company(
    job: Mapping[str, Any], env: Mapping[str, str], count: int, python: str, group: Path | None
) -> Iterator[None]:
    """So many processes that run the same case until the measured one is done."""
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            child = stack.enter_context(_started(WORKER, env, subprocess.DEVNULL, python, group))
            started.append(child)
            _send(child, {**job, "company": True, "observe": False, "verbose": False})
            _wait_until_ready(child)
        yield
        if any(child.poll() is not None for child in started):
            raise _CompanyLost


def _wait_until_ready(child: subprocess.Popen[bytes]) -> None:
    """Its first line says that it is under way; killed, the read ends without one."""
    assert child.stdout
    with _unless_done_in(READY_SECONDS, child.kill):
        line = child.stdout.readline()
    if line != b"ready\n":
        raise _CompanyLost


@contextmanager
def _unless_done_in(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, act)
    timer.daemon = True  # it never keeps the interpreter from ending
    try:
        timer.start()
        yield
    finally:
        timer.cancel()


@contextmanager
def _started(
    script: Path, env: Mapping[str, str], log: IO[bytes] | int, python: str, group: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own: Ctrl-C reaches the runner alone, which then ends the child."""
    child = subprocess.Popen(
        [python, "-I", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=clean_environment(env),
        start_new_session=True,
    )
    try:
        with leftovers.process(Folders.here().leftovers, child.pid):
            if group:
                cgroup.enter(group, child.pid)  # it waits for its job: nothing has been measured yet
            yield child
    finally:
        _end(child)


def run_script(
    script: Path,
    job: Mapping[str, Any],
    env: Mapping[str, str],
    timeout_s: float,
    *,
    python: str = sys.executable,
    group: Path | None = None,
) -> tuple[int | None, bytes, str]:
    """Run `script` with a job on stdin, in that cgroup if any. Returns (exit status or None on timeout, its first line, stderr).

    The wait is a blocking read: the parent uses no CPU while the child is measured. It ends with the line, not with
    the file: a process that the child has forked would keep that from coming.
    """
    timed_out = threading.Event()
    with tempfile.TemporaryFile() as log, _started(script, env, log, python, group) as child:

        def give_up() -> None:
            """The child hangs, or it has ended and what it forked holds its pipe."""
            if child.poll() is None:
                timed_out.set()
                child.kill()
            _end_group(child.pid)

        assert child.stdout
        with _unless_done_in(timeout_s, give_up):
            _send(child, job)
            output = child.stdout.readline()
            child.wait()
        left = _end(child)
        log.seek(0)
        text = log.read().decode(errors="replace")
    if left and child.returncode == 0:
        raise ChildrenLeft
    return (None if timed_out.is_set() else child.returncode), output, text


class ChildrenLeft(Exception):
    """A child ended well and left processes of its own behind; they were ended, too."""


LEFT = Failure(kind="unsupported", reason="进程结束后，它开出的子进程还在跑（已终止）：这样的测量不算数")
"""What that is as data."""


def _end(child: subprocess.Popen[bytes]) -> bool:
    """End a child and all that it has started; whether it had left anything."""
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        assert pipe
        with suppress(BrokenPipeError):
            pipe.close()
    return _end_group(child.pid)


def _end_group(pid: int) -> bool:
    """End what runs in a child's process group; whether anything did. What has ended may linger there for a moment."""
    if not hasattr(os, "killpg"):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, 0)
        running = any(_runs_in(process, pid) for process in psutil.process_iter())
        os.killpg(pid, signal.SIGKILL)
        return running
    return False


def _runs_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def _send(child: subprocess.Popen[bytes], job: Mapping[str, Any]) -> None:
    """Stdin stays open: its end tells the child that we died."""
    assert child.stdin
    with suppress(BrokenPipeError):  # it died before reading; its exit status says how
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()
