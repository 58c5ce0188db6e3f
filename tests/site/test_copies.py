"""The pages for programs: what becomes of headings, code, tables and links, and what llms.txt lists."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from bench.experiments import EXPERIMENTS
from bench.site import copies

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """<html><head><meta name="description" content="说明 &lt;{name}"></head><body><nav>菜单</nav>
<article class="md-content__inner md-typeset">{body}</article></body></html>"""
MEASURED = """<div class="bench-table"><table class="bench-measured" data-experiment="arena" data-model="aspp" data-input="batch=2">
<tr><th>默认</th><td data-value="12.345">12</td></tr></table></div>"""
NUMBERED = """<div class="language-python highlight"><table class="highlighttable"><tr><td class="linenos"><pre>1
2</pre></td><td class="code"><div><pre><span></span><code><span class="kn">import</span> onnxruntime
print(1)
</code></pre></div></td></tr></table></div>"""
SHELL = '<div class="language-bash highlight"><pre><span></span><code>pip install nox\n</code></pre></div>'


def _site(folder: Path, **bodies: str) -> Path:
    for name, body in bodies.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(name=path.stem, body=body), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ('<h1>标题<a class="headerlink" href="#x">¶</a></h1><p>一句。</p><ul><li>甲</li></ul>', "# 标题\n\n一句。\n\n- 甲\n"),
        (MEASURED, "（数字在 data/arena.json，model=aspp，input=batch=2。）\n"),
        ("<table><caption>甲</caption><tr><th>名</th></tr><tr><td>乙</td></tr></table>", "甲\n\n| 名 |\n| --- |\n| 乙 |\n"),
        (SHELL, "```bash\npip install nox\n```\n"),
        ("<pre><samp>一行\n</samp></pre>", "```\n一行\n```\n"),
        (NUMBERED, "```python\nimport onnxruntime\nprint(1)\n```\n"),
        ("<p>留</p><script>1</script><form><button>去</button></form><svg><text>图</text></svg>", "留\n"),
    ],
    ids=["text", "measured", "words", "code", "printed", "numbered", "screen"],
)  # fmt: skip
def test_page_becomes_markdown(html: str, markdown: str) -> None:
    assert copies.as_markdown(f"<article>{html}</article>") == markdown


def test_list_names_every_page_under_its_heading_and_the_data(tmp_path: Path) -> None:
    site = _site(
        tmp_path,
        index="<h1>首</h1>",
        blog__post="<h1>文</h1>",
        reference__x="<h1>参</h1>",
        evidence__y="<h1>证</h1>",
    )
    _site(
        tmp_path,
        **{"404": "<h1>单</h1>", "blog__archive__2026": "<h1>单</h1>", "blog__category__甲": "<h1>单</h1>"},
    )
    (site / "data").mkdir()
    for name in ("arena.json", "arena.pyperf.json", "profiling.trace.json"):
        (site / "data" / name).write_text("{}", encoding="utf-8")
    copies.publish(site, "站", "一句说明")
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# 站\n\n> 一句说明\n")
    assert "## 文章\n\n- [文](blog/post.html.md): 说明 <post\n" in text
    assert "## 证据\n\n- [证](evidence/y.html.md): 说明 <y\n" in text
    assert "- [参](reference/x.html.md): 说明 <x" in text
    assert re.findall(r"\(data/(.+?)\)", text) == ["arena.json"]
    assert len(list(site.rglob("*.md"))) == 4


def test_real_pages_hold_conclusions_settings_and_no_measured_table(whole: Path) -> None:
    assert "```python\n# 适用于 onnxruntime" in (whole / "index.html.md").read_text(encoding="utf-8")
    assert "import bench" not in (whole / "blog" / "onnxruntime-cpu.html.md").read_text(encoding="utf-8")
    evidence = (whole / "evidence" / "arena.html.md").read_text(encoding="utf-8")
    assert EXPERIMENTS["arena"].question in evidence
    assert "\n## 结论\n" in evidence
    assert "```python\n# 适用于 onnxruntime" in evidence
    export = json.loads((whole / "data" / "arena.json").read_text(encoding="utf-8"))
    for group in export["groups"]:
        assert f"data/arena.json，model={group['model']}，input={group['input']}" in evidence
    paths = re.findall(r"\]\(([^)]+)\)", (whole / "llms.txt").read_text(encoding="utf-8"))
    assert {f"evidence/{name}.html.md" for name in EXPERIMENTS} < set(paths)
    assert [path for path in paths if not (whole / path).exists()] == []
