"""The same ONNX graph with its weights in a file of their own beside it."""

from __future__ import annotations

TITLE = "权重放在外部文件"
FILE = "model.onnx"
READERS_FILE = "model.external.onnx"
READERS_CODE = """
# 离线做一次。两个文件要放在一起
import onnx

onnx.save_model(
    onnx.load("model.onnx"),
    "model.external.onnx",
    save_as_external_data=True,
    location="model.external.onnx.data",
)
"""
SMALLEST = 1024
"""Bytes from which a tensor is moved out."""


def make(source, target):
    import onnx

    onnx.save_model(
        onnx.load(source),
        target,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=f"{target.name}.data",
        size_threshold=SMALLEST,
    )
