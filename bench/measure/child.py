"""Start one child, wait for its one JSON, and turn whatever else happens into a `Failure`."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import psutil
from pydantic import Field, ValidationError

from bench.results.records import Failure, FailureKind, Figures, Record
from bench.system import leftovers
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

WORKER = Path(__file__).with_name("worker.py")
READY_SECONDS = 120.0

FOREIGN = ("GLIBC_TUNABLES", "LD_PRELOAD")
"""Variables of the caller that would change a case behind its back, beside the prefixes below."""
FOREIGN_PREFIXES = ("ORT_", "OMP_", "MALLOC_", "KMP_", "OPENBLAS_", "MKL_")
MAX_REASON = 300
MAX_LINE = 500
OUT_OF_MEMORY_SIGNS = (
    "MemoryError",
    "bad_alloc",
    "Available memory",
    "Failed to allocate memory",
    "Cannot allocate memory",
    "Memory allocation still failed",
)
"""How Python, the C++ library, ORT's arena, the system and OpenBLAS say it."""
DISK_FULL_SIGN = f"[Errno {errno.ENOSPC}]"


_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]")
_FOLDERS = re.compile(r"(?<![\w/:.])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:'\"]+)*[/\\](?=[^\s/\\:'\"]+)")
"""The folders before a file's name in an absolute path."""


class Report(Record):
    """What the worker sends: one of the four."""

    ok: Figures | None = None
    lines: Annotated[dict[str, list[str]], Field(max_length=100)] | None = None
    unsupported: str | None = None
    error: str | None = None


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
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN and not name.startswith(FOREIGN_PREFIXES)
    }
    return {**kept, "ORT_DISABLE_TELEMETRY": "1", **extra}


def run_worker(job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float) -> Outcome:
    """One job in one fresh process, beside as many others of the same kind as the job asks for."""
    start = time.monotonic()
    whole = {**job, "parent_pid": os.getpid()}
    try:
        with _company(whole, env, job.get("processes", 1) - 1):
            status, output, log = run_script(WORKER, whole, env, timeout_s)
    except _CompanyLost:
        reason = "同时运行的另一个进程没有跑起来，或中途结束了"
        return Outcome(time.monotonic() - start, "", failure=Failure(kind="crashed", reason=reason))
    except ChildrenLeft:
        return Outcome(time.monotonic() - start, "", failure=LEFT)
    wall = time.monotonic() - start
    report, failure = _judge(status, output, log, timeout_s)
    if report is None:
        return Outcome(wall, log, failure=failure)
    lines = {clean_text(head): clean_lines(lines) for head, lines in (report.lines or {}).items()}
    return Outcome(wall, log, report.ok, None, lines)


class _CompanyLost(Exception):
    """A process that should run beside the measured one ended before it was under way, or before the measured one did."""


@contextmanager
def _company(job: Mapping[str, Any], env: Mapping[str, str], count: int) -> Iterator[None]:
    """So many processes that run the same case until the measured one is done."""
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            child = stack.enter_context(_started(WORKER, env, subprocess.DEVNULL))
            started.append(child)
            _send(child, {**job, "company": True})
            _wait_until_ready(child)
        yield
        if any(child.poll() is not None for child in started):
            raise _CompanyLost


def _wait_until_ready(child: subprocess.Popen[bytes]) -> None:
    """Its first line says that it is under way; killed, the read ends without one."""
    timer = threading.Timer(READY_SECONDS, child.kill)
    timer.daemon = True
    try:
        timer.start()
        assert child.stdout
        line = child.stdout.readline()
    finally:
        timer.cancel()
    if line != b"ready\n":
        raise _CompanyLost


@contextmanager
def _started(script: Path, env: Mapping[str, str], log: IO[bytes] | int) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own: Ctrl-C reaches the runner alone, which then ends the child."""
    child = subprocess.Popen(
        [sys.executable, "-I", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=clean_environment(env),
        start_new_session=True,
    )
    try:
        with leftovers.process(Folders.here().leftovers, child.pid):
            yield child
    finally:
        _end(child)


def run_script(
    script: Path, job: Mapping[str, Any], env: Mapping[str, str], timeout_s: float
) -> tuple[int | None, bytes, str]:
    """Run `script` with a job on stdin. Returns (exit status or None on timeout, stdout, stderr).

    The wait is a blocking read: the parent uses no CPU while the child is measured.
    """
    timed_out = threading.Event()
    with tempfile.TemporaryFile() as log, _started(script, env, log) as child:

        def give_up() -> None:
            """The child hangs, or it has ended and what it forked holds its pipe."""
            if child.poll() is None:
                timed_out.set()
                child.kill()
            _end_group(child.pid)

        timer = threading.Timer(timeout_s, give_up)
        timer.daemon = True
        try:
            timer.start()
            output = _exchange(child, job)
        finally:
            timer.cancel()
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
    _close_pipes(child)
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


def _exchange(child: subprocess.Popen[bytes], job: Mapping[str, Any]) -> bytes:
    """Send the job, keep stdin open (its end tells the child that we died), read its one line.

    To the end of the line, not of the file: a process that the child has forked would keep that from coming.
    """
    assert child.stdout
    _send(child, job)
    output = child.stdout.readline()
    child.wait()
    return output


def _send(child: subprocess.Popen[bytes], job: Mapping[str, Any]) -> None:
    assert child.stdin
    with suppress(BrokenPipeError):  # it died before reading; its exit status says how
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()


def _judge(
    status: int | None, output: bytes, log: str, timeout_s: float
) -> tuple[Report | None, Failure | None]:
    if failure := ended_badly(status, output, log, timeout_s):
        return None, failure
    try:
        report = Report.model_validate_json(output)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return None, Failure(kind="garbage", reason=clean_text(f"报告不合格：{where} {first['msg']}"))
    if report.lines is not None or (report.ok and report.ok.outputs.finite):
        return report, None
    return None, _told_failure(report)


def ended_badly(status: int | None, output: bytes, log: str, timeout_s: float) -> Failure | None:
    """Why a child left no report at all; None when it did."""
    if status is None:
        return Failure(kind="timeout", reason=f"超过 {timeout_s:.0f} 秒仍未结束，已终止")
    if status < 0:
        return _killed(-status)
    if not output:
        last = _last_line(log)
        _check_disk(last)
        return Failure(kind=_crash_kind(log), reason=f"退出码 {status}，没有报告。{last}")
    return None


def _check_disk(text: str) -> None:
    """A full disk is no fault of the case: nothing is written down."""
    if DISK_FULL_SIGN in text:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _killed(number: int) -> Failure:
    name = signal.Signals(number).name if number in signal.Signals._value2member_map_ else str(number)
    if name == "SIGKILL":
        return Failure(kind="out_of_memory", reason="进程被系统强制结束（SIGKILL），多半是内存不足")
    return Failure(kind="crashed", reason=f"进程因信号 {name} 结束")


def _told_failure(report: Report) -> Failure:
    if report.ok:
        return Failure(kind="not_finite", reason="输出含 NaN 或无穷大")
    if report.unsupported:
        return Failure(kind="unsupported", reason=clean_text(report.unsupported))
    text = report.error or "未说明原因"
    _check_disk(text)
    return Failure(kind=_crash_kind(text), reason=clean_text(text))


def _crash_kind(text: str) -> FailureKind:
    return "out_of_memory" if any(sign in text for sign in OUT_OF_MEMORY_SIGNS) else "crashed"


def _last_line(log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    return clean_text(lines[-1]) if lines else ""


def clean_text(text: str) -> str:
    """One printable line of bounded length: no terminal codes, no folders of this machine."""
    text = _TERMINAL.sub("", text)
    text = _FOLDERS.sub("", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())[:MAX_REASON]


def clean_lines(lines: Iterable[str]) -> list[str]:
    """Lines of a report as they were, but for terminal codes and folders of this machine."""
    cleaned = (_FOLDERS.sub("", _TERMINAL.sub("", str(line))) for line in lines)
    return ["".join(c if c.isprintable() else " " for c in line)[:MAX_LINE] for line in cleaned]
