"""How much a reader has to fetch: HTML, CSS and scripts of a page, as a server compresses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from page_weight import KB, LIBRARY, LIMITS, needed, weight

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("page", "charts"), LIMITS, ids=str)
def test_page_is_light(whole: Path, page: str, *, charts: bool) -> None:
    assert weight(whole, page, charts=charts) <= LIMITS[page, charts] * KB


def test_every_script_and_style_of_a_page_is_counted_and_the_library_with_charts_alone(whole: Path) -> None:
    page = "blog/onnxruntime-cpu.html"
    with_charts, without = (set(needed(whole, page, charts=charts)) for charts in (True, False))
    assert with_charts - without == {whole / LIBRARY}
    names = {path.name.split(".")[0] for path in needed(whole, "index.html", charts=False)}
    assert {"index", "main", "palette", "bundle", "tables", "charts", "chooser", "iframe-worker"} <= names
