"""Pages for RapidOCR as a whole, with the text that stands on them.

Input `page` is (H, W, 3), BGR, as OpenCV reads pictures; `text` is that text in ASCII, (lines, longest line), filled
up with spaces. A smaller page is the upper part of a larger one, cut between lines, and its text are the first lines. The file is that of detection, of
which `bench.subjects.rapidocr_page` may open another one; the two other models stay as they are.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.models import _ocr, ocr_det
from bench.models._common import covering
from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEED = 900
LINE_HEIGHT, FONT_SIZE = 50, 26
FEWEST_CHARACTERS, MOST_CHARACTERS = 20, 32
WORDS = [word for word in _ocr.WORDS if word.isalnum()]
"""Spaces around brackets and dots are not what a recogniser is asked for."""


def lines(count: int) -> list[str]:
    """Seeded words, about as many in each line."""
    rng = random.Random(SEED)
    found = []
    for _ in range(count):
        line = rng.choice(WORDS)
        while len(line) < FEWEST_CHARACTERS:
            line = f"{line} {rng.choice(WORDS)}"[:MOST_CHARACTERS]
        found.append(line)
    return found


def make_page(shapes: tuple[Shape, ...]) -> NDArray[np.uint8]:
    """Lines one below the other on slightly noisy paper."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    height, width, _ = covering(shapes)
    image = Image.new("RGB", (width, height), _ocr.PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=FONT_SIZE)
    for number, line in enumerate(lines(height // LINE_HEIGHT)):
        draw.text((_ocr.MARGIN, number * LINE_HEIGHT + _ocr.MARGIN // 2), line, fill=_ocr.INK, font=font)
    return _ocr.photograph(image, np.random.default_rng(SEED))


def make_text(shapes: tuple[Shape, ...]) -> NDArray[np.uint8]:
    """Of the largest page."""
    import numpy as np

    count, length = covering(shapes)
    told = "".join(line.ljust(length) for line in lines(count))
    return np.frombuffer(told.encode(), dtype=np.uint8).reshape(count, length)


MODEL = Model(
    id="rapidocr_page",
    title="RapidOCR 整页识别",
    about="rapidocr 包原样安装，检测、方向分类、识别三个模型依次运行，输入是渲染出来的整页文字。",
    build=ocr_det.build,
    inputs={"page": make_page, "text": make_text},
    packages=("rapidocr", "opencv-python"),
    warm_up=0,
)
