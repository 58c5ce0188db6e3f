"""What makes pages easier to find and to read: links to the glossary, contents, reading time, the search's share."""

from __future__ import annotations

import math
import posixpath
import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.toc import get_toc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mkdocs.structure.files import Files
    from mkdocs.structure.toc import TableOfContents

GLOSSARY = "reference/glossary.md"
ENTRY = re.compile(r"^(?P<names>\S.*?) \{ #(?P<anchor>[\w-]+) \}\n:   (?P<text>.+)$", re.MULTILINE)
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
    | ^[^\n]*\n\{[ ]\.bench-words[ ]\}                                    # what people type, as they type it
    | \{[^}\n]*\}                                                        # attributes
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)
LINKED = re.compile(r"\[([^\]]+)\]\([^)]*\)")
MORE = "<!-- more -->"
PER_MINUTE = 400
"""Chinese characters, or Latin words, that are read in a minute."""
UNIT = re.compile(r"[\u3400-\u9fff]|[A-Za-z0-9_.%+-]+")
NOT_READ = re.compile(r"<(figure|details|pre|table|script|style|svg)\b.*?</\1>|<[^>]+>", re.DOTALL)
"""What readers skim, code and figures; and every mark."""
WORKER = re.compile(r"assets/javascripts/workers/search\.\w+\.min\.js")
"""Over http a worker, under file:// a script of the iframe that stands in for one: the same file."""
HASHED = re.compile(r"(\b(\w+)=\2\+\w+)(\+\w+\.id\b)")
"""In lunr's TokenSet.toString, minified: `text = text + label + child.id`."""
MEASURED = re.compile(r'<table class="(?:bench|notebook)-(?!plain|options|machine).*?</table>', re.DOTALL)
"""Generated tables hold figures, but for these three."""
CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
SKIPPED = re.compile(
    r'<(script|svg)\b.*?</\1>|<p class="bench-(?:downloads|notes|provenance)">.*?</p>|</?span\b[^>]*>',
    re.DOTALL,
)
"""Drawings, what stands below or above every figure alike, and colours: most marks are theirs, and each takes time."""
JOINT = re.compile(r"</(?:caption|dd|dt|legend|td|text|th)>(?=\S)|(?<=\S)(?=<br|<dl|<small|<table)")
"""Where a screen parts what the index would glue: it takes a tag for no space."""
HEADING = re.compile(r'<h(\d)[^>]* id="([^"]*)"[^>]*>(.*?)(?:<a class="headerlink".*?)?</h\1>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """What one entry of the glossary says."""

    names: tuple[str, ...]
    anchor: str
    text: str
    """One sentence, without marks of code."""


def terms(docs: Path) -> list[Term]:
    """The terms, which stand once, in the glossary itself; none where there is no such page."""
    path = docs / GLOSSARY
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [
        Term(tuple(m["names"].split("、")), m["anchor"], LINKED.sub(r"\1", m["text"]).replace("`", ""))
        for m in ENTRY.finditer(text)
    ]


def linked(markdown: str, page: str, terms: Sequence[Term]) -> str:
    """The text of `page` (its path below docs) with the first use of every term, in running text, as a link.

    Written into the Markdown, so that mkdocs resolves and checks it like any other.
    """
    if page == GLOSSARY or not terms:
        return markdown
    href = posixpath.relpath(GLOSSARY, posixpath.dirname(page) or ".")
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


def minutes(html: str) -> int:
    """Minutes for the running text of a page, at least one. The blog plugin counts what stands between spaces."""
    return max(1, math.ceil(len(UNIT.findall(unescape(NOT_READ.sub(" ", html)))) / PER_MINUTE))


def summary(markdown: str) -> str:
    """A post up to its separator: lists of posts would render the whole of it, blocks and all, once for each list."""
    before, more, _ = markdown.partition(MORE)
    return f"{before}{more}\n\n…" if more else markdown


def contents(html: str) -> TableOfContents:
    """The headings of a page that Python-Markdown did not make, nested."""
    top: list[dict[str, Any]] = []
    open_: list[dict[str, Any]] = []
    for level, name, text in HEADING.findall(html):
        token = {"level": int(level), "id": unescape(name), "name": text, "children": []}
        open_ = [parent for parent in open_ if parent["level"] < token["level"]]
        (open_[-1]["children"] if open_ else top).append(token)
        open_.append(token)
    return get_toc(top)  # type: ignore[arg-type]


def indexed(html: str) -> str:
    """The page as the search should read it: without drawings and measured cells, with a space between neighbours."""
    words = MEASURED.sub(lambda table: CELL.sub(" ", table[0]), SKIPPED.sub("", html))
    return JOINT.sub(r"\g<0> ", words)


def mend_search(files: Files) -> None:
    """Let the worker of the search tell the nodes of its index apart.

    lunr names a node by the labels and ids of its children, written without a gap (its issue 503): "1" to node 23
    and "12" to node 3 are the same then. Labels are single characters, so that one sign after each is enough.
    """
    places = 0
    for file in files:
        if WORKER.fullmatch(file.src_uri):
            file.content_string, found = HASHED.subn(r'\1+":"\3', file.content_string)
            places += found
    if places != 1:
        raise PluginError(
            f"搜索的 worker 里要改的地方应当有一处，找到 {places} 处：Material 换了版本，改 bench/site/reading.py"
        )
