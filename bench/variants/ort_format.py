"""ORT's own format (FlatBuffers), optimised beforehand."""

from __future__ import annotations

TITLE = "ORT 格式"
FILE = "model.ort"
READERS_FILE = "model.ort"
READERS_CODE = """
# 离线做一次。要在部署的机器上做，换了 onnxruntime 版本要重做
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
options.add_session_config_entry("session.save_model_format", "ORT")
options.optimized_model_filepath = "model.ort"
ort.InferenceSession(
    "model.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
"""


def make(source, target):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.log_severity_level = 3  # it warns that the file fits this machine alone, which it should
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
