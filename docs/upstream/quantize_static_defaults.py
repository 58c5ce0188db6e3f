"""quantize_static's defaults (QInt8 activations, QInt8 weights) make models slower than fp32 on x86

To: microsoft/onnxruntime
Seen also: https://github.com/microsoft/onnxruntime/issues/26143

x86 multiplies unsigned by signed bytes (VPDPBUSD). With signed activations, the default of activation_type, that
instruction does not fit, and the quantised model is slower than the one it was made from. With QUInt8 activations it is
faster. Either another default on x86 or a warning would spare users the riddle; the documentation recommends U8S8 for
x86 in a paragraph far below the examples.

This script quantises three matrix products both ways and times them beside fp32, on one thread.

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
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

logging.disable(logging.WARNING)  # the advice to preprocess
ROWS, SIDE, LAYERS = 64, 768, 3
RANDOM = np.random.default_rng(0)
FEED = {"x": RANDOM.standard_normal((ROWS, SIDE), dtype=np.float32)}


def save(path):
    names = ["x", *(f"h{layer}" for layer in range(1, LAYERS)), "y"]
    weights = [
        numpy_helper.from_array(
            RANDOM.standard_normal((SIDE, SIDE), dtype=np.float32) / SIDE**0.5, f"w{layer}"
        )
        for layer in range(LAYERS)
    ]
    nodes = [
        helper.make_node("MatMul", [names[n], f"w{n}"], [names[n + 1]], name=f"product{n}")
        for n in range(LAYERS)
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [ROWS, SIDE])] for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", *ends, weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Once(CalibrationDataReader):
    def __init__(self):
        self.feeds = iter([FEED])

    def get_next(self):
        return next(self.feeds, None)


def milliseconds(path):
    options, times = ort.SessionOptions(), []
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    for _ in range(60):
        start = perf_counter()
        session.run(None, FEED)
        times.append(perf_counter() - start)
    return 1e3 * median(times[10:])


with tempfile.TemporaryDirectory() as folder:
    fp32, default, unsigned = (Path(folder, f"{name}.onnx") for name in ("fp32", "default", "unsigned"))
    save(fp32)
    quantize_static(str(fp32), str(default), Once())
    quantize_static(
        str(fp32), str(unsigned), Once(), activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8
    )
    usual, slow, fast = map(milliseconds, (fp32, default, unsigned))
state = "STILL THERE" if slow > 1.1 * usual and slow > 1.3 * fast else "NOT THERE"
print(
    f"{state}: fp32 {usual:.2f} ms, quantize_static's defaults {slow:.2f} ms ({slow / usual:.2f} times),"
    f" QUInt8 activations {fast:.2f} ms ({fast / usual:.2f} times), onnxruntime {ort.__version__}"
)
