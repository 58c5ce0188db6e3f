"""The network of the article's arena table, rebuilt from its published description.

Grey-matter segmentation by atrous spatial pyramid pooling: Perone et al. 2017, arXiv 1710.01269,
known for its memory figures in ONNX Runtime issue 11627. Input `input_1` and output `predictions`
are (N, 200, 200, 1) with N symbolic. Weights are random and seeded: speed and memory follow from
the shapes, not from what was learned.
"""

from __future__ import annotations

import math
from functools import partial

from bench.models._common import Graph, floats, standard_normal
from bench.spec import Model, Shape

SIDE = 200
FILTERS = 64
SAME = (FILTERS, FILTERS)
RATES = (6, 12, 18, 24)
PARAMETERS = 478_017
"""Float parameters of the published network: a rebuild with another count is another network."""

SEED = 11627
RELU_MEAN = 1 / math.sqrt(math.pi)
RELU_VARIANCE = 1 - 1 / math.pi
"""Of max(0, z), z normal with variance 2: what He weights make of normalised inputs."""


def build() -> bytes:
    """The network as ONNX bytes of opset 15."""
    import numpy as np

    graph = _Graph(np.random.default_rng(SEED))
    output = _network(graph)
    parameters = sum(math.prod(weight.dims) for weight in graph.weights)
    assert parameters == PARAMETERS, parameters
    first, last = (floats(name, ["N", SIDE, SIDE, 1]) for name in ("input_1", output))
    return graph.saved("aspp", first, last, 15)


def _network(graph: _Graph) -> str:
    """Add every node; return the name of the output."""
    x = graph.node("Transpose", "input_1", perm=[0, 3, 1, 2])
    first = graph.block(x, channels=(1, FILTERS))
    trunk = graph.block(graph.block(graph.block(first), rate=2), rate=2)
    branches = [graph.block(graph.block(trunk), kernel=1)]
    branches += [graph.block(graph.block(trunk, rate=rate), rate=rate) for rate in RATES]
    branches.append(_pooled(graph, first))
    width = FILTERS * len(branches)
    x = graph.norm(graph.node("Concat", *branches, axis=1), width, mean=0.0, variance=1.0)
    x = graph.block(x, kernel=1, channels=(width, FILTERS))
    x = graph.node("Sigmoid", graph.conv(x, kernel=1, channels=(FILTERS, 1)))
    return graph.node("Transpose", x, output="predictions", perm=[0, 2, 3, 1])


def _pooled(graph: _Graph, x: str) -> str:
    """The mean of each channel of `x`, tiled back to its size.

    The nearest neighbour of a single pixel is that pixel, so this Resize is a Tile. It is written as
    Resize because ORT keeps that in its blocked layout, like the five branches beside it. Tile and
    Expand make ORT 1.31 convert the branches for the Concat one by one, in an order that changes from
    process to process, and with it the memory: 764 or 842 MiB after the same first run at batch 4.
    """
    import numpy as np
    from onnx import numpy_helper

    factors = numpy_helper.from_array(np.array([1, 1, SIDE, SIDE], dtype=np.float32))
    scales = graph.node("Constant", value=factors)
    pooled = graph.node("GlobalAveragePool", x)
    nearest = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return graph.node("Resize", pooled, "", scales, **nearest)


class _Graph(Graph):
    __slots__ = ()

    def block(self, x: str, *, kernel: int = 3, rate: int = 1, channels: tuple[int, int] = SAME) -> str:
        """Conv + ReLU + BatchNorm, the brick of the whole network."""
        x = self.node("Relu", self.conv(x, kernel=kernel, rate=rate, channels=channels))
        return self.norm(x, channels[1], mean=RELU_MEAN, variance=RELU_VARIANCE)

    def conv(self, x: str, *, kernel: int, rate: int = 1, channels: tuple[int, int]) -> str:
        """A convolution that keeps the size. The pads are explicit: ORT refuses auto_pad with dilation."""
        inside, outside = channels
        name = f"conv_{len(self.nodes)}"
        he_std = math.sqrt(2 / (inside * kernel * kernel))
        weight = self._normal(f"{name}_weight", (outside, inside, kernel, kernel), he_std)
        bias = self._normal(f"{name}_bias", (outside,), 0.01)
        shape = {"kernel_shape": [kernel] * 2, "dilations": [rate] * 2, "pads": [rate * (kernel // 2)] * 4}
        return self.node("Conv", x, weight, bias, output=name, **shape)

    def norm(self, x: str, channels: int, *, mean: float, variance: float) -> str:
        """BatchNorm with the statistics that `x` should have, give or take 10 %, so that depth does not
        make activations vanish or explode.
        """
        name = f"norm_{len(self.nodes)}"
        middles = {"scale": 1.0, "bias": 0.0, "mean": mean, "var": variance}
        weights = [self._around(f"{name}_{part}", channels, middle) for part, middle in middles.items()]
        return self.node("BatchNormalization", x, *weights, output=name)

    def _normal(self, name: str, shape: Shape, std: float) -> str:
        import numpy as np

        return self.weight(name, self.rng.standard_normal(shape, dtype=np.float32) * np.float32(std))

    def _around(self, name: str, count: int, middle: float) -> str:
        import numpy as np

        values = self.rng.uniform(-0.1, 0.1, count) * (abs(middle) or 1.0) + middle
        return self.weight(name, values.astype(np.float32))


MODEL = Model(
    id="aspp",
    title="ASPP 分割网络",
    about="按 Perone 等人 2017 年的论文 (arXiv 1710.01269) 重建的分割网络，权重随机，"
    "与 ONNX Runtime issue 11627 中的模型结构相同。",
    build=build,
    inputs={"input_1": partial(standard_normal, SEED)},
    packages=(),
    warm_up=0,
)
