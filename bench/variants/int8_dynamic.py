"""Weights as int8, activations quantised while running: `quantize_dynamic` as it comes."""

from __future__ import annotations

TITLE = "动态量化，默认（QInt8）"
FILE = "model.onnx"
LOSSY = True
READERS_FILE = "model.int8.onnx"
READERS_CODE = """
# 离线做一次
from onnxruntime.quantization import quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process

quant_pre_process("model.onnx", "model.ready.onnx", skip_symbolic_shape=True)
quantize_dynamic("model.ready.onnx", "model.int8.onnx")
"""


def make(source, target):
    import _given

    _given.run(READERS_CODE, source, target)
