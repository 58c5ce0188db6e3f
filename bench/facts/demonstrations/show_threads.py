"""What the pages say of threads, of spinning, and of denormal numbers: who takes them for zero (that on x86 only)."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from showing import FEED, elsewhere, error, folder, graph, options, refusal, session, threads

DENORMAL = np.full(1 << 20, 1e-39, np.float32)
MANY = np.full(1 << 23, 1e-39, np.float32)
"""Enough for a second thread to get its turn on a busy machine."""
AS_ZERO = {"session.set_denormal_as_zero": "1"}


def made(model: str, settings: dict[str, Any]) -> int:
    before, _held = threads(), session(model, options(**settings))
    return threads() - before


def made_elsewhere(model: str, settings: dict[str, Any] | None = None, **env: str) -> int:
    return elsewhere(made, model, settings or {}, **env)


def idle_ms(model: str, keys: dict[str, str]) -> float:
    """CPU time burned after a run, while nobody asks for anything."""
    held = session(model, options(keys, intra_op_num_threads=2))
    for _ in range(3):
        held.run(None, FEED)
    start = time.process_time()
    time.sleep(0.12)
    return (time.process_time() - start) * 1e3


def shows_boolean_true(model: str) -> None:
    spins = idle_ms(model, {})
    assert idle_ms(model, {"session.intra_op.allow_spinning": "true"}) < spins / 4
    assert idle_ms(model, {"session.force_spinning_stop": "true"}) > spins / 4
    assert idle_ms(model, {"session.force_spinning_stop": "1"}) < spins / 4
    assert "TypeError" in refusal(model, {"session.intra_op.allow_spinning": False})


def shows_parallel_branches__inter_op_sequential(model: str) -> None:
    pools = {"intra_op_num_threads": 1, "inter_op_num_threads": 3}
    assert made(model, pools) == 0
    trace = {"enable_profiling": True, "profile_file_prefix": str(folder() / "trace")}
    before, held = threads(), session(model, options(execution_mode="ORT_PARALLEL", **pools, **trace))
    assert threads() - before == 2
    for _ in range(3):
        held.run(None, FEED)
    events = json.loads(Path(held.end_profiling()).read_text())
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["cat"] == "Node")
    assert len(spans) > 30
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def shows_affinity_count__affinity_mask(model: str) -> None:
    key = "session.intra_op_thread_affinities"
    session(model, options({key: "1"}, intra_op_num_threads=2))
    assert "minus one" in refusal(model, {key: "1;1"}, intra_op_num_threads=2)
    assert "start from 1" in refusal(model, {key: "0"}, intra_op_num_threads=2)
    default = made_elsewhere(model)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    assert made_elsewhere(model) == default
    assert made_elsewhere(model, {"intra_op_num_threads": 1}) == 0


def shows_openmp_variable__invented_variables(model: str) -> None:
    """Those that there are, too."""
    default, one = made_elsewhere(model), {"intra_op_num_threads": 1}
    assert made_elsewhere(model, OMP_NUM_THREADS="5") == default
    assert made_elsewhere(model, ORT_NUM_THREADS="6", ORT_SESSION_THREAD_POOL_SIZE="6") == default
    names = [f"ORT_{one}" for one in ("NUM_THREADS", "SESSION_THREAD_POOL_SIZE", "DISABLE_THREAD_AFFINITY")]
    names += ["ORT_DISABLE_ARENA", "ORT_LOG_LEVEL", "ONNXRUNTIME_LOG_SEVERITY_LEVEL"]
    libraries = [path.read_bytes() for path in Path(ort.__file__).with_name("capi").glob("*.so*")]
    assert libraries
    assert not [name for name in names if any(name.encode() in content for content in libraries)]
    assert made_elsewhere(model, ORT_INTRA_OP_NUM_THREADS="4") == 3
    assert made_elsewhere(model, {"intra_op_num_threads": 3}, ORT_INTRA_OP_NUM_THREADS="4") == 2
    assert made_elsewhere(model, one | {"execution_mode": "ORT_PARALLEL"}, ORT_INTER_OP_NUM_THREADS="4") == 3
    assert made_elsewhere(model, one, ORT_INTER_OP_NUM_THREADS="4") == 0
    os.environ["ORT_INTRA_OP_NUM_THREADS"] = "-1"
    assert "ORT_INTRA_OP_NUM_THREADS" in refusal(model)


def shows_run_async(model: str) -> None:
    done: list[str] = []

    def ready(outputs: object, data: object, message: str) -> None:
        done.append(message)

    alone, of_two = (session(model, options(intra_op_num_threads=count)) for count in (1, 2))
    assert "RunAsync" in error(lambda: alone.run_async(None, FEED, ready, None))
    of_two.run_async(None, FEED, ready, None)
    deadline = time.monotonic() + 10
    while not done and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done == [""]


def shows_global_pool(model: str) -> None:
    assert "use per session threadpools" in refusal(model, use_per_session_threads=False)
    ort.set_global_thread_pool_sizes(2, 1)
    session(model, options(use_per_session_threads=False))
    assert "use_per_session_threads must be false" in refusal(model)


def kept_by_python() -> bool:
    """Whether NumPy and Python still know denormal numbers in this thread."""
    (kept,) = {bool((DENORMAL[:1] * np.float32(1))[0] != 0), float(np.float64(5e-324)) * 1.0 != 0}
    return kept


def times_one(threads: int, keys: dict[str, str], **attributes: Any) -> ort.InferenceSession:
    """A session that multiplies by 1, element by element."""
    proto = graph([("Mul", ["x", "one"], "y")], {"x": ["n"]}, {"y": ["n"]}, {"one": np.ones(1, np.float32)})
    level = {"graph_optimization_level": "ORT_DISABLE_ALL"}
    return session(proto, options(keys, intra_op_num_threads=threads, **level, **attributes))


def flushed(held: ort.InferenceSession, numbers: np.ndarray = DENORMAL) -> float:
    """The share of denormal numbers that came out as zero."""
    return float((held.run(None, {"x": numbers})[0] == 0).mean())


def some_flushed(held: ort.InferenceSession) -> bool:
    """Whether one run at least was shared between a thread that flushes and one that does not."""
    return any(0 < flushed(held, MANY) < 1 for _ in range(40))


def shows_denormal_threads(model: str) -> None:
    """The first session's thread and those that it starts later, and nobody who ran before."""
    earlier = ThreadPoolExecutor(1)
    assert earlier.submit(kept_by_python).result()
    first = times_one(1, AS_ZERO)
    assert not kept_by_python()
    assert flushed(first) == 1
    assert ThreadPoolExecutor(1).submit(flushed, first).result() == 1
    assert earlier.submit(kept_by_python).result()
    assert earlier.submit(flushed, first).result() == 0
    assert earlier.submit(some_flushed, times_one(2, AS_ZERO)).result()
    assert flushed(times_one(1, {})) == 1, "a later session does not take it back"


def shows_denormal_second_session(model: str) -> None:
    """A first session without the key leaves the callers of all later ones as they are."""
    times_one(1, {})
    alone = times_one(1, AS_ZERO)
    assert kept_by_python()
    assert flushed(alone) == 0
    assert ThreadPoolExecutor(1).submit(flushed, alone).result() == 0
    assert some_flushed(times_one(2, AS_ZERO))


def shows_denormal_global_pool(model: str) -> None:
    """Threads of the global pool do not hear the key of a session."""
    earlier = ThreadPoolExecutor(1)
    earlier.submit(kept_by_python).result()
    ort.set_global_thread_pool_sizes(2, 1)
    trace = {"enable_profiling": True, "profile_file_prefix": str(folder() / "trace")}
    shared = times_one(2, AS_ZERO, use_per_session_threads=False, **trace)
    assert not kept_by_python()
    assert not earlier.submit(some_flushed, shared).result()
    events = json.loads(Path(shared.end_profiling()).read_text())
    nodes = [event["args"]["thread_scheduling_stats"] for event in events if event["cat"] == "Node"]
    assert any(thread["num_run"] for node in nodes for thread in node["sub_threads"].values())


def shows_fork(model: str) -> None:
    """The child infers on the one thread that came along; it ends by `_exit`, or it would hang."""
    held = session(model, options(intra_op_num_threads=3))
    held.run(None, FEED)
    assert threads() >= 3
    if (child := os.fork()) == 0:
        held.run(None, FEED)
        os._exit(threads())
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
