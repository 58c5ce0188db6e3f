"""A perceptron with three layers: a run of some 50 to 150 microseconds, so that overheads show.

Input `x` is (N, 256), output `y` is (N, 64), N symbolic; meant for N = 16.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

from bench.models._common import Graph, floats, standard_normal
from bench.spec import Model

WIDTHS = (256, 512, 512, 64)
SEED = 16


def build() -> bytes:
    """MatMul, Add, Relu per layer (no Relu after the last), as ONNX bytes of opset 15."""
    import numpy as np
    from onnx import helper

    graph, x = Graph(np.random.default_rng(SEED)), "x"
    for layer, (inside, outside) in enumerate(pairwise(WIDTHS)):
        he_std = np.float32(math.sqrt(2 / inside))
        graph.weight(f"w{layer}", graph.rng.standard_normal((inside, outside), dtype=np.float32) * he_std)
        graph.weight(f"b{layer}", graph.rng.standard_normal(outside, dtype=np.float32) * np.float32(0.1))
        last = layer == len(WIDTHS) - 2
        graph.nodes += [
            helper.make_node("MatMul", [x, f"w{layer}"], [f"product{layer}"]),
            helper.make_node("Add", [f"product{layer}", f"b{layer}"], ["y" if last else f"sum{layer}"]),
        ]
        if not last:
            x = f"relu{layer}"
            graph.nodes.append(helper.make_node("Relu", [f"sum{layer}"], [x]))
    return graph.saved("tiny", floats("x", ["N", WIDTHS[0]]), floats("y", ["N", WIDTHS[-1]]), 15)


MODEL = Model(
    id="tiny",
    title="三层感知机",
    about="三层的小感知机，权重随机，一次推理不到一毫秒，用来看框架本身的开销。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=500,
)
