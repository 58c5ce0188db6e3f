"""How the templates of sentences are read, how their text is laid out, and what is said of one that is wrong.

A blank line in a block that is a list begins a new sentence, `holds:`, `measured:` or `now:` at the beginning of a line a
part of an answer. Other line breaks vanish, and between Chinese and Latin letters or digits stands a space.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.utils import missing
from markupsafe import Markup, escape

from bench.pages.numbers import plain, span
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bench.pages.quantities import Quantity

FOLDER = ROOT / "docs" / "sentences"
NEXT, PART = "\x1e", "\x1d"
"""Where a template begins a sentence or a part. No value can write them: they are white space, which is taken out."""
PARTS = ("holds", "measured", "now")
NAMES = ("groups", "cases", "cores", "machine")
"""What a template may name at the top."""
BREAK = re.compile(r"[ \t]*[\r\n\f\v\x1c-\x1f\x85\u2028\u2029]\s*")
SPACE = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")


class BadSentence(Exception):
    """A template cannot be told; the message names its file, line and what it may name instead."""


def environment(folder: Path = FOLDER, kind: type[Environment] = Environment) -> Environment:
    """The templates of a folder, and the rules by which they are read."""
    made = kind(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=_Unknown,
        finalize=_printed,
        extensions=[_Layout],
    )
    made.filters["span"] = _span
    made.tests["matching"] = lambda text, pattern: re.search(pattern, text) is not None
    return made


def _span(ratios: Iterable[Quantity]) -> str:
    """How much slower those are that were judged slower: `慢 4%–32%`; empty where none was."""
    slower = [one.value for one in ratios if one.verdict == "slower" and one.value is not None]
    return span(slower) if slower else ""


@cache
def ours() -> Environment:
    return environment()


class _Layout(Extension):
    """Blank lines and parts are marked in the source, where no value can pretend to be one."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
        marked = re.sub(rf"(?m)^[ \t]*(?=(?:{'|'.join(PARTS)}):)", PART, source)
        return re.sub(r"(?m)^[ \t]*$", NEXT, marked)


class _Unknown(StrictUndefined):
    """What a template names in vain."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"没有叫 {self._undefined_name} 的，可以用：{'、'.join(NAMES)}"
        offered = "、".join(_offered(self._undefined_obj))
        return f"这里没有 {self._undefined_name}，可以用：{offered}"


def _offered(thing: Any) -> Iterator[str]:
    yield from thing.names() if hasattr(thing, "names") else ()
    if isinstance(thing, dict):
        yield from map(str, thing)
    inner = {"words", "group", "ids", "row", "case", "metric", "names"}
    yield from (name for name in dir(type(thing)) if not name.startswith("_") and name not in inner)


def _printed(value: Any) -> Any:
    """A value as it may stand within a line."""
    if isinstance(value, float):
        return plain(value)
    if isinstance(value, str) or hasattr(value, "__html__"):
        return Markup(_one_line(escape(value)))  # noqa: S704 - escaped before
    return "（没有数字）" if value is None else value


def _one_line(text: str) -> str:
    """Without line breaks; a space is left between two words that are not Chinese."""
    return BREAK.sub(
        lambda found: " " if _is_latin(text, found.start() - 1) and _is_latin(text, found.end()) else "", text
    )


def _is_latin(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place] not in "<>" and "!" <= text[place] <= "~"


def laid_out(text: str) -> Markup:
    pieces = re.split(r"(<[^>]*>)", _one_line(text).strip())
    return Markup("".join(one if one.startswith("<") else SPACE.sub(" ", one) for one in pieces))  # noqa: S704


def explained(error: Exception) -> BadSentence:
    """What is wrong, and where in which template."""
    if isinstance(error, TemplateSyntaxError):
        return BadSentence(f"{error.name} 第 {error.lineno} 行：写法不对（{error.message}）")
    known = isinstance(error, TemplateError)
    why = str(error) if known else f"算不出来（{error}）；缺的数先用 known 判断"
    return BadSentence(f"{_place(error)}：{why}")


def _place(error: Exception) -> str:
    """File and line of the innermost template that an error went through."""
    place, trace = "", error.__traceback__
    while trace:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            place = f"{template.name} 第 {template.get_corresponding_lineno(trace.tb_lineno)} 行"
        trace = trace.tb_next
    return place
