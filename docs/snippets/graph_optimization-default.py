# 需要 onnxruntime 1.16 以上
import onnxruntime as ort

options = ort.SessionOptions()
session = ort.InferenceSession(
    "model.onnx", sess_options=options, providers=["CPUExecutionProvider"]
)
