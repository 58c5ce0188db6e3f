"""FLOPs of graphs small enough to count by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.models import MODELS
from bench.models.flops import count_flops, resolved_shapes

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
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)],
        ir_version=8,
    )


_node = helper.make_node


@pytest.mark.parametrize(
    ("node", "weights", "shape", "flops"),
    [
        pytest.param(
            _node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1]),
            {"w": (8, 3, 3, 3)}, (2, 3, 10, 12), 2 * (2 * 8 * 10 * 12) * (3 * 3 * 3), id="convolution",
        ),
        pytest.param(
            _node("Conv", ["x", "w", "b"], ["y"], strides=[2, 2]),
            {"w": (8, 3, 3, 3), "b": (8,)}, (1, 3, 9, 9), 2 * (8 * 4 * 4) * 27, id="with stride and bias",
        ),
        pytest.param(
            _node("Conv", ["x", "w"], ["y"], group=4),
            {"w": (8, 1, 1, 5)}, (1, 4, 6, 9), 2 * (8 * 6 * 5) * (1 * 5), id="grouped: it sees its group alone",
        ),
        pytest.param(
            _node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], group=2),
            {"w": (4, 3, 2, 2)}, (1, 4, 5, 7), 2 * (4 * 5 * 7) * (3 * 2 * 2), id="transposed: from its input",
        ),
        pytest.param(
            _node("MatMul", ["x", "w"], ["y"]), {"w": (16, 32)}, (5, 7, 16), 2 * (5 * 7 * 32) * 16, id="matmul"
        ),
        pytest.param(
            _node("Gemm", ["x", "w"], ["y"], transB=1), {"w": (32, 16)}, (6, 16), 2 * (6 * 32) * 16, id="gemm"
        ),
        pytest.param(
            _node("Gemm", ["x", "w"], ["y"], transA=1, transB=1),
            {"w": (32, 16)}, (16, 6), 2 * (6 * 32) * 16, id="gemm, transposed",
        ),
        pytest.param(_node("Softmax", ["x"], ["y"]), {}, (1, 2, 3, 4), 0, id="everything else is free"),
        pytest.param(
            _node("Einsum", ["x", "w"], ["y"], equation="ab,bc->ac"), {"w": (4, 5)}, (3, 4), None, id="not counted"
        ),
        pytest.param(
            _node("FusedMatMul", ["x", "w"], ["y"], domain="com.microsoft"),
            {"w": (4, 5)}, (3, 4), None, id="not of ONNX: nobody knows",
        ),
        pytest.param(_node("MatMul", ["x", "w"], ["y"]), {"w": (4, 5)}, (3, 3), None, id="shape that does not fit"),
    ],
)  # fmt: skip
def test_operator(
    node: onnx.NodeProto, weights: dict[str, Shape | list[int]], shape: Shape, flops: int | None
) -> None:
    assert count_flops(graph([node], weights, rank=len(shape)), {"x": shape}) == flops


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
    assert count_flops(model, {"x": (2, 3, 4, 5)}) == 2 * (2 * 3 * 6) * 20


def test_work_that_depends_on_data_is_not_counted() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["where"]),
        helper.make_node("Cast", ["where"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["w", "floats"], ["y"]),
    ]
    assert count_flops(graph(nodes, {"w": (3, 4)}), {"x": (1, 2, 3, 4)}) is None


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
    (entry,) = MODELS[name].inputs
    real = json.loads(in_child(ORT_SHAPES, str(path), entry, json.dumps(shape)))
    known = resolved_shapes(onnx.load(path), {entry: shape})
    assert {tensor: list(known[tensor]) for tensor in real} == real
