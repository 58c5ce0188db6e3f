"""A single convolution: what denormal weights cost where nothing else does anything."""

from __future__ import annotations

from functools import partial

from bench.models._common import standard_normal
from bench.models._denormals import ANY, SEED, conv
from bench.spec import Model


def build() -> bytes:
    """All weights are normal numbers."""
    return conv(64)


MODEL = Model(
    id="one_conv",
    title="单个卷积",
    about="一个 3×3 卷积，种子固定的权重；变体把其中一部分换成非规格化数。",
    build=build,
    inputs={"x": partial(standard_normal, SEED)},
    packages=(),
    warm_up=5,
    tolerance=ANY,
)
