"""The notebook that readers download, and the rules by which a build runs it or keeps what it ran."""

from __future__ import annotations

import ast
import json
import re
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from filelock import FileLock, Timeout
from nbclient import NotebookClient

from bench.cli import measuring
from bench.experiments import EXPERIMENTS
from bench.experiments.intra_op_num_threads import counts
from bench.measure.machine import read_machine
from bench.pages import source
from bench.results.summary import summarise
from bench.site import build as making
from bench.site import notebook, notebook_page
from bench.site.build import BrokenSite
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Make

    from bench.results.published import Export

NOTEBOOK = ROOT / "docs" / "notebooks" / "thread-ablation.ipynb"
IN_FIGURES = {"set_xlabel", "set_ylabel", "set_title", "suptitle", "text", "annotate", "plot", "errorbar"}
"""Calls whose text ends up in a picture, where Chinese would need a font that may be missing."""


@pytest.fixture(scope="module")
def stored() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=nbformat.NO_CONVERT)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebook_is_well_formed_and_stored_without_outputs(stored: nbformat.NotebookNode) -> None:
    nbformat.validate(stored)
    assert (stored.nbformat, stored.nbformat_minor) == (4, 5)
    assert stored.metadata.kernelspec.name == "python3"
    assert len({cell.id for cell in stored.cells}) == len(stored.cells)
    for cell in _code(stored):
        assert (cell.outputs, cell.execution_count) == ([], None)


def test_notebook_names_nothing_of_this_machine(stored: nbformat.NotebookNode) -> None:
    for cell in stored.cells:
        assert not re.search(r"/(home|root|tmp|work|Users)/|[A-Z]:\\", cell.source)
        assert "bench" not in cell.source


def test_headings_have_one_title_and_differ(stored: nbformat.NotebookNode) -> None:
    text = "\n".join(cell.source for cell in stored.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^(#+) (.+)$", text, re.MULTILINE)
    assert [level for level, _ in headings].count("#") == 1
    assert headings[0][0] == "#"
    assert len({title for _, title in headings}) == len(headings)


def test_figures_are_labelled_in_latin_letters(stored: nbformat.NotebookNode) -> None:
    calls = [
        node
        for cell in _code(stored)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in IN_FIGURES
    ]
    labels = [
        part.value
        for call in calls
        for part in ast.walk(call)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    assert "speed-up over 1 thread" in labels
    assert all(label.isascii() for label in labels)


def test_telemetry_is_off_before_onnxruntime_is_imported(stored: nbformat.NotebookNode) -> None:
    code = "\n".join(cell.source for cell in _code(stored))
    assert code.index("ORT_DISABLE_TELEMETRY") < code.index("import onnxruntime")


@pytest.fixture(scope="module")
def executed(stored: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The real one, run once, within the time that readers are promised."""
    copy = nbformat.from_dict(stored)
    started = time.perf_counter()
    NotebookClient(copy, timeout=60, kernel_name="python3").execute()
    assert time.perf_counter() - started < 60
    return copy


def _printed(cell: nbformat.NotebookNode) -> str:
    assert all(output.get("name") != "stderr" for output in cell.outputs)
    return "".join(output.get("text", "") for output in cell.outputs)


def test_notebook_recommends_one_of_the_counts_that_the_table_has(executed: nbformat.NotebookNode) -> None:
    *_, sentence, line = _printed(_code(executed)[-1]).splitlines()
    count = notebook.recommended_count(nbformat.writes(executed))
    tried = counts(read_machine().cores)
    assert line == f"RECOMMENDED={count}"
    assert sentence.endswith(f"intra_op_num_threads = {count}")
    assert count in tried
    assert any(f"线程数：{'、'.join(map(str, tried))}" in _printed(cell) for cell in _code(executed))


def test_figure_takes_the_colour_of_the_text(executed: nbformat.NotebookNode) -> None:
    shown = [output.data for cell in _code(executed) for output in cell.outputs if "data" in output]
    figure = next(data["text/html"] for data in shown if "text/html" in data)
    assert 'role="img" aria-label=' in figure
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


def test_page_keeps_text_code_and_outputs_and_nothing_else() -> None:
    body, _ = notebook_page.tidy(RAW, {})
    assert "alert" not in body
    assert "style" not in body
    assert '<pre><code><span></span><span class="n">x</span> &lt; 1</code></pre>' in body
    assert body.count("&lt; 1") == 1
    assert '<div class="highlight"><pre><code>pip</code></pre></div>' in body
    assert 'aria-label="输出 1"><pre>RECOMMENDED=2</pre></div>' in body


def test_chinese_headings_can_be_reached() -> None:
    body, (title,) = notebook_page.tidy(RAW, {"permalink": True, "permalink_title": "链接"})
    assert (title["id"], title["name"]) == ("题", "题")
    assert [(child["id"], len(child["children"])) for child in title["children"]] == [
        ("甲-乙", 1),
        ("甲-乙_1", 0),
    ]
    assert '<h2 id="甲-乙_1">甲 乙<a class="headerlink" href="#甲-乙_1" title="链接">¶</a></h2>' in body


@pytest.mark.parametrize(
    ("text", "count"),
    [('print(f"RECOMMENDED={n}")', None), ("<pre>RECOMMENDED=16\n</pre>", 16), ('"RECOMMENDED=2\\n"', 2)],
)
def test_count_is_read_from_the_output_not_the_code(text: str, count: int | None) -> None:
    assert notebook.recommended_count(text) == count


def test_noise_is_read_from_the_output_and_spoils_the_conclusion() -> None:
    printed = "最快的是 2 线程，分不出差别的有：2（噪声 13%）。"
    assert notebook.noise_percent('print(f"（噪声 {noise:.0%}）。")') is None
    assert notebook.noise_percent(printed) == 13
    assert "算不得结论" in notebook._conclusion(2, 13)
    assert "这次运行得出" in notebook._conclusion(2, 10)
    assert notebook._conclusion(None, 13) == ""


@pytest.fixture
def table(make: Make) -> Callable[..., Export]:
    """The thread table of nine rounds, `count` -> latency in ms."""

    def tell(latencies: dict[str, float], *, profile: str = "default") -> Export:
        told = {BASELINE: latencies["2"], CONTROL: latencies["2"]} | latencies
        group = make.group_record(model=notebook.MODEL, input=notebook.INPUT, cases=list(told))
        rounds = [
            [(case, {"latency_ns": round(ms * noise * 1e6)}) for case, ms in told.items()]
            for noise in (0.998, 1.001, 1.0, 0.999, 1.002, 1.0, 1.001, 0.999, 1.0)
        ]
        journal = make.journal(rounds, groups=[group], profile=profile)
        return summarise(EXPERIMENTS[notebook.EXPERIMENT], journal)

    return tell


@pytest.mark.parametrize(
    ("count", "latencies", "agrees"),
    [
        (2, {"1": 60, "2": 40, "4": 90}, True),
        (1, {"1": 60, "2": 40, "4": 90}, False),
        (2, {"1": 60, "2": 40.2, "4": 40}, True),
        (8, {"1": 60, "2": 40, "4": 90}, False),
    ],
)
def test_agreement_with_the_table(
    table: Callable[..., Export], count: int, latencies: dict[str, float], agrees: object
) -> None:
    assert notebook.agrees_with_table(count, table(latencies)) is agrees


def test_draft_is_not_compared_with(table: Callable[..., Export]) -> None:
    assert notebook.agrees_with_table(1, table({"1": 60, "2": 40}, profile="quick")) is None


@pytest.mark.parametrize(
    ("count", "profile", "said"),
    [(2, "default", "一致：那里最快的"), (1, "default", "不一致：那里最快的"), (2, "quick", "没有与它比较")],
)
def test_page_ends_in_what_the_table_says(
    monkeypatch: pytest.MonkeyPatch, table: Callable[..., Export], count: int, profile: str, said: str
) -> None:
    export = table({"1": 60, "2": 40, "4": 90}, profile=profile)
    monkeypatch.setattr(source, "status", lambda: {notebook.EXPERIMENT: "valid"})
    monkeypatch.setattr(source, "load", lambda _: export)
    assert said in notebook._agreement(count)
    assert ("不一致" in notebook._agreement(count)) is (said[0] == "不")


@pytest.mark.parametrize("status", [{}, {notebook.EXPERIMENT: "stale"}])
def test_page_is_silent_about_a_table_that_is_not_of_this_build(
    monkeypatch: pytest.MonkeyPatch, status: dict[str, str]
) -> None:
    monkeypatch.setattr(source, "status", lambda: status)
    assert notebook._agreement(2) == ""


def test_state_follows_whatever_could_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    here: dict[str, Any] = {"fingerprint": "a", "software": {"onnxruntime": "1.31.1"}}
    monkeypatch.setattr(notebook, "_here", lambda: here)
    states = [notebook._state({"execute": True, "cache": False, "cache_dir": "x"})]
    assert notebook._state({"execute": True, "cache": True, "cache_dir": "y"}) == states[0]
    states.append(notebook._state({"execute": False}))
    here["software"]["onnxruntime"] = "1.32.0"
    states.append(notebook._state({"execute": True}))
    here["fingerprint"] = "b"
    states.append(notebook._state({"execute": True}))
    assert len(set(states)) == len(states)


@pytest.fixture
def build_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build folder with nothing measured, but with the folders that a site is published from."""
    for name in ("data", "assets"):
        (tmp_path / "build" / "export" / name).mkdir(parents=True)
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path / "build"))
    return tmp_path / "build"


def test_notebook_to_be_run_waits_for_measurements(build_folder: Path) -> None:
    held = []

    def render() -> None:
        with pytest.raises(Timeout):
            FileLock(build_folder / "lock").acquire(timeout=0)
        held.append(True)
        (state / "copy.json").write_text("{}", encoding="utf-8")

    path = build_folder / "a.ipynb"
    path.write_text("{}", encoding="utf-8")
    file = SimpleNamespace(src_uri="a.ipynb", name="a", abs_src_path=str(path))
    page = SimpleNamespace(file=file, render=render)
    state = build_folder / "notebooks" / "state"
    state.mkdir(parents=True)
    options = SimpleNamespace(config={"cache_dir": str(state)})
    notebook.take_turn(page, SimpleNamespace(plugins={notebook.PLUGIN: options}))
    page.render()
    assert held == [True]
    FileLock(build_folder / "lock").acquire(timeout=0).lock.release()
    assert len(list(build_folder.glob("notebooks/state/a-*.run_at"))) == 1


class _Reached(Exception):
    """The measurement would start here."""


@pytest.mark.parametrize(
    ("ids", "reuse", "kept"), [((), False, False), (("arena",), False, True), ((), True, True)]
)
def test_measuring_everything_anew_forgets_what_notebooks_ran(
    build_folder: Path, monkeypatch: pytest.MonkeyPatch, ids: tuple[str, ...], *, reuse: bool, kept: bool
) -> None:
    def reached(*_: object, **__: object) -> None:
        raise _Reached

    @contextmanager
    def quiet() -> Iterator[Any]:
        yield SimpleNamespace(note=lambda _: None)

    monkeypatch.setattr(measuring.campaign, "open_campaign", reached)
    monkeypatch.setattr(measuring, "progress", quiet)
    (build_folder / "notebooks" / "state").mkdir(parents=True)
    with pytest.raises(_Reached):
        measuring.run(*ids, profile="smoke", reuse=reuse)
    assert (build_folder / "notebooks").exists() is kept


CONFIG = """\
site_name: 小站
site_url: https://example.org/guide/
strict: true
hooks: [{hooks}]
theme: {{name: material, language: zh, font: false}}
plugins:
  - mkdocs-jupyter:
{options}
"""


@pytest.fixture
def project(tmp_path: Path, build_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, build_folder, monkeypatch)


class Project:
    """A site of a home page and a notebook of one cell that counts its runs. Plugin options as in the real site."""

    def __init__(self, folder: Path, build_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.build_folder, self._runs = folder, build_folder, folder / "runs"
        monkeypatch.setenv("RUNS", str(self._runs))
        (folder / "docs" / "notebooks").mkdir(parents=True)
        (folder / "docs" / "index.md").write_text("# 首页\n", encoding="utf-8")
        real = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
        options = re.search(r"^  - mkdocs-jupyter:\n((?:      .*\n)+)", real, re.MULTILINE)
        assert options
        config = CONFIG.format(hooks=ROOT / "bench" / "hooks.py", options=options[1])
        (folder / "mkdocs.yml").write_text(config, encoding="utf-8")
        self.write("print('好')")

    def write(self, code: str) -> None:
        count = "import os\nwith open(os.environ['RUNS'], 'a') as runs:\n    runs.write('x')\n"
        cells = [nbformat.v4.new_markdown_cell("# 题"), nbformat.v4.new_code_cell(count + code)]
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"
        metadata = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
        path = self.folder / "docs" / "notebooks" / "one.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)

    def build(self) -> str:
        """Build as `bench site` does. Returns the notebook's page."""
        making.build(self.folder / "mkdocs.yml", self.folder / "site", Folders.here())
        return (self.folder / "site" / "notebooks" / "one" / "index.html").read_text(encoding="utf-8")

    @property
    def runs(self) -> int:
        return len(self._runs.read_text()) if self._runs.exists() else 0


def test_notebook_runs_once_and_is_kept(project: Project) -> None:
    page = project.build()
    assert project.runs == 1
    assert 'aria-label="输出 1">\n<pre>好\n</pre>\n</div>' in page
    assert re.search(r"运行于 .*建站前不到 1 分钟.*onnxruntime \d", page)
    assert 'href="one.ipynb" download' in page
    assert (project.folder / "site" / "notebooks" / "one" / "one.ipynb").exists()

    assert project.build() == page
    assert project.runs == 1
    (note,) = project.build_folder.glob("notebooks/*/one-*.run_at")
    earlier = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    kept = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**kept, "run_at": earlier}), encoding="utf-8")
    assert "建站前 3 小时" in project.build()
    assert project.runs == 1

    (state,) = project.build_folder.glob("notebooks/*")
    state.rename(state.with_name("another-machine"))
    assert "建站前不到 1 分钟" in project.build()
    assert project.runs == 2
    assert [path.name for path in project.build_folder.glob("notebooks/*")] == [state.name]


def test_notebook_page_asks_nothing_of_others(project: Project) -> None:
    page = project.build()
    article = page[page.index("<article") : page.index("</article")]
    assert "<script" not in article
    assert "<style" not in article
    assert not re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="(?:https?:)?//(?!example\.org)', page)
    assert len(page) < 40_000
    assert sorted(path.name for path in (project.folder / "docs" / "notebooks").iterdir()) == ["one.ipynb"]


def test_changed_or_forgotten_notebook_runs_again(project: Project) -> None:
    project.build()
    project.write("print('更好')")
    assert "更好" in project.build()
    assert project.runs == 2
    assert len(list(project.build_folder.glob("notebooks/*/one-*.run_at"))) == 1
    for path in project.build_folder.glob("notebooks/*/*"):
        path.unlink()
    project.build()
    assert project.runs == 3


def test_error_in_a_cell_keeps_the_old_site(project: Project) -> None:
    before = project.build()
    project.write("raise RuntimeError('坏了')")
    with pytest.raises(BrokenSite, match=r"(?s)notebooks/one\.ipynb.*RuntimeError: 坏了"):
        project.build()
    assert (project.folder / "site" / "notebooks" / "one" / "index.html").read_text(
        encoding="utf-8"
    ) == before
