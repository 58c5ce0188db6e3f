"""Build the site aside, look at it as a reader's browser would, then put it in place of the old one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.folders import Folders

FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*python\b(.*)$", re.MULTILINE)
FENCE_OPTIONS = {'exec="on"', 'html="true"', 'linenums="1"'}
"""A misspelt option is not an error to markdown-exec: it shows the code, or ignores the option."""
SHOWN = re.compile(r"bench\.show\(['\"](\w+)['\"]\)")
MAX_LINES = 12


class BrokenSite(Exception):
    """The build is not fit to be published; the message says why."""


def build(config: Path, target: Path, folders: Folders) -> int:
    """Build into a scratch folder, check, then move to `target`. Returns the number of pages."""
    docs = config.parent / "docs"
    problems = list(check_fences(docs))
    if problems:
        raise BrokenSite("；".join(problems))
    folders.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folders.work, prefix="site-") as folder:
        scratch = Path(folder) / "site"
        _mkdocs(config, scratch)
        problems = list(check_site(scratch, expected_experiments(docs)))
        if problems:
            raise BrokenSite("；".join(problems[:MAX_LINES]))
        pages = sum(1 for _ in scratch.rglob("*.html"))
        replace(scratch, target)
    return pages


def check_fences(docs: Path) -> Iterator[str]:
    """Options of executed fences that markdown-exec would not understand."""
    for path in sorted(docs.rglob("*.md")):
        for match in FENCE.finditer(path.read_text(encoding="utf-8")):
            options = match[1].split()
            unknown = [option for option in options if option not in FENCE_OPTIONS]
            if unknown:
                yield f"{path.relative_to(docs)}：代码块选项 {' '.join(unknown)} 不认识"


def expected_experiments(docs: Path) -> set[str]:
    """Experiments whose tables the pages ask for."""
    return {name for path in docs.rglob("*.md") for name in SHOWN.findall(path.read_text(encoding="utf-8"))}


def check_site(site: Path, experiments: set[str]) -> Iterator[str]:
    """What would embarrass us: no home page, tracebacks, code instead of results, missing tables, dead links."""
    if not (site / "index.html").exists():
        yield "没有 index.html：某个代码块结束了整个构建"
        return
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        if "Traceback (most recent call last)" in page.text:
            yield f"{name}：页面里有 traceback"
        if 'exec="on"' in page.text or "import bench" in page.text:
            yield f"{name}：有没执行的代码块"
        if "data-link=" in page.html:
            yield f"{name}：有没解析的链接"
        yield from (f"{name}：死链接 {link}" for link in page.dead_links())
    shown = {name for page in pages.values() for name in page.experiments}
    yield from (f"没有哪一页显示实验 {name} 的表" for name in sorted(experiments - shown))


def replace(scratch: Path, target: Path) -> None:
    """Swap in the new site; the old one is gone only once the new one stands."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        shutil.move(scratch, target)
    except BaseException:
        if old.exists():
            shutil.rmtree(target, ignore_errors=True)
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _mkdocs(config: Path, scratch: Path) -> None:
    """Never with -q: it disarms --strict."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(scratch)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONIOENCODING": "utf-8"},
    )
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        pages = [f"出错的代码块在 {page}" for page in _guilty_pages(config.parent / "docs", said)]
        raise BrokenSite("\n".join([f"mkdocs 以状态 {done.returncode} 结束", *pages, *_telling(said)]))


def _telling(lines: list[str]) -> list[str]:
    """Warnings and errors with the exception that caused them."""
    wanted = re.compile(r"^(WARNING|ERROR|Aborted)|^\s*(\w+\.)*\w*(Error|Exception|Result)\b")
    return [line.strip() for line in lines if wanted.search(line)][:MAX_LINES] or lines[-3:]


def _guilty_pages(docs: Path, said: list[str]) -> Iterator[str]:
    """Pages that hold the code which markdown-exec complains of: it names the code alone."""
    for start, line in enumerate(said):
        if line.startswith("Code block is:"):
            rest = [line.strip() for line in said[start + 1 :]]
            code = [line for line in rest[: rest.index("Output is:")] if line] if "Output is:" in rest else []
            for path in sorted(docs.rglob("*.md")):
                text = path.read_text(encoding="utf-8")
                if code and all(line in text for line in code):
                    yield path.relative_to(docs).as_posix()


class Page(HTMLParser):
    """What a check wants to know of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.path, self.experiments, self._links, self._text = path, set[str](), list[str](), list[str]()
        self.html = path.read_text(encoding="utf-8")
        self.feed(self.html)
        self.text = "".join(self._text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "table" and found.get("data-experiment"):
            self.experiments.add(found["data-experiment"] or "")
        link = found.get("href") if tag in ("a", "link") else found.get("src")
        if link:
            self._links.append(link)

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def dead_links(self) -> Iterator[str]:
        """Relative links without a file behind them. 404.html is served from anywhere: absolute ones are skipped."""
        for link in dict.fromkeys(self._links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
                continue
            target = (self.path.parent / unquote(parts.path)).resolve()
            if not target.exists() or (target.is_dir() and not (target / "index.html").exists()):
                yield link
