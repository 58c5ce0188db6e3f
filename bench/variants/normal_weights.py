"""A copy whose denormal weights are zero: the outputs stay what they are."""

from __future__ import annotations

TITLE = "非规格化权重改成 0"
FILE = "model.onnx"
READERS_FILE = "model.normal.onnx"
READERS_CODE = """
import numpy as np
import onnx
from onnx import numpy_helper

model, smallest = onnx.load("model.onnx"), np.finfo(np.float32).tiny
for weight in model.graph.initializer:
    values = numpy_helper.to_array(weight)
    if values.dtype == np.float32:
        zeroed = np.where(np.abs(values) < smallest, np.float32(0), values)
        weight.CopyFrom(numpy_helper.from_array(zeroed, weight.name))
onnx.save(model, "model.normal.onnx")
"""


def make(source, target):
    import _given

    _given.run(READERS_CODE, source, target)
