"""A live preview: real mkdocs, one page without numbers, broken and mended while it is looked at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from stored import keep

from bench.site import preview
from bench.spec import BASELINE, CONTROL
from bench.system.folders import BUILD_VARIABLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from samples import Make

PATIENCE_S = 60.0
CONFIG = f"""\
site_name: 小站
strict: true
hooks: [{ROOT}/bench/site/hooks.py]
theme: {{name: material, font: false}}
plugins:
  - markdown-exec: {{languages: [python]}}
markdown_extensions: [pymdownx.superfences]
"""
GOOD = "# 首页\n\n好\n"
BROKEN = (
    ('```python exec="on"\nraise RuntimeError("坏了 <b>")\n```\n', "坏了 &lt;b&gt;"),
    ('```python exec="on" htm="true"\nprint(1)\n```\n', "代码块选项 htm=&quot;true&quot; 不认识"),
    ('```python exec="on"\nimport bench\nprint(bench.show("arena"))\n```\n', "还没有本机的有效结果：arena"),
)


@pytest.fixture
def page(tmp_path: Path, make: Make) -> Path:
    """A page that shows no result, beside an old one of some experiment."""
    rounds = [[(case, {}) for case in (BASELINE, CONTROL, "1", "2")]] * 3
    keep(tmp_path / "build" / "results", make.journal(rounds, experiment="intra_op_num_threads"))
    (tmp_path / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    page = tmp_path / "docs" / "index.md"
    page.write_text(GOOD, encoding="utf-8")
    return page


def _serve(page: Path, port: int) -> subprocess.Popen[str]:
    folder = page.parent.parent
    command = ["mkdocs", "serve", "-f", str(folder / "mkdocs.yml"), "--dev-addr", f"127.0.0.1:{port}"]
    environment = {**os.environ, BUILD_VARIABLE: str(folder / "build"), "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", env=environment,
    )  # fmt: skip


def _shows(address: str, text: str) -> None:
    """Ask until the page has it; a request that hangs fails."""
    deadline, seen = time.monotonic() + PATIENCE_S, ""
    while text not in seen:
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
        try:
            with urllib.request.urlopen(address, timeout=PATIENCE_S / 2) as answer:  # noqa: S310 - ours
                seen = answer.read().decode()
        except urllib.error.URLError:
            continue  # not yet there


def test_broken_page_is_shown_as_such_until_it_is_mended_and_a_used_port_told(page: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told, _ = _serve(page, port).communicate(timeout=PATIENCE_S)
    assert f"127.0.0.1:{port} 已被占用" in told
    assert "Traceback" not in told
    address = f"http://127.0.0.1:{port}/"
    with _serve(page, port) as running:
        try:
            _shows(address, "<p>好</p>")
            for broken, told in BROKEN:
                page.write_text(GOOD + broken, encoding="utf-8")
                _shows(address, told)
                _shows(address, "livereload(")  # or the page would not refresh once it is mended
                page.write_text(GOOD, encoding="utf-8")
                _shows(address, "<p>好</p>")
        finally:
            running.terminate()
            running.communicate(timeout=30)


def test_error_page_stands_in_for_every_page_that_there_was(tmp_path: Path) -> None:
    pages = [tmp_path / "index.html", tmp_path / "one.html"]

    def breaks() -> None:
        pages[1].unlink()
        raise SystemExit("<三个警告>")

    for one in pages:
        one.write_text("旧", encoding="utf-8")
    preview.guarded(breaks, tmp_path)()
    assert all("&lt;三个警告&gt;" in one.read_text(encoding="utf-8") for one in pages)
