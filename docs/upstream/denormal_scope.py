"""session.set_denormal_as_zero: who is covered is undocumented, and differs between the first session and later ones

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/26992

The key sets flags of the processor for threads, not for a session. Covered are the threads of the session's own pool,
and the thread that creates the first session of a process, for all that it does from then on (NumPy's arithmetic and
Python's floats, too). Not covered is the thread that calls run(), unless it is that one: a thread from before the first
session, or the creator of a second session whose predecessor did not set the key. A service that opens a session
without the key first, or infers from a worker thread made before, gets none of the effect on the calling thread, in
silence.

This script multiplies denormal numbers by one, on one thread, and looks whether zeros come out.

Until then: set the key in the first session of a process, in the thread that will call, before other threads start; or
replace denormal weights in the file by zeros
"""

import subprocess
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

COUNT = 1 << 12
DENORMAL = np.full(COUNT, 1e-39, np.float32)


def model():
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [COUNT]) for name in "xy")
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "one"], ["y"])], "g", [x], [y], [one])
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def session(as_zero):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    if as_zero:
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
    return ort.InferenceSession(model(), options, providers=["CPUExecutionProvider"])


def flushes(made):
    return not made.run(None, {"x": DENORMAL})[0].any()


def numpy_flushes():
    return not (DENORMAL * np.float32(1)).any()


def second_session():
    """The child: the key in the second session only."""
    session(as_zero=False)
    print(flushes(session(as_zero=True)))


if len(sys.argv) > 1:
    second_session()
else:
    child = subprocess.run([sys.executable, __file__, "second"], capture_output=True, text=True, check=True)
    second = child.stdout.split()[-1] == "True"
    first, around = flushes(session(as_zero=True)), numpy_flushes()
    if first and not second:
        state = "STILL THERE"
    else:
        state = "NOT THERE" if first else "CANNOT TELL HERE (no flags on this processor)"
    print(
        f"{state}: denormals become zero with the key in the first session {first}, NumPy's in that thread, too, {around};"
        f" with the key in the second session only {second}, onnxruntime {ort.__version__}"
    )
