"""FLOPs of graphs small enough to count by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.models import MODELS, ModelError
from bench.models._shapes import resolved_shapes
from bench.models.flops import count_flops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.spec import Shape

ORT_SHAPES = """
import json, sys, numpy, onnx, onnxruntime
model = onnx.load(sys.argv[1])
names = [name for node in model.graph.node for name in node.output if name]
declared = {entry.name for entry in model.graph.output}
model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in declared)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
kind = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64}[session.get_inputs()[0].type]
feed = {sys.argv[2]: numpy.ones(json.loads(sys.argv[3]), dtype=kind)}
print(json.dumps({name: values.shape for name, values in zip(names, session.run(names, feed))}))
"""


def graph(
    nodes: Sequence[onnx.NodeProto], weights: dict[str, Shape | list[int]], rank: int = 4, opset: int = 15
) -> onnx.ModelProto:
    """A model from `x`, all sizes symbolic, to `y`. A weight is a shape, or a list of integer values."""
    tensors = [
        numpy_helper.from_array(
            np.array(value) if isinstance(value, list) else np.ones(value, np.float32), name
        )
        for name, value in weights.items()
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [f"size{axis}" for axis in range(rank)])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_model(
        helper.make_graph(list(nodes), "test", [x], [y], tensors),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    )


def test_convolution() -> None:
    model = graph([helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])], {"w": (8, 3, 3, 3)})
    assert count_flops(model, "x", (2, 3, 10, 12)) == 2 * (2 * 8 * 10 * 12) * (3 * 3 * 3)


def test_convolution_with_stride_and_bias() -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[2, 2])
    assert (
        count_flops(graph([node], {"w": (8, 3, 3, 3), "b": (8,)}), "x", (1, 3, 9, 9)) == 2 * (8 * 4 * 4) * 27
    )


def test_grouped_convolution_sees_only_its_group() -> None:
    model = graph([helper.make_node("Conv", ["x", "w"], ["y"], group=4)], {"w": (8, 1, 1, 5)})
    assert count_flops(model, "x", (1, 4, 6, 9)) == 2 * (8 * 6 * 5) * (1 * 5)


def test_transposed_convolution_counts_from_its_input() -> None:
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], group=2)
    assert count_flops(graph([node], {"w": (4, 3, 2, 2)}), "x", (1, 4, 5, 7)) == 2 * (4 * 5 * 7) * (3 * 2 * 2)


def test_matmul_with_batch_axes() -> None:
    model = graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": (16, 32)}, rank=3)
    assert count_flops(model, "x", (5, 7, 16)) == 2 * (5 * 7 * 32) * 16


@pytest.mark.parametrize(("transposed", "shape"), [(0, (6, 16)), (1, (16, 6))])
def test_gemm(transposed: int, shape: Shape) -> None:
    node = helper.make_node("Gemm", ["x", "w"], ["y"], transA=transposed, transB=1)
    assert count_flops(graph([node], {"w": (32, 16)}, rank=2), "x", shape) == 2 * (6 * 32) * 16


def test_everything_else_is_free() -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Softmax", ["r"], ["y"])]
    assert count_flops(graph(nodes, {}), "x", (1, 2, 3, 4)) == 0


def test_computed_shapes_of_old_opsets_are_followed() -> None:
    """Shape, Slice, Concat, Reshape: how `ocr_rec` flattens a picture into steps."""
    nodes = [
        helper.make_node("Shape", ["x"], ["all"]),
        helper.make_node("Slice", ["all", "zero", "two"], ["kept"]),
        helper.make_node("Identity", ["rest"], ["copied"]),
        helper.make_node("Concat", ["kept", "copied"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    model = graph(nodes, {"zero": [0], "two": [2], "rest": [-1], "w": (20, 6)}, opset=11)
    assert count_flops(model, "x", (2, 3, 4, 5)) == 2 * (2 * 3 * 6) * 20


def test_a_shape_that_depends_on_data_is_refused() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["where"]),
        helper.make_node("Cast", ["where"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["w", "floats"], ["y"]),
    ]
    with pytest.raises(ModelError, match="算不出张量 y 的形状"):
        count_flops(graph(nodes, {"w": (3, 4)}), "x", (1, 2, 3, 4))


def test_an_operator_that_cannot_be_counted_is_refused() -> None:
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="ab,bc->ac")
    with pytest.raises(ModelError, match="Einsum"):
        count_flops(graph([node], {"w": (4, 5)}, rank=2), "x", (3, 4))


def test_a_shape_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match="不接受"):
        count_flops(
            graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": (4, 5)}, rank=2), "x", (3, 3)
        )


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ocr_rec", (2, 3, 48, 160)),
        ("ocr_det", (1, 3, 64, 96)),
        ("bert_mini", (2, 40)),
        ("bert_mini", (1, 300)),
    ],
)
def test_shapes_are_those_that_onnx_runtime_produces(
    name: str, shape: Shape, tmp_path: Path, built: Callable[[str], bytes], in_child: Callable[..., str]
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(built(name))
    real = json.loads(in_child(ORT_SHAPES, str(path), MODELS[name].input_name, json.dumps(shape)))
    known = resolved_shapes(onnx.load(path), MODELS[name].input_name, shape)
    assert {tensor: list(known[tensor]) for tensor in real} == real
