"""A perceptron with three layers: a run of some 50 to 150 microseconds, so that overheads show.

Input `x` is (N, 256), output `y` is (N, 64), N symbolic; meant for N = 16.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTHS = (256, 512, 512, 64)
SEED = 16


def build() -> bytes:
    """MatMul, Add, Relu per layer (no Relu after the last), as ONNX bytes of opset 15 and IR version 8."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    rng = np.random.default_rng(SEED)
    nodes, weights, x = [], [], "x"
    for layer, (inside, outside) in enumerate(pairwise(WIDTHS)):
        he_std = np.float32(math.sqrt(2 / inside))
        matrix = rng.standard_normal((inside, outside), dtype=np.float32) * he_std
        bias = rng.standard_normal(outside, dtype=np.float32) * np.float32(0.1)
        weights += [numpy_helper.from_array(matrix, f"w{layer}"), numpy_helper.from_array(bias, f"b{layer}")]
        last = layer == len(WIDTHS) - 2
        nodes += [
            helper.make_node("MatMul", [x, f"w{layer}"], [f"product{layer}"]),
            helper.make_node("Add", [f"product{layer}", f"b{layer}"], ["y" if last else f"sum{layer}"]),
        ]
        if not last:
            x = f"relu{layer}"
            nodes.append(helper.make_node("Relu", [f"sum{layer}"], [x]))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
        for name, width in (("x", WIDTHS[0]), ("y", WIDTHS[-1]))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", ends[:1], ends[1:], weights),
        opset_imports=[helper.make_opsetid("", 15)],
        ir_version=8,
    )
    checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def make_input(shapes: tuple[Shape, ...]) -> NDArray[np.float32]:
    """Standard normal rows."""
    import numpy as np

    covering = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    return np.random.default_rng(SEED).standard_normal(covering, dtype=np.float32)


MODEL = Model(
    id="tiny",
    title="三层感知机",
    about="三层的小感知机，权重随机，一次推理不到一毫秒，用来看框架本身的开销。",
    build=build,
    inputs={"x": make_input},
    packages=(),
    warm_up=500,
)
