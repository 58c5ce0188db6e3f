# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

options = ort.SessionOptions()
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
