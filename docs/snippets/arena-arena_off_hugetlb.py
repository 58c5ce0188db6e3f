# 适用于 onnxruntime 1.16 及以上
# 启动进程前先设环境变量：export GLIBC_TUNABLES=glibc.malloc.hugetlb=1
import onnxruntime as ort

options = ort.SessionOptions()
options.enable_cpu_mem_arena = False
session = ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
