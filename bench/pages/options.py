"""Every option as HTML: texts from `bench.facts.options`, defaults as the installed ONNX Runtime gave them."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Any

from bench.facts.options import ARTICLE, IRRELEVANT, OPTIONS, SECTIONS, TOPICS, TRAPS
from bench.pages import downloads, frames
from bench.system.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.facts.options import Option, Source, Trap

TITLES = {
    "session": "SessionOptions",
    "run": "RunOptions",
    "keys": "会话配置键",
    "run_keys": "推理配置键",
    "environment": "环境变量",
}
ANCHORS = {"run": "opt-run-"}
"""Prefix of a row's anchor; RunOptions shares names with SessionOptions."""
COLUMNS = ("选项", "默认", "作用、影响、陷阱", "实测与出处")
TRAP_COLUMNS = ("常见的写法或说法", "实际", "应当", "实测与出处")
NOTHING = "—"
_CODE = re.compile(r"`([^`]+)`")
_VERSION = re.compile(r"≤?\d+(\.\d+)+")


def table(which: str) -> str:
    """One table per topic. KeyError when there is no such list of options."""
    options, found = OPTIONS[which], installed()
    groups = {topic: [option for option in options if option.topic == topic] for topic in TOPICS}
    tables = [
        _table(
            f"options-{which}-{topic}",
            _caption(which, topic, found),
            COLUMNS,
            (_row(which, one, found) for one in rows),
        )
        for topic, rows in groups.items()
        if rows
    ]
    return "".join([*tables, _unlisted(which, found), _irrelevant(which)])


def traps_table() -> str:
    """Beliefs that cost time, each with what really happens."""
    caption = f"{len(TRAPS)} 个常见的陷阱；标“有测试演示”的，本站的测试在装好的 onnxruntime 上演示"
    return _table("options-traps", caption, TRAP_COLUMNS, map(_trap, TRAPS))


def installed() -> dict[str, Any]:
    """What was read from the installed libraries when the results were exported."""
    path = Folders.here().export / "data" / "options.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _table(name: str, caption: str, columns: Iterable[str], rows: Iterable[str]) -> str:
    table = f'<table class="bench-options">{frames.head(columns)}<tbody>{"".join(rows)}</tbody></table>'
    return frames.figure(name, caption, frames.scrolled(table, caption))


def _caption(which: str, topic: str, installed: dict[str, Any]) -> str:
    asked = which in installed
    origin = f"默认值读自 onnxruntime {escape(installed['onnxruntime'])}" if asked else "默认值引自出处"
    return f"{TITLES[which]}：{TOPICS[topic]}；{origin}"


def _row(which: str, option: Option, installed: dict[str, Any]) -> str:
    anchor = escape(ANCHORS.get(which, "opt-") + option.name)
    cells = (
        _default(which, option, installed),
        _mark(option.does) + _effects(option),
        _links(option.experiment, option.sources),
    )
    return (
        f'<tr id="{anchor}" data-option="{escape(option.name)}"><th scope="row">{frames.code(option.name)}'
        f"<small>{escape(option.kind)}，{_since(option.since)}</small></th>"
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    )


def _since(text: str) -> str:
    """A version with what it is; anything else is a remark of its own."""
    return f"起始版本 {text}" if _VERSION.fullmatch(text) else _mark(text)


def _default(which: str, option: Option, installed: dict[str, Any]) -> str:
    """Read where the library can be asked; a quoted value is code, anything else a remark."""
    if which in installed:
        if option.name in installed[which]["methods"]:
            return NOTHING
        value = installed[which]["attributes"].get(option.name)
        return frames.code(value) if value else "这个版本没有"
    value, quoted, remark = option.default.rpartition('"')
    return f"{frames.code(value + quoted)}{_mark(remark)}" if quoted else _mark(option.default)


def _effects(option: Option) -> str:
    told = {"延迟": option.latency, "内存": option.memory, "启动": option.startup, "陷阱": option.trap}
    terms = "".join(f"<dt>{name}</dt><dd>{_mark(text)}</dd>" for name, text in told.items() if text)
    return f"<dl>{terms}</dl>" if terms else ""


def _trap(trap: Trap) -> str:
    shown = "有测试演示" if trap.shown else "引自出处"
    cells = (_mark(trap.fact), _mark(trap.remedy), f"{shown}<br>{_links(trap.experiment, trap.sources)}")
    return (
        f'<tr id="trap-{escape(trap.id)}"><th scope="row">{_mark(trap.belief)}</th>'
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    )


def _links(experiment: str, sources: Iterable[Source]) -> str:
    here = (
        f'<a data-link="{ARTICLE}#{SECTIONS[experiment]}">本机实测</a>，{downloads.evidence(experiment, "证据")}<br>'
        if experiment
        else ""
    )
    return here + "、".join(
        f'<a href="{escape(one.url)}">{escape(one.title)}</a>' if one.url else escape(one.title)
        for one in sources
    )


def _unlisted(which: str, installed: dict[str, Any]) -> str:
    """What a newer library offers beyond the table: better named than silently left out."""
    if which not in installed:
        return ""
    offered = {*installed[which]["attributes"], *installed[which]["methods"]}
    names = sorted(offered - {option.name for option in OPTIONS[which]})
    return f'<p class="bench-notes">装着的版本还有：{_names(names)}。</p>' if names else ""


def _irrelevant(which: str) -> str:
    reasons = IRRELEVANT.get(which)
    if not reasons:
        return ""
    items = "".join(f"<li>{escape(reason)}：{_names(names)}</li>" for reason, names in reasons.items())
    return (
        f"<details><summary>程序库里还有这些名字，只用 CPU 推理时不必管</summary><ul>{items}</ul></details>"
    )


def _names(names: Iterable[str]) -> str:
    return "、".join(frames.code(name) for name in names)


def _mark(text: str) -> str:
    """Escaped, with what stands between backticks as code."""
    pieces = _CODE.split(text)  # words, code, words and so on
    return "".join(frames.code(one) if place % 2 else escape(one) for place, one in enumerate(pieces))
