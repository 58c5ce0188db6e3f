"""A model that is given as bytes is kept for the life of the session, beside the weights made from it

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/23775

The Python class stores the bytes in session._model_bytes so that a fallback to other providers can open the model again.
A session from a path keeps no such copy. For a model of 500 MB that is 500 MB a process.

This script opens 64 MiB both ways, each in a child process, and reads what the session still refers to.

Until then: give a path; or, where there is no fallback to expect, session._model_bytes = None after opening
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

SIDE, LAYERS = 2048, 4
CPU = ["CPUExecutionProvider"]


def save(path):
    random = np.random.default_rng(0)
    names = ["x", *(f"h{layer}" for layer in range(1, LAYERS)), "y"]
    weights = [
        numpy_helper.from_array(random.standard_normal((SIDE, SIDE), dtype=np.float32), f"w{layer}")
        for layer in range(LAYERS)
    ]
    nodes = [helper.make_node("MatMul", [names[n], f"w{n}"], [names[n + 1]]) for n in range(LAYERS)]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, SIDE])] for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def resident_mib():
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    return next(
        int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmRSS")
    )


def opened(path, as_bytes):
    """The child: MiB of the bytes that the session refers to, and of the process."""
    session = ort.InferenceSession(Path(path).read_bytes() if as_bytes else path, providers=CPU)
    kept = getattr(session, "_model_bytes", None)
    print(len(kept or b"") / 2**20, resident_mib())


def tried(path, how):
    done = subprocess.run([sys.executable, __file__, path, how], capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


if len(sys.argv) > 1:
    opened(sys.argv[1], sys.argv[2] == "bytes")
else:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.onnx"))
        save(path)
        (kept, resident), (_, from_path) = tried(path, "bytes"), tried(path, "path")
    more = f"; the process has {resident:.0f} MiB, from a path {from_path:.0f}" if resident else ""
    state = "STILL THERE" if kept else "NOT THERE"
    print(f"{state}: session._model_bytes holds {kept:.0f} MiB{more}, onnxruntime {ort.__version__}")
