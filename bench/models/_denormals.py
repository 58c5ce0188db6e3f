"""One operator with weights of which a known share can be made denormal: see the variants `denormal_*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models._common import Graph, floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

SEED = 26992
ANY = 1e9
"""Tolerance of outputs: other weights give other outputs, and that is not the question."""


def conv(channels: int) -> bytes:
    """A 3x3 convolution of (N, channels, H, W) to as many channels."""
    import numpy as np

    graph = Graph(np.random.default_rng(SEED))
    weight = graph.weight("weight", _small(graph, (channels, channels, 3, 3)))
    graph.node("Conv", "x", weight, output="y", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    shape: Sequence[str | int] = ["n", channels, "h", "w"]
    return graph.saved("conv", floats("x", shape), floats("y", shape), 17)


def matmul(size: int) -> bytes:
    """(N, size) times a square matrix."""
    import numpy as np

    graph = Graph(np.random.default_rng(SEED))
    graph.node("MatMul", "x", graph.weight("weight", _small(graph, (size, size))), output="y")
    return graph.saved("matmul", floats("x", ["n", size]), floats("y", ["n", size]), 17)


def _small(graph: Graph, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return graph.rng.standard_normal(shape, dtype="f4") * 0.02
