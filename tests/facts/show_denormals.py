"""What the pages say of denormal numbers: who takes them for zero. All of it holds on x86 only."""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from showing import graph, main, options, session

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = {"session.set_denormal_as_zero": "1"}
DENORMAL = np.full(1 << 20, 1e-39, np.float32)
MANY = np.full(1 << 23, 1e-39, np.float32)
"""Enough for a second thread to get its turn on a busy machine."""


def kept_by_python() -> bool:
    """Whether NumPy and Python still know denormal numbers in this thread."""
    smallest = float(np.float64(5e-324))
    kept = {bool((DENORMAL[:1] * np.float32(1))[0] != 0), smallest * 1.0 != 0}
    assert len(kept) == 1
    return kept.pop()


def times_one(threads: int, keys: dict[str, str], **attributes: Any) -> ort.InferenceSession:
    """A session that multiplies by 1, element by element."""
    proto = graph([("Mul", ["x", "one"], "y")], {"x": ["n"]}, {"y": ["n"]}, {"one": np.ones(1, np.float32)})
    level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    wanted = options(keys, intra_op_num_threads=threads, graph_optimization_level=level, **attributes)
    return session(proto.SerializeToString(), wanted)


def flushed(made: ort.InferenceSession, numbers: np.ndarray = DENORMAL) -> float:
    """The share of denormal numbers that came out as zero."""
    return float((made.run(None, {"x": numbers})[0] == 0).mean())


def some_flushed(made: ort.InferenceSession) -> bool:
    """Whether one run at least was shared between a thread that flushes and one that does not."""
    return any(0 < flushed(made, MANY) < 1 for _ in range(40))


def in_new_thread(action: Callable[..., Any], *arguments: Any) -> Any:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(action, *arguments).result()


def shows_denormal_threads(model: str) -> None:
    """The first session's thread and those that it starts later, and nobody who ran before."""
    earlier = ThreadPoolExecutor(1)
    assert earlier.submit(kept_by_python).result()
    first = times_one(1, KEY)
    assert not kept_by_python()
    assert flushed(first) == 1
    assert in_new_thread(flushed, first) == 1
    assert earlier.submit(kept_by_python).result()
    assert earlier.submit(flushed, first).result() == 0
    assert earlier.submit(some_flushed, times_one(2, KEY)).result()
    assert flushed(times_one(1, {})) == 1, "a later session does not take it back"


def shows_denormal_second_session(model: str) -> None:
    """A first session without the key leaves the callers of all later ones as they are."""
    times_one(1, {})
    alone = times_one(1, KEY)
    assert kept_by_python()
    assert flushed(alone) == 0
    assert in_new_thread(flushed, alone) == 0
    assert some_flushed(times_one(2, KEY))


def shows_denormal_global_pool(model: str) -> None:
    """Threads of the global pool do not hear the key of a session."""
    earlier = ThreadPoolExecutor(1)
    earlier.submit(kept_by_python).result()
    ort.set_global_thread_pool_sizes(2, 1)
    prefix = str(Path(tempfile.mkdtemp()) / "trace")
    shared = times_one(
        2, KEY, use_per_session_threads=False, enable_profiling=True, profile_file_prefix=prefix
    )
    assert not kept_by_python()
    assert not earlier.submit(some_flushed, shared).result()
    events = json.loads(Path(shared.end_profiling()).read_text())
    nodes = [event["args"]["thread_scheduling_stats"] for event in events if event["cat"] == "Node"]
    assert any(thread["num_run"] for node in nodes for thread in node["sub_threads"].values())


if __name__ == "__main__":
    if platform.machine() not in ("x86_64", "AMD64"):
        sys.exit()
    main(globals())
