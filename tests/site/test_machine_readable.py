"""The pages for programs: what becomes of headings, code, tables and links, and what llms.txt lists."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup

from bench.site import machine_readable

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """<html><head><meta name="description" content="说明 {name}"></head><body><nav>菜单</nav>
<article class="md-content__inner md-typeset">{body}</article></body></html>"""
MEASURED = """<div class="bench-table"><table data-experiment="arena" data-model="aspp" data-input="batch=2">
<tr><th>默认</th><td data-value="12.345">12</td></tr></table></div>"""
NUMBERED = """<div class="language-python highlight"><table class="highlighttable"><tr><td class="linenos"><pre>1
2</pre></td><td class="code"><div><pre><span></span><code>import onnxruntime
print(1)
</code></pre></div></td></tr></table></div>"""


def _markdown(body: str) -> str:
    article = BeautifulSoup(PAGE.format(name="", body=body), "html.parser").article
    assert article
    return machine_readable.as_markdown(article)


def _site(folder: Path, **bodies: str) -> Path:
    for name, body in bodies.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.format(name=path.stem, body=body), encoding="utf-8")
    return folder


def test_heading_text_and_list_become_markdown() -> None:
    text = _markdown('<h1>标题<a class="headerlink" href="#x">¶</a></h1><p>一句。</p><ul><li>甲</li></ul>')
    assert text == "# 标题\n\n一句。\n\n- 甲\n"


def test_measured_table_gives_the_way_to_its_data() -> None:
    text = _markdown(MEASURED)
    assert "12" not in text
    assert "data/arena.json，model=aspp，input=batch=2" in text


def test_table_of_prose_stays_and_its_caption_stands_before_it() -> None:
    text = _markdown("<table><caption>甲</caption><tr><th>名</th></tr><tr><td>乙</td></tr></table>")
    assert text.index("甲") < text.index("| 名 |") < text.index("| 乙 |")


def test_code_has_its_language_and_printed_text_none() -> None:
    shell = (
        '<div class="language-bash highlight"><pre><span></span><code>pip install nox\n</code></pre></div>'
    )
    assert _markdown(shell) == "```bash\npip install nox\n```\n"
    assert _markdown("<pre><samp>一行\n</samp></pre>").startswith("```\n")


def test_code_keeps_its_lines_and_loses_their_numbers() -> None:
    assert _markdown(NUMBERED) == "```python\nimport onnxruntime\nprint(1)\n```\n"


def test_what_only_a_screen_can_show_is_left_out() -> None:
    text = _markdown("<p>留</p><script>1</script><form><button>去</button></form><svg><text>图</text></svg>")
    assert text == "留\n"


def test_list_names_every_page_under_its_heading_and_the_data(tmp_path: Path) -> None:
    site = _site(tmp_path, index="<h1>首</h1>", blog__post="<h1>文</h1>", reference__x="<h1>参</h1>")
    (site / "data").mkdir()
    for name in ("arena.json", "arena.pyperf.json", "profiling.trace.json"):
        (site / "data" / name).write_text("{}", encoding="utf-8")
    machine_readable.publish(site, "站", "一句说明")
    text = (site / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# 站\n\n> 一句说明\n")
    assert "## 文章\n\n- [文](blog/post.html.md): 说明 post\n" in text
    assert "- [参](reference/x.html.md): 说明 x" in text
    assert re.findall(r"\(data/(.+?)\)", text) == ["arena.json"]


@pytest.mark.parametrize("name", ["404", "blog__archive__2026", "blog__category__甲"])
def test_pages_that_only_list_others_are_left_out(tmp_path: Path, name: str) -> None:
    site = _site(tmp_path, **{name: "<h1>单</h1>"})
    machine_readable.publish(site, "站", "说明")
    assert list(site.rglob("*.md")) == []


def test_real_pages_hold_conclusions_settings_and_no_measured_table(whole: Path) -> None:
    home = (whole / "index.html.md").read_text(encoding="utf-8")
    assert "```python\n# 适用于 onnxruntime" in home
    article = (whole / "blog" / "onnxruntime-cpu.html.md").read_text(encoding="utf-8")
    assert "本机实测" in article
    assert "import bench" not in article
    export = json.loads((whole / "data" / "arena.json").read_text(encoding="utf-8"))
    for group in export["groups"]:
        assert f"data/arena.json，model={group['model']}，input={group['input']}" in article


def test_every_path_in_the_list_exists(whole: Path) -> None:
    paths = re.findall(r"\]\(([^)]+)\)", (whole / "llms.txt").read_text(encoding="utf-8"))
    assert len(paths) > 10
    assert [path for path in paths if not (whole / path).exists()] == []
