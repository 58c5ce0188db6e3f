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
    "does not end with 。": r"(?<!。)\Z",
}
PAIRS = ("（）", "“”")


class _Text(HTMLParser):
    """Text without tags; complains of tags that do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.open, self.faults = "", list[str](), list[str]()
        self.feed(str(html))  # not as Markup, which would escape what the parser puts together
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> does not match")

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(html: str) -> str:
    return _Text(html).text


def markup_faults(html: str) -> list[str]:
    parser = _Text(html)
    return parser.faults + [f"<{tag}> stays open" for tag in parser.open]


def faults(html: str) -> list[str]:
    """What is wrong with a sentence, or several in a row."""
    text, found = text_of(html), markup_faults(html)
    found += [f"{name}: {m[0]!r}" for name, pattern in FAULTS.items() for m in re.finditer(pattern, text)]
    for pair in PAIRS:
        marks = re.sub(f"[^{pair}]", "", text)
        while pair in marks:
            marks = marks.replace(pair, "")
        found += [f"{pair} not balanced"] if marks else []
    return found
