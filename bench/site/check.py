"""What must not be published: misspelt fences before a build; tracebacks, code and dead links in what was built."""

from __future__ import annotations

import re
from collections import defaultdict
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*python\b(.*)$", re.MULTILINE)
FENCE_OPTIONS = {'exec="on"', 'html="true"', 'linenums="1"'}
"""A misspelt option is not an error to markdown-exec: it shows the code, or ignores the option."""
SHOWN = re.compile(r"bench\.(?:show|table)\(['\"](\w+)['\"]")
EVIDENCE = "evidence"
"""Folder of the pages that show every experiment anyway."""
ADDRESS = re.compile(r"https?://[^/\s\[\]]+(/\S*)?")


def address(text: str) -> Iterator[str]:
    """What makes no address for a site; without one, the configuration has its own."""
    if text and not ADDRESS.fullmatch(text):
        yield f"环境变量 SITE_URL 不是网址：“{text}”，要写成 https://example.org/guide/ 这样"


def fences(docs: Path) -> Iterator[str]:
    """Options of executed fences that markdown-exec would not understand."""
    for path in sorted(docs.rglob("*.md")):
        for match in FENCE.finditer(path.read_text(encoding="utf-8")):
            unknown = [option for option in match[1].split() if option not in FENCE_OPTIONS]
            if unknown:
                yield f"{path.relative_to(docs)}：代码块选项 {' '.join(unknown)} 不认识"


def expected(docs: Path) -> set[str]:
    """Experiments whose tables the pages ask for."""
    return {name for path in docs.rglob("*.md") for name in SHOWN.findall(path.read_text(encoding="utf-8"))}


def site(folder: Path, experiments: set[str]) -> Iterator[str]:
    """What would embarrass us: no home page, tracebacks, code instead of results, missing tables, dead links."""
    if not (folder / "index.html").exists():
        yield "没有 index.html：某个代码块结束了整个构建"
        return
    pages = read(folder)
    for path, page in pages.items():
        name = path.relative_to(folder.resolve()).as_posix()
        if "Traceback (most recent call last)" in page.prose:
            yield f"{name}：页面里有 traceback"
        if 'exec="on"' in page.prose or "import bench" in page.prose:
            yield f"{name}：有没执行的代码块"
        if page.unresolved:
            yield f"{name}：有没解析的链接"
        yield from (
            f"{name}：死链接 {link}" for link in dict.fromkeys(page.links) if _is_dead(link, path, pages)
        )
    written = (page for path, page in pages.items() if path.parent.name != EVIDENCE)
    shown = {name for page in written for name in page.experiments}
    yield from (f"没有哪一页显示实验 {name} 的表" for name in sorted(experiments - shown))


def leaving(folder: Path) -> dict[str, list[str]]:
    """Address elsewhere -> the pages whose text links there, both sorted: no build can tell where it leads by now."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, page in read(folder).items():
        for link in sorted({link for link in page.written if link.startswith("http")}):
            found[link].append(path.relative_to(folder.resolve()).as_posix())
    return {link: found[link] for link in sorted(found)}


def read(folder: Path) -> dict[Path, Page]:
    """Every page of a site, by its resolved path."""
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.resolve().rglob("*.html"))}


def _is_dead(link: str, path: Path, pages: Mapping[Path, Page]) -> bool:
    """Whether a relative link has no file behind it, or no such place on that page.

    404.html is served from anywhere: absolute paths are skipped.
    """
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return False
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if target not in pages:
        return not target.exists()
    return bool(parts.fragment) and unquote(parts.fragment) not in pages[target].ids


class Page(HTMLParser):
    """What a check wants to know of one page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.experiments, self.ids = set[str](), set[str]()
        self.links, self.written = list[str](), list[str]()
        """All links; and those that stand in the text."""
        self.unresolved = False
        self._text, self._prose = list[str](), list[str]()
        self._generated = self._article = 0
        self.feed(html)
        self.text, self.prose = "".join(self._text), "".join(self._prose)
        """All text; and that which stands outside of generated blocks, where messages of libraries are quoted."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        self.unresolved |= "data-link" in found
        self._article += tag == "article"
        if tag == "div" and (self._generated or found.get("class") == "bench"):
            self._generated += 1
        if tag in ("table", "p") and found.get("data-experiment"):
            self.experiments.add(found["data-experiment"] or "")
        link = found.get("href") if tag in ("a", "link") else found.get("src")
        if link:
            self.links.append(link)
            self.written += [link] if self._article and tag == "a" else []

    def handle_endtag(self, tag: str) -> None:
        self._article -= tag == "article"
        if tag == "div" and self._generated:
            self._generated -= 1

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if not self._generated:
            self._prose.append(data)
