# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

options = ort.SessionOptions()
options.enable_cpu_mem_arena = False
options.enable_mem_pattern = False
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
