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
INDEX = f"{FOLDER}index.md"
ABOUT = "每个实验一页：结论、全部的表和图、设置是否生效、每种设置的代码、原始数据"


def into_nav(nav: list[Any] | None) -> None:
    """The section that names the list of evidence gets its pages; a site without one has none of them."""
    for item in nav or ():
        for title, path in item.items() if isinstance(item, dict) else ():
            if path == INDEX:
                item[title] = [INDEX, *(f"{FOLDER}{name}.md" for name in EXPERIMENTS)]


def files(config: Any) -> Iterator[File]:
    """Title, description and width of every page that `into_nav` named; they have no Markdown."""
    if INDEX not in str(config.nav):
        return
    heads = {INDEX: ("证据", ABOUT)}
    heads |= {f"{FOLDER}{one.id}.md": (one.title, one.question) for one in EXPERIMENTS.values()}
    for path, (title, about) in heads.items():
        meta = {"title": title, "description": about, "hide": ["navigation", "toc"]}
        yield File.generated(config, path, content=f"---\n{json.dumps(meta, ensure_ascii=False)}\n---\n")


def content(path: str) -> str:
    """What stands on a page, by its path below docs."""
    name = path.removeprefix(FOLDER).removesuffix(".md")
    return str(evidence.index() if path == INDEX else evidence.page(EXPERIMENTS[name]))
