"""Optimised beforehand by ORT and saved: what a session has after all its passes, as ONNX."""

from __future__ import annotations

TITLE = "事先优化"
FILE = "model.onnx"
READERS_FILE = "model.optimized.onnx"
READERS_CODE = """
# 离线做一次。要在部署的机器上做，换了 onnxruntime 版本要重做
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
options.optimized_model_filepath = "model.optimized.onnx"
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
    options.log_severity_level = 3  # it warns that the file fits this machine alone, which it should
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
