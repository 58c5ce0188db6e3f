"""What nbconvert makes of a notebook, made over to look and behave like every other page of the site.

Left alone it would bring 600 kB of CSS, scripts that load MathJax and Mermaid from elsewhere, a light
theme in the dark, and Chinese headings without ids, which the table of contents cannot reach.
"""

from __future__ import annotations

from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any, TypedDict

from bs4 import BeautifulSoup
from markdown.extensions.toc import slugify_unicode, unique

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bs4 import Tag

UNWANTED = "style, script, metadata, .anchor-link"
"""`metadata` is what matplotlib writes into an SVG; the search would index it."""
TEXT, CODE, OUTPUT = "jp-MarkdownOutput", "highlight-ipynb", "jp-OutputArea-output"
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class Token(TypedDict):
    """A heading as Python-Markdown's toc extension describes it."""

    level: int
    id: str
    name: str
    children: list[Token]


def tidy(html: str, toc: Mapping[str, Any]) -> tuple[str, list[Token]]:
    """The text, code and outputs of a notebook, and its headings. `toc`: the site's options for headings."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup.select(UNWANTED):
        element.decompose()
    tokens = _name_headings(soup, toc)
    numbers = count(1)
    parts = (_part(element, numbers) for element in soup.select(f".{TEXT}, .{CODE}, .{OUTPUT}"))
    return "\n".join(parts), tokens


def _part(element: Tag, numbers: Iterator[int]) -> str:
    classes = element.get_attribute_list("class")
    if CODE in classes:
        return _code(element)
    if TEXT in classes:
        for block in element.select("div.highlight"):
            block.replace_with(BeautifulSoup(_code(block), "html.parser"))
        return element.decode_contents()
    for table in element.select("table"):
        table["class"] = "notebook-table"  # left alone, Material would wrap it in a region without a name
    name = f"输出 {next(numbers)}"
    return (
        f'<div class="notebook-output" role="region" tabindex="0" aria-label="{name}">'
        f"{element.decode_contents()}</div>"
    )


def _code(block: Tag) -> str:
    """As the site's own blocks: Material colours them in both schemes and gives them a copy button."""
    pre = block.pre
    return f'<div class="highlight"><pre><code>{pre.decode_contents() if pre else ""}</code></pre></div>'


def _name_headings(soup: BeautifulSoup, toc: Mapping[str, Any]) -> list[Token]:
    """Give headings the ids and permalinks that they would have on another page; return them nested."""
    slugify, used = toc.get("slugify", slugify_unicode), set[str]()
    top: list[Token] = []
    open_: list[Token] = []
    for heading in soup.find_all(HEADINGS):
        text = heading.get_text().strip()
        name = heading["id"] = unique(slugify(text, "-"), used)
        if heading.name != "h1" and toc.get("permalink"):
            heading.append(_permalink(soup, name, toc.get("permalink_title", "")))
        token: Token = {"level": int(heading.name[1]), "id": name, "name": escape(text), "children": []}
        open_ = [parent for parent in open_ if parent["level"] < token["level"]]
        (open_[-1]["children"] if open_ else top).append(token)
        open_.append(token)
    return top


def _permalink(soup: BeautifulSoup, name: str, title: str) -> Tag:
    link = soup.new_tag("a", attrs={"class": "headerlink", "href": f"#{name}", "title": title})
    link.string = "¶"
    return link
