"""What a page may call. Every function returns a string; most of them HTML."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from bench.experiments import EXPERIMENTS
from bench.pages import (
    certificates,
    claims,
    costs,
    downloads,
    figures,
    licences,
    mill,
    options,
    original,
    scenarios,
    snippets,
    source,
    stamps,
    tables,
    words,
)
from bench.pages import (
    evidence as evidence_pages,
)
from bench.pages.words import Words

if TYPE_CHECKING:
    from bench.answers import Scenario
    from bench.results.published import Export
    from bench.results.schema import CaseRecord
    from bench.spec import Experiment


def show(experiment_id: str) -> str:
    """Tables, charts and proofs of an experiment, each with its downloads."""
    experiment, export = _get(experiment_id)
    say = Words(export)
    links, charts = _links(experiment), source.chart_specs(experiment_id)
    parts = [stamps.provenance(export), stamps.warnings(export, stale=source.is_stale(experiment_id))]
    for group in export.groups:
        parts.append(tables.group_table(experiment, say, group, links))
        parts.append(figures.of_group(experiment, say, group, charts, links))
    parts.append(figures.of_experiment(experiment, say, charts, links))
    parts.append(tables.proofs_table(experiment, say, links))
    parts.append(f'<p class="bench-more">{downloads.evidence(experiment_id)}</p>')
    return _block("".join(parts))


def evidence(experiment_id: str) -> str:
    """All that was measured of an experiment, as it stands on its own page."""
    return _block(evidence_pages.page(experiment_id))


def conclusion(experiment_id: str) -> str:
    """The computed answer, a sentence a list item."""
    experiment, export = _get(experiment_id)
    items = "".join(f"<li>{sentence}</li>" for sentence in experiment.conclude(Words(export)))
    return _block(
        f'{stamps.warnings(export, stale=source.is_stale(experiment_id))}<ul class="bench-conclusion">{items}</ul>'
    )


def line_tables(experiment_id: str) -> str:
    """memory_profiler's tables of an experiment."""
    experiment, export = _get(experiment_id)
    headings = {"table": "memory_profiler 的表"}
    return _block(figures.reports(export, "line_memory", headings, _links(experiment)))


def log_lines(experiment_id: str, **headings: str) -> str:
    """What the log printed at each level; `headings` names the incidents to show."""
    experiment, export = _get(experiment_id)
    return _block(figures.reports(export, "log_lines", headings, _links(experiment)))


def node_costs(experiment_id: str) -> str:
    """The most expensive operators and nodes of the trace that an experiment kept."""
    experiment, export = _get(experiment_id)
    return _block(costs.tables(export, _links(experiment)))


def claim(experiment_id: str, claim_id: str) -> str:
    """The box that holds a statement of the article against this machine's results."""
    experiment, export = _get(experiment_id)
    found = {one.id: one for one in experiment.claims}[claim_id]
    return _block(claims.box(found, Words(export)))


def value(experiment_id: str, model: str, input: str, case: str, metric: str) -> str:
    """One figure as text, to the digits that its interval allows. KeyError when there is no such cell."""
    row = next(
        (
            r
            for r in _get(experiment_id)[1].rows
            if (r.model, r.input, r.case, r.metric) == (model, input, case, metric)
        ),
        None,
    )
    if row is None:
        raise KeyError(f"{experiment_id}: {model} {input} {case} {metric}")
    return f"{words.number(row)} {row.unit}".strip()


def verdict(experiment_id: str, model: str, input: str, case: str) -> str:
    """How long a case takes compared with the default, in words."""
    say = Words(_get(experiment_id)[1])
    return say.speed(say.group(model, input), case)


def scenario(scenario_id: str) -> str:
    """What won a scenario here, with its evidence."""
    experiment, export, found = _scenario(scenario_id)
    stamp = stamps.warnings(export, stale=source.is_stale(experiment.id))
    return _block(stamp + scenarios.card(export, found))


def scenario_answer(scenario_id: str) -> str:
    """What won a scenario here, in one sentence, for the top of the home page."""
    _, export, found = _scenario(scenario_id)
    return _block(f'<p class="bench-answer">{scenarios.answer(export, found)}</p>')


def scenario_line(scenario_id: str) -> str:
    """What won a scenario here, in one line of evidence."""
    _, export, found = _scenario(scenario_id)
    return _block(f"<p>{scenarios.one_line(export, found)}</p>")


def scenario_code(scenario_id: str) -> str:
    """The settings that won a scenario here, as a Markdown code block."""
    experiment, export, found = _scenario(scenario_id)
    return _code(experiment, export, scenarios.winner(export, found))


def _scenario(scenario_id: str) -> tuple[Experiment, Export, Scenario]:
    for experiment_id, experiment in EXPERIMENTS.items():
        for found in experiment.scenarios:
            if found.id == scenario_id:
                return experiment, _get(experiment_id)[1], found
    raise KeyError(f"no scenario {scenario_id}")


def snippet(experiment_id: str, case_id: str) -> str:
    """The code of one case, as a Markdown code block."""
    experiment, export = _get(experiment_id)
    return _code(experiment, export, next(case for case in export.cases if case.id == case_id))


def _code(experiment: Experiment, export: Export, case: CaseRecord) -> str:
    return _fence(snippets.on_machine(experiment, case, Words(export).cores()))


def machine() -> str:
    """Facts of the machine that measured."""
    return _block(stamps.machine_table(_newest()))


def freshness() -> str:
    """Age and origin of the numbers, with every reason not to quote them."""
    exports, stale = _all()
    return _block(certificates.line(exports, source.selftests(), stale) + stamps.of_site(exports, stale))


def certificate() -> str:
    """How this build was measured: noise, rounds, self-test, time."""
    exports, stale = _all()
    return _block(certificates.page(exports, source.selftests(), stale))


def original_settings() -> str:
    """What the article of 2022 recommends as a whole, and whether RapidOCR still sets it."""
    return _block(f"<p>{original.sentence(options.installed()['rapidocr'])}</p>")


def options_table(which: str) -> str:
    """One list of options: "session", "run", "keys", "run_keys" or "environment"."""
    return _block(options.table(which))


def truth_mill() -> str:
    """How often a sentence was false on made-up builds of known truth."""
    return _block(mill.table())


def traps_table() -> str:
    """Beliefs about options that cost time."""
    return _block(options.traps_table())


def licence_table() -> str:
    """The Python packages behind this site, each with its licence."""
    return _block(licences.table())


def data_list() -> str:
    """All downloads."""
    items = "".join(
        f"<li>{escape(experiment.title)}{_links(experiment)}</li>" for experiment in EXPERIMENTS.values()
    )
    return _block(
        f'<ul>{items}<li>本机与软件版本：<a data-link="data/machine.json">machine.json</a></li>'
        '<li>选项的默认值：<a data-link="data/options.json">options.json</a></li>'
        '<li>格式：<a data-link="data/export.schema.json">export.schema.json</a> · '
        '<a data-link="data/journal.schema.json">journal.schema.json</a></li></ul>'
    )


def _links(experiment: Experiment) -> str:
    return downloads.links(experiment, trace=source.has_trace(experiment.id))


def _all() -> tuple[list[Export], set[str]]:
    """All results, and the ids of those that are old ones standing in."""
    exports = [_get(name)[1] for name in EXPERIMENTS]
    return exports, {name for name in EXPERIMENTS if source.is_stale(name)}


def _newest() -> Export:
    return max((_get(name)[1] for name in EXPERIMENTS), key=lambda export: export.build.started_at)


def _get(experiment_id: str) -> tuple[Experiment, Export]:
    if experiment_id not in EXPERIMENTS:
        raise KeyError(f"no experiment {experiment_id}")
    return EXPERIMENTS[experiment_id], source.load(experiment_id)


def _fence(code: str) -> str:
    longest = max(map(len, re.findall("`+", code)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f'{ticks}python linenums="1"\n{code}{ticks}'


def _block(html: str) -> str:
    """A block element first, so that Markdown does not wrap it in a paragraph."""
    return f'<div class="bench">{html}</div>'
