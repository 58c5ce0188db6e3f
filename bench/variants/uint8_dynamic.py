"""Weights as unsigned int8: for them, the kernel of integer convolutions is a fast one."""

from __future__ import annotations

TITLE = "动态量化，QUInt8"
FILE = "model.onnx"
LOSSY = True
READERS_FILE = "model.int8.onnx"
READERS_CODE = """
# 离线做一次
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

quant_pre_process("model.onnx", "model.ready.onnx", skip_symbolic_shape=True)
quantize_dynamic("model.ready.onnx", "model.int8.onnx", weight_type=QuantType.QUInt8)
"""


def make(source, target):
    import _given

    _given.run(READERS_CODE, source, target)
