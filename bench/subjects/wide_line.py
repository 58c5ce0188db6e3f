"""What one extremely wide picture leaves behind in RapidOCR: whole, and cut into pieces before."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

TITLE = "RapidOCR 读一张特别宽的图"
QUIET = {"Global.log_level": "critical"}
PARAGRAPH = (400, 480)
LINE = (64, 1900)
"""Height and width. RapidOCR shrinks what is wider than 2000 pixels."""
PIECES = 4
WORDS = "the model reads every line of text and tells where it begins and where it ends "
INK, PAPER, SIZE, SPACING = (32, 36, 52), (250, 247, 238), 34, 50


def load():
    global np, RapidOCR  # noqa: PLW0603 - imported only where a reader's process would
    import numpy as np
    from rapidocr import RapidOCR


def report(job):
    """Resident memory after each step, in one process."""
    ocr, usual, wide = RapidOCR(params=QUIET), drawn(*PARAGRAPH), drawn(*LINE)
    pieces = np.array_split(wide, PIECES, axis=1)
    steps = {
        f"读普通的页（{PARAGRAPH[1]}×{PARAGRAPH[0]}）": [usual],
        f"一张特别宽的（{LINE[1]}×{LINE[0]}），先切成 {PIECES} 段": pieces,
        "同一张，不切": [wide],
        "再读普通的页": [usual],
    }
    told = []
    for step, pictures in steps.items():
        for picture in pictures:
            ocr(np.ascontiguousarray(picture))
        gc.collect()
        told.append(f"{step}：{resident()} MiB")
    try:
        ctypes.CDLL(None).malloc_trim(0)
        told.append(f"调用 malloc_trim(0)：{resident()} MiB")
    except (AttributeError, OSError, TypeError):
        told.append("这个系统没有 malloc_trim")
    return {"resident": told}


def drawn(height, width):
    """Lines of text over the whole width, (height, width, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    image, font = Image.new("RGB", (width, height), PAPER), ImageFont.load_default(size=SIZE)
    draw = ImageDraw.Draw(image)
    for number in range(max(1, height // SPACING)):
        place = number * len(WORDS) // 3 % len(WORDS)
        text = (WORDS[place:] + WORDS * (width // 400 + 1)).strip()
        while font.getlength(text) > width - SIZE:
            text = text[:-1]
        draw.text((SIZE // 2, number * SPACING + 8), text, fill=INK, font=font)
    return np.asarray(image)[:, :, ::-1]


def resident():
    """Whole MiB."""
    status = Path("/proc/self/status")
    if not status.exists():
        import psutil

        return psutil.Process().memory_info().rss >> 20
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) >> 10
