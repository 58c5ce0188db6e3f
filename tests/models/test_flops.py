"""FLOPs of graphs small enough to count by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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


def _graph(
    nodes: Sequence[onnx.NodeProto], weights: dict[str, Shape | list[int]], rank: int, opset: int = 15
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
    graph = helper.make_graph(list(nodes), "test", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _flops(kind: str, weights: dict[str, Shape | list[int]], shape: Shape, **attributes: Any) -> int:
    node = helper.make_node(kind, ["x", *weights], ["y"], **attributes)
    return count_flops(_graph([node], weights, len(shape)), "x", shape)


def test_convolutions_count_their_windows() -> None:
    """A group sees only its own channels; a transposed one counts from its input."""
    padded = _flops("Conv", {"w": (8, 3, 3, 3)}, (2, 3, 10, 12), pads=[1, 1, 1, 1])
    assert padded == 2 * (2 * 8 * 10 * 12) * (3 * 3 * 3)
    strided = _flops("Conv", {"w": (8, 3, 3, 3), "b": (8,)}, (1, 3, 9, 9), strides=[2, 2])
    assert strided == 2 * (8 * 4 * 4) * 27
    assert _flops("Conv", {"w": (8, 1, 1, 5)}, (1, 4, 6, 9), group=4) == 2 * (8 * 6 * 5) * (1 * 5)
    transposed = _flops("ConvTranspose", {"w": (4, 3, 2, 2)}, (1, 4, 5, 7), strides=[2, 2], group=2)
    assert transposed == 2 * (4 * 5 * 7) * (3 * 2 * 2)


def test_products_count_their_pairs_and_everything_else_is_free() -> None:
    assert _flops("MatMul", {"w": (16, 32)}, (5, 7, 16)) == 2 * (5 * 7 * 32) * 16
    for transposed, shape in ((0, (6, 16)), (1, (16, 6))):
        assert _flops("Gemm", {"w": (32, 16)}, shape, transA=transposed, transB=1) == 2 * (6 * 32) * 16
    assert _flops("Softmax", {}, (1, 2, 3, 4)) == 0


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
    model = _graph(nodes, {"zero": [0], "two": [2], "rest": [-1], "w": (20, 6)}, 4, opset=11)
    assert count_flops(model, "x", (2, 3, 4, 5)) == 2 * (2 * 3 * 6) * 20


def test_what_cannot_be_counted_is_refused() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["where"]),
        helper.make_node("Cast", ["where"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["w", "floats"], ["y"]),
    ]
    with pytest.raises(ModelError, match="算不出张量 y 的形状"):
        count_flops(_graph(nodes, {"w": (3, 4)}, 4), "x", (1, 2, 3, 4))
    with pytest.raises(ModelError, match="Einsum"):
        _flops("Einsum", {"w": (4, 5)}, (3, 4), equation="ab,bc->ac")
    with pytest.raises(ModelError, match="不接受"):
        _flops("MatMul", {"w": (4, 5)}, (3, 3))


@pytest.mark.parametrize(
    ("name", "shape"), [("ocr_rec", (2, 3, 48, 160)), ("ocr_det", (1, 3, 64, 96)), ("bert_mini", (1, 300))]
)
def test_shapes_are_those_that_onnx_runtime_produces(
    name: str, shape: Shape, tmp_path: Path, built: Callable[[str], bytes], in_child: Callable[..., str]
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(built(name))
    real = json.loads(in_child(ORT_SHAPES, str(path), MODELS[name].input_name, json.dumps(shape)))
    known = resolved_shapes(onnx.load(path), MODELS[name].input_name, shape)
    assert {tensor: list(known[tensor]) for tensor in real} == real
