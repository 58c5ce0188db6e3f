"""Sentences of the experiments, from the templates in docs/sentences; see `_shared.j2` there for how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError

from bench.pages import measured
from bench.pages.measured import Facts, KnownCases
from bench.pages.sentence_layout import NEXT, PART, PARTS, BadSentence, explained, laid_out, ours
from bench.pages.words import Words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from jinja2 import Environment, Template
    from jinja2.runtime import Context
    from markupsafe import Markup

    from bench.results.published import Export
    from bench.spec import Experiment

DEFAULT = "_default.j2"
LISTS = ("conclusion", "advice", "points")
"""Blocks whose sentences stand apart: all that follows; what to do, and what else happens; what an article tells of it."""
Holds = Literal["yes", "half", "no", "unknown"]


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
    return tuple(one for one in map(laid_out, text.split(NEXT)) if one)


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
        raise explained(error) from None


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
        raise explained(error) from None
    except Exception as error:
        raise explained(error) from error
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
    parts = {name: laid_out(told) for name, _, told in found}
    if lacking := [name for name in PARTS if not parts.get(name)]:
        raise BadSentence(f"{place}：缺 {lacking[0]}: 这一部分，它要在行首")
    if parts["holds"] not in get_args(Holds):
        raise BadSentence(f"{place}：holds 不能是 {parts['holds']}，可以是：{'、'.join(get_args(Holds))}")
    return Answer(measured=parts["measured"], now=parts["now"], holds=cast("Holds", str(parts["holds"])))
