"""ORT-format bytes used directly from Python crash the process or give wrong numbers

To: microsoft/onnxruntime
Seen also: no public report known

With session.use_ort_model_bytes_directly and session.use_ort_model_bytes_for_initializers the session keeps pointers
into the caller's buffer. The Python binding hands over a copy that does not live as long as the session, even where the
caller keeps the bytes: inference reads freed memory. The documentation says that the buffer must outlive the session,
which a Python caller cannot bring about.

This script infers in a child process and compares its output with that of the usual way.

Until then: give a path; session.use_memory_mapped_ort_model (1.26 and later) saves the copy
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

SIDES, LAYERS = (64, 512), 4
CPU = ["CPUExecutionProvider"]
KEYS = ("session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers")


def feed(side):
    return {"x": np.ones((2, side), np.float32)}


def saved(side, path):
    """A chain of matrix products in the ORT format."""
    random = np.random.default_rng(0)
    weights = [random.standard_normal((side, side), dtype=np.float32) / side**0.5 for _ in range(LAYERS)]
    names = ["x", *(f"h{layer}" for layer in range(1, LAYERS)), "y"]
    nodes = [
        helper.make_node("MatMul", [names[layer], f"w{layer}"], [names[layer + 1]]) for layer in range(LAYERS)
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, side])] for name in ("x", "y")]
    initializers = [numpy_helper.from_array(values, f"w{layer}") for layer, values in enumerate(weights)]
    graph = helper.make_graph(nodes, "g", *ends, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = path
    options.add_session_config_entry("session.save_model_format", "ORT")
    return ort.InferenceSession(model.SerializeToString(), options, providers=CPU).run(None, feed(side))[0]


def infer_from_bytes(path, side):
    """The child: the bytes live to the end, as the documentation asks."""
    content, options = Path(path).read_bytes(), ort.SessionOptions()
    for key in KEYS:
        options.add_session_config_entry(key, "1")
    session = ort.InferenceSession(content, options, providers=CPU)
    others = [bytearray(len(content)) for _ in range(20)]  # whatever a program needs meanwhile
    np.save(f"{path}.npy", session.run(None, feed(side))[0])
    return others


def tried(side, folder):
    path = str(Path(folder, f"model{side}.ort"))
    right = saved(side, path)
    child = subprocess.run([sys.executable, __file__, path, str(side)], capture_output=True, check=False)
    if child.returncode < 0:
        return f"the process died of signal {-child.returncode}"
    if child.returncode:
        return f"the process ended with status {child.returncode}"
    return "" if np.allclose(np.load(f"{path}.npy"), right, atol=1e-3) else "wrong numbers"


if len(sys.argv) > 1:
    infer_from_bytes(sys.argv[1], int(sys.argv[2]))
else:
    with tempfile.TemporaryDirectory() as folder:
        found = {side: tried(side, folder) for side in SIDES}
    wrong = ", ".join(f"{side} x {side}: {said}" for side, said in found.items() if said)
    state = "STILL THERE" if wrong else "NOT THERE"
    print(
        f"{state}: ORT-format bytes used directly: {wrong or 'right numbers'}, onnxruntime {ort.__version__}"
    )
