"""What a terminal may do to us, and we to it: encodings, closed windows, second thoughts, full disks; a parent that ends."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import sys
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SAMPLE = "测量 ✓"
"""Whatever cannot encode this cannot show what we print."""
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, `kill`, a closed window; by name, for no system has them all."""
PARENT_VARIABLE = "BENCH_PARENT"
PR_SET_PDEATHSIG = 1


class Stopped(KeyboardInterrupt):
    """Somebody asked this process to end. Passes through everything that Ctrl-C passes through."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number
        self.leaves = ""
        """What was under way, and what is left of it; a sentence."""


@contextmanager
def leaving(sentence: str | Callable[[], str]) -> Iterator[None]:
    """What is left when somebody asks this process to end inside: only who is at work knows."""
    try:
        yield
    except Stopped as stopped:
        stopped.leaves = stopped.leaves or (sentence if isinstance(sentence, str) else sentence())
        raise


class CannotPrint(Exception):
    """Standard output takes nothing more; the message is one sentence for the user."""


class Output(TextIOWrapper):
    """Standard output whose failures are told from those of our own files."""

    def write(self, text: str) -> int:
        with _printing():
            return super().write(text)

    def flush(self) -> None:
        with _printing():
            super().flush()


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # somebody has read enough
    except OSError as error:
        why = "磁盘已满" if error.errno == errno.ENOSPC else error.strerror
        raise CannotPrint(f"标准输出写不进去：{why}") from error


def _can_encode(encoding: str) -> bool:
    try:
        return bool(SAMPLE.encode(encoding))
    except UnicodeEncodeError:
        return False


def speak_chinese() -> None:
    """Make text and file names survive a locale that knows ASCII only."""
    if not (_can_encode(sys.getfilesystemencoding()) or sys.flags.ignore_environment):
        # file names are decoded from the start on: only starting again helps
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not _can_encode(stream.encoding):
            stream.reconfigure(encoding="utf-8")


def notice_full_output() -> None:
    """Let a standard output that cannot be written to raise `CannotPrint`."""
    old = sys.stdout
    if isinstance(old, TextIOWrapper):
        encoding, errors, lines = old.encoding, old.errors, old.line_buffering
        sys.stdout = Output(old.detach(), encoding=encoding, errors=errors, line_buffering=lines)


def drop_output() -> None:
    """Forget what could not be printed, or the interpreter would try again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def listen() -> None:
    """Let the first signal end this process in order, and a second one at once.

    What the caller has told this process to ignore, such as nohup does, stays ignored.
    """
    for number in _stopping():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> None:
    for other in _stopping():
        if signal.getsignal(other) is _stop:
            signal.signal(other, signal.SIG_DFL)
    raise Stopped(number)


def _stopping() -> list[signal.Signals]:
    return [signal.Signals[name] for name in STOPPING if name in signal.Signals.__members__]


def bound() -> dict[str, str]:
    """Environment of a child that is to end with this process; it calls `follow` when it starts."""
    return {PARENT_VARIABLE: str(os.getpid())}


def follow() -> None:
    """End with the process that started this one, where that process asked for it: an orphan would disturb the next
    measurement.

    Linux only: elsewhere such a process goes on to its end. The processes that are measured see to it themselves,
    on every system, see `bench.measure.worker`.
    """
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if not parent or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it ended before we could ask
        os._exit(1)
