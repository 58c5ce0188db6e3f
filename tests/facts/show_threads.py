"""What the pages say of threads and spinning."""

from __future__ import annotations

import json
import os
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import onnxruntime as ort
from showing import FEED, elsewhere, error, main, options, session, threads

COUNT_THREADS = """
import os, sys, onnxruntime as ort
options = ort.SessionOptions()
for setting in sys.argv[2:]:
    name, value = setting.split("=")
    setattr(options, name, ort.ExecutionMode.ORT_PARALLEL if name == "execution_mode" else int(value))
before = len(os.listdir("/proc/self/task"))
session = ort.InferenceSession(sys.argv[1], sess_options=options, providers=["CPUExecutionProvider"])
print(len(os.listdir("/proc/self/task")) - before)
"""


def threads_elsewhere(model: str, *settings: str, **env: str) -> float:
    """Threads that a session makes in a process of its own."""
    return elsewhere(COUNT_THREADS, model, *settings, **env)


def idle_ms(model: str, keys: dict[str, str]) -> float:
    """CPU time burned after a run, while nobody asks for anything."""
    made = session(model, options(keys, intra_op_num_threads=2))
    for _ in range(3):
        made.run(None, FEED)
    start = time.process_time()
    time.sleep(0.12)
    return (time.process_time() - start) * 1e3


def shows_boolean_true(model: str) -> None:
    spins = idle_ms(model, {})
    assert idle_ms(model, {"session.intra_op.allow_spinning": "true"}) < spins / 4
    assert idle_ms(model, {"session.force_spinning_stop": "true"}) > spins / 4
    assert idle_ms(model, {"session.force_spinning_stop": "1"}) < spins / 4
    assert "TypeError" in error(lambda: options({"session.intra_op.allow_spinning": False}))


def shows_parallel_branches(model: str) -> None:
    mode = ort.ExecutionMode.ORT_PARALLEL
    prefix = str(Path(tempfile.mkdtemp()) / "trace")
    before = threads()
    pools = {"execution_mode": mode, "intra_op_num_threads": 1, "inter_op_num_threads": 3}
    made = session(model, options(**pools, enable_profiling=True, profile_file_prefix=prefix))
    assert threads() - before == 2
    for _ in range(3):
        made.run(None, FEED)
    events = json.loads(Path(made.end_profiling()).read_text())
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["cat"] == "Node")
    assert len(spans) > 30
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def shows_inter_op_sequential(model: str) -> None:
    before = threads()
    made = session(model, options(intra_op_num_threads=1, inter_op_num_threads=6))
    assert threads() == before
    del made


def shows_affinity_mask(model: str) -> None:
    default = threads_elsewhere(model)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    assert threads_elsewhere(model) == default
    assert threads_elsewhere(model, "intra_op_num_threads=1") == 0


def shows_openmp_variable(model: str) -> None:
    assert threads_elsewhere(model, OMP_NUM_THREADS="5") == threads_elsewhere(model)


def shows_thread_variables(model: str) -> None:
    assert threads_elsewhere(model, ORT_INTRA_OP_NUM_THREADS="4") == 3
    assert threads_elsewhere(model, "intra_op_num_threads=3", ORT_INTRA_OP_NUM_THREADS="4") == 2
    parallel = ("intra_op_num_threads=1", "execution_mode=1")
    assert threads_elsewhere(model, *parallel, ORT_INTER_OP_NUM_THREADS="4") == 3
    assert threads_elsewhere(model, "intra_op_num_threads=1", ORT_INTER_OP_NUM_THREADS="4") == 0
    os.environ["ORT_INTRA_OP_NUM_THREADS"] = "-1"
    assert "ORT_INTRA_OP_NUM_THREADS" in error(lambda: session(model))


def shows_invented_variables(model: str) -> None:
    names = [f"ORT_{one}" for one in ("NUM_THREADS", "SESSION_THREAD_POOL_SIZE", "DISABLE_THREAD_AFFINITY")]
    names += ["ORT_DISABLE_ARENA", "ORT_LOG_LEVEL", "ONNXRUNTIME_LOG_SEVERITY_LEVEL"]
    found = find_spec("onnxruntime")
    assert found
    assert found.origin
    libraries = list((Path(found.origin).parent / "capi").glob("*.so*"))
    assert libraries
    for library in libraries:
        content = library.read_bytes()
        assert not [name for name in names if name.encode() in content]
    sizes = {"ORT_NUM_THREADS": "6", "ORT_SESSION_THREAD_POOL_SIZE": "6"}
    assert threads_elsewhere(model, **sizes) == threads_elsewhere(model)


def shows_run_async(model: str) -> None:
    done: list[str] = []

    def ready(outputs: object, data: object, message: str) -> None:
        done.append(message)

    alone = session(model, options(intra_op_num_threads=1))
    assert "RunAsync" in error(lambda: alone.run_async(None, FEED, ready, None))
    session_of_two = session(model, options(intra_op_num_threads=2))
    session_of_two.run_async(None, FEED, ready, None)
    deadline = time.monotonic() + 10
    while not done and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done == [""]


def shows_global_pool(model: str) -> None:
    shared = options(use_per_session_threads=False)
    assert "use per session threadpools" in error(lambda: session(model, shared))
    ort.set_global_thread_pool_sizes(2, 1)
    session(model, shared)
    assert "use_per_session_threads must be false" in error(lambda: session(model))


def shows_affinity_count(model: str) -> None:
    def made_with(value: str) -> ort.InferenceSession:
        keys = {"session.intra_op_thread_affinities": value}
        return session(model, options(keys, intra_op_num_threads=2))

    made_with("1")
    assert "minus one" in error(lambda: made_with("1;1"))
    assert "start from 1" in error(lambda: made_with("0"))


if __name__ == "__main__":
    main(globals())
