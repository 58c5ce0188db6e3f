"""The stage on which faults happen: this project's code with other questions and one page, measured in seconds.

It lies where paths hold spaces and Chinese, so that everything done in it is done there.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from faults.stage import Stage

from bench.experiments._common import TINY
from bench.models import MODELS
from bench.models.prepared import prepare
from bench.spec import Group, Input, LargestBatch, Load, Subject
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Once

EXPERIMENT = """\
from bench.spec import *

CASES = (Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）"))
EXPERIMENT = Experiment(
    id="{name}", title="{name}", question="哪个快？", cases=lambda _: CASES, groups=({group!r},),
    columns=("latency_ms", "ratio", "peak_mib", "kept_mib"),
)
"""
LONG = Input(label="long", shapes=((16, 256),) * 150)
"""One pass over it takes some tenths of a second: children live long enough to be hit."""
HUGE = Input(label="huge", shapes=((60_000, 256),))
"""Its inference takes some 400 MiB."""
LARGEST = LargestBatch(item_shape=(256,), limit=64, bytes_per_item=20 << 20)


def _group(given: Input | LargestBatch, **more: Any) -> Group:
    return Group(model="tiny", input=given, small=given, seconds=0.3, **more)


GROUPS = {
    "toy": _group(TINY),
    "slow": _group(LONG),
    "glutton": _group(HUGE),
    "capped": _group(HUGE, subject=Subject(name="capped")),
    "greedy": _group(LARGEST, load=Load(timed=False)),
}
CAPPED = """\
import resource
TITLE = "不许多占地址空间的会话"
def load():
    global session, start
    import session
    resource.setrlimit(resource.RLIMIT_AS, (330 << 20, 330 << 20))
    session.load()
    start = session.start
"""
CONFIG = """\
{site_name: 小站, site_url: https://example.org/guide/, strict: true, use_directory_urls: false, exclude_docs: sentences/,
hooks: [bench/site/hooks.py], theme: {name: material, language: zh, font: false},
nav: [index.md, reference/method.md, {证据: evidence/all.md}], plugins: [markdown-exec: {languages: [python]}],
markdown_extensions: [attr_list, pymdownx.superfences, md_in_html]}
"""
PAGE = '# 玩具\n\n```python exec="on" html="true"\nimport bench\nprint(bench.table("toy"))\n```\n'


def _make_checkout(checkout: Path) -> None:
    code = shutil.copytree(ROOT / "bench", checkout / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (code / "experiments").glob("[a-z]*.py"):
        path.unlink()
    shutil.copytree(ROOT / "docs" / "sentences", checkout / "docs" / "sentences")
    (checkout / "docs" / "reference").mkdir()
    files = {"docs/index.md": PAGE, "docs/reference/method.md": "# 规则 { #rules }\n", "mkdocs.yml": CONFIG}
    files["bench/subjects/capped.py"] = CAPPED
    for name, group in GROUPS.items():
        files[f"bench/experiments/{name}.py"] = EXPERIMENT.format(name=name, group=group)
    for name, text in files.items():
        (checkout / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def finished(once: Once) -> Stage:
    """The model with all inputs, a result of the experiment `toy`, and what is exported of it."""
    if sys.platform != "linux":
        pytest.skip("信号、cgroup 和子进程的结束只有在 Linux 上是这样")

    def of(folder: Path) -> Stage:
        return Stage(folder, folder / "检 出" / "检出 的 副本", folder / "构 建")

    def make(folder: Path) -> None:
        stage = of(folder)
        _make_checkout(stage.checkout)
        prepare(MODELS["tiny"], (TINY, LONG, HUGE), stage.folders.models)
        assert stage.start_measuring().wait().status == 0
        assert stage.start("export").wait().status == 0

    return of(once("做 好", make))


@pytest.fixture
def stage(finished: Stage, tmp_path: Path) -> Iterator[Stage]:
    """With the model, which is large, and nobody writes into its files."""
    checkout = shutil.copytree(finished.checkout, tmp_path / finished.checkout.name)
    stage = Stage(tmp_path, checkout, finished.folder)
    shutil.copytree(finished.folders.models, stage.folders.models, copy_function=os.link)
    yield stage
    stage.end()
