# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

options = ort.SessionOptions()
options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
options.inter_op_num_threads = 4
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
