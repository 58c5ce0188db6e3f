"""Bring results up to date, build the site aside, check it, then put it in place of the old one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.pages import source
from bench.site import check
from bench.system.folders import DRAFT_VARIABLE
from bench.system.lock import alone
from bench.system.terminal import bound, leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.system.folders import Folders

READY = "BENCH_READY"
"""Set for an mkdocs whose results and fences were looked at before it was started."""
MAX_LINES = 12
SCRATCH = "site-"
"""Beginning of the names of scratch folders."""


class BrokenSite(Exception):
    """The build is not fit to be published; the message says why."""


def build(config: Path, target: Path, folders: Folders, tell: Callable[[str], object] = print) -> int:
    """Build into a scratch folder, check, then move to `target`. Returns the number of pages.

    Where the environment names a build that is still being measured, it is a draft: what was not measured yet is not
    missed. A complete site puts an end to drafts.
    """
    draft = bool(os.environ.get(DRAFT_VARIABLE))
    _check_target(target)
    with alone(folders.lock, tell):
        restore(target)
        for left in folders.work.glob(f"{SCRATCH}*"):  # by a killed build
            shutil.rmtree(left, ignore_errors=True)
        docs = config.parent / "docs"
        _refuse(check.address(os.environ.get("SITE_URL", "")))
        prepare(docs, draft=draft)
        tell("正在建网站")
        folders.work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folders.work, prefix=SCRATCH) as folder:
            scratch = Path(folder) / "site"
            with leaving(f"{target} 没有动。"):
                render(config, scratch)
                with copied(scratch):
                    _refuse(check.site(scratch, check.expected(docs) & source.status().keys()))
            pages = sum(1 for _ in scratch.rglob("*.html"))
            if not draft:
                for left in (folders.draft_site, folders.draft_export):
                    shutil.rmtree(left, ignore_errors=True)
            replace(scratch, target)
    return pages


def prepare(docs: Path, *, stale_ok: bool = False, draft: bool = False) -> None:
    """Before mkdocs: no fence is misspelt, and what pages ask for is exported. Raises BrokenSite."""
    _refuse(check.fences(docs))
    # In a child: nothing that measures is loaded into the process that renders pages.
    done = python("bench", "export", *["--stale-ok"] * stale_ok)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"退出码 {done.returncode}"]
        raise BrokenSite(f"结果导不出来：{said[-1]}")
    if draft:
        return
    try:
        source.require(check.expected(docs))
    except source.MissingResult as missing:
        raise BrokenSite(str(missing)) from missing


def _refuse(problems: Iterator[str]) -> None:
    if found := list(problems):
        raise BrokenSite("；".join(found[:MAX_LINES]))


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A child that ends with this process."""
    command = [sys.executable, "-m", *arguments]
    env = {**os.environ, **bound(), "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, env=env
    )


def _check_target(target: Path) -> None:
    """Raises BrokenSite before anything is built, unless a site can take this place."""
    occupied = target.is_dir() and any(target.iterdir()) and not (target / "index.html").exists()
    if occupied or not target.name:
        raise BrokenSite(f"{target} 里不是网站，不能拿网站换掉它")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise BrokenSite(f"不能写入 {target.parent}：请检查权限，或用 --target 放到别处") from error


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
    finally:
        restore(target)


def _beside(target: Path) -> tuple[Path, Path]:
    return target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")


def restore(target: Path) -> None:
    """Whatever a swap was interrupted at: the site that stands, or stood, and nothing beside it."""
    new, old = _beside(target)
    if old.exists() and not target.exists():
        old.rename(target)
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)


def render(config: Path, scratch: Path) -> None:
    """Let mkdocs make the pages, of results that are up to date. Never with -q: it disarms --strict."""
    arguments = ("build", "--strict", "-f", str(config), "-d", str(scratch))
    done = python("mkdocs", *arguments, NO_MKDOCS_2_WARNING="1", **{READY: "1"})
    if done.returncode:
        said = (done.stdout + done.stderr).splitlines()
        pages = [f"出错的代码块在 {page}" for page in _guilty_pages(config.parent / "docs", said)]
        raise BrokenSite("\n".join([f"mkdocs 以状态 {done.returncode} 结束", *pages, *_telling(said)]))


@contextmanager
def copied(scratch: Path) -> Iterator[None]:
    """Make the pages for programs meanwhile. Raises BrokenSite."""
    with ThreadPoolExecutor(1) as beside:
        copying = beside.submit(python, "bench.site.copies", str(scratch))
        yield
    done = copying.result()
    if done.returncode:
        raise BrokenSite("\n".join(["网页的 Markdown 版做不出来", *_telling(done.stderr.splitlines())]))


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
