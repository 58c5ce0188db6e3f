"""What a child left when it ended: the report of the worker, or why there is none."""

from __future__ import annotations

import errno
import os
import re
import signal
from typing import Annotated

from pydantic import Field, ValidationError

from bench.results.records import Failure, FailureKind, Figures, Record

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


def read(status: int | None, output: bytes, log: str, timeout_s: float) -> Report | Failure:
    """A report of figures or lines, or else the failure that stands in its place."""
    if failure := ended_badly(status, output, log, timeout_s):
        return failure
    try:
        report = Report.model_validate_json(output)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Failure(kind="garbage", reason=clean_text(f"报告不合格：{where} {first['msg']}"))
    if report.lines is not None or (report.ok and report.ok.outputs.finite):
        return report
    if report.ok:
        return Failure(kind="not_finite", reason="输出含 NaN 或无穷大")
    if report.unsupported:
        return Failure(kind="unsupported", reason=clean_text(report.unsupported))
    text = report.error or "未说明原因"
    _check_disk(text)
    return Failure(kind=_crash_kind(text), reason=clean_text(text))


def ended_badly(status: int | None, output: bytes, log: str, timeout_s: float) -> Failure | None:
    """Why a child left no report at all; None when it did."""
    if status is None:
        return Failure(kind="timeout", reason=f"超过 {timeout_s:.0f} 秒仍未结束，已终止")
    if status < 0:
        return _killed(-status)
    if not output:
        last = clean_text(next((line for line in reversed(log.splitlines()) if line.strip()), ""))
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


def _crash_kind(text: str) -> FailureKind:
    return "out_of_memory" if any(sign in text for sign in OUT_OF_MEMORY_SIGNS) else "crashed"


def clean_text(text: str) -> str:
    """One printable line of bounded length: no terminal codes, no folders of this machine."""
    return " ".join(_printable(text).split())[:MAX_REASON]


def clean_line(text: str) -> str:
    """A line of a report as it was, but for terminal codes and folders of this machine."""
    return _printable(text)[:MAX_LINE]


def _printable(text: str) -> str:
    bare = _FOLDERS.sub("", _TERMINAL.sub("", text))
    return "".join(c if c.isprintable() else " " for c in bare)
