"""A checkout small enough to be measured and built in seconds: this project's code, other questions, one page.

It lies where paths hold spaces and Chinese, so that everything done in it is done there.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.experiments._common import TINY
from bench.spec import Input
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ODD_NAME = "检出 的 副本"
EXPERIMENT = """\
from bench.experiments._common import TINY
from bench.spec import BASELINE, CONTROL, Case, Experiment, Group, Input, LargestBatch, Load

LONG = Input(label="long", shapes=((16, 256),) * {calls})
HUGE = Input(label="huge", shapes=(({rows}, 256),))
GREEDY = LargestBatch(item_shape=(256,), limit=64, bytes_per_item=100 << 20)
CASES = (Case(id=BASELINE, title="默认"), Case(id=CONTROL, title="默认（再测一次）"))
EXPERIMENT = Experiment(
    id="{name}",
    title="{name}",
    question="哪个快？",
    cases=lambda _: CASES,
    groups=({groups},),
    columns=("latency_ms", "ratio", "peak_mib", "kept_mib"),
)
"""
GROUP = 'Group(model="tiny", input={input}, small={input}, seconds=0.3{more})'
SHORT = GROUP.format(input="TINY", more="")
EXPERIMENTS = {
    "toy": SHORT,
    "slow": GROUP.format(input="LONG", more=""),
    "glutton": GROUP.format(input="HUGE", more=""),
    "greedy": GROUP.format(input="GREEDY", more=", load=Load(timed=False)"),
}
"""Name -> groups: as short as can be; children that live long enough to be hit; one that takes hundreds of MiB; one
that takes as much as there is room for."""
CALLS = 150
"""In one pass of a long-lived child, which takes some tenths of a second."""
ROWS = 60_000
"""Of an input whose inference takes some 400 MiB."""
LONG, HUGE = Input(label="long", shapes=((16, 256),) * CALLS), Input(label="huge", shapes=((ROWS, 256),))
INPUTS = (TINY, LONG, HUGE)
CONFIG = """\
site_name: 小站
site_url: https://example.org/guide/
strict: true
use_directory_urls: false
hooks: [bench/site/hooks.py]
theme: {name: material, language: zh, font: false}
exclude_docs: sentences/
nav: [index.md, reference/method.md, {证据: evidence/all.md}]
plugins:
  - markdown-exec: {languages: [python]}
markdown_extensions: [attr_list, pymdownx.superfences, md_in_html]
"""
PAGE = """\
# 玩具

```python exec="on" html="true"
import bench
print(bench.show("toy"))
```
"""


def make_checkout(checkout: Path) -> None:
    code = shutil.copytree(ROOT / "bench", checkout / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (code / "experiments").glob("[a-z]*.py"):
        path.unlink()
    for name, groups in EXPERIMENTS.items():
        text = EXPERIMENT.format(name=name, groups=groups, calls=CALLS, rows=ROWS)
        (code / "experiments" / f"{name}.py").write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "sentences", checkout / "docs" / "sentences")
    (checkout / "docs" / "index.md").write_text(PAGE, encoding="utf-8")
    (checkout / "docs" / "reference").mkdir()
    (checkout / "docs" / "reference" / "method.md").write_text("# 规则 { #rules }\n", encoding="utf-8")
    (checkout / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
