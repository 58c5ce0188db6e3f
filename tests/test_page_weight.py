"""How much a reader has to fetch: HTML, CSS and scripts of a page, as a server compresses them."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KB = 1000
LIBRARY = "assets/vega.js"
"""Fetched when the first chart comes near."""
ARTICLE, NOTEBOOK = "blog/onnxruntime-cpu.html", "notebooks/thread-ablation.html"
LIMITS = {(ARTICLE, False): 250, (ARTICLE, True): 600, (NOTEBOOK, False): 800}
"""(page, with the library of the charts) -> most kB, compressed."""
LINKS = (re.compile(r'<link rel="stylesheet" href="([^"]+)"'), re.compile(r'<script src="([^"]+)"'))


def needed(site: Path, page: str, *, charts: bool) -> Iterator[Path]:
    """The page, its styles and its scripts."""
    path = site / page
    yield path
    html = path.read_text(encoding="utf-8")
    for link in LINKS:
        yield from ((path.parent / target).resolve() for target in link.findall(html))
    if charts:
        yield site / LIBRARY


def weight(site: Path, page: str, *, charts: bool) -> int:
    """Bytes, each file compressed by itself at the level that servers use."""
    return sum(
        len(gzip.compress(path.read_bytes(), 6)) for path in needed(site.resolve(), page, charts=charts)
    )


@pytest.mark.parametrize(("page", "charts"), LIMITS, ids=str)
def test_page_is_light(whole: Path, page: str, *, charts: bool) -> None:
    assert weight(whole, page, charts=charts) <= LIMITS[page, charts] * KB


def test_every_script_and_style_of_a_page_is_counted_and_the_library_with_charts_alone(whole: Path) -> None:
    page = "blog/onnxruntime-cpu.html"
    with_charts, without = (set(needed(whole, page, charts=charts)) for charts in (True, False))
    assert with_charts - without == {whole / LIBRARY}
    names = {path.name.split(".")[0] for path in needed(whole, "index.html", charts=False)}
    assert {"index", "main", "palette", "bundle", "tables", "charts", "chooser", "iframe-worker"} <= names
