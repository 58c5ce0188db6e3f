"""The option pages: defaults as installed, texts harmless, links that lead somewhere."""

from __future__ import annotations

import json
import re
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest

from bench.facts.options import OPTIONS, TOPICS, TRAPS, read_installed
from bench.pages import options, source
from bench.site import hooks

ROW = re.compile(r'<tr id="([^"]+)" data-option="[^"]+">.*?</th><td>(.*?)</td>', re.DOTALL)


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(read_installed()))
    monkeypatch.setattr(options, "installed", lambda: found)
    return found


@pytest.mark.parametrize(("which", "prefix"), [("session", "opt-"), ("run", "opt-run-")])
def test_defaults_on_the_page_are_the_installed_ones(
    installed: dict[str, Any], which: str, prefix: str
) -> None:
    shown = {
        anchor: unescape(re.sub("<[^>]+>", "", cell)) for anchor, cell in ROW.findall(options.table(which))
    }
    expected = {prefix + name: value for name, value in installed[which]["attributes"].items()}
    assert shown == expected | {prefix + name: "—" for name in installed[which]["methods"]}
    if which == "session":  # as in code
        assert shown["opt-execution_mode"] == "ExecutionMode.ORT_SEQUENTIAL"
        assert shown["opt-logid"] == '""'


def test_quoted_default_is_code_and_a_remark_is_not() -> None:
    shown = dict(ROW.findall(options.table("keys") + options.table("environment")))
    assert shown["opt-session.intra_op.allow_spinning"] == "<code>&#34;1&#34;</code>"
    assert shown["opt-session.dynamic_block_base"] == "不设（关）"
    assert shown["opt-MALLOC_TRIM_THRESHOLD_"] == "<code>&#34;131072&#34;</code>（会自动变大）"


def test_anchors_are_unique_on_the_page_and_every_topic_that_has_rows_has_a_captioned_table() -> None:
    html = "".join(map(str, [*map(options.table, OPTIONS), options.traps()]))
    anchors = re.findall(r' id="([^"]+)"', html)
    assert len(anchors) == len(set(anchors))
    assert html.count("<tr id=") == sum(map(len, OPTIONS.values())) + len(TRAPS)
    keys = options.table("keys")
    assert keys.count("<figcaption>") == keys.count("<table") == len(TOPICS)
    assert [title for title in TOPICS.values() if title not in keys] == []


def test_what_a_newer_library_offers_is_named(installed: dict[str, Any]) -> None:
    installed["session"]["attributes"]["brand_new"] = "True"
    del installed["session"]["attributes"]["logid"]
    html = options.table("session")
    assert "装着的版本还有：<code>brand_new</code>" in html
    assert dict(ROW.findall(html))["opt-logid"] == "这个版本没有"


@pytest.mark.parametrize(("page", "up"), [("reference/options.html", "../blog/"), ("index.html", "blog/")])
def test_links_to_sections_are_resolved_for_the_page(
    monkeypatch: pytest.MonkeyPatch, page: str, up: str
) -> None:
    html = options.table("session")
    assert 'data-link="blog/onnxruntime-cpu.html#enable_cpu_mem_arena"' in html
    resolved = hooks.on_post_page(html, page=SimpleNamespace(url=page), config=None)
    assert f'<a href="{up}onnxruntime-cpu.html#enable_cpu_mem_arena">本机实测</a>' in resolved
    assert "data-link" not in resolved
    monkeypatch.setattr(source, "sections", dict)  # shown on no page but its own
    assert 'data-link="evidence/arena.html">本机实测' in options.table("session")


THE_SAME = {
    "graph_optimization_level": "GraphOptimizationLevel.ORT_ENABLE_ALL",
    "log_severity_level": "4",
    "enable_cpu_mem_arena": "False",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", ""),
        ("enable_cpu_mem_arena", "True"),
        ("log_severity_level", "2"),
        ("graph_optimization_level", "GraphOptimizationLevel.ORT_ENABLE_BASIC"),
    ],
)
def test_library_is_named_with_its_version_and_with_what_it_sets_otherwise(
    installed: dict[str, Any], name: str, value: str
) -> None:
    installed["rapidocr"] = {"version": "3.10.0", "settings": THE_SAME | {name: value}}
    text = options.original().replace("<wbr>", "")
    assert ("RapidOCR 3.10.0 现在这样设" in text) is not bool(name)
    assert (f"{name} = {value}" in text.partition("设得不同")[2]) is bool(name)


def test_installed_library_is_read_from_its_own_code(installed: dict[str, Any]) -> None:
    found = installed["rapidocr"]
    assert set(found["settings"]) >= set(THE_SAME)
    assert found["parameters"]
    assert found["version"] in options.original()
