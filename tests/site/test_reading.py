"""Terms linked on their first use, minutes for Chinese text, contents; what the search and programs read of a page."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import material
import pytest
from mkdocs.exceptions import PluginError

from bench.site import copies, reading
from bench.site.reading import Term, linked
from bench.system.folders import ROOT

DOCS = ROOT / "docs"
TERMS = [Term(("arena",), "arena", '一个"池"。'), Term(("空转", "自旋"), "spinning", "不睡。"),
         Term(("内存",), "memory", "甲。"), Term(("enable_mem_pattern",), "mem-pattern", "一整块。")]  # fmt: skip
LINK = '[arena](../reference/glossary.md#arena "一个&quot;池&quot;。"){ .term }'
HARMED = ("`arena`", "```python\narena\n```", '```python exec="on"\narena\n```', "# arena 是什么", "[arena](x.md)", "[看 arena][1]",
          "[1]: https://example.org/arena", "![arena](a.png)", '<a href="arena">x</a>', "<!-- arena -->", '!!! note "arena"', '=== "arena"',
          "https://example.org/arena", "标题 { #arena }", "enable_cpu_mem_arena", "arena_extend_strategy", "arenas", "docs/arena.md")  # fmt: skip
THEME = Path(material.__file__).parent / "templates"
WORKER = "assets/javascripts/workers/search.0a1b2c3d.min.js"
PLACE = "e=e+s+o.id}return e"


def test_first_use_of_any_name_is_linked_where_it_does_no_harm_and_the_longer_term_wins() -> None:
    def link(text: str, page: str = "blog/x.md") -> str:
        return linked(text, page, TERMS)

    assert link("# arena\n\n`arena`：关 arena，开 arena。") == f"# arena\n\n`arena`：关 {LINK}，开 arena。"
    assert link("自旋就是空转。").count("#spinning") == 1
    assert link("关 enable_mem_pattern").startswith(
        "关 [enable_mem_pattern](../reference/glossary.md#mem-pattern "
    )
    ways = {"index.md": "reference/", "reference/method.md": "", "blog/posts/x.md": "../../reference/"}
    assert all(f"]({way}glossary.md#arena" in link("arena", page) for page, way in ways.items())
    assert link("arena", reading.GLOSSARY) == "arena"
    assert [text for text in HARMED if link(text) != text] == []


def test_every_entry_is_read_once_and_is_one_sentence(tmp_path: Path) -> None:
    terms, page = reading.terms(DOCS), (DOCS / reading.GLOSSARY).read_text(encoding="utf-8")
    assert len(terms) == page.count("\n:   ") > 20
    for several in ([term.anchor for term in terms], [name for term in terms for name in term.names]):
        assert len(set(several)) == len(several)
    assert all(term.text.endswith("。") and term.text.count("。") == 1 for term in terms)
    assert reading.terms(tmp_path) == []


def test_chinese_characters_and_words_are_read_code_and_figures_are_not() -> None:
    counted = {0: 1, 400: 1, 401: 2, 4000: 10}
    assert {number: reading.minutes(f"<p>{'字' * number}</p>") for number in counted} == counted
    skipped = ("pre", "table", "script", "svg", "details", "figure")
    for text in ("intra_op_num_threads " * 400, "，。 （）&lt;" * 60, *(f"<{tag}>{'字' * 4000}</{tag}>字" for tag in skipped)):  # fmt: skip
        assert reading.minutes(f"<p>{text}</p>") == 1, text[:20]


MEASURED = """<table class="{}"><caption>延迟</caption><thead><tr><th>设置</th><th>ms</th></tr></thead><tbody>
<tr><th scope="row">arena</th><td data-value="1.32">1.32<small>1.31–1.35</small></td><td>89</td></tr>
<tr><th>spin</th><td>7.25</td></tr></tbody></table><p class="bench-notes">用了 3 分钟</p><svg><text>8</text></svg>"""
WORDS = """<summary>data</summary><table class="{}"><tr><th>arena</th><td>on<br>off<small>since</small></td><td>x<dl><dt>y</dt>\
<dd>z</dd></dl></td></tr><tr><td>w</td></tr></table>"""


def _indexed(html: str) -> str:
    """As Material's plugin reads it, which loads jieba, whose source Python warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from material.plugins.search.plugin import Parser
    parser = Parser()
    parser.feed(reading.indexed(html))
    parser.close()
    return " ".join("".join(text for section in parser.data for text in section.text).split())


def test_rows_are_indexed_without_measured_cells_and_cells_of_words_stand_apart() -> None:
    for kind in ("bench-measured bench-sortable", "bench-twin", "notebook-table"):
        assert _indexed(MEASURED.format(kind)) == "延迟 设置 ms arena spin", kind
    for kind in ("bench-plain", "bench-options", "bench-machine"):
        assert _indexed(WORDS.format(kind)) == "data arena on off since x y z w", kind


def _mended(*texts: str, name: str = WORKER) -> list[str]:
    files: Any = [SimpleNamespace(src_uri=name, content_string=text) for text in texts]
    reading.mend_search(files)
    return [file.content_string for file in files]


def test_worker_of_the_installed_theme_gets_one_sign_more_and_another_ends_the_build(whole: Path) -> None:
    (path,) = (p for p in THEME.rglob("*.js") if reading.WORKER.fullmatch(p.relative_to(THEME).as_posix()))
    before = path.read_text(encoding="utf-8")
    (after,) = _mended(before)
    assert after == before.replace(PLACE, 'e=e+s+":"+o.id}return e') != before
    (published,) = (whole / "assets" / "javascripts" / "workers").glob("search.*.js")
    assert published.read_text(encoding="utf-8") == after
    bundle = "assets/javascripts/bundle.0a1b2c3d.min.js"
    for places, texts, name in ((0, [], WORKER), (0, ["e=e+s+o.key"], WORKER), (2, [PLACE] * 2, WORKER), (2, [f"{PLACE};{PLACE}"], WORKER), (0, [PLACE], bundle)):  # fmt: skip
        with pytest.raises(PluginError, match=f"应当有一处，找到 {places} 处"):
            _mended(*texts, name=name)


PAGE = """<html><head><meta name="description" content="说明 &lt;{name}"></head><body><nav>菜单</nav>
<article class="md-content__inner md-typeset"><h1>{title}</h1></article></body></html>"""
# fmt: off
AS_MARKDOWN = {
    '<h1>标题<a class="headerlink" href="#x">¶</a></h1><p>一句。</p><ul><li>甲</li></ul>': "# 标题\n\n一句。\n\n- 甲",
    '<div class="bench-table"><table class="bench-measured" data-experiment="arena" data-model="aspp" data-input="batch=2"><tr><th>设置</th><th>每次推理</th></tr><tr><th>默认</th><td data-value="1">1<small>0.9–1.1</small><span class="bench-verdict bench-same">没有差别</span></td></tr></table></div>':
        "| 设置 | 每次推理 |\n| --- | --- |\n| 默认 | 1（0.9–1.1） 没有差别 |",
    "<table><caption>甲</caption><tr><th>名</th></tr><tr><td>乙</td></tr></table>": "甲\n\n| 名 |\n| --- |\n| 乙 |",
    '<div class="language-bash highlight"><pre><span></span><code>pip install nox\n</code></pre></div>': "```bash\npip install nox\n```",
    "<pre><samp>一行\n</samp></pre>": "```\n一行\n```",
    '<div class="language-python highlight"><table class="highlighttable"><tr><td class="linenos"><pre>1\n2</pre></td><td class="code"><div><pre><span></span>'
    '<code><span class="kn">import</span> onnxruntime\nprint(1)\n</code></pre></div></td></tr></table></div>': "```python\nimport onnxruntime\nprint(1)\n```",
    "<p>留</p><script>1</script><form><button>去</button></form><svg><text>图</text></svg>": "留",
}
# fmt: on


def test_page_becomes_markdown() -> None:
    article = f"<article>{''.join(AS_MARKDOWN)}</article>"
    assert copies.as_markdown(article) == "\n\n".join(AS_MARKDOWN.values()) + "\n"


def test_list_names_every_page_under_its_heading_and_the_data(tmp_path: Path) -> None:
    pages = {"首页": "index", "文章": "blog/post", "证据": "evidence/y", "参考": "reference/x"}
    lists = {"404", "blog/archive/2026", "blog/category/甲"}
    files = {f"{name}.html": PAGE.format(name=name, title=f"题 {name}") for name in {*pages.values(), *lists}}
    files |= dict.fromkeys(("data/arena.json", "data/arena.pyperf.json", "data/profiling.trace.json"), "{}")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    copies.begin(tmp_path, "站", "一句说明")
    copies.publish(tmp_path)
    parts = [f"## {title}\n\n- [题 {name}]({name}.html.md): 说明 <{name}\n" for title, name in pages.items()]
    listed = "\n".join(["# 站\n\n> 一句说明\n", *parts, "## 数据\n\n- [arena.json](data/arena.json)\n"])
    assert (tmp_path / "llms.txt").read_text(encoding="utf-8") == listed
    assert len(list(tmp_path.rglob("*.md"))) == 4
