import onnxruntime as ort

options = ort.SessionOptions()
session = ort.InferenceSession(
    "model.onnx", sess_options=options, providers=["CPUExecutionProvider"]
)
