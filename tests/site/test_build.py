"""A site is published whole or not at all: small real builds, and what they refuse before they begin."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.site import build as making
from bench.site import check
from bench.site.build import BrokenSite
from bench.system.folders import BUILD_VARIABLE, ROOT, Folders

CONFIG = """\
site_name: 小站
site_url: https://example.org/guide/
strict: true
hooks: [{hooks}]
theme: {{name: material, language: zh, font: false}}
plugins:
  - blog: {{blog_dir: blog, post_url_format: "{{slug}}"}}
  - markdown-exec: {{languages: [python]}}
markdown_extensions: [pymdownx.superfences, md_in_html]
"""
POST = """\
---
date: 2026-01-02
slug: threads
categories: [甲]
---

# 线程

摘要。

<!-- more -->

{blocks}
"""
SHOW = '```python exec="on" html="true"\nimport bench\nprint(bench.show("intra_op_num_threads"))\n```\n'


def _block(code: str) -> str:
    return f'```python exec="on"\n{code}\n```\n'


COUNTED = _block("with open('runs', 'a') as runs:\n    runs.write('x')\nprint('算出来的')")


def _project(folder: Path, blocks: str = "") -> Path:
    """A site of a home page and one post in a category. Returns its configuration file."""
    posts = folder / "docs" / "blog" / "posts"
    posts.mkdir(parents=True)
    (folder / "docs" / "index.md").write_text("# 首页\n", encoding="utf-8")
    (folder / "docs" / "blog" / "index.md").write_text("# 文章\n", encoding="utf-8")
    (posts / "threads.md").write_text(POST.format(blocks=blocks), encoding="utf-8")
    config = folder / "mkdocs.yml"
    config.write_text(CONFIG.format(hooks=ROOT / "bench" / "site" / "hooks.py"), encoding="utf-8")
    return config


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured, but there are the folders that a site is published from."""
    for name in ("data", "assets"):
        (tmp_path / "build" / "export" / name).mkdir(parents=True)
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path / "build"))
    monkeypatch.chdir(tmp_path)


def _build(config: Path) -> Path:
    making.build(config, config.parent / "site", Folders.here())
    return config.parent / "site"


def test_block_of_a_post_runs_once_though_the_post_stands_on_four_pages(tmp_path: Path) -> None:
    site = _build(_project(tmp_path, COUNTED))
    assert "算出来的" in (site / "blog" / "threads" / "index.html").read_text(encoding="utf-8")
    for view in ("blog", "blog/archive/2026", "blog/category/甲"):
        html = (site / view / "index.html").read_text(encoding="utf-8")
        assert "摘要。" in html
        assert "继续阅读" in html
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        (_block('raise RuntimeError("坏了")'), "(?s)blog/posts/threads.md.*坏了"),
        (_block("import sys; sys.exit(0)"), "index.html"),
        (SHOW.replace('html="true"', 'htlm="true"'), "htlm"),
        (SHOW, "没有本机的有效结果：intra_op_num_threads。先运行 nox -s docs"),
        ('<a href="#nowhere">x</a>', "死链接 #nowhere"),
    ],
    ids=["raise", "exit 0", "option", "result", "link"],
)
def test_what_is_broken_leaves_the_old_site_untouched(tmp_path: Path, blocks: str, reason: str) -> None:
    old = tmp_path / "site" / "index.html"
    old.parent.mkdir()
    old.write_text("旧站", encoding="utf-8")
    with pytest.raises(BrokenSite, match=reason):
        _build(_project(tmp_path, blocks))
    assert [path.name for path in old.parent.iterdir()] == ["index.html"]
    assert old.read_text(encoding="utf-8") == "旧站"
    assert list(Folders.here().work.glob("site-*")) == []
    assert not list((tmp_path / "build").rglob("*.jsonl"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="没有 /proc")
@pytest.mark.parametrize(
    ("target", "reason"), [("/proc/x/site", "不能写入 /proc/x"), ("/", "不是网站"), ("docs", "不是网站")]
)
def test_place_that_a_site_cannot_take_is_refused_at_once(tmp_path: Path, target: str, reason: str) -> None:
    config = _project(tmp_path)
    with pytest.raises(BrokenSite, match=reason):
        making.build(config, tmp_path / target, Folders.here())
    assert (tmp_path / "docs" / "index.md").exists()


def test_address_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for none in ("notaurl", "/guide/", "ftp://example.org", "http://[x", "https:// x"):
        assert list(check.address(none)), none
    for good in ("", "https://example.org", "https://例子.org/指南/", "http://localhost:8000/"):
        assert not list(check.address(good)), good
    monkeypatch.setenv("SITE_URL", "notaurl")
    with pytest.raises(BrokenSite, match="SITE_URL 不是网址"):
        _build(_project(tmp_path))


def test_swap_that_fails_or_was_killed_puts_the_old_site_back(tmp_path: Path) -> None:
    config, target = _project(tmp_path, '```python exce="on"\n```\n'), tmp_path / "site"
    target.mkdir()
    (target / "index.html").write_text("旧站", encoding="utf-8")
    with pytest.raises(OSError, match="missing"):
        making.replace(tmp_path / "missing", target)
    target.rename(tmp_path / ".site.old")  # killed between its two renames
    (tmp_path / ".site.new").mkdir()
    with pytest.raises(BrokenSite, match="exce"):
        _build(config)
    assert (target / "index.html").read_text(encoding="utf-8") == "旧站"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_export_that_fails_is_told_in_a_sentence(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "build" / "export")
    (tmp_path / "build" / "export").touch()
    with pytest.raises(BrokenSite, match="结果导不出来"):
        making.prepare(_project(tmp_path).parent / "docs")
