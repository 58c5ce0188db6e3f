"""The settings that the article of 2022 recommends as a whole, and who uses them today."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from bench.experiments._common import ORIGINAL
from bench.pages import frames

if TYPE_CHECKING:
    from bench.spec import Scalar


def sentence(rapidocr: dict[str, Any]) -> str:
    """What they are, and whether the installed RapidOCR sets the same; `rapidocr` as read from it."""
    told = "，".join(frames.code(f"{name} = {value}") for name, value in ORIGINAL.settings.items())
    library = f"RapidOCR {escape(rapidocr['version'])}"
    others = {
        name: rapidocr["settings"].get(name, "没有")
        for name, value in ORIGINAL.settings.items()
        if not _same(value, rapidocr["settings"].get(name, ""))
    }
    if not others:
        return f"原文设置是它推荐的一套：{told}。<strong>{library} 现在这样设</strong>，所以“与原文设置比”就是与 RapidOCR 现在的样子比。"
    differing = "，".join(frames.code(f"{name} = {value}") for name, value in others.items())
    return f"原文设置是它推荐的一套：{told}。{library} 设得不同：{differing}。"


def _same(value: Scalar, written: str) -> bool:
    """A setting against the same one as a reader would write it; enumerators carry the name of their type."""
    return written in (repr(value), str(value)) or written.endswith(f".{value}")
