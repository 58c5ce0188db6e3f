"""Hostile text, a row each, and what to ask of a place where it ended up."""

from __future__ import annotations

import re
import socket
import unicodedata
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.system.harmless import MOST

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "xyzzy"
"""In every text that would do something."""


class Hostile(NamedTuple):
    """A text that must do nothing."""

    what: str
    text: str


HARMLESS = "无害的文字"
FORMULA = Hostile("a formula", f"=cmd|'/C {MARK}'!A0")
HOSTILE = (
    Hostile("HTML elements", f"<script>{MARK}()</script><img src=x onerror={MARK}()><b>"),
    Hostile("an end of a script", f"</script><script>{MARK}()</script><!--"),
    Hostile("an end of an attribute", f"\" onmouseover=\"{MARK}()\" x='y' autofocus onfocus='{MARK}()"),
    Hostile("Markdown", f"[x](javascript:{MARK}()) **b** `c` | d\n\n# {MARK}\n\n- e"),
    Hostile("templates", f"{{{{ 7*7 }}}}{{% raw %}}{{{{ config.{MARK} }}}}{{# {MARK} #}}"),
    Hostile("a block to be executed", f'```\n\n```python exec="on"\nprint("{MARK}" * 2)\n```\n'),
    Hostile("terminal codes", f"\x1b[31mred\x1b[2J\x1b]0;{MARK}\x07\x1b]8;;http://{MARK}\x1b\\x\x9b1m\r\x08"),
    Hostile("rich markup", f"[red]x[/red][link=http://{MARK}]y[/link][/]"),
    Hostile("turned reading direction", f"\u202e{MARK}\u202c\u2066\u200f\u200b\ufeff\U000e0041"),
    Hostile("controls", f"a\x00b\x01\x7f\x85\u2028{MARK}"),
    FORMULA,
    Hostile("a megabyte", "长" * (1 << 20)),
)
OWN_PLACE = re.compile(r"^#[\w=.-]+$")
"""A link to a place on the same page, named after what stands there, in letters that need no escape."""


class Structure(HTMLParser):
    """Elements with the names of their attributes, in order; and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.links, self._texts = list[tuple[str, ...]](), list[str](), list[str]()
        self.feed(html)
        self.close()
        self.text = "".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))
        links = (value or "" for name, value in attrs if name in ("href", "src", "action", "xlink:href"))
        self.links += [OWN_PLACE.sub("#", link) for link in links]

    def handle_comment(self, data: str) -> None:
        self.elements.append(("!--", data[:20]))

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


def odd_characters(text: str) -> set[str]:
    """What no escaping helps against."""
    return {c for c in set(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n", "\t"}


def is_bounded(text: str) -> bool:
    return "长" * (MOST + 1) not in text


def names_of_this_machine() -> Iterator[str]:
    """Host name, and what the firmware and the system call this very machine."""
    yield socket.gethostname()
    told = ("product_serial", "product_uuid", "board_serial", "chassis_serial")
    firmware = (f"sys/class/dmi/id/{name}" for name in told)
    for path in ("etc/machine-id", "proc/sys/kernel/random/boot_id", *firmware):
        with suppress(OSError):
            yield Path("/", path).read_text(encoding="utf-8", errors="replace").strip()


def published_names(site: Path, names: list[str]) -> list[str]:
    """`file: name` for each of the names that a published file holds; too short ones say nothing."""
    wanted = {name.encode() for name in names if len(name) > 4}
    return [
        f"{path.relative_to(site)}: {name.decode()}"
        for path in sorted(site.rglob("*"))
        if path.is_file()
        for name in wanted
        if name in path.read_bytes()
    ]
