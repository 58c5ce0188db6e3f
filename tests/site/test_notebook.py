"""The notebook that readers download, and the rules by which a build runs it or keeps what it ran."""

from __future__ import annotations

import ast
import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import nbformat
import pytest
from filelock import FileLock, Timeout

from bench.cli import measuring
from bench.cli.refusals import Refused
from bench.experiments._common import threads
from bench.measure.machine import read_machine
from bench.pages import source
from bench.results.published import Export
from bench.site import notebook
from bench.spec import Machine
from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

NOTEBOOK = ROOT / "docs" / "notebooks" / "thread-ablation.ipynb"
IN_FIGURES = {"set_xlabel", "set_ylabel", "set_title", "suptitle", "text", "annotate", "plot", "errorbar"}
"""Calls whose text ends up in a picture, where Chinese would need a font that may be missing."""


def test_stored_notebook_is_clean_and_its_figures_need_no_font() -> None:
    """Well-formed, without outputs, without names of a machine or of `bench`; telemetry off before anything is loaded."""
    stored = nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)
    nbformat.validate(stored)
    assert (stored.nbformat, stored.nbformat_minor, stored.metadata.kernelspec.name) == (4, 5, "python3")
    assert len({cell.id for cell in stored.cells}) == len(stored.cells)
    named = re.compile(r"/(home|root|tmp|work|Users)/|[A-Z]:\\|bench")
    assert not [cell for cell in stored.cells if named.search(cell.source)]
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all((cell.outputs, cell.execution_count) == ([], None) for cell in code)
    text = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
    assert [number for number, (level, _) in enumerate(headings) if level == "#"] == [0]
    assert len(set(headings)) == len(headings)
    joined = "\n".join(cell.source for cell in code)
    assert joined.index("ORT_DISABLE_TELEMETRY") < joined.index("import onnxruntime")
    calls = [one for one in ast.walk(ast.parse(joined)) if isinstance(one, ast.Call)]
    drawn = [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr in IN_FIGURES]
    labels = [one.value for call in drawn for one in ast.walk(call) if isinstance(one, ast.Constant)]
    assert "speed-up over 1 thread" in labels
    assert all(label.isascii() for label in labels if isinstance(label, str))


def test_real_notebook_recommends_a_count_of_the_table_and_a_round_takes_no_minute(whole: Path) -> None:
    html = (whole / "notebooks" / "thread-ablation.html").read_text(encoding="utf-8")
    count = notebook.recommended_count(html)
    tried = sorted(set(threads(Machine(cores=read_machine().cores)).values()))
    assert count in tried
    assert f"线程数：{'、'.join(map(str, tried))}" in html
    assert f"intra_op_num_threads = {count}\nRECOMMENDED={count}" in html
    assert "线程表</a>" in html
    assert int(re.findall(r"用了 (\d+) 秒", html)[0]) < 60
    table = Export.model_validate_json((whole / "data" / f"{notebook.EXPERIMENT}.json").read_bytes())
    assert set() < set(notebook.fastest_in_table(table)) <= set(map(str, tried))
    (figure,) = re.findall(r'<[^>]*aria-label="[^"]+" role="img".*?</svg>', html, re.DOTALL)
    assert "currentColor" in figure
    assert "#123456" not in figure


SAID = ("这次运行得出", "算不得结论", "</a>一致：那里最快的", "</a>不一致：那里最快的", "没有与它比较")
HERE = {"fingerprint": "a", "cpu": "<i>", "cores": 2, "software": {"onnxruntime": "1.31.1"}}
CODE = 'print(f"RECOMMENDED={n}（噪声 {noise:.0%}）。")'


PAGES = ((CODE, ["2"], "valid", set()), ("RECOMMENDED=1 RECOMMENDED=2", ["2"], "valid", {0, 2}), ("RECOMMENDED=2\n（噪声 10%）", ["2", "4"], "valid", {0, 2}),
         ("（噪声 13%）RECOMMENDED=2", ["1"], "valid", {1, 3}), ("RECOMMENDED=2", [], "valid", {0, 4}), ("RECOMMENDED=2", ["2"], "stale", {0}), ("RECOMMENDED=2", ["2"], None, {0}))  # fmt: skip
"""What is printed, what is fastest in the table, what is known of the table, what of `SAID` is on the page."""


def test_page_says_what_the_output_and_the_table_of_this_build_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "here", lambda: HERE)
    monkeypatch.setattr(source, "load", lambda _: None)
    for printed, fastest, status, told in PAGES:
        known = {notebook.EXPERIMENT: status} if status else {}
        monkeypatch.setattr(source, "status", Mock(return_value=known))
        monkeypatch.setattr(notebook, "fastest_in_table", Mock(return_value=fastest))
        kept = {"run_at": datetime.now(UTC).isoformat(), "seconds": 1, "body": f"<h1>题</h1>{CODE}{printed}"}
        page = notebook._page(kept, "one.ipynb")
        assert {number for number, said in enumerate(SAID) if said in page} == told, printed
        assert ("intra_op_num_threads = 2<" in page) is bool(told)


def test_measuring_anew_forgets_what_notebooks_ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it: not what is reused, nor for a part."""
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    monkeypatch.setattr(measuring.campaign, "open_campaign", Mock(side_effect=Refused("here it would start")))
    for ids, reuse, kept in ((("arena",), False, True), ((), True, True), ((), False, False)):
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        with pytest.raises(Refused, match="here it would start"):
            measuring.run(*ids, profile="smoke", reuse=reuse)
        assert (tmp_path / "notebooks").exists() is kept


RAW = """\
<script>alert(1)</script><style>body {}</style>
<div class="jp-MarkdownOutput"><h1 id="">题<a class="anchor-link" href="#">¶</a></h1>
<div class="highlight"><pre>pip</pre></div></div>
<div class="highlight-ipynb"><pre><span></span><span class="n">x</span> &lt; 1</pre></div>
<div class="clipboard-copy-txt">x &lt; 1</div>
<div class="jp-OutputArea-output"><pre>RECOMMENDED=2</pre></div>
<div class="jp-MarkdownOutput"><h2 id="">甲 乙</h2><h3 class="x" id="">丙 &lt;</h3><h2 id="">甲 乙</h2></div>
"""
LINK = '<a class="headerlink" href="#{0}" title="链接">¶</a>'.format
SHOWN = [
    '<div class="highlight"><pre><code>pip</code></pre></div>',
    '<div class="highlight"><pre><code><span></span><span class="n">x</span> &lt; 1</code></pre></div>',
    '<div class="notebook-output" role="region" tabindex="0" aria-label="输出 1"><pre>RECOMMENDED=2</pre></div>',
    f'<h2 id="甲-乙">甲 乙{LINK("甲-乙")}</h2><h3 class="x" id="丙">丙 &lt;{LINK("丙")}</h3><h2 id="甲-乙_1">甲 乙{LINK("甲-乙_1")}</h2>',
]
"""Text, code and outputs, without scripts and styles; what is below the title."""


def test_notebook_runs_only_when_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is when anything has changed that decides its numbers; else it is shown as it was kept, with its age."""
    path, here, options, runs = tmp_path / "one.ipynb", deepcopy(HERE), {"execute": True}, list[str]()
    config = SimpleNamespace(plugins={notebook.PLUGIN: SimpleNamespace(config=options)})
    config.mdx_configs = {"toc": {"permalink": True, "permalink_title": "链接"}}
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    monkeypatch.setattr(source, "here", lambda: here)
    path.touch()

    def show() -> str:
        page = SimpleNamespace(title=None, content="", toc=None)
        page.file = SimpleNamespace(src_uri="a/one.ipynb", name="one", abs_src_path=str(path))

        def render() -> None:
            with pytest.raises(Timeout):  # it holds the build's lock
                FileLock(tmp_path / "lock").acquire(timeout=0)
            page.title, page.content = "题", RAW
            runs.append("")

        page.render = render
        notebook.take_over(page, config)
        page.render()
        (top,) = page.toc
        assert page.title == top.title == top.id == "题"
        contents = [(one.id, one.title, [below.title for below in one.children]) for one in top.children]
        assert contents == [("甲-乙", "甲 乙", ["丙 &lt;"]), ("甲-乙_1", "甲 乙", [])]
        return str(page.content)

    def kept() -> Path:
        (found,) = tmp_path.glob("notebooks/*")  # and nothing beside it
        return found

    page = show()
    top, *rest = page.split("\n")
    told = "运行于 .*建站前不到 1 分钟.*&lt;i&gt;，可用 2 核；onnxruntime 1"
    assert re.match(rf'<h1 id="题">题</h1><p class="bench-provenance">{told}\.31', top)
    assert 'href="one.ipynb" download' in top
    assert rest == SHOWN
    assert (show(), len(runs)) == (page, 1)
    earlier = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    notebook.keep(kept(), notebook.read(kept()) | {"run_at": earlier})
    assert "建站前 3 小时" in show()
    assert len(runs) == 1
    changes = (
        lambda: path.write_text('{"x": 1}', encoding="utf-8"),
        lambda: here["software"].update(onnxruntime="1.32.0"),
        lambda: here.update(fingerprint="b"),
        lambda: options.update(execute=False),
        lambda: kept().unlink(),
        lambda: kept().write_bytes(kept().read_bytes()[:-1]),
    )
    for number, change in enumerate(changes, start=2):
        change()
        show()
        assert len(runs) == number
        assert kept()
