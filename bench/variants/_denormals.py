"""Denormal weights, found and made: float32 numbers below the smallest normal one, 1.2e-38."""

from __future__ import annotations

TENTH_OF_THE_SMALLEST = 0.1


def sow(source, target, share):
    """Write a copy in which every so manieth weight is denormal, spread evenly."""
    import numpy as np
    import onnx

    model, smallest = onnx.load(source), np.finfo(np.float32).tiny
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight).copy()
        flat, step = values.reshape(-1), round(1 / share)
        flat[::step] = np.sign(flat[::step]) * smallest * TENTH_OF_THE_SMALLEST
        weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    onnx.save(model, target)
