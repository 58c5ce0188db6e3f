"""Where fonts with Chinese characters usually lie."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts").expanduser(),
    Path("~/.fonts").expanduser(),
    Path("/System/Library/Fonts"),
    Path("/Library/Fonts"),
    Path(os.environ.get("WINDIR", "C:/Windows"), "Fonts"),
)
NAMES = (
    "NotoSansCJK*", "NotoSansSC*", "SourceHanSans*", "wqy-*", "DroidSansFallback*", "NotoSerifCJK*", "PingFang*",
    "STHeiti*", "msyh*", "simhei*", "simsun*",
)  # fmt: skip
"""The best first: sans serif, as most that is read."""
KINDS = (".ttf", ".ttc", ".otf")
MOST_FACES = 10
"""In one file."""


@cache
def chinese() -> Path | None:
    """File of the best font with Chinese characters, if one is installed; regular weight before others."""
    files = [
        path for folder in FOLDERS if folder.is_dir() for path in folder.rglob("*") if path.suffix in KINDS
    ]
    for name in NAMES:
        found = [path for path in files if path.match(name)]
        if found:
            return min(found, key=lambda path: ("Regular" not in path.stem, path.name))
    return None


def simplified(path: Path, size: int) -> FreeTypeFont:
    """The face for simplified characters of a file that may hold several, else its first."""
    from PIL import ImageFont

    for index in range(MOST_FACES):
        try:
            font = ImageFont.truetype(str(path), size, index=index)
        except OSError:  # no more faces
            break
        if "SC" in (font.getname()[0] or "").split():
            return font
    return ImageFont.truetype(str(path), size)
