"""FLOPs of graphs small enough to count by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.models import MODELS
from bench.models.flops import count_flops, resolved_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.spec import Shape


def graph(nodes: Sequence[onnx.NodeProto], weights: Mapping[str, Shape], rank: int) -> onnx.ModelProto:
    """A model from `x`, all sizes symbolic, to `y`."""
    tensors = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [f"size{axis}" for axis in range(rank)])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(
        helper.make_graph(nodes, "test", [x], [y], tensors), opset_imports=opsets, ir_version=8
    )


OPERATORS: dict[str, Any] = {
    "convolution": ("Conv", {"pads": [1, 1, 1, 1]}, {"w": (8, 3, 3, 3)}, (2, 3, 10, 12), 2 * (2 * 8 * 120) * 27),
    "with stride and bias": ("Conv", {"strides": [2, 2]}, {"w": (8, 3, 3, 3), "b": (8,)}, (1, 3, 9, 9), 2 * 128 * 27),
    "grouped: it sees its group alone": ("Conv", {"group": 4}, {"w": (8, 1, 1, 5)}, (1, 4, 6, 9), 2 * (8 * 6 * 5) * 5),
    "transposed: from its input": (
        "ConvTranspose", {"strides": [2, 2], "group": 2}, {"w": (4, 3, 2, 2)}, (1, 4, 5, 7), 2 * (4 * 5 * 7) * 12,
    ),
    "matmul": ("MatMul", {}, {"w": (16, 32)}, (5, 7, 16), 2 * (5 * 7 * 32) * 16),
    "gemm": ("Gemm", {"transB": 1}, {"w": (32, 16)}, (6, 16), 2 * (6 * 32) * 16),
    "gemm, transposed": ("Gemm", {"transA": 1, "transB": 1}, {"w": (32, 16)}, (16, 6), 2 * (6 * 32) * 16),
    "everything else is free": ("Softmax", {}, {}, (1, 2, 3, 4), 0),
    "not counted": ("Einsum", {"equation": "ab,bc->ac"}, {"w": (4, 5)}, (3, 4), None),
    "not of ONNX: nobody knows": ("FusedMatMul", {"domain": "com.microsoft"}, {"w": (4, 5)}, (3, 4), None),
    "shape that does not fit": ("MatMul", {}, {"w": (4, 5)}, (3, 3), None),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_operator(name: str) -> None:
    kind, attributes, weights, shape, flops = OPERATORS[name]
    node = helper.make_node(kind, ["x", *weights], ["y"], **attributes)
    assert count_flops(graph([node], weights, len(shape)), {"x": shape}) == flops


REAL = [("ocr_rec", (2, 3, 48, 160)), ("ocr_det", (1, 3, 64, 96)), ("bert_mini", (1, 300))]


@pytest.mark.parametrize(("name", "shape"), REAL)
def test_shapes_are_those_that_onnx_runtime_produces(name: str, shape: Shape, built: Any, infer: Any) -> None:
    """Also where an old opset computes them: how `ocr_rec` flattens a picture into steps."""
    ((entry, make),) = MODELS[name].inputs.items()
    ran = infer(built(name), make((shape,)), "ORT_DISABLE_ALL", also=("",))
    known = resolved_shapes(onnx.load_from_string(built(name)), {entry: shape})
    assert {tensor: known[tensor] for tensor in ran.outputs} == {n: v.shape for n, v in ran.outputs.items()}
