"""PP-OCRv6 text detection, small: a convolutional network with real weights and dynamic shapes.

Input `x` is (N, 3, H, W) with H and W multiples of 32, as RapidOCR resizes pages; the output is a
probability map of the same size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models._common import covering
from bench.models._ocr import model_bytes, page
from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 736
FILE = "PP-OCRv6_det_small.onnx"


def build() -> bytes:
    """The file as the package ships it; a tenth of its weights are denormal numbers."""
    return model_bytes(FILE)


def make_input(shapes: tuple[Shape, ...]) -> NDArray[np.float32]:
    """One page per batch entry, large enough for every shape."""
    import numpy as np

    batch, _, height, width = covering(shapes)
    return np.stack([_normalised(page(height, width, SEED + index)) for index in range(batch)])


def _normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) to (3, H, W), -1 to 1 without zeros, bit by bit as `DetPreProcess` of RapidOCR 3.10."""
    import numpy as np

    half = np.array([0.5, 0.5, 0.5])
    scaled = (pixels.astype(np.float32) * np.float32(1 / 255.0) - half) / half
    return np.asarray(scaled.transpose(2, 0, 1), dtype=np.float32)


MODEL = Model(
    id="ocr_det",
    title="PP-OCRv6 文字检测",
    about="rapidocr 包自带的 PP-OCRv6 small 检测模型，真实权重，输入是渲染出来的整页文字。",
    build=build,
    inputs={"x": make_input},
    packages=("rapidocr",),
    warm_up=1,
    decides="area",
    calibration={"x": (16, 3, 480, 480)},
)
