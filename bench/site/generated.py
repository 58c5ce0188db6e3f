"""Pages that nobody writes: the symptoms, the evidence of every experiment in the order of the registry, and the list of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

from bench.experiments import EXPERIMENTS
from bench.pages import evidence, symptoms

if TYPE_CHECKING:
    from collections.abc import Iterator

SYMPTOMS = "symptoms.md"
FIRST = {"boost": 300}
"""Who types a symptom wants what to do about it first. A title counts a thousand times as much as a text, a tag a million times."""
FOLDER = "evidence/"
ALL = f"{FOLDER}all.md"
"""Becomes `index.html` all the same: Material gives the menu of a section with an index page no name."""
ABOUT = "每个实验一页：结论、全部的表和图、设置是否生效、每种设置的代码、原始数据"


def into_nav(nav: list[Any] | None) -> None:
    """The section that names the list of evidence gets its pages; a site without one has none of them."""
    for item in nav or ():
        for title, below in item.items() if isinstance(item, dict) else ():
            if below == ALL:
                item[title] = [ALL, *(f"{FOLDER}{name}.md" for name in EXPERIMENTS)]
            elif isinstance(below, list):
                into_nav(below)


def files(config: Any) -> Iterator[File]:
    """The pages that `into_nav` named have a title, a description and a width, but no Markdown; symptoms are all Markdown."""
    if SYMPTOMS in str(config.nav):
        yield File.generated(
            config,
            SYMPTOMS,
            content=_head("按症状找", symptoms.ABOUT, search=FIRST, hide=["navigation"])
            + symptoms.markdown(),
        )
    if ALL not in str(config.nav):
        return
    heads = {ALL: ("全部证据", ABOUT)}
    heads |= {f"{FOLDER}{one.id}.md": (one.title, one.question) for one in EXPERIMENTS.values()}
    for path, (title, about) in heads.items():
        file = File.generated(config, path, content=_head(title, about, hide=["navigation", "toc"]))
        if path == ALL:
            file.dest_uri = f"{FOLDER}index.html"
        yield file


def _head(title: str, about: str, **more: Any) -> str:
    meta = {"title": title, "description": about, **more}
    return f"---\n{json.dumps(meta, ensure_ascii=False)}\n---\n"


def content(path: str) -> str:
    """What stands on a page, by its path below docs."""
    name = path.removeprefix(FOLDER).removesuffix(".md")
    return str(evidence.index() if path == ALL else evidence.page(EXPERIMENTS[name]))
