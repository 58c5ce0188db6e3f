"""Links terms to the glossary: the first use of each on a page, in running text only.

The terms stand once, in the glossary page itself. Links are written into the Markdown, so that mkdocs resolves and
checks them like any other; what a block of code prints is not touched.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PAGE = "reference/glossary.md"
ENTRY = re.compile(r"^(?P<names>\S.*?) \{ #(?P<anchor>[\w-]+) \}\n:   (?P<text>.+)$", re.MULTILINE)
BETWEEN_NAMES = "、"
PROTECTED = re.compile(
    r"""
      ^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^[ \t]*(?P=fence)[ \t]*$  # blocks of code
    | <!--.*?-->
    | ^\#{1,6}[ ].*?$                                                    # headings
    | ^[ \t]*(?:!!!|\?\?\?|===)[^\n]*$                                   # titles of boxes and tabs
    | ^\[[^\]\n]+\]:[^\n]*$                                              # targets of reference links
    | (?P<ticks>`+)[^\n]+?(?P=ticks)                                     # code in a line
    | !?\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])                         # links and pictures
    | <[^>\n]+>
    | https?://\S+
    | \{[^}\n]*\}                                                        # attributes
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """What one entry says."""

    names: tuple[str, ...]
    anchor: str
    text: str
    """One sentence, without marks of code."""


def read(docs: Path) -> list[Term]:
    """The terms of the glossary; none where there is no such page."""
    path = docs / PAGE
    found = ENTRY.finditer(path.read_text(encoding="utf-8")) if path.exists() else ()
    return [
        Term(tuple(m["names"].split(BETWEEN_NAMES)), m["anchor"], m["text"].replace("`", "")) for m in found
    ]


def linked(markdown: str, page: str, terms: Sequence[Term]) -> str:
    """The text of `page` (its path below docs) with the first use of every term as a link."""
    if page == PAGE or not terms:
        return markdown
    href = posixpath.relpath(PAGE, posixpath.dirname(page) or ".")
    by_name = {name: term for term in terms for name in term.names}
    names = "|".join(_bounded(name) for name in sorted(by_name, key=len, reverse=True))
    seen: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        term = by_name.get(match[0]) if match["name"] else None
        if term is None or term.anchor in seen:
            return match[0]
        seen.add(term.anchor)
        title = term.text.replace('"', "&quot;")
        return f'[{match[0]}]({href}#{term.anchor} "{title}"){{ .term }}'

    return re.sub(rf"{PROTECTED.pattern}|(?P<name>{names})", replace, markdown, flags=PROTECTED.flags)


def _bounded(name: str) -> str:
    """Latin letters must not be part of a longer word; Chinese has no such bounds. Spaces count, also where verbose."""
    start = r"(?<![A-Za-z0-9_./-])" if name[0].isascii() else ""
    end = r"(?![A-Za-z0-9_/-])" if name[-1].isascii() else ""
    return start + re.escape(name) + end
