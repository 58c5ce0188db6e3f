"""What a page may call. Every function returns HTML, but where it returns code, as a Markdown block."""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from bench.experiments import EXPERIMENTS
from bench.pages import (
    bars,
    build_facts,
    certificates,
    charts,
    claims,
    comparisons,
    reports,
    scenarios,
    sentences,
    snippets,
    source,
    surprises,
    tables,
)
from bench.pages import evidence as evidence_pages
from bench.pages import options as option_tables
from bench.pages.markup import render
from bench.pages.words import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from markupsafe import Markup

    from bench.results.published import Export
    from bench.spec import Case, Experiment

    Parts = Mapping[str, Callable[[], Markup]]

T = TypeVar("T")
P = ParamSpec("P")
SCENARIO_PARTS = ("card", "answer", "line", "code")
REPORTS = ("line_memory", "log_lines", "denormal_threads", "trace")


def _or_not_yet(shown: Callable[P, str]) -> Callable[P, str]:
    """A draft says what is still to be measured, in the place of what a page asks for."""

    @wraps(shown)
    def in_a_draft(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return shown(*args, **kwargs)
        except source.NotYet as missing:
            return _block(render("not_yet", experiment=str(missing)))

    return in_a_draft


@_or_not_yet
def show(experiment: str) -> str:
    """Tables, charts and proofs of an experiment, each with its downloads."""
    spec, export = _get(experiment)
    words, links, specs = Words(export), build_facts.links(spec), source.chart_specs(experiment)
    parts = [
        certificates.provenance(export),
        certificates.warnings(export, stale=source.is_stale(experiment)),
    ]
    for group in export.groups:
        parts.append(tables.group_table(spec, words, group, links))
        parts.append(charts.figures(spec, words, specs, links, of=group))
    parts.append(charts.figures(spec, words, specs, links, of=None))
    parts.append(tables.proofs_table(spec, words, links))
    return _block(*parts, render("more", experiment=spec))


@_or_not_yet
def evidence(experiment: str) -> str:
    """All that was measured of an experiment, as it stands on its own page."""
    return _block(evidence_pages.page(_chosen("实验", experiment, EXPERIMENTS)))


@_or_not_yet
def conclusion(experiment: str) -> str:
    """The computed answer, a sentence a list item."""
    spec, export = _get(experiment)
    told = sentences.tell(spec, export).conclusion
    warnings = certificates.warnings(export, stale=source.is_stale(experiment))
    return _block(warnings, render("conclusion", sentences=told))


@_or_not_yet
def claim(experiment: str, claim: str) -> str:
    """The box that holds a statement of the article against this machine's results."""
    spec, export = _get(experiment)
    found = _chosen(f"{experiment} 的说法", claim, {one.id: one for one in spec.claims})
    return _block(claims.box(found, sentences.tell(spec, export).answers[claim]))


@_or_not_yet
def report(experiment: str, which: str, **headings: str) -> str:
    """What a script ("line_memory", "log_lines", "denormal_threads") or the profiler ("trace") reported; `headings` names parts to show."""
    spec, export = _get(experiment)
    _chosen("报告", which, dict.fromkeys(REPORTS))
    return _block(reports.figures(export, which, headings, build_facts.links(spec)))


@_or_not_yet
def snippet(experiment: str, case: str) -> str:
    """The code of one case."""
    spec, export = _get(experiment)
    return _code(spec, export, _chosen(f"{experiment} 的设置", case, {one.id: one for one in export.cases}))


@_or_not_yet
def scenario(id: str, part: str = "card") -> str:
    """What won a scenario here: "card" with all evidence, "answer" in a sentence, "line" of evidence, "code"."""
    offered = {one.id: (spec, one) for spec in EXPERIMENTS.values() for one in spec.scenarios}
    spec, found = _chosen("场景", id, offered)
    _chosen("场景的部分", part, dict.fromkeys(SCENARIO_PARTS))
    export = _get(spec.id)[1]
    if part == "code":
        return _code(spec, export, scenarios.winner(export, found))
    if part == "answer":
        return _block(scenarios.answer(export, found))
    if part == "line":
        return _block(scenarios.line(export, found))
    return _block(
        certificates.warnings(export, stale=source.is_stale(spec.id)), scenarios.card(export, found)
    )


@_or_not_yet
def overview(part: str) -> str:
    """The whole build at a glance: "hero", "rapidocr", "chooser", "surprises", "findings", "findings_summary"."""
    parts: Parts = {
        "hero": lambda: comparisons.picture(_all()),
        "rapidocr": lambda: bars.rapidocr(source.load("rapidocr")),
        "chooser": scenarios.chooser,
        "surprises": lambda: surprises.cards(_all()),
        "findings": lambda: comparisons.table(_all()),
        "findings_summary": lambda: comparisons.summary(_all()),
    }
    return _block(_chosen("总览", part, parts)())


@_or_not_yet
def build(part: str) -> str:
    """How this site came about: "freshness", "certificate", "machine", "downloads", "rules", "stopping", "mill",
    "licences".
    """
    parts: Parts = {
        "freshness": _freshness,
        "certificate": lambda: certificates.page(_all(), source.selftests(), _stale()),
        "machine": lambda: certificates.machine(max(_all(), key=lambda one: one.build.started_at)),
        "downloads": build_facts.downloads,
        "rules": lambda: build_facts.rules(source.rules()),
        "stopping": build_facts.stopping,
        "mill": build_facts.mill,
        "licences": build_facts.licences,
    }
    return _block(_chosen("构建的部分", part, parts)())


@_or_not_yet
def options(which: str) -> str:
    """Lists of options ("session", "run", "keys", "run_keys", "environment"), "traps", and the "original" settings."""
    lists: Parts = {name: partial(option_tables.table, name) for name in option_tables.TITLES}
    special: Parts = {"traps": option_tables.traps, "original": option_tables.original}
    return _block(_chosen("选项表", which, {**lists, **special})())


def _freshness() -> Markup:
    """Age and origin of the numbers, with every reason not to quote them."""
    exports, stale = _all(), _stale()
    return certificates.line(exports, source.selftests(), stale) + certificates.of_site(exports, stale)


def _code(experiment: Experiment, export: Export, case: Case) -> str:
    return _fence(snippets.on_machine(experiment, case, Words(export).asked()))


def _fence(code: str) -> str:
    """A Markdown block of its own, whatever stands in the code."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f'{ticks}python linenums="1"\n{code}{ticks}'


def _all() -> list[Export]:
    return [source.load(name) for name in EXPERIMENTS if name in source.status()]


def _stale() -> set[str]:
    """Experiments whose results are old ones standing in."""
    return {name for name in EXPERIMENTS if source.is_stale(name)}


def _get(experiment: str) -> tuple[Experiment, Export]:
    return _chosen("实验", experiment, EXPERIMENTS), source.load(experiment)


def _chosen(what: str, name: str, offered: Mapping[str, T]) -> T:
    """Raises LookupError with one sentence for whoever writes pages."""
    if name not in offered:
        raise LookupError(f"没有{what}“{name}”，可用的有：{'、'.join(offered) or '（一个也没有）'}")
    return offered[name]


def _block(*parts: str) -> str:
    """A block element first, so that Markdown does not wrap it in a paragraph."""
    return str(render("block", parts=parts))
