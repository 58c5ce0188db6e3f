"""10 % of the weights are denormal numbers."""

from __future__ import annotations

TITLE = "权重十分之一是非规格化数"
FILE = "model.onnx"


def make(source, target):
    import _denormals

    _denormals.sow(source, target, 0.1)
