"""Links to the data and the source of an experiment; a hook resolves them for the page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.spec import Experiment

FORMATS = (("csv", "CSV"), ("json", "JSON"), ("pyperf.json", "pyperf"))
TRACE = ("trace.json", "性能分析文件（Perfetto）")


def links(experiment: Experiment, *, trace: bool) -> str:
    """One line: every format of the data, and the file that says how it was measured."""
    formats = (*FORMATS, TRACE) if trace else FORMATS
    data = " · ".join(_link(f"data/{experiment.id}.{suffix}", text) for suffix, text in formats)
    return f'<p class="bench-downloads">下载：{data}；{source(experiment)}</p>'


def source(experiment: Experiment) -> str:
    """The file that says how an experiment is measured."""
    return _link(f"source/{experiment.id}.py", "怎么测的")


def evidence(experiment_id: str, text: str = "全部数据和证据", anchor: str = "") -> str:
    """The page with all that was measured of an experiment; `anchor`: a figure on it."""
    return _link(f"evidence/{experiment_id}.html{anchor and '#'}{anchor}", escape(text))


def _link(path: str, text: str) -> str:
    return f'<a data-link="{escape(path)}">{text}</a>'
