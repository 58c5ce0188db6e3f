"""Every option as a row: texts from `bench.facts.options`, defaults as the installed ONNX Runtime gave them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bench.experiments._common import ORIGINAL
from bench.facts.options import IRRELEVANT, OPTIONS, TOPICS, TRAPS
from bench.facts.shown import OF_TRAP
from bench.pages import source
from bench.pages.markup import code, evidence, marked, python, render

if TYPE_CHECKING:
    from markupsafe import Markup

    from bench.facts.options import Option
    from bench.spec import Scalar

TITLES = {
    "session": "SessionOptions",
    "run": "RunOptions",
    "keys": "会话配置键",
    "run_keys": "推理配置键",
    "environment": "环境变量",
}
PREFIXES = {"run": "opt-run-"}
"""Of a row's anchor; RunOptions shares names with SessionOptions."""
_VERSION = re.compile(r"≤?\d+(\.\d+)+")


def table(which: str) -> Markup:
    """One table per topic, and what stands in none."""
    found, listed = installed(), OPTIONS[which]
    asked = found.get(which, {})
    offered = {*asked.get("attributes", ()), *asked.get("methods", ())}
    topics = [(topic, text, [one for one in listed if one.topic == topic]) for topic, text in TOPICS.items()]
    return render(
        "options", which=which, title=TITLES[which], topics=topics, prefix=PREFIXES.get(which, "opt-"),
        version=found["onnxruntime"] if asked else "", default=lambda option: _default(which, option, found),
        since=_since, place=place, unlisted=sorted(offered - {option.name for option in listed}),
        irrelevant=IRRELEVANT.get(which, {}),
    )  # fmt: skip


def _since(text: str) -> Markup | str:
    """A version with what it is; anything else is a remark of its own."""
    return f"起始版本 {text}" if _VERSION.fullmatch(text) else marked(text)


def _default(which: str, option: Option, installed: dict[str, Any]) -> Markup | str:
    """Read where the library can be asked; a quoted value is code, anything else a remark."""
    if which in installed:
        if option.name in installed[which]["methods"]:
            return "—"
        value = installed[which]["attributes"].get(option.name)
        return code(value) if value else "这个版本没有"
    value, quoted, remark = option.default.rpartition('"')
    return code(value + quoted) + marked(remark) if quoted else marked(option.default)


def traps() -> Markup:
    """Beliefs that cost time, each with what really happens, the code that shows it, and what came of that here."""
    return render("traps", traps=TRAPS, place=place, shown=OF_TRAP, tried=_tried(), python=python)


def _tried() -> dict[str, str]:
    """Demonstration -> what came of it on the machine that measured; empty: it is still to be tried."""
    try:
        reports = source.load("traps").reports
    except source.NotYet:
        return {}
    return {name: lines[0] for one in reports for name, lines in one.lines.items() if lines}


def place(experiment: str) -> str:
    """Where readers find an experiment: in the text that shows it, or else on its own page."""
    return source.sections().get(experiment) or evidence(experiment)


def original() -> Markup:
    """The settings that the article of 2022 recommends as a whole, and whether the installed RapidOCR sets the same."""
    library = installed()["rapidocr"]
    others = {
        name: library["settings"].get(name, "没有")
        for name, value in ORIGINAL.settings.items()
        if not _same(value, library["settings"].get(name, ""))
    }
    return render("original", settings=ORIGINAL.settings, library=library, others=others)


def _same(value: Scalar, written: str) -> bool:
    """A setting against the same one as a reader would write it; enumerators carry the name of their type."""
    return written in (repr(value), str(value)) or written.endswith(f".{value}")


def installed() -> dict[str, Any]:
    """What was read from the installed libraries when the results were exported."""
    return source.exported("data/options.json")
