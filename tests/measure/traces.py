"""Lines of the profiler's trace, an event each; as ORT itself writes them, `test_trace` has some."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def span(start: int, length: int, name: str = "model_run", **more: Any) -> str:
    return json.dumps(
        {"cat": "Session", "name": name, "ts": start, "dur": length, "tid": 1, "args": {}} | more
    )


def kernel(name: str, start: int, length: int, *, operator: str = "Conv", thread: int = 1) -> str:
    return span(start, length, f"{name}_kernel_time", cat="Node", tid=thread, args={"op_name": operator})


def write_trace(path: Path, lines: Iterable[str]) -> Path:
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")
    return path
