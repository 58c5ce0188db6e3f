"""The site as a whole, small and for real: measured once, published whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from site_reader import read_tables

from bench.experiments import EXPERIMENTS
from bench.site import build as making
from bench.site.build import BrokenSite
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

CONFIG = """\
site_name: 小站
site_url: https://example.org/guide/
docs_dir: docs
strict: true
hooks: [{hooks}]
theme: {{name: material, language: zh, font: false}}
plugins:
  - search: {{lang: [zh]}}
  - blog: {{blog_dir: blog, post_url_format: "{{slug}}"}}
  - markdown-exec: {{languages: [python]}}
markdown_extensions: [pymdownx.superfences, md_in_html]
"""
POST = """\
---
date: 2026-01-02
slug: threads
categories: [甲, 乙]
---

# 线程

摘要。

<!-- more -->

{blocks}
"""
SHOW = '```python exec="on" html="true"\nimport bench\nprint(bench.show("intra_op_num_threads"))\n```\n'


def _block(code: str) -> str:
    return f'```python exec="on"\n{code}\n```\n'


def _project(folder: Path, blocks: str = "") -> Path:
    """A site of a home page and one post in two categories. Returns its configuration file."""
    posts = folder / "docs" / "blog" / "posts"
    posts.mkdir(parents=True)
    (folder / "docs" / "index.md").write_text("# 首页\n\n内存与线程池。\n", encoding="utf-8")
    (folder / "docs" / "blog" / "index.md").write_text("# 文章\n", encoding="utf-8")
    (posts / "threads.md").write_text(POST.format(blocks=blocks), encoding="utf-8")
    config = folder / "mkdocs.yml"
    config.write_text(CONFIG.format(hooks=ROOT / "bench" / "hooks.py"), encoding="utf-8")
    return config


@pytest.fixture(scope="module")
def build_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build")


@pytest.fixture(autouse=True)
def _environment(build_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BUILD_VARIABLE, str(build_folder))


@pytest.fixture(scope="module")
def built(build_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small site, after its experiment was measured."""
    folder = tmp_path_factory.mktemp("project")
    config = _project(folder, SHOW)
    patch = pytest.MonkeyPatch()
    patch.setenv(BUILD_VARIABLE, str(build_folder))
    command = [sys.executable, "-m", "bench", "run", "intra_op_num_threads", "--profile", "smoke"]
    subprocess.run(command, check=True, capture_output=True)
    making.build(config, folder / "site", Folders.here())
    patch.undo()
    return folder / "site"


def test_site_without_results_is_refused_and_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path / "build"))
    with pytest.raises(BrokenSite, match=r"没有本机的有效结果：intra_op_num_threads。先运行 nox -s docs"):
        making.build(_project(tmp_path, SHOW), tmp_path / "site", Folders.here())
    assert not (tmp_path / "site").exists()
    assert not list((tmp_path / "build").rglob("*.jsonl"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="没有 /proc")
@pytest.mark.parametrize(("target", "reason"), [("/proc/x/site", "不能写入 /proc/x"), ("/", "不是网站")])
def test_place_that_a_site_cannot_take_is_refused_at_once(tmp_path: Path, target: str, reason: str) -> None:
    with pytest.raises(BrokenSite, match=reason):
        making.build(_project(tmp_path), Path(target), Folders.here())


def test_folder_that_holds_something_else_is_not_replaced(tmp_path: Path) -> None:
    config = _project(tmp_path)
    with pytest.raises(BrokenSite, match="不是网站"):
        making.build(config, config.parent / "docs", Folders.here())
    assert (config.parent / "docs" / "index.md").exists()


@pytest.mark.parametrize("address", ["notaurl", "/guide/", "ftp://example.org", "http://[x", "https:// x"])
def test_address_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("SITE_URL", address)
    with pytest.raises(BrokenSite, match="SITE_URL 不是网址"):
        making.build(_project(tmp_path), tmp_path / "site", Folders.here())


@pytest.mark.parametrize(
    "address", ["", "https://example.org", "https://例子.org/指南/", "http://localhost:8000/"]
)
def test_address_of_a_site_is_taken(address: str) -> None:
    assert not list(making.check_address(address))


def test_block_of_a_post_stands_on_five_pages_and_measures_nothing(built: Path, build_folder: Path) -> None:
    views = ["blog/threads", "blog", "blog/archive/2026", "blog/category/甲", "blog/category/乙"]
    assert all((built / view / "index.html").exists() for view in views)
    journals = list((build_folder / "results" / "intra_op_num_threads").glob("*.jsonl"))
    assert len(journals) == 1
    kinds = [json.loads(line)["kind"] for line in journals[0].read_text(encoding="utf-8").splitlines()]
    assert (kinds.count("header"), kinds.count("footer")) == (1, 1)


def test_cells_on_the_page_equal_the_published_json(built: Path) -> None:
    export = json.loads((built / "data" / "intra_op_num_threads.json").read_text(encoding="utf-8"))
    cells = read_tables((built / "blog" / "threads" / "index.html").read_text(encoding="utf-8"))
    values = {
        (r["experiment"], r["model"], r["input"], r["case"], r["metric"]): (r["value"], r["low"], r["high"])
        for r in export["rows"]
        if r["value"] is not None
    }
    shown = {key: tuple(cell) for key, cell in cells.items() if cell.value is not None}
    columns = {column.metric for column in EXPERIMENTS["intra_op_num_threads"].columns}
    assert shown
    assert shown == {key: value for key, value in values.items() if key[-1] in columns}


def test_smoke_results_are_stamped(built: Path) -> None:
    assert "冒烟测试" in (built / "blog" / "threads" / "index.html").read_text(encoding="utf-8")


def test_data_source_and_chart_library_are_published(built: Path) -> None:
    for name in (
        "data/intra_op_num_threads.json",
        "data/intra_op_num_threads.csv",
        "data/intra_op_num_threads.pyperf.json",
        "data/machine.json",
        "source/intra_op_num_threads.py",
        "assets/vega.js",
    ):
        assert (built / name).stat().st_size > 100


def test_nothing_published_names_this_machine_or_its_folders(built: Path, build_folder: Path) -> None:
    names = [os.uname().nodename, str(build_folder), str(ROOT), str(Path.home()) + "/"]
    for path in built.rglob("*"):
        if path.suffix in {".html", ".json", ".csv"}:
            text = path.read_text(encoding="utf-8")
            assert not [name for name in names if len(name) > 3 and name in text], path.name


def test_second_build_measures_nothing(built: Path, build_folder: Path, tmp_path: Path) -> None:
    before = sorted((build_folder / "results").rglob("*.jsonl"))
    making.build(_project(tmp_path, SHOW), tmp_path / "site", Folders.here())
    assert sorted((build_folder / "results").rglob("*.jsonl")) == before


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        (_block('raise RuntimeError("坏了")'), "(?s)blog/posts/threads.md.*坏了"),
        (_block("import sys; sys.exit(0)"), "index.html"),
        (_block("import sys; sys.exit(3)"), "状态 3"),
        (SHOW.replace('html="true"', 'htlm="true"'), "htlm"),
        ('```python exce="on"\nprint(1)\n```\n', "exce"),
        (SHOW.replace("intra_op_num_threads", "no_such"), "no_such"),
    ],
    ids=["raise", "exit 0", "exit 3", "option", "exec", "experiment"],
)
def test_broken_block_leaves_the_old_site_untouched(tmp_path: Path, blocks: str, reason: str) -> None:
    config = _project(tmp_path, blocks)
    old = tmp_path / "site" / "index.html"
    old.parent.mkdir()
    old.write_text("旧站", encoding="utf-8")
    with pytest.raises(BrokenSite, match=reason):
        making.build(config, tmp_path / "site", Folders.here())
    assert [path.name for path in old.parent.iterdir()] == ["index.html"]
    assert old.read_text(encoding="utf-8") == "旧站"
    assert list((Folders.here().work).glob("site-*")) == []


def _page(folder: Path, body: str, name: str = "index.html") -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"<html><body>{body}</body></html>", encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("<p>Traceback (most recent call last):</p>", "traceback"),
        ("<code>import bench</code>", "没执行"),
        ('<code>python exec="on"</code>', "没执行"),
        ('<a data-link="data/x.json">x</a>', "没解析"),
        ('<a href="gone.html">x</a>', "死链接 gone.html"),
        ('<img src="gone.png">', "死链接 gone.png"),
    ],
)
def test_check_finds_what_must_not_be_published(tmp_path: Path, body: str, found: str) -> None:
    _page(tmp_path, body)
    assert found in "".join(making.check_site(tmp_path, set()))


def test_check_misses_a_table_that_a_page_asks_for(tmp_path: Path) -> None:
    _page(tmp_path, "<p>好</p>")
    assert list(making.check_site(tmp_path, set())) == []
    assert "arena" in "".join(making.check_site(tmp_path, {"arena"}))


def test_failed_move_puts_the_old_site_back(tmp_path: Path) -> None:
    target = tmp_path / "site"
    _page(target, "旧站")
    with pytest.raises(OSError, match="missing"):
        making.replace(tmp_path / "missing", target)
    assert "旧站" in (target / "index.html").read_text(encoding="utf-8")


def test_plain_mkdocs_build_works_too(built: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-f", str(_project(tmp_path, SHOW)), "-d", str(tmp_path / "out")],
        capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_tables((tmp_path / "out" / "blog" / "threads" / "index.html").read_text(encoding="utf-8"))
