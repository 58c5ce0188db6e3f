"""PP-OCRv6 text recognition, small: convolutions and attention, real weights, dynamic batch and width.

Input `x` is (N, 3, 48, W), one line of text per entry; the output is (N, W / 8, 18710), a
distribution over characters for each step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models._common import covering
from bench.models._ocr import line, model_bytes
from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 320


def build() -> bytes:
    """The file as the package ships it."""
    return model_bytes("PP-OCRv6_rec_small.onnx")


def make_input(shapes: tuple[Shape, ...]) -> NDArray[np.float32]:
    """One line per batch entry, as wide as the widest shape and filled to the edge."""
    import numpy as np

    batch, _, height, width = covering(shapes)
    return np.stack([_normalised(line(height, width, SEED + index)) for index in range(batch)])


def _normalised(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) to (3, H, W), -1 to 1 without zeros, bit by bit as `resize_norm_img` of RapidOCR 3.10."""
    import numpy as np

    half = np.float32(0.5)
    return (pixels.astype(np.float32).transpose(2, 0, 1) / np.float32(255) - half) / half


MODEL = Model(
    id="ocr_rec",
    title="PP-OCRv6 文字识别",
    about="rapidocr 包自带的 PP-OCRv6 small 识别模型，真实权重，输入是渲染出来的文字行。",
    build=build,
    inputs={"x": make_input},
    packages=("rapidocr",),
    warm_up=1,
    decides="text",
    calibration={"x": (16, 3, 48, 320)},
)
