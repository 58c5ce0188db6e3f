"""Terms linked on their first use, and nowhere that a link would do harm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

from bench.site import glossary
from bench.site.glossary import Term, linked
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
ARENA = Term(("arena",), "arena", "一个池。")
SPIN = Term(("空转", "自旋"), "spinning", "不睡。")
PATTERN = Term(("内存模式",), "mem-pattern", "一整块。")
TERMS = [ARENA, SPIN, PATTERN]
LINK = '[arena](../reference/glossary.md#arena "一个池。"){ .term }'


def _link(text: str) -> str:
    return linked(text, "blog/x.md", TERMS)


def test_first_use_is_linked_and_the_second_is_not() -> None:
    assert _link("关 arena，开 arena。") == f"关 {LINK}，开 arena。"


def test_names_of_one_term_count_as_one() -> None:
    text = _link("自旋就是空转。")
    assert text.count("#spinning") == 1
    assert text.startswith("[自旋](")


@pytest.mark.parametrize(
    "text",
    [
        "`arena`",
        "```python\narena\n```",
        '```python exec="on"\narena\n```',
        "# arena 是什么",
        "[arena](x.md)",
        "[看 arena][1]",
        "[1]: https://example.org/arena",
        "![arena](a.png)",
        '<a href="arena">x</a>',
        "<!-- arena -->",
        '!!! note "arena"',
        '=== "arena"',
        "https://example.org/arena",
        "标题 { #arena }",
        "enable_cpu_mem_arena",
        "arena_extend_strategy",
        "arenas",
        "docs/arena.md",
    ],
)
def test_no_link_where_it_would_do_harm(text: str) -> None:
    assert _link(text) == text


def test_use_after_a_protected_one_is_linked() -> None:
    assert _link("# arena\n\n`arena`：关 arena。") == f"# arena\n\n`arena`：关 {LINK}。"


def test_longer_term_wins_and_chinese_needs_no_bounds() -> None:
    terms = [Term(("内存",), "memory", "甲。"), PATTERN]
    assert linked("关闭内存模式", "x.md", terms).startswith(
        "关闭[内存模式](reference/glossary.md#mem-pattern "
    )


def test_path_follows_the_page() -> None:
    assert "](reference/glossary.md#arena" in linked("arena", "index.md", TERMS)
    assert "](glossary.md#arena" in linked("arena", "reference/method.md", TERMS)
    assert "](../../reference/glossary.md#arena" in linked("arena", "blog/posts/x.md", TERMS)


def test_glossary_does_not_link_to_itself() -> None:
    assert linked("arena", glossary.PAGE, TERMS) == "arena"


def test_quotation_mark_does_not_end_the_title() -> None:
    assert "&quot;甲&quot;" in linked("arena", "x.md", [Term(("arena",), "arena", '"甲"')])


def test_project_without_a_glossary_has_no_terms(tmp_path: Path) -> None:
    assert glossary.read(tmp_path) == []


def test_every_entry_is_read_once_and_is_one_sentence() -> None:
    terms, page = glossary.read(DOCS), (DOCS / glossary.PAGE).read_text(encoding="utf-8")
    assert len(terms) == page.count("\n:   ") > 20
    anchors = [term.anchor for term in terms]
    names = [name for term in terms for name in term.names]
    assert len(set(anchors)) == len(anchors)
    assert len(set(names)) == len(names)
    for term in terms:
        assert term.text.endswith("。")
        assert term.text.count("。") == 1


def test_pages_link_each_term_at_most_once_and_to_an_entry(whole: Path) -> None:
    anchors = {term.anchor for term in glossary.read(DOCS)}
    html = (whole / "reference" / "glossary.html").read_text(encoding="utf-8")
    assert anchors <= set(re.findall(r' id="([^"]+)"', html))
    linked_somewhere = set()
    for name in ("index.html", "blog/onnxruntime-cpu.html", "reference/method.html"):
        soup = BeautifulSoup((whole / name).read_text(encoding="utf-8"), "html.parser")
        used = [str(link["href"]).partition("#")[2] for link in soup.select("a.term")]
        assert used, name
        assert len(set(used)) == len(used), name
        linked_somewhere |= set(used)
    assert linked_somewhere <= anchors
