"""Pages that nobody writes: the evidence of every experiment, in the order of the registry, and the list of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from bench.experiments import EXPERIMENTS
from bench.pages import evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "evidence/"
ALL = f"{FOLDER}all.md"
"""Becomes `index.html` all the same: Material gives the menu of a section with an index page no name."""
ABOUT = "每个实验一页：结论、全部的表和图、设置是否生效、每种设置的代码、原始数据"


def into_nav(nav: list[Any] | None) -> None:
    """The section that names the list of evidence gets its pages; a site without one has none of them."""
    for item in nav or ():
        for title, path in item.items() if isinstance(item, dict) else ():
            if path == ALL:
                item[title] = [ALL, *(f"{FOLDER}{name}.md" for name in EXPERIMENTS)]


def files(config: Any) -> Iterator[File]:
    """Title, description and width of every page that `into_nav` named; they have no Markdown."""
    if ALL not in str(config.nav):
        return
    heads = {ALL: ("全部证据", ABOUT)}
    heads |= {f"{FOLDER}{one.id}.md": (one.title, one.question) for one in EXPERIMENTS.values()}
    for path, (title, about) in heads.items():
        meta = {"title": title, "description": about, "hide": ["navigation", "toc"]}
        file = File.generated(config, path, content=f"---\n{json.dumps(meta, ensure_ascii=False)}\n---\n")
        if path == ALL:
            file.dest_uri = f"{FOLDER}index.html"
        yield file


def content(path: str) -> str:
    """What stands on a page, by its path below docs."""
    name = path.removeprefix(FOLDER).removesuffix(".md")
    return str(evidence.index() if path == ALL else evidence.page(EXPERIMENTS[name]))
