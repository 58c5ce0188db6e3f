"""The profiler's trace as ORT writes it: an event a line, in the order in which events ended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def span(start: int, length: int, name: str = "model_run") -> str:
    """A line of a trace: a run as a whole, or something else of the session."""
    return _line("Session", name, start, length, 1, {})


def kernel(name: str, start: int, length: int, *, operator: str = "Conv", thread: int = 1) -> str:
    """A line of a trace: one execution of a node."""
    return _line("Node", f"{name}_kernel_time", start, length, thread, {"op_name": operator})


def _line(category: str, name: str, start: int, length: int, thread: int, arguments: dict[str, str]) -> str:
    head = f'{{"cat" : "{category}","pid" :7,"tid" :{thread},"dur" :{length},"ts" :{start},"ph" : "X",'
    return f'{head}"name" :"{name}","args" : {json.dumps(arguments)}}}'


def write_trace(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    return path
