"""Rules that every sentence of a page keeps: marks, spaces, digits, tags."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = frozenset({"br", "img", "hr", "meta", "link", "input"})
HAN = "\u4e00-\u9fff"
FAULTS = {
    "marks side by side": r"[，。；：、]{2,}|（[，。；：、]|[，；：、]）",
    "mark at the beginning": r"^[，。；：、）]",
    "nothing between brackets": r"（\s*）|“\s*”",
    "half-width mark in Chinese": rf"[{HAN}）”][,;:!?]|[,;:!?][{HAN}（“]",
    "no space between Chinese and Latin or digits": rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9%][{HAN}]",
    "space beside a full-width mark": r"[ \u202f][，。；：、（）“”]|[，。；：、（）“”][ \u202f]",
    "two spaces": r"[ \u202f]{2,}",
    "no number": r"\b(?:None|nan|inf|True|False)\b",
    "exponent": r"\d(?:\.\d+)?e[+-]?\d",
    "representation": r"<bench|object at 0x|\{|\}",
}
PAIRS = (("（", "）"), ("“", "”"))


class _Text(HTMLParser):
    """Text without tags; complains of tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> does not match")

    def handle_data(self, data: str) -> None:
        self.text += data


def _parsed(html: str) -> _Text:
    parser = _Text()
    parser.feed(str(html))  # not as Markup, which would escape what the parser puts together
    parser.close()
    return parser


def text_of(html: str) -> str:
    return _parsed(html).text


def markup_faults(html: str) -> list[str]:
    parser = _parsed(html)
    return parser.faults + [f"<{tag}> stays open" for tag in parser.open]


def faults(html: str) -> list[str]:
    """What is wrong with a sentence, or several in a row."""
    text = text_of(html)
    found = markup_faults(html)
    found += [f"{name}: {m[0]!r}" for name, pattern in FAULTS.items() for m in re.finditer(pattern, text)]
    found += [f"{a}{b} not balanced" for a, b in PAIRS if not _balanced(text, a, b)]
    if not text.endswith("。"):
        found.append("does not end with 。")
    return found


def _balanced(text: str, opening: str, closing: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == opening) - (letter == closing)
        if depth < 0:
            return False
    return depth == 0
