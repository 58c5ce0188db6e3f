"""What the built networks share: graphs put together node by node, and inputs from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from onnx import NodeProto, TensorProto, ValueInfoProto

    from bench.spec import Shape


@dataclass(slots=True)
class Graph:
    """Nodes and weights in the order in which they are added. Methods return tensor names."""

    rng: np.random.Generator
    nodes: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)

    def node(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=output, **attributes))
        return output

    def weight(self, name: str, values: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def saved(self, name: str, input_: ValueInfoProto, output: ValueInfoProto, opset: int) -> bytes:
        """The checked graph as ONNX bytes of IR version 8, so that old runtimes read it."""
        from onnx import checker, helper

        graph = helper.make_graph(self.nodes, name, [input_], [output], self.weights)
        others = sorted({node.domain for node in self.nodes} - {""})
        sets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in others)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=8)
        checker.check_model(model, full_check=True)
        data: bytes = model.SerializeToString(deterministic=True)
        return data


def floats(name: str, shape: Sequence[str | int]) -> ValueInfoProto:
    """An input or output of float32."""
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def covering(shapes: tuple[Shape, ...]) -> Shape:
    """The smallest shape that holds all of these."""
    return tuple(max(sizes) for sizes in zip(*shapes, strict=True))


def standard_normal(seed: int, shapes: tuple[Shape, ...]) -> NDArray[np.float32]:
    """Standard normal values, which is what normalised inputs look like to the first layer."""
    import numpy as np

    return np.random.default_rng(seed).standard_normal(covering(shapes), dtype=np.float32)
