"""100 % of the weights are denormal numbers."""

from __future__ import annotations

TITLE = "权重全部是非规格化数"
FILE = "model.onnx"


def make(source, target):
    import _denormals

    _denormals.sow(source, target, 1)
