"""The direction classifier that RapidOCR runs on every line: small, convolutional, real weights.

Input `x` is (N, 3, 48, 192), one line of text per entry; the output is (N, 2).
"""

from __future__ import annotations

from bench.models._ocr import model_bytes
from bench.models.ocr_rec import make_input
from bench.spec import Model


def build() -> bytes:
    """The file as the package ships it."""
    return model_bytes("ch_ppocr_mobile_v2.0_cls_mobile.onnx")


MODEL = Model(
    id="ocr_cls",
    title="PP-OCR 方向分类",
    about="rapidocr 包自带的方向分类模型，真实权重，输入是渲染出来的文字行。",
    build=build,
    inputs={"x": make_input},
    packages=("rapidocr",),
    warm_up=3,
)
