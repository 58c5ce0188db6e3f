"""A site is published whole or not at all, and a live preview shows what is broken: small real builds."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import nbformat
import pytest
from stored import keep

from bench.site import build as making
from bench.site import check
from bench.site.build import BrokenSite
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

CONFIG = f"""\
site_name: 小站
site_url: https://example.org/guide/
strict: true
hooks: [{ROOT}/bench/site/hooks.py]
theme: {{name: material, language: zh, font: false}}
markdown_extensions: [pymdownx.superfences, md_in_html]
plugins:
  - blog: {{blog_dir: blog, post_url_format: "{{slug}}"}}
  - markdown-exec: {{languages: [python]}}
"""
REAL_CONFIG = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
HOME = "# 首页\n\n好\n"
POST = "---\ndate: 2026-01-02\nslug: threads\ncategories: [甲]\n---\n\n# 线程\n\n摘要。\n\n<!-- more -->\n\n"
FENCE = '```python exec="on"\n{}\n```\n'.format
COUNTED = FENCE("with open('runs', 'a') as runs:\n    runs.write('x')\nprint('算出来的')")
RAISING = FENCE('raise RuntimeError("坏了 <b>")')
SHOW = FENCE('import bench\nprint(bench.table("intra_op_num_threads"))')
MISSPELT = SHOW.replace("exec", "exce")
IN_A_NOTEBOOK = "a cell that raises"


def _write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home page and one post in a category. Nothing is measured, but there are the folders that are published."""
    for folder in ("data", "assets"):
        (tmp_path / "build" / "export" / folder).mkdir(parents=True)
    _write(tmp_path, {"mkdocs.yml": CONFIG, "docs/index.md": HOME, "docs/blog/index.md": "# 文章\n"})
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _build(project: Path, blocks: str = "", target: str = "site") -> Path:
    _write(project, {"docs/blog/posts/threads.md": POST + blocks})
    making.build(project / "mkdocs.yml", project / target, Folders.here())
    return project / target


def test_block_of_a_post_runs_once_though_the_post_stands_on_four_pages(project: Path) -> None:
    site = _build(project, COUNTED)
    assert "算出来的" in (site / "blog" / "threads" / "index.html").read_text(encoding="utf-8")
    for view in ("blog", "blog/archive/2026", "blog/category/甲"):
        html = (site / view / "index.html").read_text(encoding="utf-8")
        assert "摘要。" in html
        assert "继续阅读" in html
    assert (project / "runs").read_text() == "x"


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [(RAISING, "(?s)blog/posts/threads.md.*坏了"), (FENCE("import sys; sys.exit(0)"), "index.html"), (MISSPELT, "exce"),
     (SHOW, "没有本机的有效结果：intra_op_num_threads。先运行 nox -s docs"), ('<a href="#nowhere">x</a>', "死链接 #nowhere"),
     (IN_A_NOTEBOOK, r"(?s)one\.ipynb.*RuntimeError: 坏了")],
    ids=["raise", "exit 0", "option", "result", "link", "notebook"],
)  # fmt: skip
def test_what_is_broken_leaves_the_old_site_untouched(
    project: Path, monkeypatch: pytest.MonkeyPatch, blocks: str, reason: str
) -> None:
    _write(project, {"site/index.html": "旧站"})
    if blocks not in (SHOW, MISSPELT, IN_A_NOTEBOOK):  # these need an export, or are told before
        monkeypatch.setattr(making, "prepare", lambda *_, **__: None)
    if blocks == IN_A_NOTEBOOK:
        options = re.search(r"^  - mkdocs-jupyter:\n(      .*\n)+", REAL_CONFIG, re.MULTILINE)
        _write(project, {"mkdocs.yml": CONFIG + options[0]})
        cells = [nbformat.v4.new_code_cell("raise RuntimeError('坏了')")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), project / "docs" / "one.ipynb")
    with pytest.raises(BrokenSite, match=reason):
        _build(project, blocks)
    found = [(path.name, path.read_text(encoding="utf-8")) for path in (project / "site").iterdir()]
    assert found == [("index.html", "旧站")]
    assert list(Folders.here().work.glob("site-*")) == []
    assert not list((project / "build").rglob("*.jsonl"))


def test_mkdocs_that_crashes_is_told_by_its_status(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = subprocess.CompletedProcess([], -signal.SIGSEGV, "", "Building documentation\n")
    monkeypatch.setattr(making, "prepare", lambda *_, **__: None)
    monkeypatch.setattr(making, "python", lambda *_, **__: crashed)
    with pytest.raises(BrokenSite, match=r"(?s)mkdocs 以状态 -11 结束.*Building"):
        _build(project)
    assert not (project / "site").exists()


def test_what_is_measured_apart_may_lack(project: Path) -> None:
    """A fresh machine has measured no versions: the page says what to run."""
    site = _build(project, SHOW.replace("intra_op_num_threads", "versions"))
    assert "还没测" in (site / "blog" / "threads" / "index.html").read_text(encoding="utf-8")


def test_bad_place_and_bad_address_are_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"docs/index.md/site": "不能写入 .*index.md", "/": "不是网站", "docs": "不是网站"}
    for target, reason in places.items():
        with pytest.raises(BrokenSite, match=reason):
            _build(project, target=target)
        assert (project / "docs" / "index.md").exists()
    for none in ("/guide/", "ftp://example.org", "http://[x", "https:// x"):
        assert list(check.address(none)), none
    for good in ("", "https://example.org", "https://例子.org/指南/", "http://localhost:8000/"):
        assert not list(check.address(good)), good
    monkeypatch.setenv("SITE_URL", "notaurl")
    with pytest.raises(BrokenSite, match="SITE_URL 不是网址"):
        _build(project)


def test_swap_that_fails_or_was_killed_puts_the_old_site_back(project: Path) -> None:
    """So does an export that fails, told in a sentence."""
    target = project / "site"
    _write(target, {"index.html": "旧站"})
    with pytest.raises(OSError, match="missing"):
        making.replace(project / "missing", target)
    target.rename(project / ".site.old")  # killed between its two renames
    (project / ".site.new").mkdir()
    shutil.rmtree(project / "build" / "export")
    (project / "build" / "export").touch()
    with pytest.raises(BrokenSite, match="结果导不出来"):
        _build(project)
    assert (target / "index.html").read_text(encoding="utf-8") == "旧站"
    assert list(project.glob(".*")) == []


PATIENCE_S = 60.0


def _serve(project: Path, port: int) -> subprocess.Popen[str]:
    command = ["mkdocs", "serve", "-f", str(project / "mkdocs.yml"), "--dev-addr", f"127.0.0.1:{port}"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    options["env"] = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.Popen([sys.executable, "-m", *command], **options)


def _shows(address: str, *texts: str) -> None:
    """Ask until the page has them; a request that hangs fails."""
    deadline, seen = time.monotonic() + PATIENCE_S, ""
    while not all(text in seen for text in texts):
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S / 2) as answer:  # noqa: S310 - ours
                seen = answer.read().decode()
        except urllib.error.URLError:
            continue  # not yet there


def test_preview_shows_what_is_broken_on_every_page_until_it_is_mended(project: Path, make: Make) -> None:
    """Old results stand in, what there is not is named; a page that says what is wrong refreshes itself. A used port is told."""
    rounds = [[(case, {}) for case in (BASELINE, CONTROL, "1", "2")]] * 3
    keep(project / "build" / "results", make.journal(rounds, experiment="intra_op_num_threads"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told, _ = _serve(project, port).communicate(timeout=PATIENCE_S)
    assert f"127.0.0.1:{port} 已被占用" in told
    assert "Traceback" not in told
    address, missing = f"http://127.0.0.1:{port}/guide/", SHOW.replace("intra_op_num_threads", "arena")
    with _serve(project, port) as running:
        try:
            _shows(address, "<p>好</p>")
            status = json.loads((project / "build" / "export" / "status.json").read_text())
            assert status == {"intra_op_num_threads": "stale"}
            for broken, told in ((RAISING, "坏了 &lt;b&gt;"), (missing, "还没有本机的有效结果：arena")):
                _write(project, {"docs/index.md": HOME + broken})
                for page in ("", "blog/"):
                    _shows(address + page, told, "livereload(")
            _write(project, {"docs/index.md": HOME})
            _shows(address, "<p>好</p>")
        finally:
            running.terminate()
            running.communicate(timeout=30)


FOUND = {
    "<p>Traceback (most recent call last):</p>": "页面里有 traceback",
    "<code>import bench</code>": "有没执行的代码块",
    '<code>python exec="on"</code>': "有没执行的代码块",
    '<a data-link="data/x.json">x</a>': "有没解析的链接",
    '<a href="gone.html">x</a>': "死链接 gone.html",
    '<img src="gone.png">': "死链接 gone.png",
    '<a href="#gone">x</a>': "死链接 #gone",
    '<a href="two.html#gone">x</a>': "死链接 two.html#gone",
    '<a href="empty">x</a>': "死链接 empty",
}
LINKS = ("#", "#甲", "two.html#%E4%B8%99", "two.html", "data.json#x", "/x", "https://x/#y")
FINE = '<p id="甲">x</p><div class="bench"><div>x</div>Traceback (most recent call last)</div>'
FINE += "".join(f'<a href="{link}">x</a>' for link in LINKS)


def test_what_must_not_be_published_is_found_and_nothing_else(tmp_path: Path) -> None:
    _write(tmp_path, {"index.html": FINE, "two.html": '<p id="丙">x</p>', "data.json": "{}"})
    (tmp_path / "empty").mkdir()
    assert list(check.site(tmp_path, set())) == []
    _write(tmp_path, {f"{number}.html": body for number, body in enumerate(FOUND)})
    expected = [f"{number}.html：{said}" for number, said in enumerate(FOUND.values())]
    assert list(check.site(tmp_path, {"arena"})) == [*expected, "没有哪一页显示实验 arena 的表"]


def test_links_that_leave_are_listed_once_with_their_pages(tmp_path: Path) -> None:
    a, b = '<a href="https://a/">x</a>', '<a href="https://b/">x</a><a href="a.html">y</a>'
    page = "<html><body>{}<article>{}</article></body></html>".format
    _write(tmp_path, {"b.html": page(a, b), "a/c.html": page("", (a + b) * 2)})
    assert check.leaving(tmp_path) == {"https://a/": ["a/c.html"], "https://b/": ["a/c.html", "b.html"]}


def test_copies_are_made_meanwhile_and_a_site_without_them_is_not_published(tmp_path: Path) -> None:
    page = '<article class="md-content__inner md-typeset"><h1>题</h1></article>'
    _write(tmp_path, {"a/b.html": page, "llms.txt": "# 站\n"})
    with making.copied(tmp_path):
        pass
    assert (tmp_path / "a" / "b.html.md").read_text(encoding="utf-8") == "# 题\n"
    _write(tmp_path, {"c.html": page})
    (tmp_path / "c.html.md").mkdir()
    with pytest.raises(BrokenSite, match=r"(?s)Markdown 版做不出来.*c\.html\.md"), making.copied(tmp_path):
        pass
