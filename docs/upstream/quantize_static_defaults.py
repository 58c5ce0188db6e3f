"""quantize_static's defaults (QInt8 activations, QInt8 weights) make models slower than fp32 on x86

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/26143

With signed activations, the default of activation_type, a good part of the operators is not fused with the
QuantizeLinear and DequantizeLinear around it on x86: QDQ int8 is not allowed there (session.qdqisint8allowed), and what
takes its place, turning the pairs into unsigned ones, does not reach values with several readers, such as those of
residual connections. Those operators then run in fp32, with conversions before and behind them, and the quantised model
is slower than the one it was made from. Allowing int8 is no remedy: the signed kernels take twenty times as long. With
QUInt8 activations all of it is fused. Either another default on x86 or a warning would spare users the riddle; the
documentation recommends U8S8 for x86 in a paragraph far below the examples.

This script quantises six convolutions with residual connections both ways, counts those that are left in fp32 and times
the models, on one thread.

Until then: quantize_static(..., activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
"""

import logging
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

try:
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
except ImportError as error:  # some versions import what they do not bring
    print(f"CANNOT TELL HERE: {error}, onnxruntime {ort.__version__}")
    raise SystemExit from error

logging.disable(logging.WARNING)  # the advice to preprocess
CHANNELS, SIDE, LAYERS = 64, 28, 6
SHAPE = [1, CHANNELS, SIDE, SIDE]
RANDOM = np.random.default_rng(0)
FEED = {"x": RANDOM.standard_normal(SHAPE, dtype=np.float32)}


def save(path):
    shape = (CHANNELS, CHANNELS, 1, 1)
    nodes, weights, last = [], [], "x"
    for layer in range(LAYERS):
        weight, output = f"w{layer}", "y" if layer == LAYERS - 1 else f"h{layer}"
        values = RANDOM.standard_normal(shape, dtype=np.float32) / CHANNELS**0.5
        weights.append(numpy_helper.from_array(values, weight))
        nodes.append(helper.make_node("Conv", [last, weight], [f"c{layer}"], name=f"conv{layer}"))
        nodes.append(helper.make_node("Add", [f"c{layer}", last], [output], name=f"add{layer}"))
        last = output
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE)] for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Once(CalibrationDataReader):
    def __init__(self):
        self.feeds = iter([FEED])

    def get_next(self):
        return next(self.feeds, None)


def measured(path, optimised):
    """Milliseconds of a run, and how many convolutions are left in fp32."""
    options, times = ort.SessionOptions(), []
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(optimised)
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(60):
        start = perf_counter()
        session.run(None, FEED)
        times.append(perf_counter() - start)
    kinds = [node.op_type for node in onnx.load(str(optimised)).graph.node]
    return 1e3 * median(times[10:]), kinds.count("Conv")


with tempfile.TemporaryDirectory() as folder:
    fp32, default, unsigned = (Path(folder, f"{name}.onnx") for name in ("fp32", "default", "unsigned"))
    save(fp32)
    quantize_static(str(fp32), str(default), Once())
    quantize_static(
        str(fp32), str(unsigned), Once(), activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
    (usual, _), (slow, left), (fast, none) = (
        measured(path, path.with_suffix(".optimised.onnx")) for path in (fp32, default, unsigned)
    )
state = "STILL THERE" if left > none else "NOT THERE"
print(
    f"{state}: quantize_static's defaults leave {left} of {LAYERS} convolutions in fp32, QUInt8 activations {none};"
    f" fp32 {usual:.2f} ms, defaults {slow:.2f} ({slow / usual:.2f} times), QUInt8 {fast:.2f} ({fast / usual:.2f} times),"
    f" onnxruntime {ort.__version__}"
)
