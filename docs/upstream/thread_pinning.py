"""An explicit intra_op_num_threads gives up the pinning of threads; the documentation does not say so

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/29510

With intra_op_num_threads = 0 ORT makes a thread for each physical core and binds each to one. Setting the very same
number explicitly makes as many threads, bound to none. The page on thread management says what 0 means for the number,
not that the number decides about the binding. Where calls come with gaps, unbound threads that do not spin are woken on
the core of the caller: two threads then take as long as one.

This script counts the threads of a session and those that may run on fewer cores than the process.

Until then: session_options.add_session_config_entry("session.intra_op_thread_affinities", "2") with two threads,
"2;3" with three: an entry for each thread but the caller's, processors counted from 1
"""

import os
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

TASKS = Path("/proc/self/task")


def model():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "g", [x], [y])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def threads_of_a_session(count):
    """How many it starts, and how many of them are pinned."""
    before = {task.name for task in TASKS.iterdir()}
    options = ort.SessionOptions()
    options.intra_op_num_threads = count
    session = ort.InferenceSession(model(), options, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.ones(1, np.float32)})
    started = {task.name for task in TASKS.iterdir()} - before
    usable, deadline, pinned = len(os.sched_getaffinity(0)), monotonic() + 1, 0
    while pinned < len(started) and monotonic() < deadline:  # each binds itself, as soon as it gets a core
        sleep(0.01)
        pinned = sum(len(os.sched_getaffinity(int(thread))) < usable for thread in started)
    return len(started), pinned


def told():
    if not TASKS.exists():
        return "CANNOT TELL HERE: threads are read from /proc, which Linux has"
    started, pinned = threads_of_a_session(0)
    if not pinned:
        return f"CANNOT TELL HERE: by default {started} threads are started and none is pinned"
    again, pinned_again = threads_of_a_session(started + 1)
    state = "STILL THERE" if pinned_again < pinned else "NOT THERE"
    return (
        f"{state}: by default {pinned} of {started} threads are pinned,"
        f" with intra_op_num_threads = {started + 1} {pinned_again} of {again}"
    )


print(f"{told()}, onnxruntime {ort.__version__}")
