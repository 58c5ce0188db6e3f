"""Half precision inside, inputs and outputs as before."""

from __future__ import annotations

TITLE = "fp16"
FILE = "model.onnx"
LOSSY = True
READERS_FILE = "model.fp16.onnx"
READERS_CODE = """
# 离线做一次
import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

model = convert_float_to_float16(onnx.load("model.onnx"), keep_io_types=True)
onnx.save(model, "model.fp16.onnx")
"""


def make(source, target):
    import _given

    _given.run(READERS_CODE, source, target)
