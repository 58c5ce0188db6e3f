"""Weights and activations as int8, with ranges from samples: `quantize_static` as it comes, QInt8 for both."""

from __future__ import annotations

TITLE = "静态量化，默认（QInt8）"
FILE = "model.onnx"
LOSSY = CALIBRATED = True
READERS_FILE = "model.int8.onnx"
READERS_CODE = """
# 离线做一次。feeds：几十份真实的输入，用来取激活的范围
from onnxruntime.quantization import CalibrationDataReader, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    left = iter(feeds)

    def get_next(self):
        return next(self.left, None)


quant_pre_process("model.onnx", "model.ready.onnx", skip_symbolic_shape=True)
quantize_static("model.ready.onnx", "model.int8.onnx", Samples())
"""


def make(source, target, feeds):
    import _given

    _given.run(READERS_CODE, source, target, feeds)
