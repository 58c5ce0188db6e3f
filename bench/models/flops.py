"""Arithmetic of one inference, computed from the graph.

Two per multiply-add of Conv, ConvTranspose, MatMul and Gemm; everything else (biases, activations,
normalisation) is left out, as is usual. Products with padding count: they are part of the operator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.models._shapes import resolved_shapes
from bench.spec import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onnx import ModelProto, NodeProto

NOT_COUNTED = frozenset(
    {"Attention", "Bilinear", "ConvInteger", "DFT", "DeformConv", "Einsum", "FusedConv", "GRU", "LSTM"}
    | {"MatMulInteger", "QLinearConv", "QLinearMatMul", "RNN", "STFT", "TensorProduct"}
)
"""Operators with multiply-adds that this module cannot count: never skipped."""


ONNX = ("", "ai.onnx")
"""Domains of operators of which the others are known to multiply little."""


class Uncounted(Exception):
    """An operator, or a shape that matters, of which nothing is known."""


def count_flops(model: ModelProto, feed: Mapping[str, Shape]) -> int | None:
    """Floating-point operations of one run; None where an operator, or a shape that matters, cannot be counted."""
    shapes = _Shapes(resolved_shapes(model, feed))
    try:
        return 2 * sum(_multiply_adds(node, shapes) for node in model.graph.node)
    except Uncounted:
        return None


class _Shapes(dict[str, Shape]):
    """Shapes by tensor name."""

    def __missing__(self, name: str) -> Shape:
        raise Uncounted(name)


def _multiply_adds(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    nested = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
    if nested or node.op_type in NOT_COUNTED or node.domain not in ONNX:
        raise Uncounted(node.op_type)
    counter = COUNTERS.get(node.op_type)
    return counter(node, shapes) if counter else 0


def _conv(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every output value takes one filter; filters are (M, C / group, ...)."""
    return math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])


def _conv_transpose(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every input value is spread by one filter; filters are (C, M / group, ...)."""
    return math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])


def _matmul(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    """Every output value is a dot product over the last axis of the left side."""
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]


def _gemm(node: NodeProto, shapes: Mapping[str, Shape]) -> int:
    transposed = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if transposed else 1]


COUNTERS: dict[str, Callable[[NodeProto, Mapping[str, Shape]], int]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MatMul": _matmul,
    "Gemm": _gemm,
}
