"""Runs the code that readers are given on the files of here: what they copy is what was measured."""

from __future__ import annotations

TARGETS = ("model.int8.onnx", "model.fp16.onnx", "model.normal.onnx")
"""What makers call the file that they write."""


def run(code, source, target, feeds=()):
    """`feeds`: what ranges of activations are taken from, {name: array} each."""
    between = target.with_name("ready.onnx")
    files = {"model.onnx": source, "model.ready.onnx": between, **dict.fromkeys(TARGETS, target)}
    for name, path in files.items():
        code = code.replace(f'"{name}"', repr(str(path)))
    exec(code, {"feeds": feeds})  # noqa: S102  # it is our own text
    between.unlink(missing_ok=True)


def samples(files):
    """One feed for each row in the second half of every input: on rows of the first half models are measured."""
    import numpy as np

    if not files:
        raise ValueError("这个模型没有给量化取范围的输入，见 Model.calibration")
    arrays = {name: np.load(path) for name, path in files.items()}
    rows = min(map(len, arrays.values()))
    return [{name: array[row : row + 1] for name, array in arrays.items()} for row in range(rows // 2, rows)]
