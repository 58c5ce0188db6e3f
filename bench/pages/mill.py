"""What the truth mill counted when it was last run: made-up builds of known truth, and what was said of them."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from bench.pages import frames

FILE = Path(__file__).with_name("truth_mill.json")
"""Written by `tests/speed/truth_mill.py --write`."""


def table() -> str:
    """Its figures with date and command."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    body = "".join(
        f'<tr><th scope="row">{escape(title)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for title, *cells in found["rows"]
    )
    made = f'<table class="bench-mill">{frames.head(found["head"])}<tbody>{body}</tbody></table>'
    caption = (
        f"{found['builds']} 次编出来的构建，跑于 {escape(found['date'])}：{frames.code(found['command'])}"
    )
    return frames.figure("truth-mill", caption, frames.scrolled(made, "说错的有多少"))
