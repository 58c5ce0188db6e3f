"""Whatever results and facts hold ends up as text: every call of the page API, every template, with all hostile texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faults.texts import HARMLESS, HOSTILE, Structure, is_bounded, odd_characters
from made_up import MadeUp

import bench
from bench.experiments import EXPERIMENTS
from bench.facts.options import Option, Source, Trap
from bench.pages import api, markup, source, vega
from bench.pages import options as option_tables
from bench.results import published, records
from bench.site import publish
from bench.spec import BASELINE, Machine
from bench.system import harmless

if TYPE_CHECKING:
    import pytest

    from bench.spec import Scenario

EVIL = "".join(hostile.text for hostile in HOSTILE)
LONGEST, LONGEST_LABEL = 4000, 150
"""What result files let through: of text, and of a label with a number in front."""
WITHOUT_A_BUILD = {"no_selftest", "no_trace", "scrolled", "evidence_index"}
"""Templates that say that there is nothing, or that no page calls."""
CURVES = {"memory_over_runs.json.j2"}
"""Drawn of curves, which these results have not."""


def _export(name: str, text: str) -> published.Export:
    """A result in which everything that can be text of others is this text."""
    long, label, one = text[:LONGEST], text[:LONGEST_LABEL], EXPERIMENTS[name]
    cost = records.Cost(name=label, operator=label, nodes=1, microseconds=10.0, share=1.0)
    trace = records.TraceSummary(
        case=BASELINE, model="tiny", input=label, runs=3, run_microseconds=20.0, operators=[cost], nodes=[cost]
    )  # fmt: skip
    cases = one.cases(Machine(cores=2))
    made_up = MadeUp(
        experiment=name,
        machine={"cpu": long, "arch": long, "system": long, "governor": long, "isa": [long]},
        failures={(None, cases[-1].id): long},
        titles={case.id: long for case in cases},
        model_title=long,
        input=label,
        time=1.6,
        memory=0.5,
        transcripts={BASELINE: {"error": [long], "warning": [long]}},
        traces=[trace],
        choices=[_choice(scenario, long) for scenario in one.scenarios],
    )
    return harmless.record(made_up.export())


def _choice(scenario: Scenario, text: str) -> published.Choice:
    rows = [
        published.CandidateRow(case=case, score=None, refused=text if case != BASELINE else "")
        for case in scenario.candidates
    ]
    return published.Choice(
        scenario=scenario.id, winner=BASELINE, reason=text, rounds=4, candidates=rows, left_out=[text], vote=0.5,
        stable=False,
    )  # fmt: skip


def _options(patch: pytest.MonkeyPatch, text: str) -> None:
    """One option and one trap, made of it; without what means code in these texts, or where code may break."""
    long = re.sub(r"[`_.,=(/]", "", harmless.text(text))
    texts = dict.fromkeys(("does", "since", "default", "latency", "memory", "startup", "trap", "kind"), long)
    sources = (Source(long, "https://example.org"), Source(long))
    option = Option(name=long, topic="other", sources=sources, **texts)
    patch.setitem(option_tables.OPTIONS, "keys", (option,))
    patch.setattr(
        option_tables, "TRAPS", (Trap(id="trap", belief=long, fact=long, remedy=long, sources=sources),)
    )
    patch.setattr(option_tables, "IRRELEVANT", {"keys": {long: [long]}})
    rapidocr = {"version": long, "settings": {"log_severity_level": long}}
    keys = {"attributes": {"x": long}, "methods": []}
    installed = {"onnxruntime": long, "rapidocr": rapidocr, "keys": keys}
    patch.setattr(option_tables, "installed", lambda: installed)


def _pages(patch: pytest.MonkeyPatch, text: str) -> dict[str, str]:
    """Everything that a page may call, told of such results."""
    exports = {name: _export(name, text) for name in EXPERIMENTS}
    rules = publish._rules()
    specs = {name: vega.specs(EXPERIMENTS[name], export) for name, export in exports.items()}
    for name, found in {
        "load": exports.__getitem__,
        "status": lambda: dict.fromkeys(exports, "stale"),
        "has_trace": lambda _: True,
        "selftests": lambda: {one.build.id: one for one in exports.values()},
        "rules": lambda: rules,
        "chart_specs": specs.__getitem__,
    }.items():
        patch.setattr(source, name, found)
    _options(patch, text)
    heading = harmless.text(text)
    parts = {
        "build": ("machine", "freshness", "certificate", "downloads", "rules", "mill", "licences"),
        "overview": ("hero", "chooser", "surprises", "findings", "findings_summary"),
        "options": ("keys", "traps", "original"),
    }
    calls = {f"{call} {part}": getattr(bench, call)(part) for call, all_ in parts.items() for part in all_}
    for name, one in EXPERIMENTS.items():
        for call in ("show", "evidence", "conclusion"):
            calls[f"{call} {name}"] = getattr(bench, call)(name)
        for which in api.REPORTS:
            calls[f"{which} {name}"] = bench.report(name, which, error=heading, warning=heading)
        calls |= {f"claim {name} {claim.id}": bench.claim(name, claim.id) for claim in one.claims}
        for scenario in one.scenarios:
            for part in ("card", "answer", "line"):
                calls[f"{part} {scenario.id}"] = bench.scenario(scenario.id, part)
    return calls


def test_pages_have_the_same_structure_whatever_the_text_and_every_template_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same elements with the same attributes as with any other text, and nothing that escaping cannot help."""
    used, get = set[str](), markup.ENVIRONMENT.get_template

    def noted(name: str, *rest: Any) -> Any:
        used.add(name)
        return get(name, *rest)

    markup.ENVIRONMENT.cache.clear()  # type: ignore[union-attr]
    monkeypatch.setattr(markup.ENVIRONMENT, "get_template", noted)
    usual, shown = _pages(monkeypatch, HARMLESS), 0
    assert {*markup.ENVIRONMENT.list_templates()} - used == {
        f"{name}.html.j2" for name in WITHOUT_A_BUILD
    } | CURVES
    for name, html in _pages(monkeypatch, EVIL).items():
        page, harmless_page = Structure(html), Structure(usual[name])
        assert page.elements == harmless_page.elements, name
        assert page.links == harmless_page.links, name
        assert not odd_characters(html), name
        assert is_bounded(html), name
        shown += HARMLESS in harmless_page.text
    assert shown > len(usual) // 2
