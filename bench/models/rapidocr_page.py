"""Pages for RapidOCR as a whole, with the text that stands on them: Chinese where a font for it is installed.

Input `page` is (H, W, 3), BGR, as OpenCV reads pictures; `text` is that text in UTF-8, (lines, longest line), filled
up with spaces. A smaller page is the upper part of a larger one, cut between lines, and its text are the first lines. The file is that of detection, of
which `bench.subjects.rapidocr_page` may open another one; the two other models stay as they are.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from bench.models import _fonts, _ocr, ocr_det
from bench.models._common import covering
from bench.spec import Model, Shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.ImageFont import FreeTypeFont, ImageFont

SEED = 900
LINE_HEIGHT, FONT_SIZE = 50, 26
ENGLISH = tuple(word for word in _ocr.WORDS if word.isalnum())
"""Spaces around brackets and dots are not what a recogniser is asked for."""
TEXT = (
    "模型 读取 图片 里的 文字 找出 每一行 从哪里 开始 到哪里 结束 再认出 是什么字 发票 合计 金额 日期 编号 服务器 "
    "内存 线程 延迟 推理 输入 输出 尺寸 结果 说明 北京 上海 杭州 地址 电话 单位 公司 产品 数量 规格 今天 明天 时间 "
    "完成 检查 通过"
)
CHINESE = tuple(TEXT.split())
WRITINGS = {"英文": (ENGLISH, " ", 20, 32), "中文": (CHINESE, "", 14, 17)}
"""Words, what stands between them, fewest and most characters of a line."""


def writing() -> str:
    """Which of `WRITINGS` stands on the pages of this machine."""
    return "中文" if _fonts.chinese() else "英文"


def lines(count: int, written: str) -> list[str]:
    """Seeded words, about as many in each line."""
    words, between, fewest, most = WRITINGS[written]
    rng = random.Random(SEED)
    found = []
    for _ in range(count):
        line = rng.choice(words)
        while len(line) < fewest:
            line = f"{line}{between}{rng.choice(words)}"[:most]
        found.append(line.strip())
    return found


def make_page(shapes: tuple[Shape, ...]) -> NDArray[np.uint8]:
    """Lines one below the other on slightly noisy paper."""
    import numpy as np
    from PIL import Image, ImageDraw

    height, width, _ = covering(shapes)
    image = Image.new("RGB", (width, height), _ocr.PAPER)
    draw, font = ImageDraw.Draw(image), _font()
    for number, line in enumerate(lines(height // LINE_HEIGHT, writing())):
        draw.text((_ocr.MARGIN, number * LINE_HEIGHT + _ocr.MARGIN // 2), line, fill=_ocr.INK, font=font)
    return _ocr.photograph(image, np.random.default_rng(SEED))


def _font() -> FreeTypeFont | ImageFont:
    from PIL.ImageFont import load_default

    found = _fonts.chinese()
    return _fonts.simplified(found, FONT_SIZE) if found else load_default(size=FONT_SIZE)


def make_text(shapes: tuple[Shape, ...]) -> NDArray[np.uint8]:
    """Of the largest page."""
    import numpy as np

    count, length = covering(shapes)
    told = b"".join(line.encode().ljust(length) for line in lines(count, writing()))
    return np.frombuffer(told, dtype=np.uint8).reshape(count, length)


def note() -> str:
    """For captions."""
    font = _fonts.chinese()
    return f"页上是中文（字体 {font.stem}）" if font else "没有找到中文字体，页上是英文"


MODEL = Model(
    id="rapidocr_page",
    title="RapidOCR 整页识别",
    about="rapidocr 包原样安装，检测、方向分类、识别三个模型依次运行，输入是渲染出来的整页文字。",
    build=ocr_det.build,
    inputs={"page": make_page, "text": make_text},
    packages=("rapidocr", "opencv-python"),
    warm_up=0,
    note=note,
)
