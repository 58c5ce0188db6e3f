# 适用于 onnxruntime 1.16 及以上
import onnxruntime as ort

# 离线做一次：保存优化好的模型。要在部署的机器上做，换了 onnxruntime 版本要重做
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
options.optimized_model_filepath = "model.optimized.onnx"
ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)

# 上线时：直接加载它
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
session = ort.InferenceSession(
    "model.optimized.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
