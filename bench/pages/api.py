"""What a page may call. Every function returns HTML, but where it returns code, as a Markdown block."""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from markupsafe import Markup

from bench.experiments import EXPERIMENTS, OF_A_BUILD
from bench.pages import (
    bars,
    build_facts,
    certificates,
    chooser,
    claims,
    compact,
    comparisons,
    doctor,
    machines,
    reports,
    scenarios,
    sentences,
    snippets,
    source,
    surprises,
    tuned,
    upstream,
)
from bench.pages import options as option_tables
from bench.pages.markup import NONE, render
from bench.pages.words import Words
from bench.results import tuned as stored
from bench.results.metrics import METRICS
from bench.system.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.results.published import Export
    from bench.spec import Case, Experiment

    Parts = Mapping[str, Callable[[], Markup]]

ADVISED = {
    "enable_cpu_mem_arena": "arena",
    "enable_mem_pattern": "memory_pattern",
    "intra_op_num_threads": "intra_op_num_threads",
    "execution_mode": "execution_mode",
    "inter_op_num_threads": "inter_op_num_threads",
    "graph_optimization_level": "graph_optimization",
    "enable_profiling": "profiling",
    "log_severity_level": "log_severity",
}
"""Option, which is also the anchor of its section in the article -> the experiment that answers it."""
TUNED = ROOT / "docs" / "tuned"
"""Results that were kept: `tuned.json` of a model of the site, named after it."""
T = TypeVar("T")
P = ParamSpec("P")
SCENARIO_PARTS = {
    "answer": scenarios.answer,
    "english": scenarios.in_english,
    "line": scenarios.line,
    "code": None,
}
"""Part -> what tells it; code is no HTML."""
REPORTS = (*reports.HEADINGS, "trace")


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
def table(experiment: str, cases: str = "", columns: str = "", groups: str = "") -> str:
    """A small table: ids or patterns of cases, ids of metrics, places of groups, each apart by spaces; empty: all.

    Without columns it shows time, and memory at the most and afterwards. `*2` in the place of groups: the first two
    whose times may be quoted, or the first ones where too few may.
    """
    _, export = _get(experiment)
    metrics = columns.split() or compact.USUAL
    for metric in metrics:
        _chosen("量", metric, METRICS)
    chosen = compact.quiet(export, int(groups[1:])) if groups.startswith("*") else [*map(int, groups.split())]
    return _block(compact.table(export, cases.split(), metrics, chosen))


@_or_not_yet
def figure(experiment: str, cases: str, drawn: str = "time", group: int = 0) -> str:
    """Bars of some cases of a group: "time", or "memory" at the most and afterwards."""
    _, export = _get(experiment)
    _chosen("图", drawn, bars.LENGTHS)
    return _block(bars.figure(export, cases.split(), group, drawn))


@_or_not_yet
def advice(experiment: str) -> str:
    """What to do, in bold, and what happens otherwise."""
    return _block(render("advice", told=_advice(experiment)), machines.line(_get(experiment)[1]))


@_or_not_yet
def conclusion(experiment: str, part: str = "all") -> str:
    """The computed answer, a sentence a list item: "all" of it, or the "points" that an article tells besides the advice."""
    spec, export = _get(experiment)
    told = sentences.tell(spec, export)
    parts = {"all": told.conclusion, "points": told.points}
    listed = render("conclusion", sentences=_chosen("结论的部分", part, parts))
    warnings = certificates.warnings(export, stale=source.is_stale(experiment))
    dated = certificates.provenance(export) if spec.apart else NONE
    return _block(listed if part == "points" else dated + warnings + listed + machines.line(export))


@_or_not_yet
def claim(experiment: str, claim: str) -> str:
    """What is said of an option, whether it holds here, and what follows: one paragraph."""
    spec, export = _get(experiment)
    found = _chosen(f"{experiment} 的说法", claim, {one.id: one for one in spec.claims})
    return _block(claims.line(found, sentences.tell(spec, export).answers[claim]))


@_or_not_yet
def report(experiment: str, which: str) -> str:
    """What a script ("line_memory", "log_lines", "denormal_threads", "wide_line") or the profiler ("trace") reported."""
    spec, export = _get(experiment)
    _chosen("报告", which, dict.fromkeys(REPORTS))
    return _block(reports.figures(export, which, build_facts.links(spec)))


@_or_not_yet
def snippet(experiment: str, case: str) -> str:
    """The code of one case."""
    spec, export = _get(experiment)
    return _code(spec, export, _chosen(f"{experiment} 的设置", case, {one.id: one for one in export.cases}))


@_or_not_yet
def scenario(id: str, part: str) -> str:
    """What won a scenario here: "answer" in a sentence (or in "english"), "line" of evidence, "code"."""
    offered = {one.id: (spec, one) for spec in EXPERIMENTS.values() for one in spec.scenarios}
    spec, found = _chosen("场景", id, offered)
    told = _chosen("场景的部分", part, SCENARIO_PARTS)
    export = _get(spec.id)[1]
    if told is None:
        return _code(spec, export, scenarios.winner(export, found))
    return _block(told(export, found))


@_or_not_yet
def overview(part: str) -> str:
    """The whole build at a glance: "hero", "advice", "chooser", "surprises", "findings", "findings_summary".

    "tuned": models that were tuned at another time, from `docs/tuned`; "machines", "systems": other machines, from
    `docs/machines`.
    """
    parts: Parts = {
        "hero": lambda: comparisons.picture(_all()),
        "advice": _all_advice,
        "chooser": chooser.form,
        "surprises": lambda: surprises.cards(_all()),
        "findings": lambda: comparisons.table(_all()),
        "findings_summary": lambda: comparisons.summary(_all()),
        "tuned": lambda: NONE.join(tuned.summary(result) for result in stored.in_folder(TUNED)),
        "machines": lambda: machines.page(_all()),
        "systems": lambda: machines.systems(_all()),
    }
    return _block(_chosen("总览", part, parts)())


@_or_not_yet
def build(part: str) -> str:
    """How this site came about: "freshness", "certificate", "machine", "downloads", "rules", "stopping", "mill",
    "licences"; "doctor" and "doctor_example", the diagnosis to take along.
    """
    parts: Parts = {
        "freshness": lambda: certificates.of_site(_all(), source.selftests(), _stale()),
        "certificate": lambda: certificates.page(_all(), source.selftests(), _stale()),
        "machine": lambda: certificates.machine(max(_all(), key=lambda one: one.build.started_at)),
        "downloads": build_facts.downloads,
        "rules": lambda: build_facts.rules(source.rules()),
        "stopping": build_facts.stopping,
        "mill": build_facts.mill,
        "licences": build_facts.licences,
        "doctor": doctor.download,
        "doctor_example": doctor.example,
    }
    return _block(_chosen("构建的部分", part, parts)())


@_or_not_yet
def options(which: str) -> str:
    """Lists of options ("session", "run", "keys", "run_keys", "environment"), "traps", what "upstream" could mend, and
    the "original" settings.
    """
    lists: Parts = {name: partial(option_tables.table, name) for name in option_tables.TITLES}
    special: Parts = {
        "traps": option_tables.traps,
        "upstream": upstream.table,
        "original": option_tables.original,
    }
    return _block(_chosen("选项表", which, {**lists, **special})())


def _advice(experiment: str) -> tuple[Markup, ...]:
    """Raises LookupError for an experiment whose sentences have none."""
    spec, export = _get(experiment)
    told = sentences.tell(spec, export).advice
    if not told:
        raise LookupError(f"docs/sentences/{experiment}.j2 没有 block advice")
    return told


def _all_advice() -> Markup:
    """Of every option that the article is about, with the place of its section."""
    return render("advice_table", rows=[(option, _advice_or_none(name)) for option, name in ADVISED.items()])


def _advice_or_none(experiment: str) -> tuple[Markup, ...]:
    """A draft knows some of them."""
    try:
        return _advice(experiment)
    except source.NotYet:
        return (Markup("还没测"),)


def _code(experiment: Experiment, export: Export, case: Case) -> str:
    return _fence(snippets.on_machine(experiment, case, Words(export).asked()))


def _fence(code: str) -> str:
    """A Markdown block of its own, whatever stands in the code."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{ticks}python\n{code}{ticks}"


def _all() -> list[Export]:
    """Of the build: what is measured apart from it says nothing of this machine's settings."""
    return [source.load(name) for name in OF_A_BUILD if name in source.status()]


def _stale() -> set[str]:
    """Experiments of the build whose results are old ones standing in."""
    return {name for name in OF_A_BUILD if source.is_stale(name)}


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
