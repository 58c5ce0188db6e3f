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

from bench.pages import source
from bench.system.lock import alone
from bench.system.parent import bound
from bench.system.terminal import leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.system.folders import Folders

FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*python\b(.*)$", re.MULTILINE)
FENCE_OPTIONS = {'exec="on"', 'html="true"', 'linenums="1"'}
"""A misspelt option is not an error to markdown-exec: it shows the code, or ignores the option."""
SHOWN = re.compile(r"bench\.show\(['\"](\w+)['\"]\)")
ADDRESS = re.compile(r"https?://[^/\s\[\]]+(/\S*)?")
MAX_LINES = 12
SCRATCH = "site-"
"""Beginning of the names of scratch folders."""


class BrokenSite(Exception):
    """The build is not fit to be published; the message says why."""


def build(config: Path, target: Path, folders: Folders, tell: Callable[[str], object] = print) -> int:
    """Build into a scratch folder, check, then move to `target`. Returns the number of pages."""
    _check_target(target)
    with alone(folders.lock, tell):
        _sweep(target, folders)
        return _build(config, target, folders, tell)


def _build(config: Path, target: Path, folders: Folders, tell: Callable[[str], object]) -> int:
    docs = config.parent / "docs"
    problems = [*check_address(os.environ.get("SITE_URL", "")), *check_fences(docs)]
    if problems:
        raise BrokenSite("；".join(problems))
    try:
        source.require(expected_experiments(docs))
    except source.MissingResult as missing:
        raise BrokenSite(str(missing)) from missing
    tell("正在建网站")
    folders.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folders.work, prefix=SCRATCH) as folder:
        scratch = Path(folder) / "site"
        with leaving(f"{target} 没有动。"):
            _mkdocs(config, scratch, folders)
            problems = list(check_site(scratch, expected_experiments(docs)))
        if problems:
            raise BrokenSite("；".join(problems[:MAX_LINES]))
        pages = sum(1 for _ in scratch.rglob("*.html"))
        replace(scratch, target)
    return pages


def _check_target(target: Path) -> None:
    """Raises BrokenSite before anything is built, unless a site can take this place."""
    if not target.name or (
        target.is_dir() and any(target.iterdir()) and not (target / "index.html").exists()
    ):
        raise BrokenSite(f"{target} 里不是网站，不能拿网站换掉它")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise BrokenSite(f"不能写入 {target.parent}：请检查权限，或用 --target 放到别处") from error


def check_address(address: str) -> Iterator[str]:
    """What makes no address for a site; without one, the configuration has its own."""
    if address and not ADDRESS.fullmatch(address):
        yield f"环境变量 SITE_URL 不是网址：“{address}”，要写成 https://example.org/guide/ 这样"


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
        if "Traceback (most recent call last)" in page.prose:
            yield f"{name}：页面里有 traceback"
        if 'exec="on"' in page.prose or "import bench" in page.prose:
            yield f"{name}：有没执行的代码块"
        if page.unresolved:
            yield f"{name}：有没解析的链接"
        yield from (f"{name}：死链接 {link}" for link in page.dead_links())
    shown = {name for page in pages.values() for name in page.experiments}
    yield from (f"没有哪一页显示实验 {name} 的表" for name in sorted(experiments - shown))


def replace(scratch: Path, target: Path) -> None:
    """Swap in the new site by two renames; the old one is gone only once the new one stands.

    The new one is brought beside it first: the scratch folder may lie on another disk.
    """
    new, old = _beside(target)
    try:
        shutil.move(scratch, new)
        if target.exists():
            target.rename(old)
        new.rename(target)
    except BaseException:
        _restore(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(target: Path) -> tuple[Path, Path]:
    return target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")


def _restore(target: Path) -> None:
    """Whatever a swap was interrupted at: the site that stands, or stood, and nothing beside it."""
    new, old = _beside(target)
    if old.exists() and not target.exists():
        old.rename(target)
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(target: Path, folders: Folders) -> None:
    """Remove what a killed build left behind."""
    _restore(target)
    for scratch in folders.work.glob(f"{SCRATCH}*"):
        shutil.rmtree(scratch, ignore_errors=True)


def _mkdocs(config: Path, scratch: Path, folders: Folders) -> None:
    """Never with -q: it disarms --strict."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(scratch)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={
            **os.environ,
            **bound(),
            "NO_MKDOCS_2_WARNING": "1",
            "PYTHONIOENCODING": "utf-8",
        },
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
        self._prose, self._inside, self.unresolved = list[str](), 0, False
        self.feed(path.read_text(encoding="utf-8"))
        self.text, self.prose = "".join(self._text), "".join(self._prose)
        """All text; and that which stands outside of generated blocks, where messages of libraries are quoted."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.unresolved |= "data-link" in found
        if tag == "div" and (self._inside or found.get("class") == "bench"):
            self._inside += 1
        if tag == "table" and found.get("data-experiment"):
            self.experiments.add(found["data-experiment"] or "")
        link = found.get("href") if tag in ("a", "link") else found.get("src")
        if link:
            self._links.append(link)

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._inside:
            self._inside -= 1

    def handle_data(self, data: str) -> None:
        self._text.append(data)
        if not self._inside:
            self._prose.append(data)

    def dead_links(self) -> Iterator[str]:
        """Relative links without a file behind them. 404.html is served from anywhere: absolute ones are skipped."""
        for link in dict.fromkeys(self._links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or not parts.path or parts.path.startswith("/"):
                continue
            target = (self.path.parent / unquote(parts.path)).resolve()
            if not target.exists() or (target.is_dir() and not (target / "index.html").exists()):
                yield link
