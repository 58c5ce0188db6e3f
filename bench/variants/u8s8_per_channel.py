"""The same with a range for each output channel: opset 13 is the first whose DequantizeLinear knows an axis."""

from __future__ import annotations

TITLE = "静态量化，激活 QUInt8、权重逐通道"
FILE = "model.onnx"
LOSSY = CALIBRATED = True
READERS_FILE = "model.int8.onnx"
READERS_CODE = """
# 离线做一次。feeds：几十份真实的输入，用来取激活的范围
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Samples(CalibrationDataReader):
    left = iter(feeds)

    def get_next(self):
        return next(self.left, None)


# 逐通道要 opset 13 以上，低的先升上去，否则会话建不成
model = onnx.load("model.onnx")
if max(one.version for one in model.opset_import if not one.domain) < 13:
    model = onnx.version_converter.convert_version(model, 13)
onnx.save(model, "model.ready.onnx")
quant_pre_process("model.ready.onnx", "model.ready.onnx", skip_symbolic_shape=True)
quantize_static(
    "model.ready.onnx",
    "model.int8.onnx",
    Samples(),
    activation_type=QuantType.QUInt8,
    weight_type=QuantType.QInt8,
    per_channel=True,
)
"""


def make(source, target, feeds):
    import _given

    _given.run(READERS_CODE, source, target, feeds)
