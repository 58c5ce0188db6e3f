"""What stands in a model's file beside the calculation: weights, in it or in files of their own beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, TensorProto


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph, then those inside its nodes: branches and bodies of loops."""
    yield graph
    for node in graph.node:
        for one in node.attribute:
            for inner in (*([one.g] if one.HasField("g") else ()), *one.graphs):
                yield from graphs(inner)


def tensors(model: ModelProto) -> list[TensorProto]:
    """Initialisers, and the constants that some exporters write in their place."""
    whole = list(graphs(model.graph))
    constants = (
        one for graph in whole for node in graph.node if node.op_type == "Constant" for one in node.attribute
    )
    return [
        *(tensor for graph in whole for tensor in graph.initializer),
        *(one.t for one in constants if one.name == "value"),
    ]


def parameters(weights: Iterable[TensorProto]) -> int:
    """Elements of the floating-point ones."""
    import onnx

    floats = [getattr(onnx.TensorProto, kind) for kind in ("FLOAT", "FLOAT16", "BFLOAT16", "DOUBLE")]
    return sum(math.prod(tensor.dims) for tensor in weights if tensor.data_type in floats)


def denormals(weights: Iterable[TensorProto], folder: Path) -> int:
    """Float32 numbers so small that their first digit is not 1: many processors are slow with them.

    `folder`: where the file of the model is.
    """
    import onnx

    return sum(_denormals(tensor, folder) for tensor in weights if tensor.data_type == onnx.TensorProto.FLOAT)


def _denormals(tensor: TensorProto, folder: Path) -> int:
    import numpy as np

    values = np.abs(_values(tensor, folder))
    return int(np.count_nonzero((values > 0) & (values < np.finfo(np.float32).tiny)))


def _values(tensor: TensorProto, folder: Path) -> NDArray[Any]:
    """Of float32. What stands outside is read here: the onnx package refuses symbolic links, which caches are full of."""
    import numpy as np
    import onnx

    count, kept = math.prod(tensor.dims), outside(tensor)
    if kept and count:
        return np.memmap(folder / kept.location, "<f4", "r", kept.offset, (count,))
    return np.zeros(0, np.float32) if kept else onnx.numpy_helper.to_array(tensor)


@dataclass(frozen=True, slots=True)
class Outside:
    """Where a tensor's data are that do not stand in the model's file."""

    location: str
    """Path from the folder of the model."""
    offset: int
    length: int
    """Bytes; 0 where the file does not say."""


def outside(tensor: TensorProto) -> Outside | None:
    """None: they stand in the model's file."""
    import onnx

    if tensor.data_location != onnx.TensorProto.EXTERNAL:
        return None
    said = {entry.key: entry.value for entry in tensor.external_data}
    return Outside(said.get("location", ""), int(said.get("offset", 0)), int(said.get("length", 0)))
