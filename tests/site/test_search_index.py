"""What the search may read of a page, and its worker mended in one place or not at all."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import material
import pytest
from bs4 import BeautifulSoup
from mkdocs.exceptions import PluginError

from bench.site import search

THEME = Path(material.__file__).parent / "templates"
NAME = "assets/javascripts/workers/search.0a1b2c3d.min.js"
PLACE = "e=e+s+o.id}return e"
POST = "blog/onnxruntime-cpu.html"


def _indexed(html: str) -> str:
    """As Material's plugin reads it, which loads jieba, whose source Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from material.plugins.search.plugin import Parser
    parser = Parser()
    parser.feed(search.prepared(html))
    parser.close()
    return "".join(text for section in parser.data for text in section.text)


def _mended(*texts: str, name: str = NAME) -> list[str]:
    files: Any = [SimpleNamespace(src_uri=name, content_string=text) for text in texts]
    search.mend(files)
    return [file.content_string for file in files]


@pytest.mark.parametrize("kind", ["bench-measured bench-sortable", "bench-twin", "notebook-table"])
def test_measured_cells_are_not_indexed_but_their_rows_are(kind: str) -> None:
    html = (
        f'<table class="{kind}"><caption>延迟</caption><thead><tr><th>设置</th><th>ms</th></tr></thead><tbody>'
        '<tr><th scope="row">arena</th><td data-value="1.32">1.32<small>1.31–1.35</small></td><td>89</td></tr>'
        "<tr><th>spin</th><td>7.25</td></tr></tbody></table>"
    )
    assert _indexed(html).split() == ["延迟", "设置", "ms", "arena", "spin"]


@pytest.mark.parametrize("kind", ["bench-plain", "bench-options", "bench-machine"])
def test_cells_of_words_are_indexed_and_stand_apart(kind: str) -> None:
    html = (
        f'<table class="{kind}"><tr><th>arena</th><td>on<br>off<small>since</small></td><td>x<dl><dt>y</dt><dd>z</dd></dl></td></tr>'
        "<tr><td>w</td></tr></table>"
    )
    assert _indexed(html).split() == ["arena", "on", "off", "since", "x", "y", "z", "w"]


def test_table_stands_apart_from_what_is_before_it() -> None:
    assert _indexed("<summary>data</summary><div><table><tr><td>a</td></tr></table></div>").split() == [
        "data",
        "a",
    ]


def test_worker_of_the_installed_theme_gets_one_sign_more() -> None:
    workers = [
        path for path in THEME.rglob("*.js") if search.WORKER.fullmatch(path.relative_to(THEME).as_posix())
    ]
    assert len(workers) == 1
    before = workers[0].read_text(encoding="utf-8")
    (after,) = _mended(before)
    assert after == before.replace(PLACE, 'e=e+s+":"+o.id}return e')
    assert after != before


@pytest.mark.parametrize(
    ("texts", "places"), [((), 0), (("e=e+s+o.key",), 0), ((PLACE, PLACE), 2), ((f"{PLACE};{PLACE}",), 2)]
)
def test_worker_that_is_not_known_ends_the_build(texts: tuple[str, ...], places: int) -> None:
    with pytest.raises(PluginError, match=f"应当有一处，找到 {places} 处"):
        _mended(*texts)


def test_other_scripts_are_left_alone() -> None:
    with pytest.raises(PluginError):
        _mended(PLACE, name="assets/javascripts/bundle.0a1b2c3d.min.js")


def test_site_is_published_with_the_mended_worker(whole: Path) -> None:
    (worker,) = (whole / "assets" / "javascripts" / "workers").glob("search.*.js")
    assert PLACE not in worker.read_text(encoding="utf-8")


def test_index_of_the_site_holds_rows_and_no_measured_cell(whole: Path) -> None:
    docs = json.loads((whole / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    text = "".join(one["text"].replace("\u200b", "") for one in docs if one["location"].startswith(POST))
    words = set(re.split(r"[\s<>]+", text))
    soup = BeautifulSoup((whole / POST).read_text(encoding="utf-8"), "html.parser")
    cells = soup.select(".bench-measured td:has(small)")
    assert cells
    assert [cell.get_text() for cell in cells if cell.get_text() in text] == []
    names = [name.get_text() for name in soup.select('.bench-measured th[scope="row"] code')]
    assert names
    assert [name for name in names if name not in words] == []
