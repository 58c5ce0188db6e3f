"""Published PP-OCRv6 detection model: a tenth of the weights are denormal numbers, inference takes several times as long

To: PaddlePaddle/PaddleOCR, RapidAI/RapidOCR
Seen also: https://github.com/microsoft/onnxruntime/issues/26992 (looks like the same cause)

Training drove the weights of some channels towards zero, below 1.2e-38. x86 processors calculate with such numbers in
microcode. Replacing them by zeros leaves the output as it is, bit by bit, and needs no setting of anybody; exporting or
publishing the model is the place for it.

This script counts the denormal weights of a model (a path as argument, or the detection model of an installed rapidocr)
and times it as it is and with those weights set to zero, on one thread.

Until then: replace them in a copy of the file (`cleaned` below), or set session.set_denormal_as_zero to "1"
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper

TINY = np.finfo(np.float32).tiny


def cleaned(model):
    """The model with denormal weights replaced by zeros, how many they were, and how many weights there are."""
    count = total = 0
    constants = (
        a.t
        for node in model.graph.node
        if node.op_type == "Constant"
        for a in node.attribute
        if a.name == "value"
    )
    for tensor in (*model.graph.initializer, *constants):
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            denormal = (values != 0) & (np.abs(values) < TINY)
            count, total = count + int(denormal.sum()), total + values.size
            if denormal.any():
                tensor.CopyFrom(
                    numpy_helper.from_array(np.where(denormal, np.float32(0), values), tensor.name)
                )
    return model, count, total


def milliseconds(content):
    """And the first output, for a picture of 320 by 320."""
    options, times = ort.SessionOptions(), []
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    shape = [
        size if isinstance(size, int) else usual
        for size, usual in zip(given.shape, (1, 3, 320, 320), strict=True)
    ]
    feed = {given.name: np.random.default_rng(0).standard_normal(shape, dtype=np.float32)}
    for _ in range(8):
        start = perf_counter()
        outputs = session.run(None, feed)
        times.append(perf_counter() - start)
    return 1e3 * median(times[2:]), outputs[0]


def found():
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    package = find_spec("rapidocr")
    models = Path(package.origin).parent / "models" if package and package.origin else Path("none")
    return next(iter(sorted(models.glob("*det*.onnx"))), None)


def told(path):
    if path is None:
        return "CANNOT TELL HERE: no model; give a path, or install rapidocr"
    content = path.read_bytes()
    model, count, total = cleaned(onnx.load_from_string(content))
    if not count:
        return f"NOT THERE: {path.name} has no denormal weight among {total:,}"
    (slow, one), (fast, other) = milliseconds(content), milliseconds(model.SerializeToString())
    same = (
        "the same output"
        if np.array_equal(one, other)
        else f"outputs differ by {np.abs(one - other).max():g}"
    )
    state = "STILL THERE" if slow > 1.2 * fast else "CANNOT TELL HERE (this processor does not mind)"
    return (
        f"{state}: {path.name}, {count:,} of {total:,} weights are denormal: {slow:.0f} ms,"
        f" with zeros in their place {fast:.0f} ms ({slow / fast:.1f} times), {same}"
    )


print(f"{told(found())}, onnxruntime {ort.__version__}")
