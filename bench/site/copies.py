"""The site for programs: every page as Markdown beside its HTML, and a list of them in llms.txt.

Made from the finished pages, so that conclusions, settings and tables stand there as readers see them; in a process of its own,
beside the one that checks them. The name `page.html.md` and the form of llms.txt are those of llmstxt.org.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = "llms.txt"
LISTS = ("404.html", "blog/archive/", "blog/category/", "blog/tags")
"""Pages that only list others."""
SECTIONS = {"": "首页", "blog/": "文章", "evidence/": "证据", "reference/": "参考", "notebooks/": "笔记本"}
"""Beginning of a page's path -> heading; the longest that fits counts."""
ARTICLE = re.compile(r'<article class="md-content__inner.*</article>', re.DOTALL)
DESCRIPTION = re.compile(r'<meta name="description" content="([^"]*)"')
SCREEN_ONLY = re.compile(
    r"""
      <(script|style|svg|form|button|nav|noscript)\b.*?</\1>
    | <(a|aside|div|p)\ class="(?:headerlink|bench-anchor|bench-vega|bench-export|md-source-file)".*?</\2>
    | <details><summary>[^<]*</summary><div[^>]*><table\ class="bench-twin\b.*?</details>  # data of charts
    | </?(?:span|wbr)\b[^>]*>
    """,
    re.DOTALL | re.VERBOSE,
)
"""Taken out before anything is parsed: most of a page is drawings, and colours of code."""
CELL = re.compile(r"(<t([dh])\b[^>]*>)(.*?)</t\2>", re.DOTALL)
SMALL = re.compile(r"\s*<small>(.*?)</small>", re.DOTALL)
VERDICT = re.compile(r'<span class="bench-verdict[^>]*>')
_LANGUAGE = re.compile(r"(?:language|hl)-(\w+)")


def _language(block: Tag) -> str:
    """Of a block of code, as Pygments was told; printed text has none."""
    marked = block.find_parent(class_=_LANGUAGE)
    found = _LANGUAGE.search(" ".join(marked["class"])) if marked else None
    return found[1].replace("ipython3", "python") if found else ""


_CONVERTER = MarkdownConverter(
    heading_style="atx", bullets="-", code_language_callback=_language, escape_underscores=False
)
"""Names of options are full of underscores; a program should find them as they are."""


@dataclass(frozen=True, slots=True)
class Document:
    """A page that somebody wrote, or that was made of an experiment."""

    path: str
    """Of its HTML, from the root of the site."""
    title: str
    description: str
    markdown: str


def begin(site: Path, name: str, description: str) -> None:
    """The list with its head alone: every page links there."""
    (site / LIST).write_text(f"# {name}\n\n> {description}\n", encoding="utf-8", newline="\n")


def publish(site: Path) -> None:
    """Write the Markdown files into a built site, and what they are into the list that was begun."""
    documents = list(_documents(site))
    data = sorted(path.name for path in (site / "data").glob("*.json") if path.name.count(".") == 1)
    for one in documents:
        (site / f"{one.path}.md").write_text(one.markdown, encoding="utf-8", newline="\n")
    with (site / LIST).open("a", encoding="utf-8", newline="\n") as file:
        file.write(_listing(documents, data))


def _listing(documents: list[Document], data: list[str]) -> str:
    """What there is, section by section, with paths from the root of the site."""
    lines = list[str]()
    starts = sorted(SECTIONS, key=len, reverse=True)
    for section, heading in SECTIONS.items():
        here = [one for one in documents if next(filter(one.path.startswith, starts)) == section]
        if here:
            lines += ["", f"## {heading}", ""]
            lines += [f"- [{one.title}]({one.path}.md): {one.description}" for one in here]
    if data:
        lines += ["", "## 数据", "", *(f"- [{file}](data/{file})" for file in data)]
    return "\n".join(lines) + "\n"


def _documents(site: Path) -> Iterator[Document]:
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        html = "" if name.startswith(LISTS) else path.read_text(encoding="utf-8")
        if article := ARTICLE.search(html):
            markdown = as_markdown(article[0])
            title = re.search(r"^# (.*)$", markdown, re.MULTILINE)
            about = DESCRIPTION.search(html)
            yield Document(name, title[1] if title else "", unescape(about[1]) if about else "", markdown)


def _parted(cell: re.Match[str]) -> str:
    """What a screen shows below each other, in one line."""
    told = VERDICT.sub(r" \g<0>", SMALL.sub(r"（\1）", cell[3]))
    return f"{cell[1]}{told}</t{cell[2]}>"


def as_markdown(article: str) -> str:
    """The text of a page, with its tables: figure, interval in brackets, verdict."""
    soup = BeautifulSoup(SCREEN_ONLY.sub("", CELL.sub(_parted, article)), "html.parser")
    for table in soup.find_all("table", class_="highlighttable"):
        if code := table.select_one("td.code pre"):
            table.replace_with(code.extract())
    for caption in soup.find_all("caption"):
        caption.name = "p"
        if parent := caption.find_parent("table"):
            parent.insert_before(caption.extract())
    text = re.sub(r"[^\S\n]+$", "", _CONVERTER.convert_soup(soup), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


if __name__ == "__main__":
    publish(Path(sys.argv[1]))
