"""The notebook that readers download, and the rules by which a build runs it or keeps what it ran."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from filelock import FileLock, Timeout

from bench.cli import measuring
from bench.cli.refusals import Refused
from bench.experiments._common import threads
from bench.measure.machine import read_machine
from bench.pages import source
from bench.results.published import Export
from bench.site import build as making
from bench.site import notebook
from bench.spec import Machine
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Callable
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


def test_real_notebook_recommends_a_count_of_the_table_within_the_time_that_readers_are_promised(
    whole: Path,
) -> None:
    html = (whole / "notebooks" / "thread-ablation.html").read_text(encoding="utf-8")
    count = notebook.recommended_count(html)
    tried = sorted(set(threads(Machine(cores=read_machine().cores)).values()))
    assert count in tried
    for said in (
        f"线程数：{'、'.join(map(str, tried))}",
        f"intra_op_num_threads = {count}\nRECOMMENDED={count}",
        "线程表</a>",
    ):
        assert said in html
    assert int(re.findall(r"用了 (\d+) 秒", html)[0]) < 60
    table = Export.model_validate_json((whole / "data" / f"{notebook.EXPERIMENT}.json").read_bytes())
    fastest = notebook.fastest_in_table(table)
    assert fastest
    assert set(fastest) <= set(map(str, tried))
    (figure,) = re.findall(r'<[^>]*aria-label="[^"]+" role="img".*?</svg>', html, re.DOTALL)
    assert "currentColor" in figure
    assert "#123456" not in figure


RAW = """\
<script>alert(1)</script><style>body {}</style>
<div class="jp-MarkdownOutput"><h1 id="">题<a class="anchor-link" href="#">¶</a></h1>
<div class="highlight"><pre>pip</pre></div></div>
<div class="highlight-ipynb"><pre><span></span><span class="n">x</span> &lt; 1</pre></div>
<div class="clipboard-copy-txt">x &lt; 1</div>
<div class="jp-OutputArea-output"><pre>RECOMMENDED=2</pre></div>
<div class="jp-MarkdownOutput"><h2 id="">甲 乙</h2><h3 id="">丙</h3><h2 id="">甲 乙</h2></div>
"""


def test_page_keeps_text_code_and_outputs_and_its_headings_can_be_reached() -> None:
    body = notebook.tidy(RAW, {"permalink": True, "permalink_title": "链接"})
    assert not re.search("alert|style", body)
    assert body.count("&lt; 1") == 1
    for kept in (
        '<pre><code><span></span><span class="n">x</span> &lt; 1</code></pre>',
        '<div class="highlight"><pre><code>pip</code></pre></div>',
        'aria-label="输出 1"><pre>RECOMMENDED=2</pre></div>',
        '<h2 id="甲-乙_1">甲 乙<a class="headerlink" href="#甲-乙_1" title="链接">¶</a></h2>',
    ):
        assert kept in body


def test_count_and_noise_are_read_from_the_output_not_the_code() -> None:
    assert notebook.recommended_count('print(f"RECOMMENDED={n}")') is None
    assert notebook.recommended_count("<pre>RECOMMENDED=16\n</pre>") == 16
    assert notebook._last(notebook.NOISE, 'print(f"（噪声 {noise:.0%}）。")') is None
    assert notebook._last(notebook.NOISE, "分不出差别的有：2（噪声 13%）。") == 13
    assert "算不得结论" in notebook._conclusion(2, 13)
    assert "这次运行得出" in notebook._conclusion(2, 10)
    assert notebook._conclusion(None, 13) == ""


@pytest.mark.parametrize(
    ("count", "fastest", "status", "said"),
    [(2, ["2"], "valid", "</a>一致：那里最快的"), (2, ["2", "4"], "valid", "</a>一致：那里最快的"), (1, ["2"], "valid", "</a>不一致：那里最快的"),
     (2, [], "valid", "没有与它比较"), (2, ["2"], "stale", ""), (2, ["2"], None, ""), (None, ["2"], "valid", "")],
)  # fmt: skip
def test_page_ends_in_what_the_table_of_this_build_says(
    monkeypatch: pytest.MonkeyPatch, count: int | None, fastest: list[str], status: str | None, said: str
) -> None:
    monkeypatch.setattr(source, "status", lambda: {notebook.EXPERIMENT: status} if status else {})
    monkeypatch.setattr(source, "load", lambda _: None)
    monkeypatch.setattr(notebook, "fastest_in_table", lambda _: fastest)
    told = notebook._agreement(count)
    assert (said in told, bool(told)) == (True, bool(said))


@pytest.fixture
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("data", "assets"):
        (tmp_path / "build" / "export" / name).mkdir(parents=True)
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path / "build"))
    return tmp_path / "build"


def test_measuring_everything_anew_forgets_what_notebooks_ran(
    build_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise Refused("here the measurement would start")

    monkeypatch.setattr(measuring.campaign, "open_campaign", reached)
    for ids, reuse, kept in ((("arena",), False, True), ((), True, True), ((), False, False)):
        (build_folder / "notebooks").mkdir(exist_ok=True)
        with pytest.raises(Refused, match="would start"):
            measuring.run(*ids, profile="smoke", reuse=reuse)
        assert (build_folder / "notebooks").exists() is kept


class Taken:
    """A notebook whose run is a function; it holds the build's lock meanwhile."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.runs, self.options = folder, 0, {"execute": True}
        self.here: dict[str, Any] = {"fingerprint": "a", "cpu": "<i>", "cores": 2}
        self.here["software"] = {"onnxruntime": "1.31.1"}
        self.path = folder / "one.ipynb"
        self.path.write_text("{}", encoding="utf-8")
        monkeypatch.setattr(source, "here", lambda: self.here)

    def show(self) -> str:
        page = SimpleNamespace(title=None, content="", toc=None)
        page.file = SimpleNamespace(src_uri="a/one.ipynb", name="one", abs_src_path=str(self.path))

        def render() -> None:
            with pytest.raises(Timeout):
                FileLock(self.folder / "lock").acquire(timeout=0)
            self.runs += 1
            page.title, page.content = "题", RAW

        page.render = render
        plugins = {notebook.PLUGIN: SimpleNamespace(config=self.options)}
        notebook.take_over(page, SimpleNamespace(plugins=plugins, mdx_configs={}))
        page.render()
        assert (page.title, [one.id for one in page.toc]) == ("题", ["题"])
        return str(page.content)

    @property
    def kept(self) -> Path:
        (path,) = self.folder.glob("notebooks/*")
        return path


def test_notebook_runs_once_is_kept_with_its_age_and_runs_again_when_what_decides_its_numbers_has_changed(
    build_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = Taken(build_folder, monkeypatch)
    page = taken.show()
    assert re.search(r"运行于 .*建站前不到 1 分钟.*&lt;i&gt;，可用 2 核；onnxruntime 1\.31", page)
    assert 'href="one.ipynb" download' in page
    assert (taken.show(), taken.runs) == (page, 1)
    found = notebook.read(taken.kept)
    assert found
    earlier = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    notebook.keep(taken.kept, found | {"run_at": earlier})
    assert "建站前 3 小时" in taken.show()
    assert taken.runs == 1
    changes: tuple[Callable[[], object], ...] = (
        lambda: taken.path.write_text('{"x": 1}', encoding="utf-8"),
        lambda: taken.here["software"].update(onnxruntime="1.32.0"),
        lambda: taken.here.update(fingerprint="b"),
        lambda: taken.options.update(execute=False),
        lambda: taken.kept.unlink(missing_ok=False),
        lambda: taken.kept.write_bytes(taken.kept.read_bytes()[:-1]),
    )
    for runs, change in enumerate(changes, start=2):
        change()
        taken.show()
        assert taken.runs == runs
        assert taken.kept.exists()  # and nothing beside it


def test_error_in_a_cell_ends_a_real_build_with_its_name(tmp_path: Path, build_folder: Path) -> None:
    """Plugin options as in the real site."""
    options = re.search(
        r"^  - mkdocs-jupyter:\n(      .*\n)+", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE
    )
    assert options
    config = f"site_name: 小站\nhooks: [{ROOT}/bench/site/hooks.py]\ntheme: {{name: material, font: false}}\n"
    (tmp_path / "mkdocs.yml").write_text(f"{config}plugins:\n{options[0]}", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# 首页\n", encoding="utf-8")
    cells = [nbformat.v4.new_code_cell("raise RuntimeError('坏了')")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "docs" / "one.ipynb")
    with pytest.raises(making.BrokenSite, match=r"(?s)one\.ipynb.*RuntimeError: 坏了"):
        making.build(tmp_path / "mkdocs.yml", tmp_path / "site", Folders.here())
    assert not (tmp_path / "site").exists()
