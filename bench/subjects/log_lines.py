"""What ORT's log prints at one level when something goes wrong, and what it does not: incident -> printed lines."""

from __future__ import annotations

import os
import tempfile
import time

TITLE = "各级日志打印什么"
WARNED = ("session.intra_op.spin_duration_us", "abc")
"""A value that is not a number: a warning, then the default."""
MISSPELT = ("session.intra_op.allow_spining", "0")
NO_SUCH_CORE = ("session.intra_op_thread_affinities", "9999")
"""A worker that cannot be bound: the thread pool tells the default logger, not the session's."""
QUIET = 4
LATE_SECONDS = 0.2
"""Threads of a pool speak a little later than the call that started them."""
MOST_LINES = 4
SEVERE = ("[W:", "[E:", "[F:")
"""Lines that are listed however much else is printed."""


def load():
    global np, onnx, ort, TensorProto, helper  # noqa: PLW0603 - imported in the measured process alone
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto, helper


def failing_model():
    """Gather whose index comes in as an input: out of range, it fails while running."""
    data = helper.make_tensor("data", TensorProto.FLOAT, [2], [1.0, 2.0])
    index = helper.make_tensor_value_info("index", TensorProto.INT64, [1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    node = helper.make_node("Gather", ["data", "index"], ["out"], name="gather")
    graph = helper.make_graph([node], "failing", [index], [out], [data])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def session(settings, entries=()):
    options = ort.SessionOptions()
    for name, value in settings.items():
        setattr(options, name, value)
    for key, value in entries:
        options.add_session_config_entry(key, value)
    return ort.InferenceSession(failing_model(), sess_options=options, providers=["CPUExecutionProvider"])


def fails(settings):
    """An error inside a node. Says whether the exception arrived."""
    try:
        session(settings).run(None, {"index": np.array([7], dtype=np.int64)})
    except Exception as error:  # noqa: BLE001 - which one ORT raises is what is looked at
        return f"Python 异常：{type(error).__name__}"
    return "没有异常"


def printed(incident):
    """What goes to stderr meanwhile, ORT's C++ log included, and what the incident itself returns."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            said = incident()
            time.sleep(LATE_SECONDS)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    severe = [line for line in lines[:-MOST_LINES] if any(sign in line for sign in SEVERE)]
    listed = severe + lines[-MOST_LINES:]
    cut = len(listed) < len(lines)
    left_out = [f"（共 {len(lines)} 行，只列警告、错误和最后 {MOST_LINES} 行）"] if cut else []
    return left_out + listed + ([said] if isinstance(said, str) else [])


def report(job):
    settings = job["settings"]
    two_threads = {**settings, "intra_op_num_threads": 2}
    found = {
        "healthy": printed(lambda: session(settings)),
        "misspelt_key": printed(lambda: session(settings, [MISSPELT])),
        "warning": printed(lambda: session(settings, [WARNED])),
        "error": printed(lambda: fails(settings)),
        "default_logger": printed(lambda: session(two_threads, [NO_SUCH_CORE])),
    }
    ort.set_default_logger_severity(QUIET)
    return {**found, "default_logger_quiet": printed(lambda: session(two_threads, [NO_SUCH_CORE]))}
