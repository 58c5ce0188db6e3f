"""Arithmetic of one inference, computed from the graph.

Two per multiply-add of Conv, ConvTranspose, MatMul and Gemm; everything else (biases, activations,
normalisation) is left out, as is usual. Products with padding count: they are part of the operator.

Shapes of all tensors are needed for that. onnx infers them, but loses track where an older opset
computes one (Shape, Slice, Concat, then Reshape, as in `ocr_rec`). So whatever is constant by now is
computed and put in as a weight, and onnx is asked again, until it learns nothing new.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.spec import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, ValueInfoProto

    Constants = dict[str, NDArray[np.generic]]

SMALL = 256
"""Elements up to which a tensor may be part of shape arithmetic. Larger ones are data."""
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


def resolved_shapes(model: ModelProto, feed: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes by tensor name. A tensor whose shape cannot be known is absent; all are, where onnx refuses the graph."""
    from onnx import numpy_helper, shape_inference

    skeleton = _skeleton(model, feed)
    constants: Constants = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in skeleton.graph.initializer
    }
    while True:
        try:
            graph = shape_inference.infer_shapes(skeleton, strict_mode=True, data_prop=True).graph
        except shape_inference.InferenceError:
            return {}
        shapes = dict(_known([*graph.input, *graph.value_info, *graph.output]))
        shapes |= {name: value.shape for name, value in constants.items()}
        found = _fold(skeleton, constants, shapes)
        if not found:
            return shapes
        constants |= found
        _replace(skeleton, found)


def _skeleton(model: ModelProto, feed: Mapping[str, Shape]) -> ModelProto:
    """The graph with these input shapes, and with large weights turned into inputs: shapes, no values."""
    from onnx import ModelProto, helper

    skeleton = ModelProto(
        ir_version=model.ir_version, opset_import=model.opset_import, functions=model.functions
    )
    skeleton.graph.name = "skeleton"
    skeleton.graph.node.extend(model.graph.node)
    inputs = {entry.name: entry for entry in model.graph.input}
    for name in inputs.keys() & feed.keys():
        kind = inputs[name].type.tensor_type.elem_type
        inputs[name] = helper.make_tensor_value_info(name, kind, feed[name])
    for weight in model.graph.initializer:
        inputs.pop(weight.name, None)
        if math.prod(weight.dims) > SMALL:
            inputs[weight.name] = helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        else:
            skeleton.graph.initializer.append(weight)
    skeleton.graph.input.extend(inputs.values())
    for entry in model.graph.output:
        # The declared shape is dropped: its symbolic sizes would contradict the concrete ones.
        kind = entry.type.tensor_type.elem_type
        skeleton.graph.output.append(helper.make_tensor_value_info(entry.name, kind, None))
    return skeleton


def _known(entries: Iterable[ValueInfoProto]) -> Iterator[tuple[str, Shape]]:
    for entry in entries:
        kind = entry.type.tensor_type
        if kind.HasField("shape") and all(size.HasField("dim_value") for size in kind.shape.dim):
            yield entry.name, tuple(size.dim_value for size in kind.shape.dim)


def _fold(skeleton: ModelProto, constants: Constants, shapes: Mapping[str, Shape]) -> Constants:
    """Outputs of the nodes that have become constant."""
    import numpy as np

    found: Constants = {}
    for node in skeleton.graph.node:
        if node.op_type in ("Shape", "Size") and node.input[0] in shapes:
            hollow = np.broadcast_to(np.float32(0), shapes[node.input[0]])  # takes no memory
            found |= _evaluate(skeleton, node, {node.input[0]: hollow})
        elif node.op_type == "Constant" or node.input:
            values = {name: (constants | found).get(name) for name in node.input if name}
            given = {name: value for name, value in values.items() if value is not None}
            if len(given) == len(values) and sum(value.size for value in given.values()) <= SMALL:
                found |= _evaluate(skeleton, node, given)
    return found


def _evaluate(skeleton: ModelProto, node: NodeProto, given: Mapping[str, NDArray[np.generic]]) -> Constants:
    """The outputs of one node by onnx's own reference implementation; nothing when one of them is large."""
    import numpy as np
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    outputs = [name for name in node.output if name]
    inside, outside = (
        [helper.make_empty_tensor_value_info(name) for name in names] for names in (given, outputs)
    )
    graph = helper.make_graph([node], "alone", inside, outside)
    alone = helper.make_model(graph, opset_imports=skeleton.opset_import, ir_version=skeleton.ir_version)
    results = [np.asarray(result) for result in ReferenceEvaluator(alone).run(None, dict(given))]
    if any(result.size > SMALL for result in results):
        return {}
    return dict(zip(outputs, results, strict=True))


def _replace(skeleton: ModelProto, found: Constants) -> None:
    """Nodes whose outputs are known give way to weights."""
    from onnx import numpy_helper

    kept = [node for node in skeleton.graph.node if node.output[0] not in found]
    del skeleton.graph.node[:]
    skeleton.graph.node.extend(kept)
    skeleton.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in found.items())
