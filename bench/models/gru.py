"""Two layers of GRU over a sequence: many small products one after another, nothing that threads could share out well.

Input `x` is (S, N, 64), steps first as ONNX has them, the output (S, N, 256). Weights are random and seeded, of the
spread that PyTorch starts its training from.
"""

from __future__ import annotations

import math
from functools import partial

from bench.models._common import Graph, floats, standard_normal
from bench.spec import Model

FEATURES, HIDDEN, GATES, LAYERS, SEED = 64, 256, 3, 2, 1406


def build() -> bytes:
    """The network as ONNX bytes of opset 15."""
    import numpy as np

    graph = Graph(np.random.default_rng(SEED))
    bound = 1 / math.sqrt(HIDDEN)

    def weight(name: str, *shape: int) -> str:
        return graph.weight(name, graph.rng.uniform(-bound, bound, shape).astype(np.float32))

    x, given = "x", FEATURES
    axis = graph.weight("axis", np.array([1], np.int64))
    for layer in range(LAYERS):
        weights = [
            weight(f"w{layer}", 1, GATES * HIDDEN, given),
            weight(f"r{layer}", 1, GATES * HIDDEN, HIDDEN),
            weight(f"b{layer}", 1, 2 * GATES * HIDDEN),
        ]
        steps = graph.node("GRU", x, *weights, hidden_size=HIDDEN, linear_before_reset=1)
        x = graph.node("Squeeze", steps, axis, output="y" if layer == LAYERS - 1 else "")
        given = HIDDEN
    return graph.saved("gru", floats("x", ["S", "N", FEATURES]), floats("y", ["S", "N", HIDDEN]), 15)


MODEL = Model(
    id="gru",
    title="两层 GRU",
    about="两层 GRU，隐藏层 256，权重随机：一步一步地算，语音和时间序列的模型常这样。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=3,
)
