"""Eight matrix products, 128 MiB of weights: what loading and letting go of a large model costs.

Input `x` is (N, 2048), the output as large. Weights are seeded and of a spread that keeps the values' size from layer
to layer; between the products stands nothing, so that all there is to load are weights.
"""

from __future__ import annotations

import math
from functools import partial

from bench.models._common import Graph, floats, standard_normal
from bench.spec import Model

SIDE, LAYERS, SEED = 2048, 8, 128


def build() -> bytes:
    """The network as ONNX bytes of opset 15."""
    import numpy as np

    graph = Graph(np.random.default_rng(SEED))
    std = np.float32(1 / math.sqrt(SIDE))
    x = "x"
    for layer in range(LAYERS):
        values = graph.rng.standard_normal((SIDE, SIDE), dtype=np.float32) * std
        output = "y" if layer == LAYERS - 1 else ""
        x = graph.node("MatMul", x, graph.weight(f"weight_{layer}", values), output=output)
    first, last = (floats(name, ["N", SIDE]) for name in ("x", "y"))
    return graph.saved("wide", first, last, 15)


MODEL = Model(
    id="wide",
    title="八层矩阵乘法",
    about="八个 2048×2048 的矩阵乘法，权重随机，共 128 MiB：用来看大模型的加载和卸载。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=3,
)
