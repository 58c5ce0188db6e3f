"""A small BERT: embeddings and four encoder layers, operator by operator as PyTorch exports them.

BERT-mini (Turc et al. 2019, arXiv 1908.08962) but for a short vocabulary and no pooler. Input
`input_ids` is (N, S) of int64, output `last_hidden_state` is (N, S, 256), N and S symbolic, S at most
512. Weights are random and seeded, of the spread that BERT starts its training from.

ORT fuses what it recognises, and recognises little. Opset 12 is the last one in which it knows the
mask: from opset 13 on, with ORT 1.31, attention stays in pieces, and so do the embeddings and the sums
before each normalisation. The order of the inputs of an Add and the number of readers of a Shape
matter as much. `tests/models/test_networks.py` watches over that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bench.models._common import Graph, covering, floats
from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import TensorProto

VOCABULARY = 1024
POSITIONS = 512
HIDDEN = 256
LAYERS = 4
HEADS = 4
HEAD = HIDDEN // HEADS
INNER = 1024
STD = 0.02
EPSILON = 1e-12
PAD = 0
"""The token that attention does not look at."""

SEED = 1908


def build() -> bytes:
    """The network as ONNX bytes of opset 12."""
    import numpy as np
    from onnx import TensorProto, helper

    graph = _Graph(np.random.default_rng(SEED))
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["N", "S"])
    hidden = floats("last_hidden_state", ["N", "S", HIDDEN])
    padding = graph.node("Equal", ids.name, graph.integers(PAD))
    mask = graph.node("Cast", graph.node("Not", padding), to=TensorProto.INT64)
    penalty = _penalty(graph, mask)
    x = _embeddings(graph, ids.name, mask)
    for layer in range(LAYERS):
        x = _layer(graph, x, penalty, output=hidden.name if layer == LAYERS - 1 else "")
    return graph.saved("bert_mini", ids, hidden, 12)


def make_input(shapes: tuple[Shape, ...]) -> NDArray[np.int64]:
    """Token ids, any but the padding."""
    import numpy as np

    return np.random.default_rng(SEED).integers(PAD + 1, VOCABULARY, covering(shapes), dtype=np.int64)


def _penalty(graph: _Graph, mask: str) -> str:
    """What is added to the scores, (N, 1, 1, S): 0 for a token, -10000 for padding."""
    from onnx import TensorProto

    rows = graph.node("Unsqueeze", mask, axes=[1])
    wide = graph.node("Cast", graph.node("Unsqueeze", rows, axes=[2]), to=TensorProto.FLOAT)
    return graph.node("Mul", graph.node("Sub", graph.number(1.0), wide), graph.number(-10000.0))


def _embeddings(graph: _Graph, ids: str, mask: str) -> str:
    """Tokens, positions 0, 1, 2 ... and one single segment, summed and normalised."""
    shape = graph.node("Shape", ids)
    length = graph.node("Gather", shape, graph.integers(1), axis=0)
    steps = graph.node("Range", graph.integers(0), length, graph.integers(1))
    positions = graph.node("Expand", graph.node("Unsqueeze", steps, axes=[0]), shape)
    # Zeros like the mask, not like the ids: with a third reader of their Shape ORT fuses nothing here.
    segments = graph.node("ConstantOfShape", graph.node("Shape", mask), value=_tensor([0]))
    tokens = graph.node("Gather", graph.normal(VOCABULARY, HIDDEN), ids)
    placed = graph.node("Add", tokens, graph.node("Gather", graph.normal(POSITIONS, HIDDEN), positions))
    return graph.norm(graph.node("Add", placed, graph.node("Gather", graph.normal(2, HIDDEN), segments)))


def _layer(graph: _Graph, x: str, penalty: str, *, output: str) -> str:
    """Attention and a perceptron, each added to what it was given and normalised."""
    x = graph.norm(graph.node("Add", graph.linear(_attention(graph, x, penalty), HIDDEN, HIDDEN), x))
    inner = graph.gelu(graph.linear(x, HIDDEN, INNER))
    return graph.norm(graph.node("Add", graph.linear(inner, INNER, HIDDEN), x), output=output)


def _attention(graph: _Graph, x: str, penalty: str) -> str:
    """Every token looks at every token, in each head on its own."""
    query = graph.heads(x, [0, 2, 1, 3])
    key = graph.heads(x, [0, 2, 3, 1])
    value = graph.heads(x, [0, 2, 1, 3])
    scores = graph.node("Div", graph.node("MatMul", query, key), graph.number(math.sqrt(HEAD)))
    weights = graph.node("Softmax", graph.node("Add", scores, penalty), axis=3)
    mixed = graph.node("Transpose", graph.node("MatMul", weights, value), perm=[0, 2, 1, 3])
    return graph.node("Reshape", mixed, graph.integers([0, 0, HIDDEN]))


class _Graph(Graph):
    __slots__ = ()

    def heads(self, x: str, perm: list[int]) -> str:
        """A projection of `x`, (N, S, 4, 64), with its axes in that order."""
        split = self.integers([0, 0, HEADS, HEAD])
        return self.node("Transpose", self.node("Reshape", self.linear(x, HIDDEN, HIDDEN), split), perm=perm)

    def linear(self, x: str, inside: int, outside: int) -> str:
        return self.node("Add", self.node("MatMul", x, self.normal(inside, outside)), self.normal(outside))

    def gelu(self, x: str) -> str:
        """The exact one: x / 2 * (1 + erf(x / sqrt 2))."""
        erf = self.node("Erf", self.node("Div", x, self.number(math.sqrt(2))))
        product = self.node("Mul", x, self.node("Add", erf, self.number(1.0)))
        return self.node("Mul", product, self.number(0.5))

    def norm(self, x: str, output: str = "") -> str:
        """Layer normalisation in nine nodes: before opset 17 it has no operator."""
        centred = self.node("Sub", x, self.node("ReduceMean", x, axes=[-1]))
        square = self.node("Pow", centred, self.number(2.0))
        variance = self.node("Add", self.node("ReduceMean", square, axes=[-1]), self.number(EPSILON))
        scaled = self.node(
            "Mul", self.node("Div", centred, self.node("Sqrt", variance)), self.normal(HIDDEN, mean=1)
        )
        return self.node("Add", scaled, self.normal(HIDDEN), output=output)

    def integers(self, value: int | list[int]) -> str:
        return self.node("Constant", value=_tensor(value))

    def number(self, value: float) -> str:
        import numpy as np
        from onnx import numpy_helper

        return self.node("Constant", value=numpy_helper.from_array(np.array(value, np.float32)))

    def normal(self, *shape: int, mean: int = 0) -> str:
        import numpy as np

        values = self.rng.standard_normal(shape, dtype=np.float32) * np.float32(STD) + np.float32(mean)
        return self.weight(f"weight_{len(self.weights)}", values)


def _tensor(value: int | list[int]) -> TensorProto:
    import numpy as np
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(value, np.int64))


MODEL = Model(
    id="bert_mini",
    title="小型 BERT 编码器",
    about="按 BERT-mini (arXiv 1908.08962) 的尺寸搭建的四层 Transformer 编码器，词表缩短、权重随机，"
    "算子写法与 PyTorch 的导出结果一致。",
    build=build,
    inputs={"input_ids": make_input},
    packages=(),
    warm_up=3,
    calibration={"input_ids": (16, 128)},
)
