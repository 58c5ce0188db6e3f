"""Terms linked on their first use, minutes for Chinese text, contents, and what the search may read of a page."""

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

from bench.site import reading
from bench.site.reading import Term, linked, minutes
from bench.system.folders import ROOT

DOCS = ROOT / "docs"
ARENA = Term(("arena",), "arena", '一个"池"。')
SPIN = Term(("空转", "自旋"), "spinning", "不睡。")
TERMS = [ARENA, SPIN, Term(("内存",), "memory", "甲。"), Term(("内存模式",), "mem-pattern", "一整块。")]
LINK = '[arena](../reference/glossary.md#arena "一个&quot;池&quot;。"){ .term }'
THEME = Path(material.__file__).parent / "templates"
WORKER = "assets/javascripts/workers/search.0a1b2c3d.min.js"
PLACE = "e=e+s+o.id}return e"
POST = "blog/onnxruntime-cpu.html"


def _link(text: str) -> str:
    return linked(text, "blog/x.md", TERMS)


def test_first_use_of_any_name_is_linked_and_the_longer_term_wins() -> None:
    assert _link("关 arena，开 arena。") == f"关 {LINK}，开 arena。"
    assert _link("自旋就是空转。").count("#spinning") == 1
    assert _link("关闭内存模式").startswith("关闭[内存模式](../reference/glossary.md#mem-pattern ")
    assert _link("# arena\n\n`arena`：关 arena。") == f"# arena\n\n`arena`：关 {LINK}。"


@pytest.mark.parametrize(
    "text",
    ["`arena`", "```python\narena\n```", '```python exec="on"\narena\n```', "# arena 是什么", "[arena](x.md)", "[看 arena][1]",
     "[1]: https://example.org/arena", "![arena](a.png)", '<a href="arena">x</a>', "<!-- arena -->", '!!! note "arena"', '=== "arena"',
     "https://example.org/arena", "标题 { #arena }", "enable_cpu_mem_arena", "arena_extend_strategy", "arenas", "docs/arena.md"],
)  # fmt: skip
def test_no_link_where_it_would_do_harm(text: str) -> None:
    assert _link(text) == text


def test_path_follows_the_page_and_the_glossary_does_not_link_to_itself() -> None:
    assert "](reference/glossary.md#arena" in linked("arena", "index.md", TERMS)
    assert "](glossary.md#arena" in linked("arena", "reference/method.md", TERMS)
    assert "](../../reference/glossary.md#arena" in linked("arena", "blog/posts/x.md", TERMS)
    assert linked("arena", reading.GLOSSARY, TERMS) == "arena"


def test_every_entry_is_read_once_and_is_one_sentence(tmp_path: Path) -> None:
    terms, page = reading.terms(DOCS), (DOCS / reading.GLOSSARY).read_text(encoding="utf-8")
    assert len(terms) == page.count("\n:   ") > 20
    for several in ([term.anchor for term in terms], [name for term in terms for name in term.names]):
        assert len(set(several)) == len(several)
    assert all(term.text.endswith("。") and term.text.count("。") == 1 for term in terms)
    assert reading.terms(tmp_path) == []


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", 1),
        (f"<p>{'字' * 400}</p>", 1),
        (f"<p>{'字' * 401}</p>", 2),
        (f"<p>{'字' * 4000}</p>", 10),
        (f"<p>{'intra_op_num_threads ' * 400}</p>", 1),
        (f"<p>{'，。 （）&lt;' * 60}</p>", 1),
        *((f"<{tag}>{'字' * 4000}</{tag}><p>字</p>", 1) for tag in ("pre", "table", "script", "svg", "details", "figure")),
    ],
)  # fmt: skip
def test_chinese_characters_and_words_are_read_code_and_figures_are_not(html: str, expected: int) -> None:
    assert minutes(html) == expected


def test_lists_of_posts_render_the_summary_alone() -> None:
    assert reading.summary("甲\n\n<!-- more -->\n\n乙") == "甲\n\n<!-- more -->\n\n…"
    assert reading.summary("甲") == "甲"


def test_contents_are_nested_and_without_permalinks() -> None:
    html = '<h1 id="题">题</h1><h2 id="a=1">甲 &lt;<a class="headerlink" href="#a">¶</a></h2><h3 class="x" id="c">丙</h3><h2 id="b">乙</h2>'
    (top,) = reading.contents(html)
    assert [(one.id, one.title, len(one.children)) for one in top.children] == [
        ("a=1", "甲 &lt;", 1),
        ("b", "乙", 0),
    ]


def _indexed(html: str) -> str:
    """As Material's plugin reads it, which loads jieba, whose source Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from material.plugins.search.plugin import Parser
    parser = Parser()
    parser.feed(reading.indexed(html))
    parser.close()
    return "".join(text for section in parser.data for text in section.text)


@pytest.mark.parametrize("kind", ["bench-measured bench-sortable", "bench-twin", "notebook-table"])
def test_measured_cells_are_not_indexed_but_their_rows_are(kind: str) -> None:
    html = (
        f'<table class="{kind}"><caption>延迟</caption><thead><tr><th>设置</th><th>ms</th></tr></thead><tbody>'
        '<tr><th scope="row">arena</th><td data-value="1.32">1.32<small>1.31–1.35</small></td><td>89</td></tr>'
        '<tr><th>spin</th><td>7.25</td></tr></tbody></table><p class="bench-notes">用了 3 分钟</p><svg><text>8</text></svg>'
    )
    assert _indexed(html).split() == ["延迟", "设置", "ms", "arena", "spin"]


@pytest.mark.parametrize("kind", ["bench-plain", "bench-options", "bench-machine"])
def test_cells_of_words_are_indexed_and_stand_apart(kind: str) -> None:
    html = (
        f'<summary>data</summary><table class="{kind}"><tr><th>arena</th><td>on<br>off<small>since</small></td>'
        "<td>x<dl><dt>y</dt><dd>z</dd></dl></td></tr><tr><td>w</td></tr></table>"
    )
    assert _indexed(html).split() == ["data", "arena", "on", "off", "since", "x", "y", "z", "w"]


def _mended(*texts: str, name: str = WORKER) -> list[str]:
    files: Any = [SimpleNamespace(src_uri=name, content_string=text) for text in texts]
    reading.mend_search(files)
    return [file.content_string for file in files]


def test_worker_of_the_installed_theme_gets_one_sign_more(whole: Path) -> None:
    (path,) = (p for p in THEME.rglob("*.js") if reading.WORKER.fullmatch(p.relative_to(THEME).as_posix()))
    before = path.read_text(encoding="utf-8")
    (after,) = _mended(before)
    assert after == before.replace(PLACE, 'e=e+s+":"+o.id}return e') != before
    (published,) = (whole / "assets" / "javascripts" / "workers").glob("search.*.js")
    assert published.read_text(encoding="utf-8") == after


@pytest.mark.parametrize(
    ("texts", "name", "places"),
    [((), WORKER, 0), (("e=e+s+o.key",), WORKER, 0), ((PLACE, PLACE), WORKER, 2), ((f"{PLACE};{PLACE}",), WORKER, 2),
     ((PLACE,), "assets/javascripts/bundle.0a1b2c3d.min.js", 0)],
)  # fmt: skip
def test_worker_that_is_not_known_ends_the_build(texts: tuple[str, ...], name: str, places: int) -> None:
    with pytest.raises(PluginError, match=f"应当有一处，找到 {places} 处"):
        _mended(*texts, name=name)


def test_pages_link_each_term_once_and_the_article_takes_more_than_what_the_plugin_counts(
    whole: Path,
) -> None:
    """That a link leads to an entry, every build checks."""
    for name in ("index.html", POST, "reference/method.html"):
        html = (whole / name).read_text(encoding="utf-8")
        used = re.findall(r'<a class="term" href="([^"]+)"', html)
        assert len(set(used)) == len(used) > 0, name
        assert name != POST or int(re.findall(r"读完约 (\d+) 分钟", html)[0]) >= 5


@pytest.mark.parametrize("page", [POST, "evidence/arena.html"])
def test_index_of_the_site_holds_rows_and_no_measured_cell(whole: Path, page: str) -> None:
    docs = json.loads((whole / "search" / "search_index.json").read_text(encoding="utf-8"))["docs"]
    text = "".join(one["text"].replace("\u200b", "") for one in docs if one["location"].startswith(page))
    words = set(re.split(r"[\s<>]+", text))
    soup = BeautifulSoup((whole / page).read_text(encoding="utf-8"), "html.parser")
    cells = soup.select(".bench-measured td:has(small)")
    assert cells
    assert [cell.get_text() for cell in cells if cell.get_text() in text] == []
    names = [name.get_text() for name in soup.select('.bench-measured th[scope="row"] code')]
    assert names
    assert [name for name in names if name not in words] == []
