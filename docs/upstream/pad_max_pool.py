"""Pad_Fusion folds Pad(0) into MaxPool, which pads with minus infinity: wrong numbers for negative inputs

To: microsoft/onnxruntime
Seen also: no public report known

From ORT_ENABLE_BASIC on, a constant Pad of value 0 before MaxPool is folded into the pads of MaxPool. MaxPool pads with
the lowest number there is, so where a window touches the border and all inputs are negative, 0 should come out and a
negative number does. Behind a ReLU nobody notices. 1.16.3 and 1.18.1 do not do it, 1.20.1 to 1.31.1 do; mended in 1.32.0.

This script compares the output with that of ORT_DISABLE_ALL.

Until then: InferenceSession(..., disabled_optimizers=["Pad_Fusion"]), or onnxruntime 1.32.0
"""

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

nodes = [
    helper.make_node("Pad", ["x", "pads"], ["padded"]),
    helper.make_node("MaxPool", ["padded"], ["y"], kernel_shape=[2, 2]),
]
pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1]), "pads")
x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 3, 3])
y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 4])
graph = helper.make_graph(nodes, "g", [x], [y], [pads])
model = helper.make_model(
    graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
).SerializeToString()
feed = {"x": -np.arange(1, 10, dtype=np.float32).reshape(1, 1, 3, 3)}


def output(level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, feed)[0]


right, optimised = (
    output(level)
    for level in (ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
)
difference = float(np.abs(right - optimised).max())
state = "STILL THERE" if difference else "NOT THERE"
print(
    f"{state}: Pad(0) before MaxPool, optimised and not, differ by {difference:g} for inputs from -9 to -1,"
    f" onnxruntime {ort.__version__}"
)
