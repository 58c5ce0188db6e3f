"""The evidence page of an experiment: all that was measured of it, on one page that nobody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import (
    build_facts,
    certificates,
    charts,
    claims,
    looks,
    machines,
    proofs,
    reports,
    scenarios,
    sentences,
    snippets,
    source,
    tables,
)
from bench.pages.markup import NONE, python, render
from bench.pages.words import Words
from bench.spec import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from bench.results.published import Export
    from bench.spec import Experiment


def page(experiment: Experiment) -> Markup:
    """Everything about one experiment, each kind under its heading."""
    if experiment.id not in source.status():
        waiting = render("not_yet", experiment=experiment.id) if source.draft() or experiment.apart else NONE
        return render("evidence", experiment=experiment, head=waiting, parts=[])
    export = source.load(experiment.id)
    warnings = certificates.warnings(export, stale=source.is_stale(experiment.id))
    parts = [part for part in _parts(experiment, export) if part[2]]
    return render(
        "evidence", experiment=experiment, head=certificates.provenance(export) + warnings, parts=parts,
        elsewhere=reports.ELSEWHERE.get(experiment.id),
    )  # fmt: skip


def index() -> Markup:
    """Every experiment with its question."""
    return render("evidence_index", experiments=EXPERIMENTS.values())


def _parts(experiment: Experiment, export: Export) -> Iterator[tuple[str, str, Markup]]:
    """(name, title, HTML) of every part, in the order of the page; nothing of what there is not."""
    words, specs = Words(export), source.chart_specs(experiment.id)
    told = sentences.tell(experiment, export).conclusion
    yield "conclusion", "结论", render("conclusion", sentences=told) + machines.line(export)
    yield "choices", "推荐的设置是怎么选的", _choices(experiment, export)
    yield "claims", "常听到的说法", _claims(experiment, export)
    numbers = (
        tables.group_table(experiment, words, group) + charts.figures(experiment, words, specs, of=group)
        for group in words.groups()
    )
    yield "numbers", "全部数字", NONE.join(numbers)
    yield "curves", "各组合在一起的图", charts.figures(experiment, words, specs, of=None)
    yield "effect", "设置是否生效", proofs.table(experiment, words)
    told_by = dict.fromkeys(report.subject for report in export.reports)
    yield "reports", "程序打印的结果", NONE.join(reports.figures(export, name) for name in told_by)
    yield "operators", "耗时的算子和节点", reports.figures(export, "trace") if export.traces else NONE
    yield "code", "每种设置的代码", _code(experiment, words)
    yield "downloads", "下载", build_facts.links(experiment)
    took = looks.duration(sum(group.cost_s for group in export.groups))
    yield (
        "cost",
        "测了多久，按什么规则判断",
        render(
            "evidence_cost",
            build=export.build,
            took=took,
            told=looks.line(export),
            left_out=looks.left_out(export),
        ),
    )


def _choices(experiment: Experiment, export: Export) -> Markup:
    cards = (render("choice", scenario=one, card=scenarios.card(export, one)) for one in experiment.scenarios)
    return NONE.join(cards)


def _claims(experiment: Experiment, export: Export) -> Markup:
    answers = sentences.tell(experiment, export).answers
    return NONE.join(claims.box(one, answers[one.id]) for one in experiment.claims)


def _code(experiment: Experiment, words: Words) -> Markup:
    cases = [case for case in words.export.cases if case.id != CONTROL]
    codes = (snippets.on_machine(experiment, case, words.asked()) for case in cases)
    return render("evidence_code", codes=list(zip(cases, map(python, codes), strict=True)))
