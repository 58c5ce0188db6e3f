"""SkipLayerNormalization on CPU is slower than the Add and LayerNormalization that it replaces, since 1.30.0

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/27436

Up to 1.29.0 the fused operator is the faster one. Since 1.30.0 LayerNormalization is several times as fast as before,
and SkipLayerNormalization several times as slow, so that SkipLayerNormFusion (part of ORT_ENABLE_EXTENDED and
ORT_ENABLE_ALL) makes BERT-like models slower. Outputs agree.

This script times both forms of one layer, 128 rows of 768 numbers, on one thread.

Until then: session_options.add_session_config_entry("optimization.disable_specified_optimizers", "SkipLayerNormFusion")
"""

from statistics import median
from time import perf_counter

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ROWS, WIDTH = 128, 768
RANDOM = np.random.default_rng(0)
SCALE = {name: RANDOM.random(WIDTH, np.float32) for name in ("gamma", "beta")}


def model(nodes):
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, ROWS, WIDTH]) for name in names]
        for names in (("x", "skip"), ("y",))
    ]
    weights = [numpy_helper.from_array(values, name) for name, values in SCALE.items()]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=domains, ir_version=8).SerializeToString()


def session(nodes):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model(nodes), options, providers=["CPUExecutionProvider"])


def microseconds(made, feed):
    times = []
    for _ in range(200):
        start = perf_counter()
        made.run(None, feed)
        times.append(perf_counter() - start)
    return 1e6 * median(times[20:])


fused = session(
    [
        helper.make_node(
            "SkipLayerNormalization", ["x", "skip", *SCALE], ["y"], domain="com.microsoft", epsilon=1e-5
        )
    ]
)
plain = session(
    [
        helper.make_node("Add", ["x", "skip"], ["sum"]),
        helper.make_node("LayerNormalization", ["sum", *SCALE], ["y"], epsilon=1e-5),
    ]
)
feed = {name: RANDOM.standard_normal((1, ROWS, WIDTH), dtype=np.float32) for name in ("x", "skip")}
assert np.allclose(fused.run(None, feed)[0], plain.run(None, feed)[0], atol=1e-4)
one, other = microseconds(fused, feed), microseconds(plain, feed)
state = "STILL THERE" if one > 1.5 * other else "NOT THERE"
print(
    f"{state}: SkipLayerNormalization takes {one:.0f} us, Add and LayerNormalization {other:.0f} us"
    f" ({one / other:.2f} times), onnxruntime {ort.__version__}"
)
