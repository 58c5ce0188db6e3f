"""A single matrix product: what denormal weights cost where nothing else does anything."""

from __future__ import annotations

from functools import partial

from bench.models._common import standard_normal
from bench.models._denormals import ANY, SEED, matmul
from bench.spec import Model


def build() -> bytes:
    """All weights are normal numbers."""
    return matmul(1024)


MODEL = Model(
    id="one_matmul",
    title="单个矩阵乘法",
    about="一个 1024×1024 的矩阵乘法，种子固定的权重；变体把其中一部分换成非规格化数。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=5,
    tolerance=ANY,
)
