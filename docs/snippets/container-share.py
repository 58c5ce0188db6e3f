# 线程数按 4 核的机器写成，换成你的进程分到的核数
# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

options = ort.SessionOptions()
options.intra_op_num_threads = 2
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
