"""Optimised beforehand, with weights in a file of their own, already in the order that the kernels want."""

from __future__ import annotations

TITLE = "权重预打包在外部文件里"
FILE = "model.onnx"
READERS_FILE = "model.packed.onnx"
READERS_CODE = """
# 离线做一次，要在部署的机器上做。源模型的权重要在外部文件里（见上一种）；得到的几个文件放在一起
options = ort.SessionOptions()
options.optimized_model_filepath = "model.packed.onnx"
options.add_session_config_entry(
    "session.optimized_model_external_initializers_file_name", "model.packed.data"
)
options.add_session_config_entry(
    "session.optimized_model_external_initializers_min_size_in_bytes", "1024"
)
options.add_session_config_entry(
    "session.save_external_prepacked_constant_initializers", "1"
)
ort.InferenceSession(
    "model.external.onnx",
    sess_options=options,
    providers=["CPUExecutionProvider"],
)
"""
PREFIX = "session."


def make(source, target):
    """Only what stands in a file of its own is written prepacked: so such a copy is made first."""
    import external_data
    import onnxruntime as ort

    apart = target.with_name("apart.onnx")
    external_data.make(source, apart)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3  # it warns that the file fits this machine alone, which it should
    entries = {
        "optimized_model_external_initializers_file_name": f"{target.name}.data",
        "optimized_model_external_initializers_min_size_in_bytes": str(external_data.SMALLEST),
        "save_external_prepacked_constant_initializers": "1",
    }
    for name, value in entries.items():
        options.add_session_config_entry(PREFIX + name, value)
    ort.InferenceSession(str(apart), options, providers=["CPUExecutionProvider"])
