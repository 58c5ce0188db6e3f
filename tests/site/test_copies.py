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
    pages = {"index": "首", "blog/post": "文", "reference/x": "参", "evidence/y": "证"}
    lists = dict.fromkeys(("404", "blog/archive/2026", "blog/category/甲"), "单")
    for name, title in (pages | lists).items():
        path = tmp_path / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(name=path.stem, body=f"<h1>{title}</h1>"), encoding="utf-8")
    (tmp_path / "data").mkdir()
    for name in ("arena.json", "arena.pyperf.json", "profiling.trace.json"):
        (tmp_path / "data" / name).write_text("{}", encoding="utf-8")
    copies.publish(tmp_path, "站", "一句说明")
    listed = "# 站\n\n> 一句说明\n"
    for heading, name in zip(
        ("首页", "文章", "证据", "参考"), ("index", "blog/post", "evidence/y", "reference/x"), strict=True
    ):
        listed += f"\n## {heading}\n\n- [{pages[name]}]({name}.html.md): 说明 <{name.split('/')[-1]}\n"
    listed += "\n## 数据\n\n- [arena.json](data/arena.json)\n"
    assert (tmp_path / "llms.txt").read_text(encoding="utf-8") == listed
    assert len(list(tmp_path.rglob("*.md"))) == 4


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
