"""The documentation still advises ORT_PARALLEL for models with many branches; on CPU it runs none side by side

To: microsoft/onnxruntime (documentation: performance/tune-performance/threading)
Seen also: https://github.com/microsoft/onnxruntime/issues/16158, https://github.com/microsoft/onnxruntime/issues/21259

The page says that ORT_PARALLEL may help a model with many branches. Since the execution plan of 1.14, all nodes of a
graph on the CPU provider go into one stream and run one after another, whatever the mode. What is left of the mode is
its second pool of threads, and that it switches off the memory pattern.

This script profiles four independent chains of matrix products and counts nodes that run at the same time.

Until then: leave execution_mode at ORT_SEQUENTIAL
"""

import json
import os
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

BRANCHES, STEPS, SIDE, RUNS = 4, 4, 256, 5


def model():
    random, nodes, weights = np.random.default_rng(0), [], []
    for branch in range(BRANCHES):
        last = "x"
        for step in range(STEPS):
            weight, output = f"w{branch}{step}", f"h{branch}{step}"
            values = random.standard_normal((SIDE, SIDE), dtype=np.float32) / SIDE**0.5
            weights.append(numpy_helper.from_array(values, weight))
            nodes.append(helper.make_node("MatMul", [last, weight], [output]))
            last = output
    ends = [f"h{branch}{STEPS - 1}" for branch in range(BRANCHES)]
    nodes.append(helper.make_node("Sum", ends, ["y"]))
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [SIDE, SIDE]) for name in "xy")
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()


def overlapping(folder):
    """(nodes that begin before another one has ended, all)."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, BRANCHES
    options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    options.enable_profiling, options.profile_file_prefix = True, str(Path(folder, "trace"))
    session = ort.InferenceSession(model(), options, providers=["CPUExecutionProvider"])
    for _ in range(RUNS):
        session.run(None, {"x": np.ones((SIDE, SIDE), np.float32)})
    events = json.loads(Path(session.end_profiling()).read_text())
    spans = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["name"].endswith("kernel_time"))
    return sum(one[1] > other[0] for one, other in pairwise(spans)), len(spans)


with tempfile.TemporaryDirectory() as folder:
    count, nodes = overlapping(folder)
if (os.cpu_count() or 1) < 2:
    state = "CANNOT TELL HERE (one core)"
else:
    state = "NOT THERE" if count else "STILL THERE"
print(
    f"{state}: ORT_PARALLEL, {BRANCHES} independent branches, {BRANCHES} inter-op threads:"
    f" {count} of {nodes} nodes overlap, onnxruntime {ort.__version__}"
)
