"""Sentences of the experiments, from the templates in docs/sentences; see `_shared.j2` there for how they are written.

A blank line in the blocks `conclusion`, `advice` and `points` begins a new sentence, `holds:`, `measured:` or `now:` at the beginning of a line
a part of an answer. Other line breaks vanish, and between Chinese and Latin letters or digits stands a space.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.ext import Extension
from jinja2.utils import missing
from markupsafe import Markup, escape

from bench.pages import measured
from bench.pages.measured import Facts, KnownCases
from bench.pages.words import Words, plain, span
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from jinja2 import Template
    from jinja2.runtime import Context

    from bench.pages.quantities import Quantity
    from bench.results.published import Export
    from bench.spec import Experiment

FOLDER = ROOT / "docs" / "sentences"
DEFAULT = "_default.j2"
NEXT, PART = "\x1e", "\x1d"
"""Where a template begins a sentence or a part. No value can write them: they are white space, which is taken out."""
PARTS = ("holds", "measured", "now")
LISTS = ("conclusion", "advice", "points")
"""Blocks whose sentences stand apart: all that follows; what to do, and what else happens; what an article tells of it."""
NAMES = ("groups", "cases", "cores", "machine")
"""What a template may name at the top."""
BREAK = re.compile(r"[ \t]*[\r\n\f\v\x1c-\x1f\x85\u2028\u2029]\s*")
SPACE = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")

Holds = Literal["yes", "half", "no", "unknown"]


class BadSentence(Exception):
    """A template cannot be told; the message names its file, line and what it may name instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What this machine says to a claim."""

    measured: Markup
    """The figures of this build."""
    now: Markup
    """What to do today, following from them."""
    holds: Holds
    """Whether the claim holds here; `half`: part of it does; `unknown`: it cannot be told from this build."""


@dataclass(frozen=True, slots=True)
class Told:
    """All that a template says of one result."""

    conclusion: tuple[Markup, ...]
    advice: tuple[Markup, ...]
    """What to do, and what happens otherwise; empty where a template has no such block, as `points`."""
    points: tuple[Markup, ...]
    answers: Mapping[str, Answer]
    """Claim id -> answer."""


class _Itself:
    """Equal to itself alone: results are compared number by number, and have no hash."""

    def __init__(self, one: Any) -> None:
        self.one = one

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self.one is other.one

    def __hash__(self) -> int:
        return id(self.one)


def tell(experiment: Experiment, export: Export, templates: Environment | None = None) -> Told:
    """The sentences of an experiment; those of the default template where it has no conclusion of its own.

    Pages ask for them one by one, two hundred times a site: they are told once.
    """
    return _told(*map(_Itself, (experiment, export, templates or ours())))


@lru_cache(maxsize=100)
def _told(*asked: _Itself) -> Told:
    experiment, export, templates = (one.one for one in asked)
    own = _found(templates, f"{experiment.id}.j2")
    claims = {f"claim_{claim.id}": claim.id for claim in experiment.claims}
    values = _values(experiment, export)
    blocks = _rendered(own, [*LISTS, *claims], values) if own else {}
    if "conclusion" not in blocks:
        blocks |= _rendered(templates.get_template(DEFAULT), ["conclusion"], values)
    answers = {
        claim: _answer(f"{experiment.id}.j2 的 block {name}", blocks.get(name))
        for name, claim in claims.items()
    }
    lists = {name: _sentences(blocks.get(name, "")) for name in LISTS}
    return Told(**lists, answers=answers)


def _sentences(text: str) -> tuple[Markup, ...]:
    return tuple(one for one in map(_laid_out, text.split(NEXT)) if one)


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


def _laid_out(text: str) -> Markup:
    pieces = re.split(r"(<[^>]*>)", _one_line(text).strip())
    return Markup("".join(one if one.startswith("<") else SPACE.sub(" ", one) for one in pieces))  # noqa: S704


def _values(experiment: Experiment, export: Export) -> dict[str, Any]:
    """All that a template may name. Cases that an old result lacks are known all the same: they were not measured."""
    words = Words(export)
    planned = (case.id for case in experiment.cases(words.asked()))
    known = tuple(dict.fromkeys((*words.cases(), *planned)))
    return {
        "groups": measured.groups(words, known),
        "cases": KnownCases(words, known),
        "cores": words.cores(),
        "machine": Facts(export.machine),
    }


def _found(templates: Environment, name: str) -> Template | None:
    try:
        return templates.get_template(name)
    except TemplateNotFound:
        return None
    except TemplateSyntaxError as error:
        raise _explained(error) from None


def _rendered(template: Template, offered: Collection[str], values: dict[str, Any]) -> dict[str, str]:
    """Block -> text. All are told in one go, after what stands at the top."""
    told: dict[str, str] = {}

    def keep(name: str, context: Context) -> Iterator[str]:
        told[name] = "".join(template.blocks[name](context))
        return iter(())

    context = template.new_context(values)
    context.blocks = {name: [partial(keep, name)] for name in template.blocks}
    try:
        outside = "".join(template.root_render_func(context)).strip()
    except TemplateError as error:
        raise _explained(error) from None
    except Exception as error:
        raise _explained(error) from error
    if outside:
        raise BadSentence(f"{template.name}：“{outside[:20]}”不在任何 block 里，哪里也不会出现")
    if wrong := sorted(template.blocks.keys() - set(offered)):
        raise BadSentence(f"{template.name}：没有说法要用 block {wrong[0]}，可以用：{'、'.join(offered)}")
    return told


def _answer(place: str, text: str | None) -> Answer:
    """An answer out of its parts."""
    if text is None:
        raise BadSentence(f"{place}：缺这个 block")
    found = (part.partition(":") for part in text.split(PART)[1:])
    parts = {name: _laid_out(told) for name, _, told in found}
    if lacking := [name for name in PARTS if not parts.get(name)]:
        raise BadSentence(f"{place}：缺 {lacking[0]}: 这一部分，它要在行首")
    if parts["holds"] not in get_args(Holds):
        raise BadSentence(f"{place}：holds 不能是 {parts['holds']}，可以是：{'、'.join(get_args(Holds))}")
    return Answer(measured=parts["measured"], now=parts["now"], holds=cast("Holds", str(parts["holds"])))


def _explained(error: Exception) -> BadSentence:
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
