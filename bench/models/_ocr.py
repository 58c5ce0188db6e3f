"""What the OCR models share: the files of the `rapidocr` package, and pictures of text to read.

Weights are real, nothing is downloaded. The pictures are seeded words in Pillow's embedded font on slightly noisy
paper: random noise would not do as input: detection answers it with values near zero, and then no
difference between two outputs means anything.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bench.models import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import ImageDraw

    Pixels = NDArray[np.uint8]

TEXT = (
    "the model reads an image of printed text and finds where every line begins and ends before it "
    "recognises letters Invoice Total Amount Date Number 2024 1.25 37% 480 Section Figure Table server "
    "memory thread arena latency batch shape kernel Results Shanghai Berlin Paris (A) No. 7 kg 16:30 "
    "quick brown fox jumps over lazy dog while measuring inference on common processors"
)
WORDS = TEXT.split()
FONT_SIZES = (16, 20, 24, 32, 44)
MARGIN = 12
PAPER = (250, 247, 238)
INK = (32, 36, 52)
NOISE_STD = 4.0
"""Grain of paper and camera, in steps of an 8-bit channel."""


def model_bytes(name: str) -> bytes:
    """Content of `models/<name>` in the installed package, which is found without importing it.

    Importing it would load OpenCV and ONNX Runtime. Raises ModelError when package or file is missing.
    """
    spec = find_spec("rapidocr")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path.read_bytes()
    raise ModelError(f'没有找到 rapidocr 自带的模型文件 {name}：请运行 pip install "rapidocr>=3.10"')


def page(height: int, width: int, seed: int) -> Pixels:
    """A page full of lines in several sizes, (height, width, 3), BGR. Its top left holds text as well."""
    import numpy as np
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(image)
    y = MARGIN
    while y < height:
        size = int(rng.choice(FONT_SIZES))
        _write(draw, (MARGIN, y), size, rng)
        y += round(size * 1.6)
    return photograph(image, rng)


def line(height: int, width: int, seed: int) -> Pixels:
    """One line of text over the whole width, as cut out of a page: (height, width, 3), BGR."""
    import numpy as np
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), PAPER)
    _write(ImageDraw.Draw(image), (height // 12, height // 10), round(height * 0.68), rng)
    return photograph(image, rng)


def _write(draw: ImageDraw.ImageDraw, corner: tuple[int, int], size: int, rng: np.random.Generator) -> None:
    """Seeded words from `corner` to beyond the right edge."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=size)
    text = ""
    while corner[0] + font.getlength(text) < draw.im.size[0]:
        text += str(rng.choice(WORDS)) + " "
    draw.text(corner, text, fill=INK, font=font)


def photograph(image: object, rng: np.random.Generator) -> Pixels:
    import numpy as np

    rgb = np.asarray(image, dtype=np.float32)
    noisy = rgb + rng.normal(0.0, NOISE_STD, rgb.shape)
    return np.ascontiguousarray(noisy.round().clip(0, 255).astype(np.uint8)[:, :, ::-1])
