"""What a terminal may do to us, and we to it: encodings, closed windows, second thoughts."""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

SAMPLE = "测量 ✓"
"""Whatever cannot encode this cannot show what we print."""
STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, `kill`, a closed window; by name, for no system has them all."""


class Stopped(KeyboardInterrupt):
    """Somebody asked this process to end. Passes through everything that Ctrl-C passes through."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def speak_chinese() -> None:
    """Make text and file names survive a locale that knows ASCII only."""
    if not (_can_encode(sys.getfilesystemencoding()) or sys.flags.ignore_environment):
        # file names are decoded from the start on: only starting again helps
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONUTF8": "1"})  # noqa: S606
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not _can_encode(stream.encoding):
            stream.reconfigure(encoding="utf-8")


def _can_encode(encoding: str) -> bool:
    try:
        SAMPLE.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


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
